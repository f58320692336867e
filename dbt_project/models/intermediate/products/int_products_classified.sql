with measured as (

    select * from {{ ref('int_products_measured') }}

),

ranked as (

    select
        *,
        sum(case when amount_364_days > 0 then amount_364_days end) over (partition by evaluated_on) as amount_of_all,
        sum(case when amount_364_days > 0 then amount_364_days end) over (
            partition by evaluated_on
            order by amount_364_days desc, sku_id asc
            rows between unbounded preceding and current row
        ) as amount_down_to_it
    from measured

),

final as (

    select
        sku_id,
        evaluated_on,
        first_day,
        -- a product belongs to the class in which its first cent falls: the best seller is always A
        case
            when amount_364_days <= 0 then null
            when amount_down_to_it - amount_364_days < {{ var('abc_a_share') }} * amount_of_all then 'A'
            when amount_down_to_it - amount_364_days < {{ var('abc_b_share') }} * amount_of_all then 'B'
            else 'C'
        end as abc_class,
        case
            when weekly_variation is null then null
            when weekly_variation <= {{ var('xyz_x_variation') }} then 'X'
            when weekly_variation <= {{ var('xyz_y_variation') }} then 'Y'
            else 'Z'
        end as xyz_class,
        case
            when units_91_days = 0 and first_day <= {{ add_days('evaluated_on', -91) }} then 'dormant'
            when phase_out_on <= evaluated_on then 'phase_out'
            when is_age_known and first_day > {{ add_days('evaluated_on', '-' ~ var('introduction_days')) }}
                then 'introduction'
            -- further apart than chance: the difference of two counts has a deviation of the root of their sum
            when
                units_91_days >= {{ var('growth_ratio') }} * units_91_days_compared
                and units_91_days - units_91_days_compared > 2 * sqrt(units_91_days + units_91_days_compared)
                then 'growth'
            when
                units_91_days <= {{ var('decline_ratio') }} * units_91_days_compared
                and units_91_days_compared - units_91_days > 2 * sqrt(units_91_days + units_91_days_compared)
                then 'decline'
            else 'maturity'
        end as lifecycle_stage
    from ranked

)

select * from final
