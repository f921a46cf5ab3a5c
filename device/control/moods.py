"""Moods as places on valence and arousal, and the music that belongs to each.

The two axes are Russell's circumplex (1980). Where each mood lies is chosen, by quadrant:

| mood | valence | arousal | quadrant | music, against the middle |
|---|---|---|---|---|
| `energetic` | 0.5 | 0.6 | pleasant, awake | faster, fuller, busier, brighter, higher |
| `tense` | -0.4 | 0.6 | unpleasant, awake | faster, fuller, busier, brighter, marked |
| `agitated` | -0.6 | 0.8 | unpleasant, awake | as tense, and more of it |
| `sad` | -0.6 | -0.4 | unpleasant, quiet | slow, soft, sparse, dark, low |
| `tired` | -0.2 | -0.8 | unpleasant, quiet | slowest, softest, sparsest |
| `calm` | 0.5 | -0.5 | pleasant, quiet | slow, soft, sparse, a little higher |
| `content` | 0.7 | -0.2 | pleasant, quiet | as calm, a little more awake |

Directions are those on which music and speech agree (Juslin & Laukka 2003): activation makes it faster,
louder, brighter and its attacks sharper; sadness is slow, soft, dark and low, happiness higher and
brighter. Tempo and percussiveness move arousal also in listeners (van der Zwaag et al. 2011). The amounts
are chosen and stay inside the limits of `device.control.limits`. Whether a key is major or minor is the
composer's, not a parameter of the target.

The unit leads to no unpleasant, awake mood: those are only for meeting somebody there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from device.control.arc import DEEP, PLATEAU_BPM, SURFACE, Course
from device.control.limits import bound, each
from device.messages import MusicalTarget, Stress, StressBand

END_MAX_BPM = 70.0  # of the plateau: the middle of resting music's 60 to 80

MIDDLE: Final = MusicalTarget(  # neither pleasant nor unpleasant, neither awake nor quiet
    pitch=0.48, tempo_bpm=68.0, timbre=0.40, intensity=0.50, density=0.38, percussiveness=0.12,
)
AWAKE: Final = MusicalTarget(  # added at an arousal of 1, subtracted at -1
    pitch=0.04, tempo_bpm=14.0, timbre=0.14, intensity=0.14, density=0.18, percussiveness=0.10,
)
PLEASANT: Final = MusicalTarget(  # added at a valence of 1, subtracted at -1
    pitch=0.12, tempo_bpm=2.0, timbre=0.04, intensity=0.0, density=0.02, percussiveness=-0.04,
)


class Mood(StrEnum):
    """A word for a place on valence and arousal."""

    ENERGETIC = "energetic"
    TENSE = "tense"
    AGITATED = "agitated"
    SAD = "sad"
    TIRED = "tired"
    CALM = "calm"
    CONTENT = "content"


class Place(NamedTuple):
    """A place on the circumplex, each axis -1 to 1."""

    valence: float
    arousal: float


PLACES: Final[Mapping[Mood, Place]] = {
    Mood.ENERGETIC: Place(0.5, 0.6), Mood.TENSE: Place(-0.4, 0.6), Mood.AGITATED: Place(-0.6, 0.8),
    Mood.SAD: Place(-0.6, -0.4), Mood.TIRED: Place(-0.2, -0.8), Mood.CALM: Place(0.5, -0.5),
    Mood.CONTENT: Place(0.7, -0.2),
}
ENDS: Final = (Mood.CALM, Mood.CONTENT, Mood.TIRED, Mood.ENERGETIC)  # where a program may lead
_OF_BAND: Final[Mapping[StressBand, Mood]] = {  # without a headset: the level alone says no valence
    StressBand.LOW: Mood.CALM, StressBand.MEDIUM: Mood.CONTENT, StressBand.HIGH: Mood.TENSE,
}


def target_of(place: Place) -> MusicalTarget:
    """Return the music that belongs to a place, inside the safety bounds.

    Args:
        place: valence and arousal, -1 to 1; beyond counts as the end.
    """
    valence, arousal = (min(max(axis, -1.0), 1.0) for axis in place)
    return bound(each(lambda middle, awake, pleasant: middle + arousal * awake + valence * pleasant,
                      MIDDLE, AWAKE, PLEASANT))


def nearest(place: Place) -> Mood:
    """Return the mood that lies nearest to a place; the earlier in the table where two are as near."""
    return min(Mood, key=lambda mood: math.dist(PLACES[mood], place))


def entry_mood(stress: Stress) -> Mood:
    """Return the mood at which to meet a patient whose level is known.

    With valence and arousal (a headset) the nearest; else low stress is calm, medium content, high tense.

    Raises:
        KeyError: the band of the estimate is unknown.
    """
    if stress.valence is not None and stress.arousal is not None:
        return nearest(Place(stress.valence, stress.arousal))
    return _OF_BAND[stress.band]


def course_of(end: Mood = Mood.CALM, entry: Mood | None = None) -> Course:
    """Return where an arc begins and where it leads.

    Calm is the program's own end, and None its own beginning; the others are moved away from those as
    their places lie away from calm and from the middle. Tempo at the beginning is the patient's.
    """
    return Course(surface=entry_point(entry), deep=end_point(end))


def end_point(mood: Mood) -> MusicalTarget:
    """Return the plateau of an arc that leads to a mood; its tempo is 60 to 70 bpm.

    Raises:
        ValueError: the mood is none of `ENDS`.
    """
    if mood not in ENDS:
        raise ValueError(f"no program leads to {mood}; choose one of {', '.join(ENDS)}")
    moved = _moved(DEEP, PLACES[mood], PLACES[Mood.CALM])
    tempo_bpm = min(max(moved.tempo_bpm, PLATEAU_BPM), END_MAX_BPM)
    return msgspec.structs.replace(moved, tempo_bpm=tempo_bpm)


def entry_point(mood: Mood | None) -> MusicalTarget:
    """Return the beginning of an arc that meets a mood; None is the program's own."""
    return SURFACE if mood is None else _moved(SURFACE, PLACES[mood], Place(0.0, 0.0))


def _moved(start: MusicalTarget, place: Place, origin: Place) -> MusicalTarget:
    """Return a target moved as a place lies away from an origin; exactly the same where they are one."""
    valence, arousal = place.valence - origin.valence, place.arousal - origin.arousal
    return bound(each(lambda value, awake, pleasant: value + arousal * awake + valence * pleasant,
                      start, AWAKE, PLEASANT))
