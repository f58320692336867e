"""Which stock is marked down, by how much and when, until its exit date: the lines of markdown_plan.

What belongs here: from slow and excess stock, and lots near their expiry, to the stocks of the markdown problem; the
channel; the sentence on a line. What does not: the best path (markdowns), which stock is slow (dbt: mart_slow_movers).

A markdown is a discount that customers see, so demand answers to it as it did to discounts (where none was ever given,
to the shelf price): with the elasticity of the product, or of the nearest group that has shown one. Slow stock is
planned by week to an exit date, lots by day to the day they expire on, the oldest first. What may be left of slow
stock, planning for so many weeks more and at least what the place should have (its order target), keeps its cost; the
rest, and what has expired, is worth its salvage.

Slow stock within the order target is not cleared, nor is what tonight orders or moves in: by the price of a lost sale
it is worth more on the shelf, and it would be ordered again. Lots near expiry are: fresh ones may be ordered meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ml.forecasting.distribution import DemandDistribution
from ml.planning.demand_path import KEYS, DemandPath
from ml.planning.markdowns import Clearance, Paths, plan_paths
from ml.planning.pricing_settings import PricingSettings
from ml.planning.words import day, joined_codes, money, number, only_if, plural

SLOW, EXPIRING = "slow_stock", "near_expiry"
_DAYS = 365.0
_FLAT_STEP = 0.3  # the rule of thumb that a plan is compared with
_NORMAL_90 = 1.6448536269514722
STOCK_SCHEMA = pl.Schema(
    {
        **dict.fromkeys((*KEYS, "product_name", "location_name", "department", "category", "rule"), pl.String),
        "is_discontinued": pl.Boolean,
        "is_wanted": pl.Boolean,
        **dict.fromkeys(("on_hand_qty", "moved_out_qty", "target_qty", "price", "unit_cost"), pl.Float64),
    }
)
LOTS_SCHEMA = pl.Schema({**dict.fromkeys(KEYS, pl.String), "expires_on": pl.Date, "qty": pl.Float64})
MARKDOWN_SCHEMA = pl.Schema(
    {
        **dict.fromkeys(KEYS, pl.String),
        "starts_on": pl.Date,
        "as_of": pl.Date,
        "basis": pl.String,
        "rule": pl.String,
        "period_days": pl.Int64,
        "exit_on": pl.Date,
        "channel": pl.String,
        "is_first": pl.Boolean,
        "list_price": pl.Float64,
        "off_share": pl.Float64,
        "new_price": pl.Float64,
        "demand_mean_qty": pl.Float64,
        "clearance_qty": pl.Float64,
        "expected_sold_qty": pl.Float64,
        "expected_left_qty": pl.Float64,
        "on_hand_qty": pl.Float64,
        "moved_out_qty": pl.Float64,
        "target_qty": pl.Float64,
        "keep_qty": pl.Float64,
        "unit_cost": pl.Float64,
        "salvage_unit_amount": pl.Float64,
        "elasticity": pl.Float64,
        "elasticity_low": pl.Float64,
        "elasticity_high": pl.Float64,
        "elasticity_source": pl.String,
        "recovery_amount": pl.Float64,
        "recovery_low_amount": pl.Float64,
        "recovery_high_amount": pl.Float64,
        "do_nothing_amount": pl.Float64,
        "flat_amount": pl.Float64,
        "gain_amount": pl.Float64,
        "sell_through_share": pl.Float64,
        "do_nothing_sell_through_share": pl.Float64,
        "reason_codes": pl.String,
        "explanation": pl.String,
    }
)


@dataclass(frozen=True)
class ClearanceInputs:
    """stock: STOCK_SCHEMA, what is slow (rule: which rule says so; null where only a lot expires). lots: LOTS_SCHEMA.
    target_qty: the order-up-to level, null where none is planned; is_wanted: ordered or moved in tonight.

    response, groups: as ml.response.pipeline.Response has them. forecast_daily, forecast_weekly, dispersion: of the
    night.
    """

    stock: pl.DataFrame
    lots: pl.DataFrame
    response: pl.DataFrame
    groups: pl.DataFrame
    forecast_daily: pl.DataFrame
    forecast_weekly: pl.DataFrame
    dispersion: pl.DataFrame


def plan_markdowns(
    inputs: ClearanceInputs, as_of: date, settings: PricingSettings
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return MARKDOWN_SCHEMA, a row a stock and period, and how many stocks have no line, by reason.

    A stock whose answer to discounts, price, cost or demand nobody knows is left out; so is one where marking down
    does not bring settings.clearance_min_gain_amount more than today's price until the exit date.
    """
    stock = inputs.stock.select(pl.col(name).cast(kind) for name, kind in STOCK_SCHEMA.items())
    answers = _with_answer(stock, inputs.response, inputs.groups)
    parts = [_slow(answers, settings), _expiring(answers, inputs.lots, as_of, settings)]
    lines, without = [], dict.fromkeys(_reasons(), 0)
    for part in parts:
        usable = part
        for reason, is_missing in _reasons().items():
            without[reason] += usable.filter(is_missing).height
            usable = usable.filter(~is_missing)
        for (periods,), group in sorted(usable.group_by("periods"), key=lambda found: found[0]):
            own, unknown = _planned(group.sort(KEYS), int(periods), inputs, as_of, settings)
            lines.append(own)
            without["no forecast"] += unknown
    empty = pl.DataFrame(schema=MARKDOWN_SCHEMA)
    return pl.concat([empty, *lines]).sort(*KEYS, "basis", "starts_on"), {k: n for k, n in without.items() if n}


