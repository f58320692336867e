with doubted as (

    select * from {{ ref('int_days_doubted') }}

),

outliers as (

    select * from {{ ref('int_outlier_days') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

sales as (

    select * from {{ ref('int_sales_daily') }}

),

products as (

    select * from {{ ref('dim_product') }}

),

lines as (

    select * from {{ ref('stg_pos__sales') }}

),

decisions as (

    select * from {{ ref('stg_decisions__review') }}

),

days as (

    select
        doubted.*,
        sku_locations.sku_id,
        sku_locations.location_id
    from doubted
    inner join sku_locations on doubted.sku_location_key = sku_locations.sku_location_key

),

neighbours as (

    select
        days.sku_location_key,
        days.date,
        sum(case when sales.date < days.date then sales.units_qty else 0 end) as week_before_qty,
        sum(case when sales.date > days.date then sales.units_qty else 0 end) as week_after_qty,
        sum(case when sales.date = days.date then sales.net_amount else 0 end) as net_amount,
        sum(case when sales.date = days.date then sales.sales_amount else 0 end) as sales_amount
    from days
    inner join sales
        on
            days.sku_location_key = sales.sku_location_key
            and sales.date between {{ add_days('days.date', -7) }} and {{ add_days('days.date', 7) }}
    group by days.sku_location_key, days.date

),

-- one receipt of 60 is a bulk purchase or a slip of the finger; sixty of one are a day of demand
receipts as (

    select
        days.sku_location_key,
        days.date,
        count(distinct lines.transaction_id) as receipt_count,
        max(lines.quantity) as largest_line_qty
    from lines
    inner join days
        on
            lines.sku_id = days.sku_id
            and lines.location_id = days.location_id
            and lines.sold_on = days.date
    where lines.quantity > 0
    group by days.sku_location_key, days.date

),

described as (

    select
        days.*,
        products.product_name,
        products.category,
        outliers.own_level_qty,
        outliers.near_level_qty,
        outliers.promoted_level_qty,
        outliers.ratio,
        outliers.threshold_ratio,
        outliers.is_promoted,
        outliers.event_name,
        coalesce(neighbours.week_before_qty, 0) as week_before_qty,
        coalesce(neighbours.week_after_qty, 0) as week_after_qty,
        coalesce(neighbours.net_amount, 0) as net_amount,
        neighbours.sales_amount / nullif(days.units_qty, 0) as price,
        coalesce(receipts.receipt_count, 0) as receipt_count,
        receipts.largest_line_qty,
        decisions.decision as delivered_decision,
        decisions.decided_by,
        decisions.note
    from days
    left join products on days.sku_id = products.sku_id
    left join outliers
        on
            days.sku_location_key = outliers.sku_location_key
            and days.date = outliers.date
    left join neighbours
        on
            days.sku_location_key = neighbours.sku_location_key
            and days.date = neighbours.date
    left join receipts
        on
            days.sku_location_key = receipts.sku_location_key
            and days.date = receipts.date
    left join decisions
        on
            days.sku_id = decisions.sku_id
            and days.location_id = decisions.location_id
            and days.date = decisions.date

),

final as (

    select
        sku_id,
        location_id,
        date,
        product_name,
        category,
        cast(units_qty as decimal(18, 3)) as units_qty,
        cast(net_amount as decimal(18, 2)) as net_amount,
        cast(price as decimal(18, 4)) as price,
        level_qty,
        own_level_qty,
        near_level_qty,
        promoted_level_qty,
        ratio,
        threshold_ratio,
        is_promoted,
        event_name,
        cast(week_before_qty as decimal(18, 3)) as week_before_qty,
        cast(week_after_qty as decimal(18, 3)) as week_after_qty,
        cast(receipt_count as integer) as receipt_count,
        cast(largest_line_qty as decimal(18, 3)) as largest_line_qty,
        cast(abs(units_qty - coalesce(repaired_qty, 0)) * coalesce(price, 0) as decimal(18, 2)) as amount_in_doubt,
        case
            when not is_outlier then 'a person decided about this day; no rule doubts it'
            else
                'sold ' || cast(round(units_qty, 1) as varchar)
                || ', ' || cast(round(ratio, 1) as varchar) || ' times the level of '
                || cast(round(level_qty, 1) as varchar) || ' (threshold '
                || cast(round(threshold_ratio, 1) as varchar) || '), in '
                || cast(receipt_count as varchar) || ' receipts'
        end as why,
        delivered_decision as decision,
        delivered_decision is not null and decision is null as is_decision_invalid,
        decided_by,
        note,
        repaired_qty,
        repair_rule,
        cast(
            row_number() over (
                order by
                    abs(units_qty - coalesce(repaired_qty, 0)) * coalesce(price, 0) desc,
                    date desc,
                    sku_id asc,
                    location_id asc
            ) as integer
        ) as queue_rank
    from described

)

select * from final
