with evaluations as (

    select * from {{ ref('int_stock_evaluations') }}

),

arrivals as (

    select * from {{ ref('int_stock_arrivals') }}

),

known as (

    select
        evaluations.evaluated_on,
        evaluations.sku_location_key,
        evaluations.on_hand_qty,
        min(arrivals.arrived_on) as first_arrived_on,
        max(arrivals.arrived_since_ever_qty) as arrived_qty
    from evaluations
    inner join arrivals
        on
            evaluations.sku_location_key = arrivals.sku_location_key
            and evaluations.snapshot_date >= arrivals.arrived_on
    where evaluations.on_hand_qty > 0
    group by evaluations.evaluated_on, evaluations.sku_location_key, evaluations.on_hand_qty

),

-- first in, first out: what is there is the last that arrived. Of an arrival that much is left as its stretch of all
-- that ever arrived lies above arrived_qty - on_hand_qty
layers as (

    select
        known.evaluated_on,
        known.sku_location_key,
        arrivals.arrived_on,
        arrivals.evidence = 'receipt' as is_receipt,
        least(
            arrivals.arrived_qty, arrivals.arrived_since_ever_qty - (known.arrived_qty - known.on_hand_qty)
        ) as left_qty
    from known
    inner join arrivals
        on
            known.sku_location_key = arrivals.sku_location_key
            and known.arrived_qty >= arrivals.arrived_since_ever_qty
            and known.arrived_qty - known.on_hand_qty < arrivals.arrived_since_ever_qty
    union all
    -- more is there than ever arrived: it is at least as old as the first record
    select
        evaluated_on,
        sku_location_key,
        first_arrived_on as arrived_on,
        false as is_receipt,
        on_hand_qty - arrived_qty as left_qty
    from known
    where on_hand_qty > arrived_qty

),

aged as (

    select
        layers.*,
        {{ days_from('layers.arrived_on', 'layers.evaluated_on') }} as age_days,
        {{ by_category('slow_mover_max_age_days', 'evaluations.category') }} as max_age_days
    from layers
    inner join evaluations
        on
            layers.sku_location_key = evaluations.sku_location_key
            and layers.evaluated_on = evaluations.evaluated_on

),

final as (

    select
        evaluated_on,
        sku_location_key,
        cast(sum(age_days * left_qty) / sum(left_qty) as double) as age_days,
        cast(max(age_days) as integer) as oldest_days,
        cast(sum(case when is_receipt then left_qty else 0 end) / sum(left_qty) as double) as receipt_share,
        cast(sum(case when age_days <= 90 then left_qty else 0 end) as decimal(18, 3)) as aged_0_90_qty,
        cast(
            sum(case when age_days between 91 and 180 then left_qty else 0 end) as decimal(18, 3)
        ) as aged_91_180_qty,
        cast(
            sum(case when age_days between 181 and 364 then left_qty else 0 end) as decimal(18, 3)
        ) as aged_181_364_qty,
        cast(sum(case when age_days > 364 then left_qty else 0 end) as decimal(18, 3)) as aged_over_364_qty,
        cast(sum(case when age_days > max_age_days then left_qty else 0 end) as decimal(18, 3)) as over_age_qty
    from aged
    group by evaluated_on, sku_location_key

)

select * from final
