with sales as (

    select * from {{ ref('int_sales_daily') }}

),

levels as (

    select * from {{ ref('int_sales_levels') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

products as (

    select
        sku_id,
        category
    from {{ ref('stg_erp__products') }}

),

locations as (

    select
        location_id,
        region
    from {{ ref('stg_erp__locations') }}

),

promotion_periods as (

    select * from {{ ref('int_promotion_periods') }}

),

events as (

    select * from {{ ref('stg_erp__events') }}

),

usual as (

    select
        sales.sku_location_key,
        sales.date,
        cast(sales.units_qty as double) as units_qty,
        coalesce(year_levels.level_qty, all_levels.level_qty) as own_level_qty,
        coalesce(year_levels.high_qty, all_levels.high_qty) as high_qty,
        coalesce(year_levels.selling_days, all_levels.selling_days) as selling_days
    from sales
    inner join levels as all_levels
        on
            sales.sku_location_key = all_levels.sku_location_key
            and all_levels.year = 0
    left join levels as year_levels
        on
            sales.sku_location_key = year_levels.sku_location_key
            and extract(year from sales.date) = year_levels.year

),

-- few of many: only these are looked at closely
candidates as (

    select *
    from usual
    where
        units_qty >= {{ lowest_of('outlier_ratio') }} * own_level_qty
        and units_qty > {{ var('outlier_spread') }} * high_qty

),

candidate_pairs as (

    select distinct sku_location_key from candidates

),

candidate_sales as (

    select
        sales.sku_location_key,
        sales.date,
        cast(sales.units_qty as double) as units_qty,
        promotion_periods.sku_location_key is not null as is_promoted
    from sales
    inner join candidate_pairs on sales.sku_location_key = candidate_pairs.sku_location_key
    left join promotion_periods
        on
            sales.sku_location_key = promotion_periods.sku_location_key
            and sales.date between promotion_periods.starts_on and promotion_periods.ends_on
    where sales.units_qty > 0

),

-- a run of high days is a season or a promotion that nobody declared: near levels are levels too
surroundings as (

    select
        candidates.sku_location_key,
        candidates.date,
        bool_or(others.date = candidates.date and others.is_promoted) as is_promoted,
        median(others.units_qty) filter (
            where others.date <> candidates.date
            and abs({{ days_from('candidates.date', 'others.date') }}) <= 28
        ) as month_level_qty,
        case
            when
                count(*) filter (
                    where others.date <> candidates.date
                    and abs({{ days_from('candidates.date', 'others.date') }}) <= 3
                ) >= 3
                then
                    median(others.units_qty) filter (
                        where others.date <> candidates.date
                        and abs({{ days_from('candidates.date', 'others.date') }}) <= 3
                    )
        end as week_level_qty,
        case
            when count(*) filter (where others.date <> candidates.date and others.is_promoted) >= 3
                then median(others.units_qty) filter (where others.date <> candidates.date and others.is_promoted)
        end as promoted_level_qty
    from candidates
    inner join candidate_sales as others on candidates.sku_location_key = others.sku_location_key
    group by candidates.sku_location_key, candidates.date

),

event_days as (

    select
        candidates.sku_location_key,
        candidates.date,
        min(events.event_name) as event_name
    from candidates
    inner join sku_locations on candidates.sku_location_key = sku_locations.sku_location_key
    inner join events on candidates.date = events.date
    left join locations on sku_locations.location_id = locations.location_id
    where coalesce(events.region, '*') in ('*', locations.region)
    group by candidates.sku_location_key, candidates.date

),

compared as (

    select
        candidates.*,
        sku_locations.sku_id,
        sku_locations.location_id,
        products.category,
        surroundings.is_promoted,
        event_days.event_name,
        coalesce(surroundings.month_level_qty, surroundings.week_level_qty) as near_level_qty,
        surroundings.promoted_level_qty,
        greatest(
            candidates.own_level_qty,
            coalesce(surroundings.month_level_qty, 0),
            coalesce(surroundings.week_level_qty, 0),
            case when surroundings.is_promoted then coalesce(surroundings.promoted_level_qty, 0) else 0 end
        ) as level_qty,
        -- what a promotion or an event does to this pair is not known from three earlier such days: be slower to judge
        {{ by_category('outlier_ratio', 'products.category') }}
        * case
            when event_days.event_name is not null then {{ var('outlier_context_factor') }}
            when surroundings.is_promoted and surroundings.promoted_level_qty is null
                then {{ var('outlier_context_factor') }}
            else 1
        end as threshold_ratio
    from candidates
    inner join sku_locations on candidates.sku_location_key = sku_locations.sku_location_key
    left join products on sku_locations.sku_id = products.sku_id
    left join surroundings
        on
            candidates.sku_location_key = surroundings.sku_location_key
            and candidates.date = surroundings.date
    left join event_days
        on
            candidates.sku_location_key = event_days.sku_location_key
            and candidates.date = event_days.date

),

final as (

    select
        sku_location_key,
        sku_id,
        location_id,
        date,
        units_qty,
        own_level_qty,
        high_qty,
        selling_days,
        near_level_qty,
        promoted_level_qty,
        level_qty,
        units_qty / level_qty as ratio,
        cast(threshold_ratio as double) as threshold_ratio,
        is_promoted,
        event_name
    from compared
    where units_qty >= threshold_ratio * level_qty

)

select * from final
