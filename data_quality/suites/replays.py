"""Checks on the replay of the company's past and on the targets tuned by it, which nights after it publish.

A replay is weekly: its as_of is the business day of the night that it followed, so never after this night's.
"""

from __future__ import annotations

from datetime import date

from data_quality.checks import Check, Table, day

_REPLAY, _TUNING = "ml.policy_replay", "ml.service_tuning"
REPLAY = Table(_REPLAY, ("policy", "dial", "abc_class", "location_id"), needs=(_REPLAY,))
TUNING = Table(_TUNING, ("service_group", "service_target", "tuned_target"), needs=(_TUNING,))
AGAIN = "a fault of the replay: run `shelfcast replay` again, and report it with this sample if it stays"
_CENT = 0.005


def replay_checks(as_of: date) -> list[Check]:
    """Return the checks on ml.policy_replay and ml.service_tuning."""
    return [*_results(as_of), *_tuned(as_of)]


def _results(as_of: date) -> list[Check]:
    return [
        REPLAY.has_rows("A replay that was kept has results.", advice=AGAIN),
        REPLAY.unique("policy", "dial", "abc_class", "location_id"),
        *REPLAY.given("policy", "dial", "abc_class", "location_id", "pair_count", "first_day"),
        *REPLAY.finite("total_cost_amount", "cost_saving_amount"),
        *REPLAY.not_negative(
            "demand_qty", "average_stock_qty", "order_count", "lost_margin_amount", "holding_cost_amount"
        ),
        REPLAY.between("fill_rate_pct", "fill_rate_is_a_share", "Between 0 and 100 %.", 0, 100, advice=AGAIN),
        REPLAY.between("availability_pct", "availability_is_a_share", "Between 0 and 100 %.", 0, 100, advice=AGAIN),
        _never(
            REPLAY,
            "days_are_past",
            f"The days replayed end by the business day {as_of}.",
            f"(first_day <= as_of and as_of <= {day(as_of)}) is not true",
            *("first_day", "as_of"),
        ),
        _never(
            REPLAY,
            "cost_is_its_terms",
            "total cost = lost margin + holding cost.",
            f"(abs(total_cost_amount - lost_margin_amount - holding_cost_amount) <= {_CENT}) is not true",
            *("lost_margin_amount", "holding_cost_amount", "total_cost_amount"),
        ),
        _never(
            REPLAY,
            "intervals_hold_their_order",
            "The low end of an interval is not above its high end.",
            "fill_rate_gain_low_pct > fill_rate_gain_high_pct or cost_saving_low_amount > cost_saving_high_amount",
            *("fill_rate_gain_low_pct", "fill_rate_gain_high_pct", "cost_saving_low_amount", "cost_saving_high_amount"),
        ),
        _never(
            REPLAY,
            "claims_follow_intervals",
            "Something is claimed of a simple rule where an interval leaves zero out, and only there.",
            "policy <> 'proposed' and (claim <> 'no claim') is distinct from (fill_rate_gain_low_pct > 0 "
            "or fill_rate_gain_high_pct < 0 or cost_saving_low_amount > 0 or cost_saving_high_amount < 0)",
            "claim",
        ),
        REPLAY.no_rows(
            "one_dial_a_rule_is_compared",
            "Each rule is compared at one setting of its dial.",
            f"select policy, count(*) filter (is_compared) as compared_count from {_REPLAY} "
            "where abc_class = 'all' and location_id = 'all' group by policy having count(*) filter (is_compared) <> 1",
            ("policy", "compared_count"),
            advice=AGAIN,
        ),
        REPLAY.no_rows(
            "classes_add_up",
            "Products at places of all classes are those of the whole, for each rule and dial.",
            f"select policy, dial, sum(pair_count) filter (location_id = 'all' and abc_class <> 'all') as class_count, "
            f"max(pair_count) filter (location_id = 'all' and abc_class = 'all') as all_count from {_REPLAY} "
            "group by policy, dial having class_count <> all_count",
            ("policy", "dial", "class_count", "all_count"),
            advice=AGAIN,
        ),
    ]


def _tuned(as_of: date) -> list[Check]:
    return [
        TUNING.unique("service_group"),
        *TUNING.given("service_group", "service_target", "tuned_target"),
        _never(
            TUNING,
            "targets_are_shares",
            "Targets lie between 0 and 1, 1 left out.",
            "(service_target > 0 and service_target < 1 and tuned_target > 0 and tuned_target < 1) is not true",
        ),
        _never(
            TUNING,
            "served_is_a_share",
            "What was served lies between 0 and 100 %.",
            "(served_pct between 0 and 100 and served_tuned_pct between 0 and 100) is not true",
            *("served_pct", "served_tuned_pct"),
        ),
        _never(
            TUNING,
            "proof_is_past",
            f"What was learned is proved on days up to the business day {as_of}.",
            f"(proved_from <= as_of and as_of <= {day(as_of)}) is not true",
            *("proved_from", "as_of"),
        ),
    ]


def _never(table: Table, name: str, description: str, condition: str, *shown: str) -> Check:
    """No row meets a condition."""
    return table.no_rows(
        name, description, f"select * from {table.name} where {condition}", (*table.shown, *shown), advice=AGAIN
    )
