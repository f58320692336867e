"""Which shelf prices to change: the lines of price_recommendations.

What belongs here: the margin that a price would bring, the rules that it has to keep, the choice. What does not:
elasticities (ml/response), prices that clear a stock (clearance), the label on the shelf (orchestration).

Units at a price c instead of today's p: today's x (c / p)^elasticity, over the next 28 days. With an elasticity that is
known as normal with mean e and deviation s the expected units are today's x exp(e L + s^2 L^2 / 2), L = log(c / p).
Margin: units x (c - unit cost). A change gains where the elasticity lies on one side of

    e* = log((p - cost) / (c - cost)) / log(c / p)

so its chance is a normal probability. Candidates are the prices within SPAN of today's, each with an allowed ending;
the one with the highest expected margin that breaks no hard rule is proposed, if it gains enough and is likely to. A
soft rule may be broken where that is worth it. The binding rule is the one without which most more would be gained.

Products of a brand keep their ladder: of two packs the larger costs no less, and no more by the unit. Prices of it are
chosen in turn, the largest gain first, each against what the others cost by then, so a ladder that stood still stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from scipy import special

from ml.planning.pricing_settings import PRICE_RULES, PricingSettings
from ml.planning.words import day, joined_codes, money, number, only_if

HORIZON_DAYS = 28
EVERYBODY = "*"
SPAN, _GRID = 0.3, 61
_NORMAL_90 = 1.6448536269514722
_CENT = 1e-6
KEY = ["sku_id", "location_id", "channel", "member_tier"]
PRICES_SCHEMA = pl.Schema({**dict.fromkeys(KEY, pl.String), "price": pl.Float64, "demand_mean_qty": pl.Float64})
PRODUCTS_SCHEMA = pl.Schema(
    {
        **dict.fromkeys(("sku_id", "product_name", "brand", "ladder"), pl.String),
        **dict.fromkeys(("pack_size", "list_price", "unit_cost"), pl.Float64),
    }
)
STOCK_SCHEMA = pl.Schema({"sku_id": pl.String, "location_id": pl.String, "position_qty": pl.Float64})
BAND_SCHEMA = pl.Schema({"sku_id": pl.String, "competitor_low_price": pl.Float64, "competitor_high_price": pl.Float64})
PROPOSALS_SCHEMA = pl.Schema(
    {
        **dict.fromkeys(KEY, pl.String),
        "as_of": pl.Date,
        "effective_on": pl.Date,
        **dict.fromkeys(
            (
                "current_price",
                "new_price",
                "step_share",
                "unit_cost",
                "elasticity",
                "elasticity_low",
                "elasticity_high",
                "units_qty",
                "new_units_qty",
                "new_units_low_qty",
                "new_units_high_qty",
                "margin_amount",
                "new_margin_amount",
                "gain_amount",
                "gain_low_amount",
                "gain_high_amount",
                "chance_share",
                "position_qty",
                "competitor_low_price",
                "competitor_high_price",
            ),
            pl.Float64,
        ),
        "binding_rule": pl.String,
        "reason_codes": pl.String,
        "explanation": pl.String,
    }
)


@dataclass(frozen=True)
class PriceInputs:
    """prices: PRICES_SCHEMA, those that hold on the effective day; location_id, channel and member_tier * = any.

    demand_mean_qty: expected units of 28 days at today's price where the row holds. products: PRODUCTS_SCHEMA; ladder:
    group within which packs keep their order. stock: position by product and place (* = all). bands: BAND_SCHEMA.
    response: as ml.response.pipeline.Response.products.
    """

    prices: pl.DataFrame
    products: pl.DataFrame
    stock: pl.DataFrame
    bands: pl.DataFrame
    response: pl.DataFrame


def propose_prices(inputs: PriceInputs, as_of: date, settings: PricingSettings) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return PROPOSALS_SCHEMA, a row a price to change, and how many prices stay, by reason.

    Prices of a member tier follow that of everybody: the same part of it, ending allowed, where that breaks no hard
    rule; units and margin of all tiers stand on the row of everybody.
    """
    rows = _rows(inputs)
    stays: dict[str, int] = {}
    for reason, is_missing in {
        "no unit cost": pl.col("unit_cost").is_null(),
        "nothing is forecast": ~(pl.col("demand_mean_qty") > 0).fill_null(False),
        "the interval of its elasticity says nothing": ~pl.col("is_conclusive").fill_null(False),
    }.items():
        stays[reason] = rows.filter(is_missing).height
        rows = rows.filter(~is_missing)
    chosen = _chosen(rows, settings)
    is_change = (
        ((pl.col("new_price") - pl.col("price")).abs() > _CENT)
        & (pl.col("gain_amount") >= settings.price_min_gain_amount)
        & (pl.col("chance_share") * 100 >= settings.price_min_chance_pct)
    )
    stays["no change gains enough"] = chosen.filter(~is_change).height
    base = chosen.filter(is_change)
    lines = pl.concat([base, _tiers(base, inputs.prices, settings)], how="diagonal_relaxed")
    effective = effective_day(as_of, settings)
    lines = (
        lines.with_columns(as_of=pl.lit(as_of), effective_on=pl.lit(effective), current_price=pl.col("price"))
        .with_columns(reason_codes=_codes(), explanation=_sentence())
        .select(pl.col(name).cast(kind) for name, kind in PROPOSALS_SCHEMA.items())
    )
    return lines.sort(KEY), {reason: count for reason, count in stays.items() if count}


