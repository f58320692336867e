"""One store, one plan: what a place should exchange, and in which order its products deserve facings.

Belongs here: incremental margin of a product at a place, and which exchanges pay. Not here: clusters (clusters.py).

A product that goes does not take all its sales along: most customers take another of its kind. Demand of a kind at a
place is a logit choice among its products and buying nothing (Kök, Fisher, Vaidyanathan 2015): with d of the product, G
of the kind and O of those who walk away, d x (G - d) / (G - d + O) goes to the others. A product that comes takes the
share that it has where the cluster sells it, from the others and from those who walked away alike.
"""

from datetime import date

import polars as pl

from ml.range.settings import RangeSettings

LIST, DELIST, KEEP = "list", "delist", "keep"
ASSORTMENT_SCHEMA = pl.Schema(
    {
        "as_of": pl.Date,
        "location_id": pl.String,
        "sku_id": pl.String,
        "action": pl.String,
        "group": pl.String,
        "cluster": pl.String,
        "facings_rank": pl.Int64,
        "weekly_qty": pl.Float64,
        "group_weekly_qty": pl.Float64,
        "unit_margin": pl.Float64,
        "incremental_weekly_qty": pl.Float64,
        "incremental_weekly_amount": pl.Float64,
        "incremental_weekly_low_amount": pl.Float64,
        "incremental_weekly_high_amount": pl.Float64,
        "exchanged_sku_id": pl.String,
        "gain_weekly_amount": pl.Float64,
        "gain_weekly_low_amount": pl.Float64,
        "gain_weekly_high_amount": pl.Float64,
        "evidence_places": pl.Int64,
        "evidence_qty": pl.Float64,
        "explanation": pl.String,
    }
)
WEEKS = 26.0
_Z90 = 1.6449
_PLACE = ["location_id", "group"]


def assortment_changes(
    ranged: pl.DataFrame, clusters: pl.DataFrame, as_of: date, settings: RangeSettings
) -> pl.DataFrame:
    """Return ASSORTMENT_SCHEMA: every product of every place to keep or delist, and those to list in its stead.

    ranged: location_id, sku_id, product_name, group, units (of the last 26 weeks), recent_units (of 13), weeks (in the
    range, 26 at most), unit_margin; one row a product listed at a place. clusters: location_id, cluster. The number of
    products of a kind at a place stays: each that comes takes the room of one that goes, where the gain's interval
    leaves zero out.
    """
    known = ranged.drop_nulls(["group", "unit_margin"]).join(clusters, on="location_id", how="inner")
    kept = _incremental_of_listed(known, settings)
    swaps = _exchanges(kept, _candidates(kept, settings), settings)
    gone = swaps.select("location_id", sku_id="delisted_sku_id", other="sku_id", gain="gain", gain_half="gain_half")
    lines = kept.join(gone, on=["location_id", "sku_id"], how="left").with_columns(
        action=pl.when(pl.col("other").is_null()).then(pl.lit(KEEP)).otherwise(pl.lit(DELIST)),
        evidence_places=pl.lit(1, dtype=pl.Int64),
        evidence_qty="units",
    )
    new = swaps.with_columns(action=pl.lit(LIST), other="delisted_sku_id")
    both = pl.concat([lines, new], how="diagonal")
    ranked = both.with_columns(
        # what goes deserves none; by money, equals by number
        facings_rank=pl.when(pl.col("action") != DELIST).then(
            pl.struct(-pl.col("incremental").round(6), "sku_id")
            .rank("ordinal")
            .over("location_id", "group", pl.col("action") == DELIST)
            .cast(pl.Int64)
        )
    )
    return _told(ranged, ranked, as_of)


def _incremental_of_listed(known: pl.DataFrame, settings: RangeSettings) -> pl.DataFrame:
    """What a place would lose without each of its products, a week: incremental (money), incremental_qty, half."""
    away = settings.walk_away_pct / 100
    rate = known.with_columns(weekly=pl.col("units").clip(0.0) / pl.col("weeks").clip(4.0, WEEKS))
    group = rate.with_columns(
        of_group=pl.col("weekly").sum().over(_PLACE),
        margin_of_group=(pl.col("weekly") * pl.col("unit_margin")).sum().over(_PLACE),
    )
    others = pl.col("of_group") - pl.col("weekly")
    walk = pl.col("of_group") * away / (1 - away)
    moved = pl.when(others > 1e-9).then(pl.col("weekly") * others / (others + walk)).otherwise(0.0)
    margin_of_others = pl.when(others > 1e-9).then(
        (pl.col("margin_of_group") - pl.col("weekly") * pl.col("unit_margin")) / others
    )
    return group.with_columns(
        incremental_qty=pl.col("weekly") - moved,
        incremental=pl.col("weekly") * pl.col("unit_margin") - moved * margin_of_others.fill_null(0.0),
        moved=moved,
    ).with_columns(half=pl.col("incremental").abs() * _Z90 / pl.col("units").clip(1.0).sqrt())


