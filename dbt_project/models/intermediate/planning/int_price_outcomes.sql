with measured as (

    select *
    from {{ ref('int_recommendations_measured') }}
    where recommended_price is not null and measured_until <= {{ as_of() }}

),

sales as (

    select * from {{ ref('int_recommended_sales') }}

),

channel_days as (

    select * from {{ ref('int_sku_channel_daily') }}

),

sku_keys as (

    select * from {{ ref('int_sku_locations_grouped') }}
    where sku_key = sku_location_key

),

products as (

    select * from {{ ref('stg_erp__products') }}

),

recommended as (

    select distinct sku_id
    from {{ ref('stg_ml__recommendations') }}
    where recommended_price is not null

),

-- the rest of the category, of which no price was proposed: what the weeks would have brought anyway
control as (

    select
        coalesce(products.category, 'none') as category,
        channel_days.date,
        sum(channel_days.units_qty - channel_days.returns_qty) as net_qty
    from channel_days
    inner join sku_keys on channel_days.sku_key = sku_keys.sku_key
    left join products on sku_keys.sku_id = products.sku_id
    left join recommended on sku_keys.sku_id = recommended.sku_id
    where recommended.sku_id is null
    group by coalesce(products.category, 'none'), channel_days.date

),

windows as (

    select
        measured.recommendation_id,
        measured.horizon_days,
        measured.list,
        measured.sku_id,
        measured.location_id,
        coalesce(products.category, 'none') as category,
        -- the four weeks that ended on the night
        {{ add_days('measured.as_of', -27) }} as before_from,
        measured.as_of as before_until,
        measured.measured_from,
        measured.measured_until,
        -- what is cleared has its cost behind it: its money is what comes in
        case when measured.list = 'markdown_plan' then 0 else coalesce(measured.unit_cost, 0) end as cost,
        -- a display or mailer that was carried out was paid for
        case
            when measured.list = 'promotion_plan' and measured.executed_on is not null
                then coalesce(measured.cost_amount, 0)
            else 0
        end as action_cost,
        -- sales are not told apart by member tier, and their price by channel not by place
        measured.channel = '*' and measured.member_tier = '*' as is_measurable
    from measured
    left join products on measured.sku_id = products.sku_id

),

own as (

    select
        windows.recommendation_id,
        windows.horizon_days,
        sum(case when sales.date <= windows.before_until then sales.net_qty else 0 end) as before_qty,
        sum(case when sales.date >= windows.measured_from then sales.net_qty else 0 end) as sold_qty,
        sum(case when sales.date <= windows.before_until then sales.net_amount else 0 end) as before_net_amount,
        sum(case when sales.date >= windows.measured_from then sales.net_amount else 0 end) as sold_net_amount
    from windows
    inner join sales
        on
            windows.sku_id = sales.sku_id
            and windows.location_id = sales.location_id
            and (
                sales.date between windows.before_from and windows.before_until
                or sales.date between windows.measured_from and windows.measured_until
            )
    group by windows.recommendation_id, windows.horizon_days

),

-- lines of a category and night share their control
control_windows as (

    select distinct
        category,
        before_from,
        before_until,
        measured_from,
        measured_until
    from windows

),

others as (

    select
        control_windows.*,
        sum(case when control.date <= control_windows.before_until then control.net_qty else 0 end)
            as control_before_qty,
        sum(case when control.date >= control_windows.measured_from then control.net_qty else 0 end)
            as control_after_qty
    from control_windows
    inner join control
        on
            control_windows.category = control.category
            and (
                control.date between control_windows.before_from and control_windows.before_until
                or control.date between control_windows.measured_from and control_windows.measured_until
            )
    group by
        control_windows.category,
        control_windows.before_from,
        control_windows.before_until,
        control_windows.measured_from,
        control_windows.measured_until

),

compared as (

    select
        windows.recommendation_id,
        windows.horizon_days,
        windows.is_measurable,
        coalesce(own.sold_qty, 0) as sold_qty,
        coalesce(own.before_qty, 0) as before_qty,
        coalesce(own.sold_net_amount - own.sold_qty * windows.cost, 0) - windows.action_cost as sold_amount,
        coalesce(own.before_net_amount - own.before_qty * windows.cost, 0) as before_amount,
        case
            when others.control_before_qty > 0 and others.control_after_qty >= 0
                then cast(others.control_after_qty as double) / cast(others.control_before_qty as double)
        end as trend
    from windows
    left join own
        on windows.recommendation_id = own.recommendation_id and windows.horizon_days = own.horizon_days
    left join others
        on
            windows.category = others.category
            and windows.before_until = others.before_until
            and windows.measured_from = others.measured_from
            and windows.measured_until = others.measured_until

),

final as (

    select
        recommendation_id,
        horizon_days,
        case
            when not is_measurable then 'not told apart'
            when trend is null then 'no comparison'
            else 'measured'
        end as status,
        cast(sold_qty as decimal(18, 3)) as sold_qty,
        cast(sold_amount as decimal(18, 2)) as sold_amount,
        case when is_measurable then cast(before_qty as double) * trend end as expected_without_qty,
        case when is_measurable then cast(before_amount as double) * trend end as expected_without_amount,
        case
            when is_measurable then cast(sold_amount as double) - cast(before_amount as double) * trend
        end as realised_gain_amount
    from compared

)

select * from final
