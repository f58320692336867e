-- no names, e-mails and birth dates: they are drawn from lists, and seven of 100,000 people would be taken for one another
select
    c_customer_id,
    ca_city,
    d_date as first_sale_on
from customer
left join customer_address on c_current_addr_sk = ca_address_sk
left join date_dim on c_first_sales_date_sk = d_date_sk
order by c_customer_id
