{{ config(materialized='table') }}

with delivered as (

    select
        _source as source,
        location_id,
        lower(trim(location_name)) || '|' || lower(location_type) || '|' || lower(coalesce(region, '')) as description,
        location_type,
        latitude,
        longitude
    from {{ source('feeds', 'erp_locations') }}

),

main_places as (

    select * from delivered
    where source = 'erp'

),

further_places as (

    select * from delivered
    where source <> 'erp'

),

-- candidates in the order of trust; 0.001 degrees are 111 m from north to south, less from west to east
candidates as (

    select
        further_places.source,
        further_places.location_id,
        main_places.location_id as canonical_location_id,
        case
            when further_places.location_id = main_places.location_id then 1
            when further_places.description = main_places.description then 2
            else 3
        end as rank
    from further_places
    inner join main_places
        on
            further_places.location_id = main_places.location_id
            or further_places.description = main_places.description
            or (
                further_places.location_type = main_places.location_type
                and abs(further_places.latitude - main_places.latitude) <= 0.001
                and abs(further_places.longitude - main_places.longitude) <= 0.001
            )

),

best as (

    select
        source,
        location_id,
        min(rank) as rank
    from candidates
    group by source, location_id

),

-- unambiguous both ways: one place of the main source for one place of this source
linked as (

    select
        candidates.source,
        candidates.location_id,
        candidates.canonical_location_id,
        candidates.rank,
        count(*) over (partition by candidates.source, candidates.location_id) as choices,
        count(*) over (
            partition by candidates.source, candidates.canonical_location_id, candidates.rank
        ) as rivals
    from candidates
    inner join best
        on
            candidates.source = best.source
            and candidates.location_id = best.location_id
            and candidates.rank = best.rank

),

further_ids as (

    select
        location_id,
        min(source) as source
    from further_places
    group by location_id

),

decided as (

    select
        delivered.source,
        delivered.location_id,
        case
            when delivered.source = 'erp' then delivered.location_id
            when linked.canonical_location_id is not null then linked.canonical_location_id
            when further_ids.source = delivered.source then delivered.location_id
            else delivered.source || ':' || delivered.location_id
        end as canonical_location_id,
        case
            when delivered.source = 'erp' then 'main source'
            when linked.rank = 1 then 'same id'
            when linked.rank = 2 then 'same name, type and region'
            when linked.rank = 3 then 'same coordinates'
            else 'itself'
        end as method
    from delivered
    left join linked
        on
            delivered.source = linked.source
            and delivered.location_id = linked.location_id
            and linked.choices = 1
            and linked.rivals = 1
    left join further_ids on delivered.location_id = further_ids.location_id

),

final as (

    select
        source,
        location_id,
        canonical_location_id,
        method,
        canonical_location_id <> location_id as is_renamed,
        row_number() over (
            partition by canonical_location_id
            order by case when source = 'erp' then 0 else 1 end, source, location_id
        ) = 1 as is_leading
    from decided

)

select * from final