def effective_day(as_of: date, settings: PricingSettings) -> date:
    """The day from which new prices hold: price_lead_days ahead, or the day after the no-touch weeks it falls into."""
    effective = as_of + timedelta(days=settings.price_lead_days)
    for first, last in sorted(settings.price_no_touch):
        if first <= effective <= last:
            effective = last + timedelta(days=1)
    return effective


def _rows(inputs: PriceInputs) -> pl.DataFrame:
    prices = inputs.prices.select(pl.col(name).cast(kind) for name, kind in PRICES_SCHEMA.items())
    answer = ("elasticity", "elasticity_sd", "elasticity_low", "elasticity_high", "is_conclusive")
    return (
        prices.filter(pl.col("member_tier") == EVERYBODY, pl.col("price") > 0)
        .join(inputs.products.select(PRODUCTS_SCHEMA.names()), on="sku_id", how="left")
        .join(inputs.response.select("sku_id", *answer), on="sku_id", how="left")
        .join(inputs.stock.select(STOCK_SCHEMA.names()), on=["sku_id", "location_id"], how="left")
        .join(inputs.bands.select(BAND_SCHEMA.names()), on="sku_id", how="left")
        .sort(KEY)
    )


def _chosen(rows: pl.DataFrame, settings: PricingSettings) -> pl.DataFrame:
    """The rows with the price chosen for each (today's where nothing is better) and what it is expected to bring."""
    grid = Candidates.of(rows, settings)
    kept = {name: grid.keeps(name, settings) for name in PRICE_RULES if settings.price_rules.get(name, "off") != "off"}
    soft = [name for name in kept if settings.price_rules[name] == "soft"]
    cost = settings.price_soft_rule_pct / 100 * np.abs(grid.margin_now)[:, None]
    score = grid.gain - cost * sum((~kept[name] for name in soft), np.zeros(grid.gain.shape, dtype=int))
    hard = {name: keeps for name, keeps in kept.items() if name not in soft}
    allowed = np.logical_and.reduce([*hard.values(), np.ones(grid.gain.shape, dtype=bool)])
    allowed[:, 0] = True  # today's price is always there
    at, on_ladder = _best(rows, grid, score, allowed, is_ladder_hard=settings.price_rules.get("ladder") == "hard")
    if "ladder" in hard:
        hard["ladder"] = on_ladder
    row = np.arange(rows.height)
    binding = _binding(score, hard, at)
    broken = np.array(
        [";".join(f"{name}_broken" for name in soft if not kept[name][i, at[i]] and at[i]) for i in row], dtype=object
    )
    price = grid.price[row, at]
    low, high = (grid.gains_if(rows[f"elasticity_{end}"].to_numpy())[row, at] for end in ("low", "high"))
    return rows.with_columns(
        new_price=pl.Series(price),
        step_share=pl.Series(price) / pl.col("price") - 1.0,
        units_qty=pl.col("demand_mean_qty"),
        new_units_qty=pl.Series(grid.units[row, at]),
        new_units_low_qty=pl.Series(np.minimum(*(grid.units_if(rows, end)[row, at] for end in ("low", "high")))),
        new_units_high_qty=pl.Series(np.maximum(*(grid.units_if(rows, end)[row, at] for end in ("low", "high")))),
        margin_amount=pl.Series(grid.margin_now),
        new_margin_amount=pl.Series(grid.margin_now + grid.gain[row, at]),
        gain_amount=pl.Series(grid.gain[row, at]),
        gain_low_amount=pl.Series(np.minimum(low, high)),
        gain_high_amount=pl.Series(np.maximum(np.maximum(low, high), grid.gain[row, at])),
        chance_share=pl.Series(grid.chance()[row, at]),
        binding_rule=pl.Series(binding, dtype=pl.String),
        broken=pl.Series(broken, dtype=pl.String),
    )