def _reasons() -> dict[str, pl.Expr]:
    return {
        "ordered or moved in tonight": pl.col("is_wanted"),
        "no more than its order target": pl.col("clearance_qty") <= pl.col("target_qty"),
        "no price": ~(pl.col("price") > 0).fill_null(False),
        "no unit cost": pl.col("unit_cost").is_null(),
        "no price ever moved": pl.col("discount_elasticity").is_null(),
        "no forecast": pl.lit(False),
    }


def _with_answer(stock: pl.DataFrame, response: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """The stock with discount_elasticity and its sd: the product's, else its category's, department's, company's.

    Where the company never gave a discount that customers saw, what the shelf price did stands for it."""
    names = ("discount_elasticity", "discount_elasticity_sd")
    has_discounts = response["discount_elasticity"].count() + groups["discount_elasticity"].count() > 0
    if not has_discounts:
        of_shelf = {"discount_elasticity": -pl.col("elasticity"), "discount_elasticity_sd": pl.col("elasticity_sd")}
        response, groups = response.with_columns(**of_shelf), groups.with_columns(**of_shelf)
    levels = {
        "product": response.select("sku_id", *names),
        "category": groups.drop_nulls("category").select("department", "category", *names),
        "department": groups.filter(pl.col("category").is_null()).drop_nulls("department").select("department", *names),
    }
    of_company = groups.filter(pl.col("department").is_null())
    found = stock.with_columns(pl.col("department", "category").fill_null("unknown"))
    for level, frame in levels.items():
        keys = [name for name in frame.columns if name not in names]
        found = found.join(
            frame.rename({name: f"{level}_{name}" for name in names}), on=keys, how="left", maintain_order="left"
        )
    whole = [of_company[name].item() if of_company.height else None for name in names]
    known = [(level, pl.col(f"{level}_{names[0]}").is_not_null()) for level in levels]
    source = pl.coalesce(*(pl.when(on).then(pl.lit(level)) for level, on in known), pl.lit("company"))
    return found.with_columns(
        *(
            pl.coalesce(*(pl.col(f"{level}_{name}") for level in levels), pl.lit(value, dtype=pl.Float64)).alias(name)
            for name, value in zip(names, whole, strict=True)
        ),
        elasticity_source=source,
        is_of_shelf_price=pl.lit(not has_discounts),
    ).drop(f"{level}_{name}" for level in levels for name in names)


def _slow(stock: pl.DataFrame, settings: PricingSettings) -> pl.DataFrame:
    """What is slow and stays after tonight's moves, as whole stocks to the exit date."""
    left = (pl.col("on_hand_qty") - pl.col("moved_out_qty").fill_null(0.0)).alias("clearance_qty")
    return (
        stock.filter(pl.col("rule").is_not_null())
        .with_columns(left)
        .filter(pl.col("clearance_qty") > 0)
        .with_columns(
            target_qty=pl.when(~pl.col("is_discontinued")).then(pl.col("target_qty")).fill_null(0.0),
            basis=pl.lit(SLOW),
            period_days=pl.lit(7),
            periods=pl.lit(settings.clearance_weeks),
            keep_weeks=pl.when("is_discontinued").then(0.0).otherwise(settings.clearance_keep_weeks),
            salvage_unit_amount=pl.col("unit_cost") * settings.clearance_salvage_pct / 100,
        )
    )


def _expiring(stock: pl.DataFrame, lots: pl.DataFrame, as_of: date, settings: PricingSettings) -> pl.DataFrame:
    """The lots of a product at a place that expire first, where that is soon: what is sold first comes of these."""
    days = (pl.col("expires_on") - pl.lit(as_of)).dt.total_days()
    near = (
        lots.select(pl.col(name).cast(kind) for name, kind in LOTS_SCHEMA.items())
        .with_columns(periods=days)
        .filter(pl.col("qty") > 0, pl.col("periods").is_between(1, settings.clearance_expiry_days))
        .group_by(*KEYS, "periods")
        .agg(clearance_qty=pl.col("qty").sum())
        .sort(*KEYS, "periods")
        .unique(KEYS, keep="first", maintain_order=True)
    )
    return (
        stock.join(near, on=KEYS, maintain_order="left")
        .with_columns(pl.min_horizontal("clearance_qty", "on_hand_qty"))
        .filter(pl.col("clearance_qty") > 0)
        .with_columns(
            basis=pl.lit(EXPIRING),
            period_days=pl.lit(1),
            keep_weeks=pl.lit(0.0),
            salvage_unit_amount=pl.lit(0.0),
            is_wanted=pl.lit(False),
            **dict.fromkeys(("moved_out_qty", "target_qty"), pl.lit(0.0)),
        )
    )


def _planned(
    stock: pl.DataFrame,
    periods: int,
    inputs: ClearanceInputs,
    as_of: date,
    settings: PricingSettings,
) -> tuple[pl.DataFrame, int]:
    """The lines of stocks with the same number of periods, and how many of them nothing is forecast for."""
    of_stock = stock.select(KEYS)
    daily, weekly = (
        frame.join(of_stock.unique(), on=KEYS, how="semi") for frame in (inputs.forecast_daily, inputs.forecast_weekly)
    )
    if daily.is_empty():
        return pl.DataFrame(schema=MARKDOWN_SCHEMA), stock.height
    path = DemandPath.from_forecasts(of_stock, daily, weekly, as_of)
    length = int(stock["period_days"][0])
    edges = [path.demand(np.full(stock.height, float(length * n))) for n in range(periods + 1)]
    mean = np.diff(np.stack(edges, axis=1), axis=1)
    known = np.isfinite(mean).all(axis=1)
    stock, mean = stock.filter(pl.Series(known)), mean[known]
    if stock.is_empty():
        return pl.DataFrame(schema=MARKDOWN_SCHEMA), int((~known).sum())
    weekly_mean = mean.mean(axis=1) * 7.0 / length
    stock = stock.with_columns(
        keep_qty=pl.max_horizontal(pl.col("keep_weeks") * pl.Series(weekly_mean), pl.col("target_qty"))
    )
    problem = _problem(stock, mean, length, inputs.dispersion, settings.holding_cost_yearly_pct)
    sd = stock["discount_elasticity_sd"].to_numpy() * _NORMAL_90
    discounts = np.array(settings.clearance_discounts_pct) / 100
    target = settings.clearance_sell_through_pct
    found = plan_paths(
        problem,
        np.minimum(problem.elasticity + sd, 0.0),
        problem.elasticity - sd,
        discounts,
        flat_step=int(np.argmin(np.abs(discounts - _FLAT_STEP))),
        sell_through=None if target is None else target / 100,
    )
    return _lines(stock, mean, found, discounts, as_of, settings), int((~known).sum())


def _problem(
    stock: pl.DataFrame, mean: np.ndarray, length: int, dispersion: pl.DataFrame, holding_cost_yearly_pct: float
) -> Clearance:
    column = {
        name: stock[name].to_numpy().astype(float)
        for name in ("clearance_qty", "price", "unit_cost", "keep_qty", "salvage_unit_amount", "discount_elasticity")
    }
    demand = DemandDistribution.from_frame(dispersion)
    return Clearance(
        stock=column["clearance_qty"],
        price=column["price"],
        # a discount is never believed to sell less
        elasticity=np.minimum(-column["discount_elasticity"], 0.0),
        mean=mean,
        kept_qty=column["keep_qty"],
        kept_value=column["unit_cost"],
        salvage=column["salvage_unit_amount"],
        held=column["unit_cost"] * holding_cost_yearly_pct / 100 * length / _DAYS,
        spread=demand.alpha(mean.mean(axis=1), float(length)),
    )


def _lines(
    stock: pl.DataFrame, mean: np.ndarray, found: Paths, discounts: np.ndarray, as_of: date, settings: PricingSettings
) -> pl.DataFrame:
    rows, periods = mean.shape
    length = int(stock["period_days"][0])
    gain = found.recovery - found.nothing
    worth = stock.with_columns(
        recovery_amount=pl.Series(found.recovery),
        recovery_low_amount=pl.Series(found.low),
        recovery_high_amount=pl.Series(found.high),
        do_nothing_amount=pl.Series(found.nothing),
        flat_amount=pl.Series(found.flat),
        sell_through_share=pl.Series(1.0 - found.left_qty / stock["clearance_qty"].to_numpy()),
        do_nothing_sell_through_share=pl.Series(1.0 - found.left_nothing_qty / stock["clearance_qty"].to_numpy()),
        deepest_pct=pl.Series(discounts[found.step.max(axis=1)]),
        row=pl.Series(np.arange(rows)),
    )
    pays = pl.Series((gain >= settings.clearance_min_gain_amount) & (found.step.max(axis=1) > 0))
    target = settings.clearance_sell_through_pct
    eager = pl.Series(found.step.max(axis=1) > 0) if target is not None else pays
    by_period = pl.DataFrame(
        {
            "row": np.repeat(np.arange(rows), periods),
            "period": np.tile(np.arange(periods), rows),
            "off_share": discounts[found.step].ravel(),
            "demand_mean_qty": mean.ravel(),
            "expected_sold_qty": found.sold.ravel(),
            "expected_left_qty": found.left.ravel(),
        }
    )
    first = pl.col("period") == 0
    once = ("recovery_amount", "recovery_low_amount", "recovery_high_amount", "do_nothing_amount", "flat_amount")
    shares = ("sell_through_share", "do_nothing_sell_through_share")
    lines = (
        worth.filter(pays | eager)
        .join(by_period, on="row", maintain_order="left")
        .with_columns(
            as_of=pl.lit(as_of),
            starts_on=pl.lit(as_of) + pl.duration(days=1 + length * pl.col("period")),
            exit_on=pl.lit(as_of) + pl.duration(days=length * periods),
            is_first=first,
            list_price=pl.col("price"),
            new_price=(pl.col("price") * (1.0 - pl.col("off_share"))).round(2),
            elasticity=-pl.col("discount_elasticity").clip(0.0),
            elasticity_low=-pl.col("discount_elasticity") - _NORMAL_90 * pl.col("discount_elasticity_sd"),
            elasticity_high=(-pl.col("discount_elasticity") + _NORMAL_90 * pl.col("discount_elasticity_sd")).clip(
                upper_bound=0.0
            ),
            channel=_channel(settings.clearance_channels),
        )
        .with_columns(
            pl.col("expected_sold_qty", "expected_left_qty", "demand_mean_qty", "keep_qty", "clearance_qty").round(3),
            pl.col(*once).round(2),
        )
        .with_columns(gain_amount=(pl.col("recovery_amount") - pl.col("do_nothing_amount")).round(2))
        .with_columns(reason_codes=_codes(settings), explanation=_sentence())
        # of a path, not of a period: on its first line alone, so that lines add up
        .with_columns(pl.when(first).then(pl.col(name)).alias(name) for name in (*once, "gain_amount", *shares))
    )
    return lines.select(pl.col(name).cast(kind) for name, kind in MARKDOWN_SCHEMA.items())


def _channel(channels: Mapping[str, float]) -> pl.Expr:
    """The channel with the highest threshold that the deepest discount reaches."""
    chosen = pl.lit(min(channels, key=lambda name: channels[name]))
    for name in sorted(channels, key=lambda name: channels[name]):
        reached = pl.col("deepest_pct") * 100 >= channels[name] - 1e-9
        chosen = pl.when(reached).then(pl.lit(name)).otherwise(chosen)
    return chosen


def _codes(settings: PricingSettings) -> pl.Expr:
    target = settings.clearance_sell_through_pct
    missed = pl.lit(False) if target is None else pl.col("sell_through_share") * 100 < target - 1e-6
    return joined_codes(
        (pl.col("moved_out_qty") > 0, "transfer_first"),
        (pl.col("is_discontinued"), "discontinued"),
        (pl.col("elasticity_source") != "product", "elasticity_of_group"),
        (pl.col("is_of_shelf_price"), "elasticity_of_shelf_price"),
        (pl.col("recovery_low_amount") < pl.col("do_nothing_amount"), "may_lose"),
        (missed, "sell_through_out_of_reach"),
    )


def _sentence() -> pl.Expr:
    """The first line tells the whole path, the others their own step."""
    whole = pl.concat_str(
        pl.format(
            "{} of {} at {} until {}: ",
            number("clearance_qty"),
            pl.coalesce("product_name", "sku_id"),
            pl.coalesce("location_name", "location_id"),
            day("exit_on"),
        ),
        only_if(
            pl.col("moved_out_qty") > 0, pl.format("{} move away first (transfer_orders); ", number("moved_out_qty"))
        ),
        pl.format(
            "{} % off {} to begin with, {} % at the deepest, by {}; ",
            number(pl.col("off_share") * 100, 1),
            money("list_price"),
            number(pl.col("deepest_pct") * 100, 1),
            "channel",
        ),
        pl.format(
            "expected to bring {} ({} to {} by what customers may do), at today's price {}: {} more",
            money("recovery_amount"),
            money("recovery_low_amount"),
            money("recovery_high_amount"),
            money("do_nothing_amount"),
            money("gain_amount"),
        ),
        pl.format(
            "; {} % sold by then, {} % without it; what is left counts {} a unit, up to {} of it its cost of {}.",
            number(pl.col("sell_through_share") * 100, 1),
            number(pl.col("do_nothing_sell_through_share") * 100, 1),
            money("salvage_unit_amount"),
            number("keep_qty", 1),
            money("unit_cost"),
        ),
    )
    step = pl.format(
        "{}, {} {}: {} % off {} = {}; {} would sell at today's price, {} are expected to sell, {} left.",
        day("starts_on"),
        "period_days",
        plural(pl.col("period_days"), "day"),
        number(pl.col("off_share") * 100, 1),
        money("list_price"),
        money("new_price"),
        number("demand_mean_qty", 2),
        number("expected_sold_qty", 2),
        number("expected_left_qty", 2),
    )
    return pl.when("is_first").then(whole).otherwise(step)
