"""How far and how fast the music may move, in one table; safety bounds are applied last.

| parameter | bound | slew | furthest from the arc |
|---|---|---|---|
| pitch | 0.20 to 0.80 | 0.01 /s | 0.08 |
| tempo | 50 to 90 bpm | 8 bpm/min | 6 bpm |
| timbre | 0.10 to 0.75 | 0.02 /s | 0.10 |
| intensity | 0.15 to 0.80 | 0.02 /s | 0.10 |
| density | 0.10 to 0.75 | 0.015 /s | 0.15 |
| percussiveness | 0.00 to 0.40 | 0.01 /s | 0.05 |

A jump or fall of skin conductance adds the amounts of `device.control.reaction` for half a minute.

Tempo: the arc may fall 2 bpm/min and a bend of 6 bpm may be taken back within a minute, together
8 bpm/min; between two phrases of 15 s that is 2 bpm, 3 % at 60 bpm, about what a listener just
notices (Drake & Botte 1993 found 2 to 6 %). Percussiveness has a ceiling because marked onsets raise
skin-conductance responses (van der Zwaag et al. 2011). Intensity at 0.02 /s stays under 1 dB/s for
any mapping of 0 to 1 onto less than 50 dB. The other figures are conventions, tuned by ear.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from device.messages import MusicalTarget

LOWEST: Final = MusicalTarget(
    pitch=0.20, tempo_bpm=50.0, timbre=0.10, intensity=0.15, density=0.10, percussiveness=0.0,
)
HIGHEST: Final = MusicalTarget(
    pitch=0.80, tempo_bpm=90.0, timbre=0.75, intensity=0.80, density=0.75, percussiveness=0.40,
)
SLEW_PER_S: Final = MusicalTarget(
    pitch=0.01, tempo_bpm=8.0 / 60.0, timbre=0.02, intensity=0.02, density=0.015, percussiveness=0.01,
)
BEND: Final = MusicalTarget(  # added at full stress, subtracted at none
    pitch=0.08, tempo_bpm=6.0, timbre=0.10, intensity=0.10, density=0.15, percussiveness=-0.05,
)


def bend(target: MusicalTarget, share: float) -> MusicalTarget:
    """Move a target away from the arc by a share (-1 calm to 1 stressed) of the furthest allowed.

    More stress means meeting the patient: faster, fuller, brighter, busier, but softer onsets.
    """
    return each(lambda value, most: value + share * most, target, BEND)


def slew(before: MusicalTarget, wanted: MusicalTarget, elapsed_s: float) -> MusicalTarget:
    """Return the wanted target, held back to what each parameter may change in `elapsed_s` seconds."""
    return each(
        lambda now, goal, rate: min(max(goal, now - rate * elapsed_s), now + rate * elapsed_s),
        before, wanted, SLEW_PER_S,
    )


def bound(target: MusicalTarget) -> MusicalTarget:
    """Return the target inside the safety bounds."""
    return each(lambda value, low, high: min(max(value, low), high), target, LOWEST, HIGHEST)


def differ(one: MusicalTarget, other: MusicalTarget, tolerance: float = 1e-9) -> bool:
    """Tell whether any parameter differs by more than the tolerance."""
    pairs = zip(msgspec.structs.astuple(one), msgspec.structs.astuple(other), strict=True)
    return any(abs(a - b) > tolerance for a, b in pairs)


def each(function: Callable[..., float], *targets: MusicalTarget) -> MusicalTarget:
    """Apply a function of floats to every parameter of the targets, one float from each."""
    columns = zip(*(msgspec.structs.astuple(target) for target in targets), strict=True)
    values = (function(*column) for column in columns)
    return MusicalTarget(**dict(zip(MusicalTarget.__struct_fields__, values, strict=True)))
