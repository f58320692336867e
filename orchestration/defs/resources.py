"""The company that a run works for: its home directory, and from it the settings.

The home comes from the environment, so that one code location serves any company; settings are read when a step asks
for them, so that a changed `shelfcast.yml` counts at the next run without a reload.
"""

from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource
from packaging.version import Version

from orchestration.dbt import PROJECT, executable
from orchestration.settings import Settings, home_directory, load_settings


class Company(dg.ConfigurableResource):
    """A company's home directory as a Dagster resource."""

    home: str

    def settings(self) -> Settings:
        """Return the company's settings as they stand now."""
        return load_settings(Path(self.home))


class Dbt(DbtCliResource):
    """dbt of this installation, whose version need not be asked of a process of its own (2 s a night)."""

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))


@dg.definitions
def resources() -> dg.Definitions:
    """Provide the company and dbt to every asset."""
    return dg.Definitions(
        resources={
            "company": Company(home=str(home_directory())),
            "dbt": Dbt(project_dir=str(PROJECT), profiles_dir=str(PROJECT), dbt_executable=str(executable())),
        }
    )
