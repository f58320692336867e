"""What must hold of each extract, as data: one entry a canonical feed.

Belongs here: keys, what must be given, ranges and relations of a feed. Does not: columns and types (ingestion casts and
quarantines by its catalogue), and how a rule becomes a check (feeds.py). A test holds this list against the catalogue.

The keys of pos/sales and erp/inventory are asked once, of the marts that show the same rows; that of
erp/promotion_items not at all: 23 million rows of three texts in the demo, and the model that reads them takes repeats.
"""

from __future__ import annotations

from dataclasses import dataclass

SKU = ("sku_id", "feeds.erp_products", "sku_id")
PLACE = ("location_id", "feeds.erp_locations", "location_id")
PROMOTION = ("promotion_id", "feeds.erp_promotions", "promotion_id")
CAMPAIGN = ("campaign_id", "feeds.crm_campaigns", "campaign_id")


@dataclass(frozen=True)
class Feed:
    """What must hold of one feed. Texts are column names, separated by blanks.

    key: with the source in front, unique. given: never null. positive: zero or more. shown: what samples may show.
    refers: (column, feed, its column); null and `*` refer to nothing. dated: the column whose days are looked at for
    lateness. is_steady: its days have as many rows as the weekdays before. rules: (name, what holds, condition of the
    rows that break it, columns shown besides); they warn.
    """

    name: str
    given: str
    key: str = ""
    positive: str = ""
    shown: str = ""
    refers: tuple[tuple[str, str, str], ...] = ()
    dated: str = ""
    is_steady: bool = False
    rules: tuple[tuple[str, str, str, str], ...] = ()


