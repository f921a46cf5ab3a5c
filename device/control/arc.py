"""The program arc: where the music goes when nobody measures anything (iso principle).

Meet the patient at the entry tempo, lead down, stay, and come back gently in the last 15 %:

```
 entry ●
       .  at most 2 bpm per minute
         .                               ● +6 bpm at most
           .___________________________.
             60 bpm, plateau           └ last 15 %
```

The U shape is that of Music Care's sessions, the entry range and slope are in the design's list of
checked numbers; the end points of the other parameters are conventions of calm music (soft, dark,
sparse, low register, no marked onsets) and are tuned by ear. A `Course` with other end points comes from
`device.control.moods`; its plateau may lie above 60 bpm, and is then also reached from below.
"""

from __future__ import annotations

import msgspec

from device.messages import MusicalTarget

ENTRY_MIN_BPM = 60.0
ENTRY_MAX_BPM = 90.0
ENTRY_DEFAULT_BPM = 76.0  # a resting adult who waits for a treatment, when the heart rate is unknown
PLATEAU_BPM = 60.0
FALL_BPM_PER_MIN = 2.0
RETURN_SHARE = 0.15
RETURN_BPM = 6.0
RETURN_BPM_PER_MIN = 2.0
DESCENT_SHARE = 0.5  # of the program: the plateau begins here unless the tempo needs longer
RETURN_DEPTH = 0.6  # how deep the other parameters still are at the very end, 1 is the plateau

SURFACE = MusicalTarget(
    pitch=0.55, tempo_bpm=ENTRY_DEFAULT_BPM, timbre=0.50, intensity=0.60, density=0.50, percussiveness=0.20,
)
DEEP = MusicalTarget(
    pitch=0.40, tempo_bpm=PLATEAU_BPM, timbre=0.30, intensity=0.40, density=0.25, percussiveness=0.05,
)


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """Where an arc begins (`surface`; its tempo is replaced by the entry tempo) and its plateau (`deep`)."""

    surface: MusicalTarget = SURFACE
    deep: MusicalTarget = DEEP


CALM = Course()


def entry_tempo(hr_bpm: float | None) -> float:
    """Return the tempo that meets the patient, 60 to 90 bpm; 76 when the heart rate is unknown (None)."""
    if hr_bpm is None:
        return ENTRY_DEFAULT_BPM
    return min(max(hr_bpm, ENTRY_MIN_BPM), ENTRY_MAX_BPM)


def arc_target(elapsed_s: float, duration_s: float, entry_bpm: float = ENTRY_DEFAULT_BPM,
               course: Course = CALM) -> MusicalTarget:
    """Return the open-loop target at a moment of the program.

    Args:
        elapsed_s: seconds since the session began; before 0 and past the end count as the ends.
        duration_s: length of the program, 60 to 5400 s.
        entry_bpm: tempo at the beginning, 60 to 90.
        course: the beginning and the plateau of the other parameters, and the plateau's tempo.
    """
    elapsed_s = min(max(elapsed_s, 0.0), duration_s)
    depth = _depth(elapsed_s / duration_s)
    surface, deep = course.surface, course.deep
    return MusicalTarget(
        pitch=_between(surface.pitch, deep.pitch, depth),
        tempo_bpm=_tempo(elapsed_s / 60.0, duration_s / 60.0, entry_bpm, deep.tempo_bpm),
        timbre=_between(surface.timbre, deep.timbre, depth),
        intensity=_between(surface.intensity, deep.intensity, depth),
        density=_between(surface.density, deep.density, depth),
        percussiveness=_between(surface.percussiveness, deep.percussiveness, depth),
    )


def _tempo(elapsed_min: float, duration_min: float, entry_bpm: float, plateau_bpm: float) -> float:
    """Return the tempo: straight to the plateau, along it, a straight rise; a short program turns before."""
    return_min = (1.0 - RETURN_SHARE) * duration_min
    away_bpm = abs(entry_bpm - plateau_bpm)
    rate = min(FALL_BPM_PER_MIN, away_bpm / (DESCENT_SHARE * duration_min))
    moved_bpm = min(rate * min(elapsed_min, return_min), away_bpm)
    rise_rate = min(RETURN_BPM_PER_MIN, RETURN_BPM / (RETURN_SHARE * duration_min))
    rise = rise_rate * max(0.0, elapsed_min - return_min)
    if entry_bpm < plateau_bpm:
        return entry_bpm + moved_bpm + rise
    return max(plateau_bpm, entry_bpm - moved_bpm) + rise


def _depth(share: float) -> float:
    """Return how deep the program is: 0 at the entry, 1 on the plateau, `RETURN_DEPTH` at the end."""
    down = _smooth(share / DESCENT_SHARE)
    back = _smooth((share - (1.0 - RETURN_SHARE)) / RETURN_SHARE)
    return down - (1.0 - RETURN_DEPTH) * back


def _smooth(share: float) -> float:
    """Return the cubic smoothstep of a share, flat outside 0 to 1."""
    share = min(max(share, 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share)


def _between(start: float, end: float, share: float) -> float:
    """Interpolate linearly."""
    return start + (end - start) * share