def _candidates(kept: pl.DataFrame, settings: RangeSettings) -> pl.DataFrame:
    """Products that the cluster sells and a place does not, with what they would bring there a week."""
    away = settings.walk_away_pct / 100
    sold = kept.filter((pl.col("recent_units") > 0) & (pl.col("of_group") > 0))
    strength = sold.group_by("cluster", "group", "sku_id").agg(
        evidence_places=pl.len().cast(pl.Int64),
        evidence_qty=pl.col("units").sum(),
        share=pl.col("weekly").sum() / pl.col("of_group").sum(),
        unit_margin=(pl.col("unit_margin") * pl.col("weekly")).sum() / pl.col("weekly").sum(),
    )
    strong = strength.filter((pl.col("evidence_places") >= settings.least_places) & (pl.col("share") < 0.95))
    # whole numbers of hundredths, so that sums of any order agree
    strong = strong.with_columns(pl.col("share").round(8), pl.col("unit_margin").round(6))
    places = (
        kept.select(*_PLACE, "cluster", "of_group", "margin_of_group").unique(_PLACE).filter(pl.col("of_group") > 0)
    )
    listed = kept.select("location_id", "sku_id")
    offered = places.join(strong, on=["cluster", "group"]).join(listed, on=["location_id", "sku_id"], how="anti")
    attraction = pl.col("share") / (1 - pl.col("share")) * pl.col("of_group")
    market = pl.col("of_group") / (1 - away)
    taken = attraction / (market + attraction)
    return (
        offered.with_columns(weekly=market * taken, moved=pl.col("of_group") * taken)
        .with_columns(
            incremental_qty=pl.col("weekly") - pl.col("moved"),
            incremental=pl.col("weekly") * pl.col("unit_margin")
            - pl.col("moved") * pl.col("margin_of_group") / pl.col("of_group"),
        )
        .with_columns(half=pl.col("incremental").abs() * _Z90 / pl.col("evidence_qty").clip(1.0).sqrt())
    )


def _exchanges(kept: pl.DataFrame, offered: pl.DataFrame, settings: RangeSettings) -> pl.DataFrame:
    """The best offers against the weakest products of the same kind and place, where the gain is more than chance."""
    weakest = (
        kept.filter(pl.col("weeks") >= WEEKS)
        .sort("location_id", "group", "incremental", "sku_id")
        .with_columns(turn=pl.int_range(pl.len()).over(_PLACE))
        .select(*_PLACE, "turn", delisted_sku_id="sku_id", lost="incremental", lost_half="half")
    )
    best = offered.sort(
        ["location_id", "group", "incremental", "sku_id"], descending=[False, False, True, False]
    ).with_columns(turn=pl.int_range(pl.len()).over(_PLACE))
    paired = best.join(weakest, on=[*_PLACE, "turn"]).with_columns(
        gain=pl.col("incremental") - pl.col("lost"),
        gain_half=(pl.col("half") ** 2 + pl.col("lost_half") ** 2).sqrt(),
    )
    paying = paired.filter((pl.col("gain") - pl.col("gain_half") > 0.005) & (pl.col("incremental") > 0))
    ordered = paying.sort(["location_id", "gain", "sku_id"], descending=[False, True, False])
    return ordered.group_by("location_id", maintain_order=True).head(settings.most_changes)


def _told(ranged: pl.DataFrame, lines: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The lines as published, with the sentence that a buyer reads."""
    names = ranged.group_by("sku_id").agg(name=pl.col("product_name").drop_nulls().min())
    named = names.with_columns(pl.coalesce("name", "sku_id"))
    others = named.select(other="sku_id", other_name="name")
    told = lines.join(named, on="sku_id", how="left").join(others, on="other", how="left")
    ends = {
        f"{column}_{end}_amount": pl.col(value) + sign * pl.col(half)
        for column, value, half in (("incremental_weekly", "incremental", "half"), ("gain_weekly", "gain", "gain_half"))
        for end, sign in (("low", -1), ("high", 1))
    }
    told = told.with_columns(
        as_of=pl.lit(as_of),
        weekly_qty="weekly",
        group_weekly_qty="of_group",
        incremental_weekly_qty="incremental_qty",
        incremental_weekly_amount="incremental",
        exchanged_sku_id="other",
        gain_weekly_amount="gain",
        explanation=_sentence(),
        **ends,
    )
    return told.sort("location_id", "group", "action", "sku_id").select(
        pl.col(name).cast(kind) for name, kind in ASSORTMENT_SCHEMA.items()
    )


def _sentence() -> pl.Expr:
    def money(name: str) -> pl.Expr:
        return pl.col(name).round(2)

    sells = pl.format("{} a week of {} of its kind; ", pl.col("weekly").round(2), pl.col("of_group").round(2))
    gain = pl.format(
        " a week; {} {}, {} more a week [{}, {}].",
        pl.when(pl.col("action") == LIST).then(pl.lit("in place of")).otherwise(pl.lit("make room for")),
        "other_name",
        money("gain"),
        (pl.col("gain") - pl.col("gain_half")).round(2),
        (pl.col("gain") + pl.col("gain_half")).round(2),
    )
    listed = pl.concat_str(
        pl.lit("Would sell "),
        sells,
        pl.format(
            "{} places of {} sold {} in 26 weeks; ", "evidence_places", "cluster", pl.col("evidence_qty").round(1)
        ),
        pl.format(
            "{} would buy another of its kind instead of it: brings {}", pl.col("moved").round(2), money("incremental")
        ),
    )
    kept = pl.concat_str(
        pl.lit("Sells "),
        sells,
        pl.format("without it {} would buy another: it brings {}", pl.col("moved").round(2), money("incremental")),
    )
    return (
        pl.when(pl.col("action") == LIST)
        .then(listed + gain)
        .when(pl.col("action") == DELIST)
        .then(kept + gain)
        .otherwise(kept + pl.lit(" a week."))
    )