FEEDS = (
    Feed(
        "pos_sales",
        "transaction_id line_number sold_at channel location_id sku_id quantity net_amount",
        shown="transaction_id line_number",
        refers=(PROMOTION,),
        dated="sold_at",
        is_steady=True,
        positive="unit_price",
    ),
    Feed(
        "pos_open_orders",
        "order_id line_number ordered_at channel sku_id quantity",
        key="order_id line_number",
        shown="order_id line_number",
        positive="quantity",
        refers=(SKU,),
        rules=(
            (
                "promised_after_ordered",
                "No order is promised for before it was made.",
                "promised_by < ordered_at::date",
                "ordered_at promised_by",
            ),
        ),
    ),
    Feed(
        "erp_products",
        "sku_id product_name",
        key="sku_id",
        shown="sku_id",
        positive="pack_size shelf_life_days list_price unit_cost",
        refers=(("supersedes_sku_id", "feeds.erp_products", "sku_id"),),
        rules=(
            (
                "discontinued_after_launched",
                "No product ends before it starts.",
                "discontinued_on < launched_on",
                "launched_on discontinued_on",
            ),
            (
                "cost_is_below_price",
                "No product costs more than its list price.",
                "unit_cost > list_price",
                "unit_cost list_price",
            ),
        ),
    ),
    Feed(
        "erp_locations",
        "location_id location_name location_type",
        key="location_id",
        shown="location_id",
        refers=(("supplied_by", "feeds.erp_locations", "location_id"),),
        rules=(
            ("closed_after_opened", "No place closes before it opens.", "closed_on < opened_on", "opened_on closed_on"),
            (
                "coordinates_are_on_earth",
                "Latitudes lie in -90..90, longitudes in -180..180.",
                "abs(latitude) > 90 or abs(longitude) > 180",
                "latitude longitude",
            ),
        ),
    ),
    Feed(
        "erp_ranging",
        "sku_id location_id listed_on",
        key="sku_id location_id listed_on",
        shown="sku_id location_id listed_on",
        positive="facings presentation_min_qty shelf_capacity_qty",
        refers=(SKU, PLACE),
        rules=(
            (
                "delisted_after_listed",
                "Nothing is taken off the list before it is on it.",
                "delisted_on < listed_on",
                "delisted_on",
            ),
        ),
    ),
    Feed("erp_suppliers", "supplier_id", key="supplier_id", shown="supplier_id", positive="min_order_value"),
    Feed(
        "erp_sourcing",
        "sku_id location_id",
        key="sku_id location_id supplier_id from_location_id valid_from",
        shown="sku_id location_id supplier_id from_location_id",
        positive="lead_time_days lead_time_sd_days min_order_qty order_multiple unit_cost",
        refers=(SKU, PLACE, ("supplier_id", "feeds.erp_suppliers", "supplier_id"), ("from_location_id", *PLACE[1:])),
        rules=(
            (
                "a_way_has_one_start",
                "Every way starts at a supplier or at a place, not at both, not at neither.",
                "(supplier_id is null) = (from_location_id is null)",
                "",
            ),
        ),
    ),
    Feed(
        "erp_inventory",
        "snapshot_date location_id sku_id on_hand_qty",
        shown="snapshot_date location_id sku_id",
        positive="reserved_qty unit_cost",
        refers=(SKU, PLACE),
        dated="snapshot_date",
        is_steady=True,
    ),
    Feed(
        "erp_lots",
        "snapshot_date location_id sku_id lot_id expires_on qty",
        key="snapshot_date location_id sku_id lot_id",
        shown="snapshot_date location_id sku_id lot_id",
        positive="qty",
        refers=(SKU, PLACE),
        dated="snapshot_date",
        is_steady=True,
    ),
    Feed(
        "erp_purchase_orders",
        "po_id line_number supplier_id location_id sku_id ordered_on ordered_qty",
        key="po_id line_number",
        shown="po_id line_number sku_id location_id",
        positive="ordered_qty received_qty unit_cost",
        refers=(SKU, PLACE, ("supplier_id", "feeds.erp_suppliers", "supplier_id")),
        dated="ordered_on",
        rules=(
            (
                "received_after_ordered",
                "Nothing arrives before it is ordered.",
                "received_on < ordered_on",
                "ordered_on received_on",
            ),
        ),
    ),
    Feed(
        "erp_transfers",
        "transfer_id line_number from_location_id to_location_id sku_id shipped_on qty",
        key="transfer_id line_number",
        shown="transfer_id line_number sku_id",
        positive="qty",
        refers=(SKU, ("from_location_id", *PLACE[1:]), ("to_location_id", *PLACE[1:])),
        dated="shipped_on",
        rules=(
            (
                "received_after_shipped",
                "Nothing arrives before it is sent.",
                "received_on < shipped_on",
                "shipped_on received_on",
            ),
            (
                "places_differ",
                "Nothing is moved to where it is.",
                "from_location_id = to_location_id",
                "from_location_id to_location_id",
            ),
        ),
    ),
    Feed(
        "erp_lanes",
        "from_location_id to_location_id",
        key="from_location_id to_location_id",
        shown="from_location_id to_location_id",
        positive="lead_time_days cost_per_unit cost_per_shipment",
        refers=(("from_location_id", *PLACE[1:]), ("to_location_id", *PLACE[1:])),
    ),
    Feed(
        "erp_prices",
        "sku_id price valid_from",
        key="sku_id location_id channel member_tier valid_from",
        shown="sku_id location_id valid_from",
        positive="price",
        refers=(SKU, PLACE),
        rules=(("valid_to_after_valid_from", "No price ends before it starts.", "valid_to < valid_from", "valid_to"),),
    ),
    Feed(
        "erp_promotions",
        "promotion_id mechanic starts_on ends_on",
        key="promotion_id",
        shown="promotion_id",
        positive="threshold budget",
        rules=(
            ("ends_after_it_starts", "No promotion ends before it starts.", "ends_on < starts_on", "starts_on ends_on"),
        ),
    ),
    Feed(
        "erp_promotion_items",
        "promotion_id sku_id",
        shown="promotion_id sku_id location_id",
        refers=(SKU, PLACE, PROMOTION),
    ),
    Feed(
        "erp_competitor_prices",
        "observed_on competitor sku_id price",
        key="observed_on competitor sku_id region",
        shown="observed_on competitor sku_id",
        positive="price",
        refers=(SKU,),
        dated="observed_on",
    ),
    Feed("erp_events", "date event_name", key="date event_name region", shown="date event_name"),
    Feed("crm_customers", "customer_id", key="customer_id"),
    Feed(
        "crm_campaigns",
        "campaign_id",
        key="campaign_id",
        shown="campaign_id",
        rules=(
            ("ends_after_it_starts", "No campaign ends before it starts.", "ends_on < starts_on", "starts_on ends_on"),
        ),
    ),
    Feed("crm_campaign_members", "campaign_id customer_id", shown="campaign_id", refers=(CAMPAIGN,)),
    Feed(
        "crm_redemptions",
        "customer_id campaign_id redeemed_on",
        shown="campaign_id redeemed_on",
        refers=(CAMPAIGN, PROMOTION),
        dated="redeemed_on",
    ),
    Feed("crm_feedback", "feedback_id created_at", key="feedback_id", shown="feedback_id", refers=(SKU,)),
    Feed(
        "decisions_review",
        "sku_id location_id date decision",
        key="sku_id location_id date",
        shown="sku_id location_id date decision quantity",
        refers=(SKU, PLACE),
        rules=(
            (
                "decisions_can_be_followed",
                "A decision is keep, ignore, or replace with a quantity of zero or more; others change nothing.",
                "(lower(trim(decision)) in ('keep', 'ignore') "
                "or (lower(trim(decision)) = 'replace' and quantity >= 0)) is not true",
                "",
            ),
        ),
    ),
    Feed(
        "decisions_forecast_edits",
        "level node starts_on ends_on owner reason expires_on",
        key="level node starts_on ends_on",
        shown="level node starts_on ends_on factor quantity owner",
    ),
    Feed(
        "decisions_recommendations",
        "recommendation_id decision",
        key="recommendation_id",
        shown="recommendation_id decision decided_qty",
    ),
    Feed("decisions_erase_customers", "source customer_id", shown="source"),
)
