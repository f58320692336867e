"""What the page shows of the replay: every rule's stock at its service, the rules side by side, classes, tuned targets.

Belongs here: SQL on mart_policy_replay and mart_service_tuning in the night's marts.duckdb. What a replay is stands in
ml/simulation.
"""

from __future__ import annotations

from orchestration.publishing.page_data import Row, Source

CURVES = """
select policy, dial, is_compared, fill_rate_pct, turnover_days, average_stock_qty, total_cost_amount
from mart_policy_replay
where abc_class = 'all' and location_id = 'all'
order by policy <> 'proposed', policy, fill_rate_pct
"""
COMPARED = """
select
    policy, dial, pair_count, fill_rate_pct, availability_pct, turnover_days, order_count, lost_margin_amount,
    holding_cost_amount, total_cost_amount, fill_rate_gain_pct, fill_rate_gain_low_pct, fill_rate_gain_high_pct,
    cost_saving_amount, cost_saving_low_amount, cost_saving_high_amount, claim, first_day, as_of
from mart_policy_replay
where is_compared and abc_class = 'all' and location_id = 'all'
order by policy <> 'proposed', policy
"""
BY_CLASS = """
select abc_class, policy, pair_count, fill_rate_pct, turnover_days, total_cost_amount, claim
from mart_policy_replay
where is_compared and abc_class <> 'all' and location_id = 'all'
order by abc_class, policy <> 'proposed', policy
"""
TUNING = """
select service_group, service_target, tuned_target, served_pct, served_tuned_pct, stock_change_pct, proved_from
from mart_service_tuning
order by service_group
"""


def replay(source: Source) -> Row | None:
    """Curves of all rules, the rules at the same service, by class, and tuned targets; None without a replay."""
    if "mart_policy_replay" not in source.tables:
        return None
    compared = source.rows(COMPARED)
    if not compared:
        return None
    return {
        "curves": source.rows(CURVES),
        "compared": compared,
        "by_class": source.rows(BY_CLASS),
        "tuning": source.rows(TUNING) if "mart_service_tuning" in source.tables else [],
    }
