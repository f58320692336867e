"""Every line that nights recommended, and what planners decided about it in the workbooks that came back.

Belongs here: `ops.recommendations` (one row a line and run), the check of each decision, and `ml.recommendations` with
`ml.recommendation_decisions`, from which dbt builds fct_recommendation and what came of it. Not here: what a line says
(ml.planning), the workbook itself (publishing.workbook), what was ordered, moved, priced or listed in the end (dbt).

Orders, moves and the range are noted before the second build of the marts; prices, promotions and markdowns rest on
those marts and are noted after it, so fct_recommendation holds tonight's from the next night on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date

import duckdb
import polars as pl

from orchestration import runs
from orchestration.sql import literal
from orchestration.warehouse import table_exists

HISTORY = "ops.recommendations"
KNOWN, DECISIONS = "ml.recommendations", "ml.recommendation_decisions"
# KNOWN as `judge` leaves it
RECOMMENDATIONS_SCHEMA = pl.Schema(
    dict.fromkeys(("recommendation_id", "list", "sku_id", "location_id", "supplier_id", "from_location_id"), pl.String)
    | dict.fromkeys(("channel", "member_tier", "action"), pl.String)
    | dict.fromkeys(("as_of", "act_on", "acts_until", "stockout_on"), pl.Date)
    | dict.fromkeys(("recommended_qty", "value_amount", "order_multiple", "min_order_qty", "decided_qty"), pl.Float64)
    | dict.fromkeys(("expected_lost_qty", "expected_lost_amount", "current_price", "recommended_price"), pl.Float64)
    | dict.fromkeys(("position_qty", "source_position_qty", "unit_cost", "unit_margin"), pl.Float64)
    | dict.fromkeys(("source_unit_margin", "cost_amount", "expected_gain_amount"), pl.Float64)
    | dict.fromkeys(("expected_28_qty", "expected_91_qty"), pl.Float64)
    | dict.fromkeys(("withheld_reason", "decision_state", "decided_by", "decision_note", "problem"), pl.String)
    | {"review_days": pl.Int64, "protection_days": pl.Int64, "is_tonight": pl.Boolean}
)
# lists about which planners decide line by line in the workbooks that come back
ORDERS = ("replenishment_orders", "transfer_orders")
# lists whose lines are carried out, or not, in prices, promotions and the range: nobody sends them back
RANGE = ("assortment_changes",)
PRICES = ("price_recommendations", "promotion_plan", "markdown_plan")
# what names a line of each list, in the order of its id; the columns that a workbook shows too
KEYS = {
    "replenishment_orders": ("as_of", "sku_id", "location_id", "supplier_id", "from_location_id"),
    "transfer_orders": ("as_of", "sku_id", "from_location_id", "to_location_id"),
    "assortment_changes": ("as_of", "sku_id", "location_id", "action"),
    "price_recommendations": ("as_of", "sku_id", "location_id", "channel", "member_tier"),
    "promotion_plan": ("as_of", "sku_id", "location_id", "week_start"),
    "markdown_plan": ("as_of", "sku_id", "location_id", "basis", "starts_on"),
}
# two years of nights: a year to compare with the year before
KEEP_DAYS = 728
ACCEPT, CHANGE, REJECT = "accept", "change", "reject"
# reason codes of tonight's lines about which somebody has decided already
DECIDED_BEFORE, REJECTED_BEFORE = "decided_before", "rejected_before"
# what a planner may write, in the languages of the page; the first of each is what the workbook offers
WORDS = {
    ACCEPT: ("accept", "accepted", "yes", "接受"),
    CHANGE: ("change", "changed", "修改"),
    REJECT: ("reject", "rejected", "no", "拒绝"),
}
# what a line says, by the names of _COLUMNS; what a list does not know is null
_TERMS = {
    "replenishment_orders": "location_id, supplier_id, from_location_id, order_on as act_on, order_qty as "
    "recommended_qty, order_value as value_amount, review_days, order_multiple, min_order_qty, stockout_on, "
    "expected_lost_qty, expected_lost_amount, withheld_reason, protection_days, inventory_position_qty as "
    "position_qty, unit_cost, unit_margin, expected_lost_amount as expected_gain_amount",
    "transfer_orders": "to_location_id as location_id, from_location_id, ship_on as act_on, qty as recommended_qty, "
    "net_gain_amount as value_amount, 7 as review_days, order_multiple, 0.0 as min_order_qty, "
    "ceil(destination_protection_days) as protection_days, destination_position_before_qty as position_qty, "
    "source_position_before_qty as source_position_qty, destination_unit_margin as unit_margin, source_unit_margin, "
    "cost_amount, net_gain_amount as expected_gain_amount",
    "assortment_changes": "location_id, as_of + 1 as act_on, as_of + 28 as acts_until, action, gain_weekly_amount as "
    "value_amount",
    "price_recommendations": "location_id, channel, member_tier, effective_on as act_on, effective_on + 6 as "
    "acts_until, gain_amount as value_amount, current_price, new_price as recommended_price, unit_cost, "
    "gain_amount as expected_gain_amount, new_units_qty as expected_28_qty, "
    "new_units_qty * 91 / 28 as expected_91_qty",
    "promotion_plan": "location_id, '*' as channel, '*' as member_tier, mechanic as action, week_start as act_on, "
    "ends_on as acts_until, return_amount as value_amount, current_price, new_price as recommended_price, unit_cost, "
    "mechanic_cost_amount as cost_amount, return_amount as expected_gain_amount",
    "markdown_plan": "location_id, '*' as channel, '*' as member_tier, basis as action, starts_on as act_on, "
    "starts_on + period_days::integer - 1 as acts_until, gain_amount as value_amount, list_price as current_price, "
    "new_price as recommended_price, unit_cost, gain_amount as expected_gain_amount",
}
# lines that are for somebody to carry out; of a price path the first step: every night plans the later ones anew
_LINES = {"assortment_changes": "action <> 'keep'", "markdown_plan": "is_first"}
_COLUMNS = {
    "run_id": "varchar",
    "recommendation_id": "varchar",
    "list": "varchar",
    "as_of": "date",
    "sku_id": "varchar",
    "location_id": "varchar",
    "supplier_id": "varchar",
    "from_location_id": "varchar",
    "act_on": "date",
    "recommended_qty": "double",
    "value_amount": "double",
    "review_days": "bigint",
    "order_multiple": "double",
    "min_order_qty": "double",
    "stockout_on": "date",
    "expected_lost_qty": "double",
    "expected_lost_amount": "double",
    "withheld_reason": "varchar",
    "channel": "varchar",
    "member_tier": "varchar",
    "action": "varchar",
    "acts_until": "date",
    "current_price": "double",
    "recommended_price": "double",
    "protection_days": "bigint",
    "position_qty": "double",
    "source_position_qty": "double",
    "unit_cost": "double",
    "unit_margin": "double",
    "source_unit_margin": "double",
    "cost_amount": "double",
    "expected_gain_amount": "double",
    "expected_28_qty": "double",
    "expected_91_qty": "double",
}
# demand that the night expected of each product at a place: 28 days, and of the weeks what lies within 91
_EXPECTED = """
create or replace temp table expected as
with days as (
    select sku_id, location_id, sum(mean::decimal(18, 6))::double as qty
    from ml.forecast_daily semi join {lines} using (sku_id, location_id)
    where date <= $as_of::date + 28 group by all
),
weeks as (
    select sku_id, location_id, sum((
        mean * least(days_covered, $as_of::date + 92 - greatest(week_start, $as_of::date + 1)) / days_covered
    )::decimal(18, 6))::double as qty
    from ml.forecast_weekly semi join {lines} using (sku_id, location_id)
    where week_start <= $as_of::date + 91 group by all
)
select sku_id, location_id, days.qty as expected_28_qty, weeks.qty as expected_91_qty
from days full join weeks using (sku_id, location_id)
"""
_NOT_EXPECTED = """
create or replace temp table expected as
select null::varchar as sku_id, null::varchar as location_id, null::double as expected_28_qty,
    null::double as expected_91_qty
