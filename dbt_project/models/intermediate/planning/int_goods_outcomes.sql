with measured as (

    select *
    from {{ ref('int_recommendations_measured') }}
    where recommended_price is null and measured_until <= {{ as_of() }}

),

days as (

    select * from {{ ref('int_sku_location_days') }}

),

sku_locations as (

    select * from {{ ref('int_sku_locations_numbered') }}

),

-- the place that gets, and of a move the place that gives
sides as (

    select
        measured.recommendation_id,
        measured.horizon_days,
        true as is_receiver,
        sku_locations.sku_location_key,
        measured.measured_from,
        measured.measured_until,
        {{ add_days('measured.as_of', 'cast(measured.needed_days as integer)') }} as needed_until
    from measured
    inner join sku_locations
        on measured.sku_id = sku_locations.sku_id and measured.location_id = sku_locations.location_id
    union all
    select
        measured.recommendation_id,
        measured.horizon_days,
        false as is_receiver,
        sku_locations.sku_location_key,
        measured.measured_from,
        measured.measured_until,
        {{ add_days('measured.as_of', 'cast(measured.needed_days as integer)') }} as needed_until
    from measured
    inner join sku_locations
        on measured.sku_id = sku_locations.sku_id and measured.from_location_id = sku_locations.location_id
    where measured.list = 'transfer_orders'

),

-- demand: what was sold and what would have been with stock on the shelf; and the stock at the end. One pass over the
-- days: a common table that is read twice is written out whole first, 1.0 s of M5's 41 million days for no line at all
demanded as (

    select
        sides.recommendation_id,
        sides.horizon_days,
        sides.is_receiver,
        sum(days.units_qty) as sold_qty,
        sum(days.margin_amount) as sold_amount,
        sum(coalesce(days.lost_qty, 0)) as lost_qty,
        sum(coalesce(days.lost_margin_amount, 0)) as lost_margin_amount,
        sum(
            case
                when days.date <= sides.needed_until then days.units_qty + coalesce(days.lost_qty, 0)
                else 0
            end
        ) as needed_qty,
        sum(case when days.date <= sides.needed_until then coalesce(days.lost_qty, 0) else 0 end) as lost_then_qty,
        max(case when days.date = sides.measured_until then days.on_hand_qty end) as end_on_hand_qty,
        bool_or(days.date = sides.measured_until) as has_last_day
    from sides
    inner join days
        on
            sides.sku_location_key = days.sku_location_key
            and days.date between sides.measured_from and sides.measured_until
    group by sides.recommendation_id, sides.horizon_days, sides.is_receiver

),

joined as (

    select
        measured.*,
        receiver.end_on_hand_qty,
        -- a place and product without that last day is not known there
        coalesce(receiver.has_last_day, false) and measured.position_qty is not null as is_known,
        coalesce(receiver.sold_qty, 0) as sold_qty,
        coalesce(receiver.sold_amount, 0) as sold_amount,
        coalesce(receiver.lost_qty, 0) as lost_qty,
        coalesce(receiver.lost_margin_amount, 0) as lost_margin_amount,
        cast(coalesce(receiver.needed_qty, 0) as double) as needed_qty,
        cast(coalesce(receiver.lost_then_qty, 0) as double) as lost_then_qty,
        cast(coalesce(receiver.sold_qty + receiver.lost_qty, 0) as double) as demand_qty,
        cast(coalesce(sender.needed_qty, 0) as double) as sender_needed_qty,
        -- what the stock position could not have served until the next order can come
        greatest(0, cast(coalesce(receiver.needed_qty, 0) as double) - measured.position_qty) as short_qty,
        greatest(0, measured.position_qty - cast(coalesce(receiver.needed_qty, 0) as double)) as surplus_qty,
        coalesce(measured.executed_qty, 0) as done_qty,
        coalesce(measured.decided_qty, measured.recommended_qty) as wanted_qty
    from measured
    left join demanded as receiver
        on
            measured.recommendation_id = receiver.recommendation_id
            and measured.horizon_days = receiver.horizon_days
            and receiver.is_receiver
    left join demanded as sender
        on
            measured.recommendation_id = sender.recommendation_id
            and measured.horizon_days = sender.horizon_days
            and not sender.is_receiver

),

-- of what came, what would have been missing without it; what was lost in spite of it was not avoided
avoided as (

    select
        *,
        least(done_qty, greatest(0, short_qty - lost_then_qty)) as avoided_qty
    from joined

),

final as (

    select
        recommendation_id,
        horizon_days,
        case when is_known then 'measured' else 'not known' end as status,
        cast(sold_qty as decimal(18, 3)) as sold_qty,
        cast(sold_amount as decimal(18, 2)) as sold_amount,
        cast(lost_qty as decimal(18, 3)) as lost_qty,
        cast(lost_margin_amount as decimal(18, 2)) as lost_margin_amount,
        cast(end_on_hand_qty as decimal(18, 3)) as end_on_hand_qty,
        needed_qty,
        case when is_known then short_qty end as short_qty,
        case
            when is_known then {{ hindsight_qty('short_qty', 'order_multiple', 'min_order_qty') }}
        end as hindsight_qty,
        case when is_known then cast(sold_qty as double) - avoided_qty end as expected_without_qty,
        case when is_known then cast(sold_amount as double) - avoided_qty * unit_margin end as expected_without_amount,
        case
            when is_known then {{ goods_gain('recommended_qty', 'least(recommended_qty, short_qty)') }}
        end as recommended_gain_amount,
        case
            when is_known then {{ goods_gain('wanted_qty', 'least(wanted_qty, short_qty)') }}
        end as decided_gain_amount,
        case when is_known then {{ goods_gain('done_qty', 'avoided_qty') }} end as realised_gain_amount
    from avoided

)

select * from final
