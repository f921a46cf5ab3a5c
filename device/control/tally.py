"""What a unit has learned of the styles: two whole numbers for each, in one small file.

The file holds how often stress fell, and how often it did not, while a style played here; nothing of any
patient, session or time, and it never leaves the unit. It is replaced in one piece and forced to the
medium, so that a power cut leaves the old or the new one. A file of no use is set aside as
`styles.json.aside` and the counts begin anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from device.control.durable import replace_durably
from device.messages import Fault, Severity, Style

CAP: Final = 60  # of one style's counts together: beyond, both are halved, so that what was long ago fades
TALLY_FAULT = Fault(
    code="style_counts", severity=Severity.INFO,
    advice="what the unit learns of the styles cannot be read or kept: check space and rights of the state "
           "directory",
)
ASIDE_FAULT = Fault(
    code="style_counts_damaged", severity=Severity.INFO,
    advice="the counts of the styles were unreadable and were set aside as styles.json.aside; the unit "
           "learns anew",
)

Number = Annotated[int, Meta(ge=0, le=CAP)]


class Counts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often stress fell (`helped`) and did not (`failed`) while a style played."""

    helped: Number = 0
    failed: Number = 0

    def plus(self, *, helped: bool) -> Counts:
        """Return the counts after one more; halved when there are too many."""
        more = (self.helped + helped, self.failed + (not helped))
        if sum(more) > CAP:
            more = (more[0] // 2, more[1] // 2)
        return Counts(helped=more[0], failed=more[1])


class Tally(Protocol):
    """Counts for every style."""

    def counts(self, style: Style) -> Counts:
        """Return the counts of a style."""

    def add(self, style: Style, *, helped: bool) -> None:
        """Count one more."""


class ScratchTally:
    """Counts that are thrown away, beginning with a copy: a study's control group teaches nothing.

    Args:
        tally: to copy.
    """

    def __init__(self, tally: Tally) -> None:
        self._counts = {style: tally.counts(style) for style in Style}

    def counts(self, style: Style) -> Counts:
        """Return the counts of a style."""
        return self._counts[style]

    def add(self, style: Style, *, helped: bool) -> None:
        """Count one more, in memory."""
        self._counts[style] = self._counts[style].plus(helped=helped)


class TallyFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file."""

    styles: Mapping[Style, Counts]


class SiteTally:
    """The unit's own counts, kept in `styles.json`; one that cannot be kept still counts until a restart.

    Args:
        folder: the unit's state directory.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "styles.json"
        self._failed = False
        self._damaged = False
        self._counts: dict[Style, Counts] = {}
        try:
            self._counts.update(self._load())
        except OSError:
            self._failed = True

    def counts(self, style: Style) -> Counts:
        """Return the counts of a style."""
        return self._counts.get(style, Counts())

    def add(self, style: Style, *, helped: bool) -> None:
        """Count one more and keep it."""
        self._counts[style] = self.counts(style).plus(helped=helped)
        try:
            self._save()
        except OSError:
            self._failed = True
        else:
            self._failed = False

    def faults(self) -> tuple[Fault, ...]:
        """Return `style_counts` while they cannot be kept, `style_counts_damaged` if they were set aside."""
        return (TALLY_FAULT,) * self._failed + (ASIDE_FAULT,) * self._damaged

    def _load(self) -> Mapping[Style, Counts]:
        """Read the file; set one of no use aside."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=TallyFile).styles
        except FileNotFoundError:
            return {}
        except msgspec.DecodeError:
            self._path.replace(self._path.with_suffix(".json.aside"))
            self._damaged = True
            return {}

    def _save(self) -> None:
        """Replace the file in one piece, on the medium when this returns."""
        replace_durably(self._path, msgspec.json.encode(TallyFile(styles=self._counts)))
