"""The tuning report: which service targets to ask for, learned on which days, proved on which others.

What belongs here: the judgement on targets that a replay tuned, and the words of what to change. What does not: the
replay (study), reading a target from a curve (tuning), when a report is made (orchestration).

A tuned target is advised where on the days of the proof it served nearer to what is wanted than the target asked for as
it is, by LEAST_POINTS or more. Where it did not, what was learned did not last: the setting stays.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

# of demand served: for less than half a per cent nobody changes a setting by hand
LEAST_POINTS = 0.5
CHANGE, KEEP, ASKED = "change", "keep", "asked for already"
ADVICE_SCHEMA = pl.Schema(
    {
        "as_of": pl.Date,
        "service_group": pl.String,
        "learned_from": pl.Date,
        "learned_until": pl.Date,
        "proved_from": pl.Date,
        "service_target": pl.Float64,
        "served_pct": pl.Float64,
        "off_points": pl.Float64,
        "tuned_target": pl.Float64,
        "served_tuned_pct": pl.Float64,
        "off_tuned_points": pl.Float64,
        "stock_change_pct": pl.Float64,
        "previous_as_of": pl.Date,
        "previous_tuned_target": pl.Float64,
        "advice": pl.String,
        "setting": pl.String,
        "explanation": pl.String,
    }
)
PREVIOUS_SCHEMA = pl.Schema(
    {"service_group": pl.String, "previous_as_of": pl.Date, "previous_tuned_target": pl.Float64}
)


def advise(tuning: pl.DataFrame, first_day: date, is_applied: bool, previous: pl.DataFrame) -> pl.DataFrame:
    """Return ADVICE_SCHEMA, a row a group of service, by service_group.

    tuning: study.TUNING_SCHEMA, the newest replay's. first_day: the first day it learned from. is_applied: whether
    nights ask for tuned targets already (planning.apply_tuned_targets). previous: PREVIOUS_SCHEMA, of the report
    before; empty where this is the first.
    """
    wanted = 100 * pl.col("service_target")
    rows = tuning.join(previous, on="service_group", how="left").with_columns(
        learned_from=pl.lit(first_day),
        learned_until=pl.col("proved_from") - timedelta(days=1),
        off_points=(pl.col("served_pct") - wanted).abs(),
        off_tuned_points=(pl.col("served_tuned_pct") - wanted).abs(),
        setting=_setting(),
    )
    is_nearer = pl.col("off_points") - pl.col("off_tuned_points") >= LEAST_POINTS
    rows = rows.with_columns(
        advice=pl.when(~is_nearer).then(pl.lit(KEEP)).when(is_applied).then(pl.lit(ASKED)).otherwise(pl.lit(CHANGE))
    )
    return (
        rows.with_columns(explanation=_sentence())
        .select(pl.col(name).cast(kind) for name, kind in ADVICE_SCHEMA.items())
        .sort("service_group")
    )


def _setting() -> pl.Expr:
    """The key of the settings that holds the group's target."""
    name = pl.col("service_group").str.strip_suffix(" at places that feed others")
    return (
        pl.when(name.str.starts_with("class "))
        .then(pl.concat_str(pl.lit("planning.service_target_by_class."), name.str.strip_prefix("class ")))
        .when(name.str.starts_with("department "))
        .then(pl.concat_str(pl.lit("planning.service_target_by_department."), name.str.strip_prefix("department ")))
        .otherwise(pl.lit("planning.service_target"))
    )


def _sentence() -> pl.Expr:
    def points(name: str, digits: int = 1) -> pl.Expr:
        return pl.col(name).round(digits).cast(pl.String)

    proof = pl.concat_str(
        pl.col("service_group"),
        pl.lit(": wanted "),
        (100 * pl.col("service_target")).round(1).cast(pl.String),
        pl.lit(" %, served "),
        points("served_pct"),
        pl.lit(" % as set and "),
        points("served_tuned_pct"),
        pl.lit(" % when "),
        (100 * pl.col("tuned_target")).round(1).cast(pl.String),
        pl.lit(" % is asked for"),
        pl.when(pl.col("stock_change_pct").is_null())
        .then(pl.lit(""))
        .otherwise(
            pl.concat_str(
                pl.lit(", with "),
                pl.col("stock_change_pct").abs().round(1).cast(pl.String),
                pl.when(pl.col("stock_change_pct") < 0)
                .then(pl.lit(" % less stock"))
                .otherwise(pl.lit(" % more stock")),
            )
        ),
        pl.lit(". "),
    )
    todo = (
        pl.when(pl.col("advice") == CHANGE)
        .then(
            pl.concat_str(
                pl.lit("Set "),
                pl.col("setting"),
                pl.lit(" to "),
                pl.col("tuned_target").cast(pl.String),
                pl.lit(", or planning.apply_tuned_targets to true, which follows every replay."),
            )
        )
        .when(pl.col("advice") == ASKED)
        .then(pl.lit("planning.apply_tuned_targets asks for it already: nothing to do."))
        .otherwise(pl.lit("What was learned did not last on the days of the proof: leave "))
    )
    kept = pl.when(pl.col("advice") == KEEP).then(pl.concat_str(pl.col("setting"), pl.lit(" as it is.")))
    return pl.concat_str(proof, todo, kept.otherwise(pl.lit("")))