where false
"""


def recommendation_id(name: str, *key: object) -> str:
    """Return the id of a line: 16 hex digits of the SHA-256 of list and KEYS[list]; a night made again gives the same.

    64 bits: among 10 million lines two share an id with probability 3e-6.
    """
    text = "|".join([name, *("" if value is None else str(value) for value in key)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _id_sql(name: str) -> str:
    parts = ", ".join(f"coalesce({column}::varchar, '')" for column in KEYS[name])
    return f"left(sha256(concat_ws('|', {literal(name)}, {parts})), 16)"


def note(con: duckdb.DuckDBPyConnection, run_id: str, as_of: date, lists: Sequence[str] = (*ORDERS, *RANGE)) -> int:
    """Remember the lines of a run in `lists`, in place of what the same run noted of them before; returns how many."""
    _ensure(con)
    named = ", ".join(map(literal, lists))
    con.execute(
        f"delete from {HISTORY} where (run_id = ? and list in ({named})) or as_of < ?::date - {KEEP_DAYS}",
        [run_id, as_of],
    )
    for name in lists:
        if table_exists(con, f"ml.{name}"):
            _note_list(con, name, run_id, as_of)
    row = con.execute(f"select count(*) from {HISTORY} where run_id = ? and list in ({named})", [run_id]).fetchone()
    return row[0] if row else 0


def _note_list(con: duckdb.DuckDBPyConnection, name: str, run_id: str, as_of: date) -> None:
    """Insert the lines of one list: orders and moves with the demand that the forecast saw for the place that gets."""
    lines = (
        f"select {literal(name)} as list, {_id_sql(name)} as recommendation_id, as_of, sku_id, {_TERMS[name]} "
        f"from ml.{name} where {_LINES.get(name, 'true')}"
    )
    if name in ORDERS:
        has_forecast = table_exists(con, "ml.forecast_daily") and table_exists(con, "ml.forecast_weekly")
        con.execute(
            _EXPECTED.format(lines=f"({lines})") if has_forecast else _NOT_EXPECTED,
            {"as_of": as_of} if has_forecast else {},
        )
        lines = f"select * from ({lines}) left join expected using (sku_id, location_id)"
    con.execute(
        f"insert into {HISTORY} by name select ? as run_id, * from ({lines}) order by recommendation_id", [run_id]
    )


def _ensure(con: duckdb.DuckDBPyConnection) -> None:
    """Make the history, and give one that older nights wrote the columns that came since."""
    columns = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    con.execute(f"create table if not exists {HISTORY} ({columns})")
    for name, kind in _COLUMNS.items():
        con.execute(f"alter table {HISTORY} add column if not exists {name} {kind}")


def judge(con: duckdb.DuckDBPyConnection, run_id: str) -> list[str]:
    """Check every decision that came back and write KNOWN and DECISIONS; returns a message for each that is refused.

    KNOWN: the lines of published nights before this run and of this run; of several runs of a business day the last.
    A night made again sees what the older run saw. A message names file, sheet, row, column, value, reason, advice.
    """
    _ensure(con)
    _know(con, run_id)
    con.execute(f"create or replace table {DECISIONS} as {_JUDGED}")
    con.execute(f"create or replace table {KNOWN} as {_DECIDED}", [run_id])
    con.execute("drop table known")
    refused = con.execute(
        f"select problem from {DECISIONS} where state = 'refused' order by file_name, line"
    ).fetchall()
    return [row[0] for row in refused]


def _know(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Make the temporary table `known`: the lines of published nights before a run and of the run itself."""
    con.execute(
        f"create or replace temp table known as select h.* from {HISTORY} as h inner join ops.runs as r using (run_id) "
        "where h.run_id = $run or (r.state = $published and h.run_id < $before) "
        "qualify h.run_id = max(h.run_id) over (partition by h.as_of)",
        {"run": run_id, "published": runs.PUBLISHED, "before": runs.rebuilt(con, run_id) or run_id},
    )