@dataclass(frozen=True)
class Candidates:
    """Prices that each row may get, (rows, candidates), the first of them today's, with what they would bring.

    ended: whether the ending is allowed. units, gain: expected units and margin beyond today's price, 28 days.
    """

    rows: pl.DataFrame
    price: np.ndarray
    units: np.ndarray
    gain: np.ndarray
    margin_now: np.ndarray

    @classmethod
    def of(cls, rows: pl.DataFrame, settings: PricingSettings) -> Candidates:
        """Lay out the candidates of rows with price, unit_cost, demand_mean_qty, elasticity and elasticity_sd."""
        today = rows["price"].to_numpy()[:, None]
        asked = today * np.exp(np.linspace(-SPAN, SPAN, _GRID))[None, :]
        if settings.price_rules.get("ending", "off") == "off":
            rounded = np.round(asked, 2)
        else:
            rounded = to_ending(asked, settings)
        price = np.concatenate([today, np.maximum(rounded, 0.01)], axis=1)
        ratio = np.log(price / today)
        mean, sd = (rows[name].to_numpy()[:, None] for name in ("elasticity", "elasticity_sd"))
        units = rows["demand_mean_qty"].to_numpy()[:, None] * np.exp(mean * ratio + (sd * ratio) ** 2 / 2)
        margin = units * (price - rows["unit_cost"].to_numpy()[:, None])
        return cls(rows, price, units, margin - margin[:, :1], margin[:, 0])

    def units_if(self, rows: pl.DataFrame, end: str) -> np.ndarray:
        """Units at one end of the interval of the elasticity."""
        ratio = np.log(self.price / self.price[:, :1])
        return rows["demand_mean_qty"].to_numpy()[:, None] * np.exp(
            rows[f"elasticity_{end}"].to_numpy()[:, None] * ratio
        )

    def gains_if(self, elasticity: np.ndarray) -> np.ndarray:
        """Gains if these were the elasticities."""
        cost = self.rows["unit_cost"].to_numpy()[:, None]
        units = (
            self.rows["demand_mean_qty"].to_numpy()[:, None] * (self.price / self.price[:, :1]) ** elasticity[:, None]
        )
        margin = units * (self.price - cost)
        return margin - margin[:, :1]

    def chance(self) -> np.ndarray:
        """Probability that a price gains; see the module."""
        cost = self.rows["unit_cost"].to_numpy()[:, None]
        mean, sd = (self.rows[name].to_numpy()[:, None] for name in ("elasticity", "elasticity_sd"))
        ratio = np.log(self.price / self.price[:, :1])
        now, then = self.price[:, :1] - cost, self.price - cost
        with np.errstate(divide="ignore", invalid="ignore"):
            turning = np.log(now / then) / ratio
            chance = special.ndtr(np.sign(ratio) * (mean - turning) / np.maximum(sd, 1e-9))
        # today at a loss: any price that earns gains; a price at a loss gains nothing
        chance = np.where(then <= 0, np.where(then > now, 0.5, 0.0), np.where(now <= 0, 1.0, chance))
        return np.where(ratio == 0, 0.0, chance)

    def keeps(self, rule: str, settings: PricingSettings) -> np.ndarray:
        """Whether each candidate keeps a rule; the ladder is looked at when prices are chosen."""
        cost, listed, low, high, position = (
            self.rows[name].fill_null(np.nan).to_numpy()[:, None]
            for name in ("unit_cost", "list_price", "competitor_low_price", "competitor_high_price", "position_qty")
        )
        today, every = self.price[:, :1], np.ones(self.price.shape, dtype=bool)
        band = settings.price_competitor_band_pct / 100
        if rule == "floor":
            return self.price >= cost * (1 + settings.price_min_margin_pct / 100) - _CENT
        if rule == "ceiling":
            return ~(self.price > listed * settings.price_ceiling_pct / 100 + _CENT)
        if rule == "largest_step":
            return np.abs(self.price / today - 1) <= settings.price_largest_step_pct / 100 + _CENT
        if rule == "ending":
            return np.abs(to_ending(self.price, settings) - self.price) < _CENT
        if rule == "competitor_band":
            return ~((self.price < low * (1 - band) - _CENT) | (self.price > high * (1 + band) + _CENT))
        if rule == "stock_depth":
            wanted = self.units * settings.price_stock_days / HORIZON_DAYS
            return ~((self.price < today - _CENT) & (position < wanted - _CENT))
        return every


