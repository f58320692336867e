"""Pilots as files: a plan that is written once, a verdict from the newest night, and what is refused."""

import json
import sys
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.pilots import PilotError, measure_pilot, plan_pilot
from orchestration.settings import Settings

AS_OF = date(2024, 6, 30)
ASKED = {
    "places": (),
    "size": 4,
    "weeks": 4,
    "weeks_before": 12,
    "starts_on": None,
    "measure": "net_amount",
    "departments": (),
}


def publish(home: Path, as_of: date, lifted: tuple[str, ...] = ()) -> None:
    """A published night with the sales of thirty stores by day and two departments, and a closed one."""
    folder = home / "published" / f"night-{as_of}"
    folder.mkdir(parents=True)
    days = (as_of - date(2023, 12, 1)).days + 1
    names = ", ".join(f"'{place}'" for place in lifted) or "''"
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        con.execute(
            "create table dim_location as select 'S' || lpad(i::varchar, 2, '0') as location_id, "
            "case when i % 2 = 0 then 'north' else 'south' end as region, i < 30 as is_open from range(31) as t (i)"
        )
        con.execute(
            f"""
            create table kpi_daily as
            select l.location_id, date '2023-12-01' + d::integer as date, 'store' as channel, department,
                (100 + 3 * ascii(right(l.location_id, 1))) * (1 + 0.1 * sin(d / 9.0))
                * (1 + 0.1 * sin(hash(l.location_id || (d // 7)::varchar) % 1000))
                * case when l.location_id in ({names}) and d > {(AS_OF - date(2023, 12, 1)).days} then 1.4 else 1 end
                as net_amount, 7.0 as units_qty
            from dim_location as l, range({days}) as t (d), (values ('food'), ('toys')) as k (department)
            """
        )
    (folder / "manifest.json").write_text(json.dumps({"as_of": str(as_of)}), encoding="utf-8")
    latest = home / "published" / "latest"
    latest.unlink(missing_ok=True)
    latest.symlink_to(folder.name)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    publish(tmp_path, AS_OF)
    return Settings(home=tmp_path, currency="EUR")


def test_a_pilot_is_planned_and_judged_by_its_plan(settings):
    page = plan_pilot(settings, "shelf", **ASKED).read_text(encoding="utf-8")
    made = json.loads((settings.home / "pilots" / "shelf" / "plan.json").read_text(encoding="utf-8"))
    assert (made["starts_on"], made["planned_on"], len(made["places"])) == ("2024-07-01", "2024-06-30", 4)
    assert "S30" not in json.dumps(made), "a closed place takes no part"
    assert f"sees: {made['detectable_pct']} %" in page
    publish(settings.home, AS_OF + timedelta(days=28), tuple(made["places"]))
    verdict = measure_pilot(settings, "shelf").read_text(encoding="utf-8")
    assert "sold more than they would have" in verdict
    said = json.loads((settings.home / "pilots" / "shelf" / "verdict.json").read_text(encoding="utf-8"))
    assert said["low_pct"] <= 40 <= said["high_pct"]
    assert all(place in verdict for place in made["places"])


def test_a_plan_is_not_written_again_and_nothing_is_claimed_of_nothing(settings):
    plan_pilot(settings, "quiet", **ASKED)
    with pytest.raises(PilotError, match="holds a plan already"):
        plan_pilot(settings, "quiet", **ASKED)
    with pytest.raises(PilotError, match="not a week of the pilot is over"):
        measure_pilot(settings, "quiet")


@pytest.mark.parametrize(
    ("name", "asked", "message"),
    [
        ("../out", {}, "cannot name a pilot"),
        ("a", {"measure": "margin"}, "net_amount, units_qty"),
        ("a", {"places": ("S99",)}, "S99"),
        ("a", {"starts_on": date(2024, 6, 1)}, "known up to 2024-06-30"),
        ("a", {"weeks_before": 60}, "weeks of sales are on record"),
        ("a", {"departments": ("cars",)}, "nothing was sold in cars"),
    ],
)
def test_what_cannot_be_planned_says_why(settings, name, asked, message):
    with pytest.raises(PilotError, match=message):
        plan_pilot(settings, name, **ASKED | asked)
    assert not (settings.home / "pilots").exists() or not list((settings.home / "pilots").rglob("plan.json"))


def test_without_a_night_or_a_plan_it_says_what_to_do(tmp_path):
    empty = Settings(home=tmp_path)
    with pytest.raises(PilotError, match="shelfcast run"):
        plan_pilot(empty, "a", **ASKED)
    with pytest.raises(PilotError, match="there are: none"):
        measure_pilot(empty, "a")


def test_a_department_counts_alone(settings):
    plan_pilot(settings, "food", **ASKED | {"departments": ("food",), "places": ("S05", "S06", "S07")})
    made = json.loads((settings.home / "pilots" / "food" / "plan.json").read_text(encoding="utf-8"))
    assert made["places"] == ["S05", "S06", "S07"]
    assert made["departments"] == ["food"]


def test_the_command_line_prints_the_page(settings, capsys, monkeypatch):
    from orchestration.cli import app

    arguments = ["shelfcast", "pilot", "plan", "cli", "--home", str(settings.home), "--weeks-before=12", "--weeks=4"]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as done:
        app()
    assert done.value.code == 0
    assert "# Pilot cli: the plan" in capsys.readouterr().out
