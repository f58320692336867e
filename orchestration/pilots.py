"""Pilots as files: a design that is written down before the start, and a one-page verdict afterwards.

Belongs here: home/pilots/<name>/ and reading the newest published night. Not here: the choice, chance and measure
(ml/pilots). A design that stands is not written again: a pilot is judged by what was said before it.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from ml.pilots import design as designs
from ml.pilots import verdict as verdicts
from ml.pilots.chance import ALPHA, POWER
from ml.pilots.panel import TooFewPlaces
from orchestration.errors import ShelfcastError
from orchestration.settings import Settings

MEASURES = ("net_amount", "units_qty")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
_SALES = """
select k.location_id, k.date, sum(k.{measure})::double as value
from kpi_daily as k
inner join dim_location as l using (location_id)
where l.is_open and ({departments} is null or list_contains({departments}, k.department))
group by all order by all
"""


class PilotError(ShelfcastError):
    """A pilot cannot be planned or measured; the message says why and what to do."""


def plan_pilot(
    settings: Settings,
    name: str,
    *,
    places: tuple[str, ...],
    size: int,
    weeks: int,
    weeks_before: int,
    starts_on: date | None,
    measure: str,
    departments: tuple[str, ...],
) -> Path:
    """Write home/pilots/<name>/plan.json and plan.md; returns the page. starts_on: None = the day after as_of.

    Raises:
        PilotError: the name is taken or cannot name a folder, no night is published, the past is too short.
    """
    folder = _folder(settings, name)
    if (folder / "plan.json").exists():
        raise PilotError(f"{folder} holds a plan already — a pilot is judged by what was said before it: another name")
    if measure not in MEASURES:
        raise PilotError(f"no measure {measure!r} — there are: {', '.join(MEASURES)}")
    daily, regions, as_of = _sales(settings, measure, departments)
    begins = starts_on or as_of + timedelta(days=1)
    if begins <= as_of:
        raise PilotError(f"the pilot would start on {begins}, sales are known up to {as_of}: choose a later day")
    try:
        made = designs.plan(
            daily,
            regions,
            as_of,
            begins,
            weeks=weeks,
            weeks_before=weeks_before,
            size=size,
            places=places,
            seed=settings.seed,
        )
    except TooFewPlaces as reason:
        raise PilotError(str(reason)) from None
    folder.mkdir(parents=True, exist_ok=True)
    kept = {"name": name, "planned_on": as_of, "measure": measure, "departments": list(departments), **asdict(made)}
    (folder / "plan.json").write_text(json.dumps(kept, indent=2, default=str, ensure_ascii=False) + "\n", "utf-8")
    page = folder / "plan.md"
    page.write_text(_plan_page(kept, made, settings.currency), encoding="utf-8")
    return page


def measure_pilot(settings: Settings, name: str) -> Path:
    """Write home/pilots/<name>/verdict.md and verdict.json from the newest published night; returns the page.

    Raises:
        PilotError: no such plan, or not a week of it is over.
    """
    folder = _folder(settings, name)
    path = folder / "plan.json"
    if not path.exists():
        known = sorted(each.parent.name for each in folder.parent.glob("*/plan.json"))
        raise PilotError(f"no plan {path} — there are: {', '.join(known) or 'none'}")
    kept = json.loads(path.read_text(encoding="utf-8"))
    made = _design(kept)
    daily, _, as_of = _sales(settings, kept["measure"], tuple(kept["departments"]))
    try:
        found = verdicts.measure(daily, made, as_of)
    except TooFewPlaces as reason:
        raise PilotError(str(reason)) from None
    said = {**asdict(found), "by_place": found.by_place.to_dicts(), "as_of": as_of}
    (folder / "verdict.json").write_text(json.dumps(said, indent=2, default=str, ensure_ascii=False) + "\n", "utf-8")
    page = folder / "verdict.md"
    page.write_text(_verdict_page(kept, made, found, as_of, settings.currency), encoding="utf-8")
    return page


def _folder(settings: Settings, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise PilotError(f"{name!r} cannot name a pilot — letters, digits, _ and -, 60 at most")
    return settings.home / "pilots" / name


def _sales(settings: Settings, measure: str, departments: tuple[str, ...]) -> tuple[pl.DataFrame, dict[str, str], date]:
    """Sales by place and day, regions and the business day of the newest published night."""
    latest = settings.published / "latest"
    if not (latest / "marts.duckdb").exists():
        raise PilotError(f"no night is published in {settings.published} — `shelfcast run` first")
    as_of = date.fromisoformat(json.loads((latest / "manifest.json").read_text(encoding="utf-8"))["as_of"])
    query = _SALES.format(measure=measure, departments="$departments::varchar[]")
    with duckdb.connect(str(latest / "marts.duckdb"), read_only=True) as con:
        daily = con.execute(query, {"departments": list(departments) or None}).pl()
        regions = dict(con.execute("select location_id, coalesce(region, '') from dim_location").fetchall())
    if daily.is_empty():
        raise PilotError(f"nothing was sold in {', '.join(departments) or 'any department'}")
    return daily, regions, as_of


def _design(kept: dict[str, Any]) -> designs.Design:
    fields = {name: kept[name] for name in designs.Design.__dataclass_fields__}
    fields |= {"starts_on": date.fromisoformat(kept["starts_on"]), "places": tuple(kept["places"])}
    return designs.Design(**fields | {"controls": {place: tuple(them) for place, them in kept["controls"].items()}})


def _what(kept: dict[str, Any], currency: str) -> str:
    unit = f"net sales, {currency}" if kept["measure"] == "net_amount" else "units sold"
    return f"{unit}, {', '.join(kept['departments']) or 'all departments'}"


def _plan_page(kept: dict[str, Any], made: designs.Design, currency: str) -> str:
    ends = made.starts_on + timedelta(days=7 * made.weeks - 1)
    rows = [f"| {place} | {', '.join(made.controls[place])} |" for place in made.places]
    powers = [f"| {effect} | {share:.0f} % |" for effect, share in made.power_pct.items()]
    return "\n".join(
        [
            f"# Pilot {kept['name']}: the plan",
            "",
            f"{made.starts_on} to {ends}, {made.weeks} weeks, {len(made.places)} places; measure: "
            f"{_what(kept, currency)}. "
            f"Written on {kept['planned_on']}, before the start.",
            "",
            f"**The smallest effect that this design sees: {made.detectable_pct} %** (with {POWER:.0%} probability, at "
            f"{ALPHA:.0%} false alarms). Chance is what groups of {len(made.places)} of "
            f"{made.compared + len(made.places)} "
            f"places differed by in the last {made.trials} stretch(es) of {made.weeks} weeks, when nobody did "
            f"anything.",
            "",
            "| an effect of | is seen with |",
            "|---|---|",
            *powers,
            "",
            "A smaller effect needs more places or more weeks. Until the end nothing else may be tried in the pilot "
            "places "
            "or their controls alone.",
            "",
            "| pilot place | its controls, nearest first |",
            "|---|---|",
            *rows,
            "",
        ]
    )


def _verdict_page(
    kept: dict[str, Any], made: designs.Design, found: verdicts.Verdict, as_of: date, currency: str
) -> str:
    said = {
        verdicts.MORE: "The pilot places sold more than they would have.",
        verdicts.LESS: "The pilot places sold less than they would have.",
        verdicts.NOTHING: "No difference that chance does not make as well: nothing may be claimed.",
    }[found.finding]
    running = "" if found.weeks == made.weeks else f" Still running: {found.weeks} of {made.weeks} weeks."
    rows = [
        f"| {row['location_id']} | {row['before_a_week']:,.0f} | {row['since_a_week']:,.0f} | "
        f"{row['controls_change_pct']:+.1f} % | {row['difference_pct']:+.1f} % |"
        for row in found.by_place.iter_rows(named=True)
    ]
    return "\n".join(
        [
            f"# Pilot {kept['name']}: the verdict",
            "",
            f"**{said}**{running}",
            "",
            f"Effect {found.effect_pct:+.1f} % [{found.low_pct:+.1f}, {found.high_pct:+.1f}], 90 % interval; in all "
            f"pilot "
            f"places {found.amount_a_week:,.0f} a week [{found.low_amount_a_week:,.0f}, "
            f"{found.high_amount_a_week:,.0f}].",
            f"Groups of {len(made.places)} places differ so much by chance in {found.chance_pct:.1f} % of cases. The "
            f"plan "
            f"said: an effect of {made.detectable_pct} % or more would be seen.",
            "",
            f"Measure: {_what(kept, currency)}. From {made.starts_on}, {found.weeks} whole weeks up to {as_of}; "
            f"before: "
            f"{made.weeks_before} weeks. Each place against the {designs.CONTROLS} whose weeks before ran nearest "
            f"(difference in differences); chance by groups drawn from {found.compared + len(made.places)} places.",
            "",
            "| place | a week before | a week since | its controls | difference |",
            "|---|---:|---:|---:|---:|",
            *rows,
            "",
        ]
    )
