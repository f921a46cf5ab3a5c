"""How each style sets the same music: the figure of the chords, how much each part says, and how high."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from device.messages import Style


class Figure(Enum):
    """How the pad plays a chord."""

    HELD = "all voices at once, common tones held over"
    BROKEN = "one voice after the other, low to high and back, as a left hand"
    ARPEGGIO = "rising over all voices, lightly, as plucked strings"


class Manner(NamedTuple):
    """The setting of a style.

    `sparsest` and `busiest` are melody tones per bar at density 0 and 1, `texture` texture notes per bar
    at both; `melody_lift` and `pad_lift` semitones by which a part lies higher; `onsets` chord onsets per
    bar at density 0 and 1 (figures only); `bass_from` the density from which the bass sounds again within
    a chord; `shortened` the share of their length that struck notes lose at full percussiveness.
    """

    figure: Figure
    sparsest: float
    busiest: float
    texture: tuple[float, float]
    melody_lift: int = 0
    pad_lift: float = 0.0
    onsets: tuple[float, float] = (1.0, 1.0)
    bass_from: float = 0.35
    shortened: float = 0.6


# Chosen. The parameters keep their meaning in every style; only their span differs.
MANNERS: dict[Style, Manner] = {
    Style.WARM_PADS: Manner(Figure.HELD, 1.0, 4.5, (0.0, 2.5)),
    Style.FELT_PIANO: Manner(
        Figure.BROKEN, 1.0, 4.6, (0.0, 1.0), onsets=(2.0, 8.0), bass_from=0.6),
    Style.PLUCKED_STRINGS: Manner(
        Figure.ARPEGGIO, 0.8, 4.0, (0.0, 1.0), pad_lift=2.0, onsets=(3.0, 8.0), bass_from=0.7),
    Style.GLASS_BELLS: Manner(
        Figure.HELD, 0.7, 2.8, (0.5, 2.5), melody_lift=6, pad_lift=2.0, bass_from=0.8, shortened=0.2),
    Style.NATURE: Manner(Figure.HELD, 0.4, 4.0, (1.5, 4.5), bass_from=0.9, shortened=0.3),
}
