with evaluations as (

    select * from {{ ref('int_products_classified') }}

),

compared as (

    select
        *,
        row_number() over by_day as evaluation,
        lag(abc_class) over by_day as earlier_abc_class,
        lag(xyz_class) over by_day as earlier_xyz_class,
        lag(lifecycle_stage) over by_day as earlier_lifecycle_stage
    from evaluations
    window by_day as (partition by sku_id order by evaluated_on)

),

changes as (

    select
        sku_id,
        abc_class,
        xyz_class,
        lifecycle_stage,
        -- the first row reaches back to the product's first day: every sale finds a row
        case when evaluation = 1 then first_day else evaluated_on end as valid_from
    from compared
    where
        evaluation = 1
        or abc_class is distinct from earlier_abc_class
        or xyz_class is distinct from earlier_xyz_class
        or lifecycle_stage is distinct from earlier_lifecycle_stage

),

final as (

    select
        sku_id,
        valid_from,
        coalesce(
            {{ add_days('lead(valid_from) over (partition by sku_id order by valid_from)', -1) }},
            cast('9999-12-31' as date)
        ) as valid_to,
        lead(valid_from) over (partition by sku_id order by valid_from) is null as is_current,
        abc_class,
        xyz_class,
        lifecycle_stage
    from changes

)

select * from final
