"""One action a product and place a night: what is ordered is not moved in as well.

What belongs here: the choice between the actions that the lists propose for the same product at the same place, by what
each is worth. What does not: what an action is worth (the module of its list), carrying the choice out.

The value of an action is money expected over the same days: lost margin avoided less what the action costs. A list that
joins later names its action in ACTIONS and hands in its values; nothing else changes here. Clearing needs no choice:
only what lies above the order target is cleared (clearance), and nothing above it is ordered or moved in.
"""

import polars as pl

ORDER, MOVE_IN = "order", "move_in"
ACTIONS = (ORDER, MOVE_IN)  # of two that are worth the same the first is chosen
PAIR = ["sku_id", "location_id"]
ACTIONS_SCHEMA = pl.Schema(
    {"sku_id": pl.String, "location_id": pl.String, "action": pl.String, "value_amount": pl.Float64}
)


def arbitrate(actions: pl.DataFrame) -> pl.DataFrame:
    """Return one row a pair, sorted: chosen_action, and `<action>_value_amount` of each action (null: not proposed).

    actions: ACTIONS_SCHEMA, one row a pair and action; value_amount in the company's currency, null counts as nothing.

    Raises:
        ValueError: an action that is not in ACTIONS.
    """
    unknown = set(actions["action"]) - set(ACTIONS)
    if unknown:
        raise ValueError(f"actions: {', '.join(sorted(unknown))} — the arbiter knows {', '.join(ACTIONS)}")
    ranked = actions.with_columns(
        rank=pl.col("action").replace_strict({name: place for place, name in enumerate(ACTIONS)}, return_dtype=pl.Int8),
        value_amount=pl.col("value_amount").fill_null(0.0),
    ).sort(*PAIR, "value_amount", "rank", descending=[False, False, True, False])
    value = pl.col("value_amount")
    return ranked.group_by(PAIR, maintain_order=True).agg(
        pl.col("action").first().alias("chosen_action"),
        *(value.filter(pl.col("action") == name).first().alias(f"{name}_value_amount") for name in ACTIONS),
    )