def with_decisions(con: duckdb.DuckDBPyConnection, run_id: str, as_of: date, lines: pl.DataFrame) -> pl.DataFrame:
    """Add reason codes to tonight's order lines about which a planner has decided on an earlier night.

    `decided_before`: accepted or changed to more than zero, and no purchase order or transfer from that source since.
    `rejected_before`: rejected, and no more is proposed than then. Both hold until the next chance to order after the
    decided line (order day + review). The stock position is left as the extracts say it: a decision is no order yet,
    and nobody knows when it will arrive.
    """
    if not (table_exists(con, HISTORY) and table_exists(con, "feeds.decisions_recommendations")):
        return lines
    _know(con, run_id)
    earlier = con.execute(_EARLIER, {"as_of": as_of}).pl()
    con.execute("drop table known")
    place = ("sku_id", "location_id", "source_id")
    flagged = lines.with_columns(source_id=pl.coalesce("supplier_id", "from_location_id")).join(
        earlier, on=place, how="left", maintain_order="left", validate="m:1"
    )
    code = (
        pl.when((pl.col("order_qty") > 0) & (pl.col("decided_qty") > 0))
        .then(pl.lit(DECIDED_BEFORE))
        .when((pl.col("order_qty") > 0) & (pl.col("order_qty") <= pl.col("rejected_qty")))
        .then(pl.lit(REJECTED_BEFORE))
    )
    codes = pl.concat_str(pl.col("reason_codes").replace("", None), code, separator=";", ignore_nulls=True)
    return flagged.with_columns(reason_codes=codes).select(lines.columns)


def _words(meaning: str) -> str:
    return ", ".join(map(literal, WORDS[meaning]))


