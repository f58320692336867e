"""Stage 1c: reference data that no extract brings. Holidays only; what they mean to a day is said in dbt_project."""

from datetime import date, timedelta

import dagster as dg

from orchestration import runs
from orchestration.defs.resources import Company
from orchestration.defs.steps import OWNER, POOL, retrying_io
from orchestration.reference import HOLIDAYS, holidays_between
from orchestration.warehouse import connect, replace_table

# dim_date ends 400 days after the business day
DAYS_AHEAD = 400


@dg.asset(
    key=HOLIDAYS.split("."),
    # the step that reads the extracts fixes the business day
    deps=[dg.AssetKey(["feeds", "pos_sales"])],
    group_name="ingestion",
    kinds={"python", "duckdb"},
    owners=[OWNER],
    pool=POOL,
)
def holidays(context: dg.AssetExecutionContext, company: Company) -> dg.MaterializeResult:
    """Write the public holidays of the company's country: one row a day, name and region; none without a country."""
    settings = company.settings()
    with retrying_io(), connect(settings) as con:
        _, as_of = runs.current(con)
        # a fact dated before the earliest date refuses the night, so no day of dim_date lies before it
        first = min(settings.quality.earliest_date, as_of)
        frame = holidays_between(settings.calendar, first, _last_day(as_of))
        rows = replace_table(con, HOLIDAYS, frame)
    context.log.info(f"{rows:,} holidays of {settings.calendar.country or 'no country (calendar.country is not set)'}")
    return dg.MaterializeResult(metadata={"dagster/row_count": rows})


def _last_day(as_of: date) -> date:
    return as_of + timedelta(days=DAYS_AHEAD)
