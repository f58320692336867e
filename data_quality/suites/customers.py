"""Checks on what is proposed to customers (nobody who refused, nothing twice) and on what they write.

Samples never show who a customer is: products and measures only.
"""

from __future__ import annotations

from datetime import date

from data_quality.checks import Check, Table
from data_quality.suites.lists import FAULT, night_list, of_every_list

_NEXT, _AUDIENCES, _CUSTOMERS = "ml.customer_next_products", "marts.mart_audiences", "marts.dim_customer"
_FEEDBACK = "ml.feedback_themes"
FEEDBACK = night_list(_FEEDBACK, "sku_id", "week_start", "theme")
NEXT = night_list(_NEXT, "sku_id", "rank", "kind", "probability")
AUDIENCES = night_list(_AUDIENCES, "audience", "lifecycle_stage", "value_band")
_KEPT_OUT = "nobody may be written to who refused: do not use the list, report it"


def next_product_checks(as_of: date) -> list[Check]:
    """Return the checks on ml.customer_next_products."""
    return [
        NEXT.unique("customer_id", "sku_id", shown=("sku_id",)),
        *NEXT.given("customer_id", "rank", "sku_id", "kind"),
        NEXT.of_business_day(as_of, advice=FAULT),
        NEXT.between("probability", "probability_is_one", "Between 0 and 1.", 0, 1, advice=FAULT),
        NEXT.no_rows(
            "kind_follows_purchases",
            "again where the product was bought in the last 364 days, new where it was not.",
            f"select * from {_NEXT} where (kind = 'again') is distinct from (bought_days_364 > 0)",
            (*NEXT.shown, "bought_days_364"),
            advice=FAULT,
        ),
        NEXT.no_rows(
            "share_lies_in_its_interval",
            "The share measured a month ago lies in its interval.",
            f"select * from {_NEXT} where not measured_share between measured_share_low and measured_share_high",
            (*NEXT.shown, "measured_share_low", "measured_share", "measured_share_high"),
            advice=FAULT,
        ),
        _consented(NEXT),
    ]


def audience_checks(as_of: date) -> list[Check]:
    """Return the checks on marts.mart_audiences."""
    return [
        AUDIENCES.unique("customer_id", shown=()),
        *AUDIENCES.given("customer_id", "audience", "lifecycle_stage", "explanation"),
        *AUDIENCES.not_negative("at_stake_amount"),
        AUDIENCES.of_business_day(as_of, advice=FAULT),
        _consented(AUDIENCES),
    ]


def feedback_checks(as_of: date) -> list[Check]:
    """Return the checks on ml.feedback_themes."""
    return [
        *of_every_list(FEEDBACK, as_of, ("sku_id", "week_start", "theme"), ("mentions",)),
        FEEDBACK.no_rows(
            "mentions_are_texts",
            "No more texts name a theme than there are, and no more of them complain.",
            f"select * from {_FEEDBACK} where not (0 <= negative_mentions and negative_mentions <= mentions "
            "and mentions <= texts and earlier_mentions <= earlier_texts)",
            (*FEEDBACK.shown, "texts", "mentions", "negative_mentions"),
            advice=FAULT,
        ),
    ]


def _consented(table: Table) -> Check:
    return table.no_rows(
        "nobody_who_refused",
        "No customer who refused marketing stands in the list.",
        f"select t.* from {table.name} as t inner join {_CUSTOMERS} as c using (customer_id) "
        "where not c.marketing_consent",
        table.shown,
        needs=(_CUSTOMERS,),
        advice=_KEPT_OUT,
    )
