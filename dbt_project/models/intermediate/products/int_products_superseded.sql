with recursive products as (

    select
        sku_id,
        launched_on,
        supersedes_sku_id,
        (launched_on is null or launched_on <= {{ as_of() }})
        and (discontinued_on is null or discontinued_on > {{ as_of() }}) as is_live
    from {{ ref('stg_erp__products') }}

),

steps as (

    select
        products.sku_id,
        products.supersedes_sku_id as earlier_sku_id
    from products
    inner join products as earlier on products.supersedes_sku_id = earlier.sku_id

),

-- everything that came before a product; union, not union all: a circle is walked once
walked as (

    select
        sku_id,
        earlier_sku_id
    from steps
    union
    select
        walked.sku_id,
        steps.earlier_sku_id
    from walked
    inner join steps on walked.earlier_sku_id = steps.sku_id

),

circles as (

    select sku_id
    from walked
    where sku_id = earlier_sku_id

),

-- a product that comes before itself is cut off there: its own step back is left out
sound_steps as (

    select
        steps.sku_id,
        steps.earlier_sku_id
    from steps
    left join circles on steps.sku_id = circles.sku_id
    where circles.sku_id is null

),

chains as (

    select
        sku_id,
        earlier_sku_id,
        1 as steps_between
    from sound_steps
    union all
    select
        chains.sku_id,
        sound_steps.earlier_sku_id,
        chains.steps_between + 1 as steps_between
    from chains
    inner join sound_steps on chains.earlier_sku_id = sound_steps.sku_id

),

roots as (

    select
        sku_id,
        earlier_sku_id as chain_root_sku_id
    from (
        select
            sku_id,
            earlier_sku_id,
            row_number() over (partition by sku_id order by steps_between desc) as place
        from chains
    ) as back
    where place = 1

),

-- the newest that is sold now; of two that replace the same product the one launched last
heirs as (

    select
        earlier_sku_id as sku_id,
        later_sku_id as current_sku_id
    from (
        select
            chains.earlier_sku_id,
            chains.sku_id as later_sku_id,
            row_number() over (
                partition by chains.earlier_sku_id
                order by chains.steps_between desc, products.launched_on desc nulls last, chains.sku_id asc
            ) as place
        from chains
        inner join products on chains.sku_id = products.sku_id
        where products.is_live
    ) as forward
    where place = 1

),

final as (

    select
        products.sku_id,
        products.is_live,
        coalesce(heirs.current_sku_id, products.sku_id) as current_sku_id,
        coalesce(roots.chain_root_sku_id, products.sku_id) as chain_root_sku_id,
        circles.sku_id is not null as is_in_circle
    from products
    left join heirs on products.sku_id = heirs.sku_id
    left join roots on products.sku_id = roots.sku_id
    left join circles on products.sku_id = circles.sku_id

)

select * from final
