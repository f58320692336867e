with promotion_pairs as (

    select * from {{ ref('int_promotion_pairs') }}

),

periods as (

    select distinct
        sku_location_key,
        starts_on,
        ends_on
    from promotion_pairs

),

previous_ends as (

    select
        *,
        max(ends_on) over (
            partition by sku_location_key
            order by starts_on, ends_on
            rows between unbounded preceding and 1 preceding
        ) as previous_end
    from periods

),

-- a period that starts later than the day after all before it have ended opens a new run
runs as (

    select
        *,
        sum(
            case when starts_on <= {{ add_days('previous_end', 1) }} then 0 else 1 end
        ) over (
            partition by sku_location_key
            order by starts_on, ends_on
            rows between unbounded preceding and current row
        ) as run
    from previous_ends

),

final as (

    select
        sku_location_key,
        min(starts_on) as starts_on,
        max(ends_on) as ends_on
    from runs
    group by sku_location_key, run

)

select * from final