# Rules in the order in which a reader would ask: which line, what, how many.
_JUDGED = f"""
with delivered as (
    select
        d.recommendation_id, lower(trim(d.decision)) as word, nullif(trim(d.decided_qty), '') as qty_text,
        try_cast(replace(d.decided_qty, ',', '') as double) as qty, nullif(trim(d.decided_by), '') as decided_by,
        nullif(trim(d.decision_note), '') as decision_note, coalesce(f.name, '') as file_name, d._line as line
    from feeds.decisions_recommendations as d left join ops.file_ledger as f on d._file_id = f.file_id
),
read as (
    select
        d.*, k.list, k.recommended_qty, k.order_multiple, k.min_order_qty, k.recommendation_id is not null as is_known,
        case when d.word in ({_words(ACCEPT)}) then '{ACCEPT}' when d.word in ({_words(CHANGE)}) then '{CHANGE}'
            when d.word in ({_words(REJECT)}) then '{REJECT}' end as decision
    from delivered as d left join known as k
        on d.recommendation_id = k.recommendation_id and k.list in ({", ".join(map(literal, ORDERS))})
),
faults as (
    select
        *,
        case
            when not is_known then {{'c': 'recommendation_id', 'v': recommendation_id,
                'why': 'no published line has this id',
                'do': 'leave the column recommendation_id as it was published'}}
            when decision is null then {{'c': 'decision', 'v': word, 'why': 'unknown decision',
                'do': 'write accept, change or reject'}}
            when decision = '{ACCEPT}' and qty_text is not null and qty is distinct from recommended_qty
                then {{'c': 'decided_qty', 'v': qty_text, 'why': 'accepted, but with another quantity',
                'do': 'write change, or leave the quantity empty'}}
            when decision = '{CHANGE}' and (qty is null or qty < 0 or not isfinite(qty))
                then {{'c': 'decided_qty', 'v': coalesce(qty_text, '(empty)'), 'why': 'no quantity of zero or more',
                'do': 'write the units to order or move instead'}}
            when decision = '{CHANGE}' and order_multiple > 0
                and abs(qty / order_multiple - round(qty / order_multiple)) > 1e-6
                then {{'c': 'decided_qty', 'v': qty_text,
                'why': 'not whole packs of ' || format('{{:g}}', order_multiple),
                'do': 'write a multiple of order_multiple'}}
            when decision = '{CHANGE}' and qty > 0 and qty < min_order_qty - 1e-6
                then {{'c': 'decided_qty', 'v': qty_text,
                'why': 'below the smallest order of ' || format('{{:g}}', min_order_qty),
                'do': 'write zero, or min_order_qty or more'}}
        end as fault
    from read
)
select
    recommendation_id, list,
    case when fault is not null then 'refused' when decision = '{ACCEPT}' then 'accepted'
        when decision = '{CHANGE}' then 'changed' else 'rejected' end as state,
    case when fault is null then
        case decision when '{ACCEPT}' then recommended_qty when '{CHANGE}' then qty else 0.0 end end as decided_qty,
    decided_by, decision_note, file_name, line,
    case when fault is not null then file_name || ', sheet ' || coalesce(list, 'with the lines') || ', row ' || line
        || ', column ''' || fault.c || ''', value ''' || coalesce(fault.v, '') || ''': ' || fault.why || ' — '
        || fault.do end as problem
from faults
order by file_name, line, recommendation_id
"""
# of each product, place and source the newest line that somebody decided about, while it is fresh and not carried out
_EARLIER = f"""
with decided as (
    select k.*, coalesce(k.supplier_id, k.from_location_id) as source_id, d.state, d.decided_qty as qty
    from known as k inner join ({_JUDGED}) as d using (recommendation_id)
    where k.list = 'replenishment_orders' and d.state <> 'refused' and k.as_of < $as_of
        and $as_of < k.act_on + greatest(k.review_days, 1)::integer
    qualify row_number() over (
        partition by k.sku_id, k.location_id, source_id order by k.as_of desc, d.file_name desc, d.line desc
    ) = 1
),
executed as (
    select sku_id, location_id, supplier_id as source_id, ordered_on as executed_on
    from marts.fct_purchase_orders where not is_cancelled
    union all
    select sku_id, to_location_id, from_location_id, shipped_on from marts.fct_transfers
)
select
    sku_id, location_id, source_id, case when state <> 'rejected' then qty end as decided_qty,
    case when state = 'rejected' then recommended_qty end as rejected_qty
from decided as d
where not exists (
    select 1 from executed as e
    where e.sku_id = d.sku_id and e.location_id = d.location_id and e.source_id = d.source_id
        and e.executed_on > d.as_of
)
order by all
"""
_DECIDED = f"""
select k.* exclude (run_id), k.run_id = ? as is_tonight, coalesce(d.state, 'open') as decision_state, d.decided_qty,
    d.decided_by, d.decision_note, d.problem
from known as k left join {DECISIONS} as d using (recommendation_id)
order by as_of, recommendation_id
"""
