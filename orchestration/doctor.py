"""`shelfcast doctor`: looks at what goes wrong most, and says what to do about each finding."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from orchestration.errors import ShelfcastError
from orchestration.settings import Settings

# a night of 18 million sale lines takes about 6 GB of warehouse and spill; below this a run is likely to stop midway
MIN_FREE_GB = 8.0


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what was seen, and what to do when it is not good."""

    check: str
    is_good: bool
    seen: str
    advice: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Run every check; one that fails never hides the others."""
    return [
        _python(),
        *_pins(),
        _disk(settings),
        _lock(settings),
        _try("dbt project", lambda: _dbt(settings), "run `make install`, then look at the message"),
        _try("LightGBM fit", _lightgbm, "Debian needs libgomp1 (scripts/debian-packages)"),
        _try("Prophet fit", _prophet, "reinstall from requirements.lock: prophet and cmdstanpy must match"),
        _try("Great Expectations", _great_expectations, "reinstall from requirements.lock"),
    ]


def _python() -> Finding:
    seen = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", sys.version_info >= (3, 11), seen, "needs 3.11 or newer")


def _pins() -> Iterator[Finding]:
    """Compare every installed package with the project's own pin."""
    wrong = []
    requirements = [Requirement(text) for text in requires("shelfcast") or []]
    needed = [r for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
    for requirement in needed:
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            wrong.append(f"{requirement.name} {installed}, needs {requirement.specifier}")
    advice = "make install" if wrong else ""
    yield Finding("pinned packages", not wrong, "; ".join(wrong) or f"{len(needed)} as pinned", advice)


def _disk(settings: Settings) -> Finding:
    place = settings.home if settings.home.exists() else settings.home.parent
    free = shutil.disk_usage(place).free / 1e9
    advice = "" if free >= MIN_FREE_GB else f"free {MIN_FREE_GB - free:.1f} GB, or move the home to a larger disk"
    return Finding("free disk", free >= MIN_FREE_GB, f"{free:.1f} GB at {place}", advice)


def _lock(settings: Settings) -> Finding:
    if not settings.warehouse.exists():
        return Finding("warehouse", True, "none yet: the first run makes it")
    from orchestration.warehouse import connect

    try:
        with connect(settings, wait_seconds=0):
            return Finding("warehouse", True, f"opens, {settings.warehouse.stat().st_size / 1e9:.2f} GB")
    except ShelfcastError as error:
        return Finding("warehouse", False, str(error), "wait for that run to end, or end that process")
    except Exception as error:  # a corrupt file raises whatever DuckDB makes of its bytes
        advice = "the next run puts it aside and rebuilds it from landing/; or restore a backup (docs/runbook.md)"
        return Finding("warehouse", False, str(error).splitlines()[0], advice)


def _try(check: str, action: Callable[[], str], advice: str) -> Finding:
    try:
        return Finding(check, True, action())
    except Exception as error:  # whatever a broken installation raises is the finding
        return Finding(
            check, False, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}", advice
        )


def _dbt(settings: Settings) -> str:
    from orchestration.dbt import ensure_manifest

    ensure_manifest(settings)
    return "parses"


def _lightgbm() -> str:
    import lightgbm
    import numpy as np

    x = np.arange(400, dtype=float).reshape(-1, 2)
    data = lightgbm.Dataset(x, label=x[:, 0] % 7)
    model = lightgbm.train({"objective": "poisson", "verbosity": -1, "seed": 1}, data, num_boost_round=5)
    return f"{model.num_trees()} trees, version {lightgbm.__version__}"


def _prophet() -> str:
    import numpy as np

    from ml.forecasting.models.prophet import Aggregate, fit_aggregate

    days = np.arange(60)
    ahead = fit_aggregate(Aggregate("smoke", date(2024, 1, 1), 1.0 + days % 7, 7, None, 1))
    return f"{len(ahead)} days ahead, version {version('prophet')}"


def _great_expectations() -> str:
    import great_expectations

    return f"version {great_expectations.__version__}"