def to_ending(price: np.ndarray, settings: PricingSettings) -> np.ndarray:
    """The nearest price with an allowed ending, above zero; of two equally near the lower."""
    endings = np.array(sorted(settings.price_endings))
    unit = settings.price_ending_unit
    whole = np.floor(price[..., None] / unit + _CENT) + np.array([-1.0, 0.0, 1.0])
    options = (whole[..., None] * unit + endings).reshape(*price.shape, whole.shape[-1] * len(endings))
    options = np.round(np.where(options > _CENT, options, np.inf), 4)
    nearest = np.argmin(np.round(np.abs(options - price[..., None]), 6), axis=-1)
    return np.take_along_axis(options, nearest[..., None], axis=-1)[..., 0]


def _best(
    rows: pl.DataFrame, grid: Candidates, score: np.ndarray, allowed: np.ndarray, *, is_ladder_hard: bool
) -> tuple[np.ndarray, np.ndarray]:
    """(candidate chosen by row, whether each candidate keeps the ladder at the prices chosen)."""
    worth = np.where(allowed, score, -np.inf)
    at = worth.argmax(axis=1)
    on_ladder = np.ones(score.shape, dtype=bool)
    if not is_ladder_hard:
        return at, on_ladder
    price, size = rows["price"].to_numpy().copy(), rows["pack_size"].fill_null(np.nan).to_numpy()
    for group in _ladders(rows):
        at[group] = 0
        for member in sorted(group, key=lambda i: (-worth[i].max(), i)):
            others = [i for i in group if i != member]
            keeps = _keeps_ladder(grid.price[member], size[member], price[others], size[others])
            keeps |= ~keeps[0]  # a ladder that is broken today is nobody's fault tonight
            at[member] = np.where(keeps, worth[member], -np.inf).argmax()
            price[member] = grid.price[member, at[member]]
        for member in group:
            others = [i for i in group if i != member]
            on_ladder[member] = _keeps_ladder(grid.price[member], size[member], price[others], size[others])
    return at, on_ladder


def _ladders(rows: pl.DataFrame) -> list[list[int]]:
    """Rows of one ladder at one place and channel, where there are two packs or more."""
    known = rows.with_row_index("i").drop_nulls(["ladder", "pack_size"])
    groups = known.group_by("ladder", "location_id", "channel", maintain_order=True).agg("i")
    return [group for group in groups["i"].to_list() if len(group) > 1]


