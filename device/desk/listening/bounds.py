"""The bounds that the music is held to, and what in a session lies outside of them.

"Issue" bounds are what the device must reach; "NUMBERS" are the design's list of numbers; "chosen"
ones are ours, wide enough for any music that is worth the name.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from device.desk.listening.figures import SessionFigures
from device.desk.listening.readings import (
    Reading,
    clicks,
    heard,
    level,
    over_ceiling,
    score,
    when_calm,
    when_long,
)
from device.desk.listening.separation import ENOUGH, Effect, independent

CEILING_TOLERANCE_LU = 0.2  # two meters of the same standard
ONE_OVER_F = "NUMBERS: 1/f (Voss and Clarke)"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of one session outside its bound."""

    session: str
    figure: str
    value: float | None
    bound: str


class Bound(NamedTuple):
    """A figure and its limits, both included; `of` gives its value or None where it does not apply.

    `digits` are those worth showing.
    """

    figure: str
    of: Reading
    low: float = float("-inf")
    high: float = float("inf")
    unit: str = ""
    digits: int = 1
    source: str = ""

    @property
    def text(self) -> str:
        """The limits for reading."""
        if self.low == self.high:
            return f"{self.low:g}{self.unit}"
        if self.low == float("-inf"):
            return f"at most {self.high:g}{self.unit}"
        if self.high == float("inf"):
            return f"at least {self.low:g}{self.unit}"
        return f"{self.low:g} to {self.high:g}{self.unit}"

    def holds(self, value: float) -> bool:
        """Tell whether a value is inside; NaN is not."""
        return self.low <= value <= self.high


BOUNDS: Final[tuple[Bound, ...]] = (
    Bound("8-bar windows of the melody that return", score("repeated_melody_windows"), 0, 0, digits=0,
          source="issue, NUMBERS"),
    Bound("8-bar windows of all voices that return", score("repeated_windows"), 0, 0, digits=0,
          source="issue, NUMBERS"),
    Bound("longest match with the corpus", score("longest_match"), high=11, unit=" notes", digits=0,
          source="issue, NUMBERS"),
    Bound("largest leap", score("leap"), high=7, unit=" semitones", digits=0, source="issue, NUMBERS"),
    Bound("longest melody note", score("longest_s"), high=8, unit=" s",
          source="chosen; Chen 2020 asks for none over-long"),
    Bound("gap between phrases", score("gap_s"), high=0.05, unit=" s", digits=2,
          source="issue: queue never empty"),
    Bound("fastest tempo", score("fastest_bpm"), high=90, unit=" bpm", source="NUMBERS"),
    Bound("exponent of pitch", when_long(score("pitch_exponent")), 0.5, 1.5, digits=2, source=ONE_OVER_F),
    Bound("exponent of the score's loudness", when_long(score("loudness_exponent")), 0.5, 1.5, digits=2,
          source=ONE_OVER_F),
    Bound("clicks", clicks, 0, 0, digits=0, source="issue"),
    Bound("clipped samples", level("clipped"), 0, 0, digits=0, source="issue"),
    Bound("true peak", level("true_peak_dbtp"), high=-1.0, unit=" dBTP", source="issue"),
    Bound("rise of loudness in 400 ms", level("rise_400ms_lu"), high=3.0, unit=" LU", source="issue"),
    Bound("loudest 3 s over the ceiling", over_ceiling("loudest_3s_lufs"), high=CEILING_TOLERANCE_LU,
          unit=" LU", source="NUMBERS: 65 dBA at the ear"),
    Bound("loudest 400 ms over the ceiling", over_ceiling("loudest_400ms_lufs"), high=CEILING_TOLERANCE_LU,
          unit=" LU", source="NUMBERS: 65 dBA at the ear"),
    Bound("longest silence", level("longest_silence_s"), high=4.0, unit=" s",
          source="chosen: longer seems like a fault"),
    Bound("calm: tempo", when_calm(score("fastest_bpm")), high=80, unit=" bpm",
          source="NUMBERS: resting music 60 to 80"),
    Bound("calm: onsets heard", when_calm(heard("onsets_per_s")), high=2.0, unit=" /s", digits=2,
          source="chosen"),
    Bound("calm: spectral centroid", when_calm(heard("centroid_hz")), high=2000, unit=" Hz", digits=0,
          source="chosen: soft, dark"),
    Bound("calm: loudness range", when_calm(level("loudness_range_lu")), high=12.0, unit=" LU",
          source="chosen: nothing to turn up or down for"),
)


def failures_of(session: SessionFigures) -> list[Failure]:
    """Return what lies outside its bound."""
    found = []
    for bound in BOUNDS:
        value = bound.of(session)
        if value is not None and not bound.holds(value):
            found.append(Failure(session=session.case.name, figure=bound.figure, value=value,
                                 bound=f"{bound.text} ({bound.source})"))
    return found


def separation_failures(effects: dict[str, list[Effect]]) -> list[Failure]:
    """Return the styles in which calm and tense separate on too few independent features."""
    return [
        Failure(session=f"calm and tense, {style}", figure="independent audio features that separate",
                value=float(independent(found)), bound=f"at least {ENOUGH} (issue, W20)")
        for style, found in effects.items() if independent(found) < ENOUGH]
