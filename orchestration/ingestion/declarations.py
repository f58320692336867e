"""Source declarations: which folder of `landing/` feeds which canonical feed, and how.

The three built-in sources (`pos`, `erp`, `crm`) use canonical names, so a declaration of theirs is the canonical feed
itself. A company's own YAML in `home/sources/` is refused with a clear word until it can be honoured whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestration.errors import SettingsError
from orchestration.ingestion.catalogue import CanonicalFeed, canonical_feeds

# the source that is not in landing/: lists that people filled in, back in home/decisions/
DECISIONS = "decisions"


@dataclass(frozen=True)
class SourceFeed:
    """One folder of one source: `landing/<source>/<feed>/`, and the canonical feed it goes into."""

    source: str
    feed: str
    into: CanonicalFeed

    @property
    def name(self) -> str:
        """Return `<source>/<feed>`, as in messages and in the manifest."""
        return f"{self.source}/{self.feed}"

    @property
    def table(self) -> str:
        """Return `<source>_<feed>`: the table's name in `raw` and in `quarantine`."""
        return f"{self.source}_{self.feed}"

    def folder(self, landing: Path) -> Path:
        """Return where this feed's extracts arrive; what people decide lies beside `landing/`, in one folder."""
        return landing.parent / DECISIONS if self.source == DECISIONS else landing / self.source / self.feed

    @property
    def pattern(self) -> str:
        """Return which files of the folder are this feed's."""
        return f"{self.feed}*" if self.source == DECISIONS else "*"


def source_feeds(home: Path) -> list[SourceFeed]:
    """Return every declared feed, in catalogue order.

    Raises:
        SettingsError: `home/sources/` holds a declaration, which this version cannot read yet.
    """
    own = sorted((home / "sources").glob("*.y*ml"))
    if own:
        raise SettingsError(
            f"{own[0]}: declarations of further sources are not read by this version — deliver canonical columns "
            "into landing/pos, landing/erp and landing/crm (docs/contracts.md), or move the file out of sources/"
        )
    return [_built_in(into) for into in canonical_feeds().values()]


def _built_in(into: CanonicalFeed) -> SourceFeed:
    source, feed = into.name.split("/")
    return SourceFeed(source, feed, into)