def _keeps_ladder(candidates: np.ndarray, size: float, price: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Whether candidates of a pack keep the ladder with the others: a larger pack no cheaper, by the unit no dearer."""
    keeps = np.ones(candidates.shape, dtype=bool)
    for other, other_size in zip(price, sizes, strict=True):
        if size > other_size:
            keeps &= (candidates >= other - _CENT) & (candidates / size <= other / other_size + _CENT)
        elif size < other_size:
            keeps &= (candidates <= other + _CENT) & (candidates / size >= other / other_size - _CENT)
    return keeps


def _binding(score: np.ndarray, hard: dict[str, np.ndarray], at: np.ndarray) -> list[str | None]:
    """The hard rule by row without which most more would be gained; None where none is in the way.

    Where no rule alone is, the first of those that the best price without any would break."""
    row = np.arange(len(at))
    most, name_of = score[row, at] + 0.005, np.full(len(at), None, dtype=object)
    is_open = np.ones(len(at), dtype=bool)
    for lifted in hard:
        rest = [keeps for name, keeps in hard.items() if name != lifted]
        allowed = np.logical_and.reduce([*rest, np.ones(score.shape, dtype=bool)])
        best = np.where(allowed, score, -np.inf).max(axis=1)
        name_of, is_open = np.where(best > most, lifted, name_of), is_open & (best <= most)
        most = np.maximum(best, most)
    free = score.argmax(axis=1)
    for name, keeps in reversed(hard.items()):
        is_joint = is_open & (score[row, free] > most) & ~keeps[row, free]
        name_of, is_open = np.where(is_joint, name, name_of), is_open & ~is_joint
    return list(name_of)


def _tiers(base: pl.DataFrame, prices: pl.DataFrame, settings: PricingSettings) -> pl.DataFrame:
    """Prices of member tiers that follow the new ones of everybody."""
    place = ["sku_id", "location_id", "channel"]
    of_base = base.select(*place, "product_name", "unit_cost", "new_price", base_price="price", base_new="new_price")
    tiers = (
        prices.select(pl.col(name).cast(kind) for name, kind in PRICES_SCHEMA.items())
        .filter(pl.col("member_tier") != EVERYBODY, pl.col("price") > 0)
        .join(of_base.drop("new_price"), on=place)
        .sort(KEY)
    )
    if tiers.is_empty():
        return tiers.with_columns(new_price=pl.col("price"))
    asked = (tiers["base_new"] * tiers["price"] / tiers["base_price"]).to_numpy()
    has_ending = settings.price_rules.get("ending", "off") != "off"
    new = to_ending(asked, settings) if has_ending else np.round(asked, 2)
    today, cost = tiers["price"].to_numpy(), tiers["unit_cost"].to_numpy()
    keeps = new <= tiers["base_new"].to_numpy() + _CENT
    if settings.price_rules.get("floor") == "hard":
        keeps &= new >= cost * (1 + settings.price_min_margin_pct / 100) - _CENT
    if settings.price_rules.get("largest_step") == "hard":
        keeps &= np.abs(new / today - 1) <= settings.price_largest_step_pct / 100 + _CENT
    return (
        tiers.with_columns(new_price=pl.Series(new), step_share=pl.Series(new / today - 1))
        .filter(pl.Series(keeps & (np.abs(new - today) > _CENT)))
        .drop("demand_mean_qty", "base_price", "base_new")
    )


def _codes() -> pl.Expr:
    return joined_codes(
        (pl.col("member_tier") != EVERYBODY, "follows_everybody"),
        (pl.col("binding_rule").is_not_null(), "rule_binds"),
        ((pl.col("broken") != "").fill_null(False), "soft_rule_broken"),
        ((pl.col("gain_low_amount") < 0).fill_null(False), "may_lose"),
    )


def _sentence() -> pl.Expr:
    first = pl.format(
        "{} from {} to {} ({} %) on {}",
        pl.coalesce("product_name", "sku_id"),
        money("current_price"),
        money("new_price"),
        number(pl.col("step_share") * 100, 1),
        day("effective_on"),
    )
    follows = pl.format("{}, for tier {}: the same part of everybody's price.", first, "member_tier")
    own = pl.concat_str(
        first,
        pl.format(
            ": elasticity {} ({} to {}), so {} units in 28 days become {}, and a margin of {} becomes {}",
            number("elasticity", 2),
            number("elasticity_low", 2),
            number("elasticity_high", 2),
            number("units_qty", 1),
            number("new_units_qty", 1),
            money("margin_amount"),
            money("new_margin_amount"),
        ),
        pl.format(
            ": {} more ({} to {}), above zero with {} %",
            money("gain_amount"),
            money("gain_low_amount"),
            money("gain_high_amount"),
            number(pl.col("chance_share") * 100, 0),
        ),
        only_if(
            pl.col("binding_rule").is_not_null(),
            pl.format("; the rule {} keeps it from going further", pl.col("binding_rule").fill_null("")),
        ),
        only_if(
            (pl.col("broken") != "").fill_null(False),
            pl.format("; {}", pl.col("broken").fill_null("").str.replace_all("_", " ")),
        ),
        pl.lit("."),
    )
    return pl.when(pl.col("member_tier") == EVERYBODY).then(own).otherwise(follows)
