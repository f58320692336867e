select
    c_customer_id,
    c_first_name,
    c_last_name,
    c_email_address,
    try_cast(c_birth_year || '-' || c_birth_month || '-' || c_birth_day as date) as birth_date,
    ca_city,
    d_date as first_sale_on
from customer
left join customer_address on c_current_addr_sk = ca_address_sk
left join date_dim on c_first_sales_date_sk = d_date_sk
order by c_customer_id
