"""Where melodies come from: a trained LSTM, or a rule when no model can be loaded.

Both answer the same request under the same limits: no leap over a fifth, nothing outside the register
or the scale. Randomness is the generator that is handed in, so a seed gives the same tones again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from device.music.fields import fields, target_input
from device.music.melody_network import Answer, Logits, MelodyNetwork
from device.music.memory import KnownRuns
from device.music.model_card import verified
from device.music.tokens import (
    DURATIONS_BEATS,
    INTERVALS,
    LEAP_LIMIT,
    SEGMENT_BARS,
    Place,
    Tone,
    height_class,
)

MAX_LEAP = 7  # semitones (NUMBERS, Music: a leap is at most a fifth)
BEATS_PER_BAR = 4
LONGEST_BEATS = 4.0  # no over-long notes (Chen 2020)
STRONG_BONUS = 2.5  # nats for a chord tone on beats 1 and 3 of the bar; makes others rare, not impossible
CORPUS_CENTRE = 67  # median MIDI pitch of the corpus; requests are moved by octaves to lie near it
TREND_BONUS = 0.8  # nats (chosen) for a move along the trend of the segment, and against one back
HOME_RANGE = 6.0  # semitones a nat (chosen) by which openings keep to the middle of the register
LEVEL_PULL = 0.1  # nats a semitone (chosen) by which a level segment holds to the pitch it opened on

_RULE_DURATIONS = {0.5: 0.2, 1.0: 0.5, 1.5: 0.08, 2.0: 0.22}  # the corpus's own shares, rounded
_RULE_STEPS = {0: 0.17, 1: 0.59, 2: 0.15, 3: 0.06, 4: 0.03}  # scale steps of either direction, as above


class MotifRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to invent.

    `tonic` is the pitch class of the major key with the same signature; `scale` and the chord of each
    beat are pitch classes 0 to 11; `low` and `high` MIDI limits at least an octave apart. The new tones
    follow `history`, which may be empty, and fill `beats` (above 0) in 4/4. `temperature` 0.1 to 2.

    `density`, `register` and `tension` say how the tones should be beside other two-bar segments of the
    corpus: 0 sparser, lower, calmer than all, 1 the opposite; None leaves it open. Density is tones per
    beat; register the mean pitch (within `low` and `high`); tension is unstable degrees and wide moves.
    A rule takes no notice of them.
    """

    tonic: int
    scale: tuple[int, ...]
    chords: tuple[tuple[int, ...], ...]
    low: int
    high: int
    beats: float
    history: tuple[Tone, ...] = ()
    temperature: float = 0.9
    density: float | None = None
    register: float | None = None
    tension: float | None = None


class MelodySource(Protocol):
    """Something that invents tones."""

    def motif(self, request: MotifRequest, rng: np.random.Generator) -> tuple[Tone, ...]:
        """Return tones that fill the request without gap, starting where its history ends."""

    def copied(self, intervals: Sequence[int]) -> bool:
        """Return whether a run of 11 or more intervals stands in what the source learnt from."""


class RuleMelody:
    """A stepwise random walk over the scale that meets the chord on strong beats."""

    def motif(self, request: MotifRequest, rng: np.random.Generator) -> tuple[Tone, ...]:
        """Return tones that fill the request without gap, starting where its history ends."""
        ladder = [pitch for pitch in range(request.low, request.high + 1) if pitch % 12 in request.scale]
        duration_logits = np.full(len(DURATIONS_BEATS), -np.inf)
        for beats, share in _RULE_DURATIONS.items():
            duration_logits[DURATIONS_BEATS.index(beats)] = np.log(share)
        tones, end = _begin(request, rng)
        while (left := end - tones[-1].end_beat) > 0:
            before = tones[-1].pitch
            place = min(range(len(ladder)), key=lambda index: abs(ladder[index] - before))
            logits = np.full(INTERVALS, -np.inf)
            for step, share in _RULE_STEPS.items():
                for index in {place - step, place + step} & set(range(len(ladder))):
                    if abs(ladder[index] - before) <= LEAP_LIMIT:
                        logits[ladder[index] - before + LEAP_LIMIT] = np.log(share)
            pitch = _next_pitch(tones[-1], request, logits, rng)
            tones.append(_lasting(tones[-1].end_beat, pitch, left, request, duration_logits, rng))
        return tuple(tones[len(request.history):])

    def copied(self, intervals: Sequence[int]) -> bool:  # noqa: ARG002 - the protocol's argument
        """Return False: a rule has learnt from nothing."""
        return False


class Course(NamedTuple):
    """Where a segment goes: the pitch it opens on and its trend, -1 down, 0 level, 1 up."""

    opening: int
    trend: int


class LstmMelody:
    """The trained network.

    Args:
        path: the .tflite; `card.json` and the file of known runs lie beside it.

    Attributes:
        network: the network itself, for whoever measures it.

    Raises:
        ModelError: a file is absent, damaged, or not the one its card describes.
    """

    def __init__(self, path: Path) -> None:
        self.network = MelodyNetwork(path)
        runs = path.with_name(self.network.card.known_runs)
        self._known = KnownRuns.read(runs, verified(runs, self.network.card))

    def motif(self, request: MotifRequest, rng: np.random.Generator) -> tuple[Tone, ...]:
        """Return tones that fill the request without gap, starting where its history ends.

        The motif, and each segment of two bars that begins within it, opens on a pitch that the network
        draws and leans towards the trend that it draws (Chen 2020).
        """
        octave = 12 * round((CORPUS_CENTRE - (request.low + request.high) / 2) / 12)
        moved = _moved(request, octave)
        tones = list(moved.history)
        answer = self._heard(moved)
        begins = tones[-1].end_beat if tones else 0.0
        course: Course | None = None
        while (left := begins + request.beats - (start := tones[-1].end_beat if tones else begins)) > 0:
            if course is None or _segment(start) != _segment(tones[-1].start_beat):
                course = _course(answer, tones[-1] if tones else None, start, moved, rng)
                pitch = course.opening
            else:
                pitch = _next_pitch(tones[-1], moved, answer.interval + _leaning(course, tones[-1]), rng)
            if tones:
                tones.append(_lasting(start, pitch, left, moved, answer.duration, rng))
            else:
                tones.append(Tone(pitch, start, min(1.0, left)))
            answer = self._told(moved, tones, answer)
        return tuple(tone._replace(pitch=tone.pitch - octave) for tone in tones[len(request.history):])

    def copied(self, intervals: Sequence[int]) -> bool:
        """Return whether a run of 11 or more intervals stands in the training corpus."""
        return self._known.contain(intervals)

    def corpus_share(self, intervals: Sequence[int]) -> float:
        """Return the share of the runs of 11 intervals (semitones) that stand in the corpus, 0 of none."""
        return self._known.share(intervals)

    def _heard(self, request: MotifRequest) -> Answer:
        """Return what the network says after the history of a request."""
        first = request.history[0].start_beat if request.history else 0.0
        token = fields((), (), request.tonic, _place(first))
        answer = self.network.step(token, _target(request), self.network.start())
        for count in range(1, len(request.history) + 1):
            answer = self._told(request, request.history[:count], answer)
        return answer

    def _told(self, request: MotifRequest, tones: Sequence[Tone], before: Answer) -> Answer:
        """Return what the network says after the last of some tones."""
        starts = [_place(tone.start_beat) for tone in tones]
        token = fields(tones, starts, request.tonic, _place(tones[-1].end_beat))
        return self.network.step(token, _target(request), before.state)


def _place(beat: float) -> Place:
    """Return where a beat lies in 4/4."""
    bar, within = divmod(beat, BEATS_PER_BAR)
    return Place(within, int(bar), 0)


def _segment(beat: float) -> int:
    """Return the number of the segment that a beat lies in."""
    return int(beat // (SEGMENT_BARS * BEATS_PER_BAR))


def _target(request: MotifRequest) -> NDArray[np.float32]:
    """Return the network's target for a request."""
    return target_input(request.density, request.register, request.tension)


def _moved(request: MotifRequest, semitones: int) -> MotifRequest:
    """Return a request some octaves higher."""
    return msgspec.structs.replace(
        request, low=request.low + semitones, high=request.high + semitones,
        history=tuple(tone._replace(pitch=tone.pitch + semitones) for tone in request.history))


def _course(
    answer: Answer, last: Tone | None, start: float, request: MotifRequest, rng: np.random.Generator,
) -> Course:
    """Draw opening pitch and trend of the segment that begins; the first tone of all is a chord tone."""
    trend = _draw(answer.trend / request.temperature, rng) - 1
    chord = request.chords[min(int(start), len(request.chords) - 1)]
    register = range(request.low, request.high + 1)
    if last is None:
        allowed = [pitch for pitch in register if pitch % 12 in chord]
    else:
        near = [pitch for pitch in register if abs(pitch - last.pitch) <= MAX_LEAP]
        allowed = [pitch for pitch in near if pitch % 12 in request.scale]
        if not allowed:  # history outside the register: come back by the nearest scale tone
            return Course(_nearest(last.pitch, request), trend)
    middle = (request.low + request.high) / 2
    head = answer.opening / request.temperature
    logits = np.array([
        head[height_class(pitch, request.tonic)] - abs(pitch - middle) / HOME_RANGE
        + (STRONG_BONUS if start % 2 == 0 and pitch % 12 in chord else 0.0) for pitch in allowed])
    return Course(allowed[_draw(logits, rng)], trend)


def _leaning(course: Course, last: Tone) -> Logits:
    """Return what the course of a segment adds to the logits of the next interval."""
    leaps = np.arange(-LEAP_LIMIT, LEAP_LIMIT + 1)
    if course.trend:
        return np.asarray(TREND_BONUS * course.trend * np.sign(leaps), np.float64)
    return np.asarray(-LEVEL_PULL * np.abs(last.pitch + leaps - course.opening), np.float64)


def _begin(request: MotifRequest, rng: np.random.Generator) -> tuple[list[Tone], float]:
    """Return the history, or a first tone on the chord near the middle, and the beat where to stop."""
    if request.history:
        return list(request.history), request.history[-1].end_beat + request.beats
    middle = (request.low + request.high) / 2
    chord = [p for p in range(request.low, request.high + 1) if p % 12 in request.chords[0]]
    weights = np.exp([-abs(pitch - middle) / 3.0 for pitch in chord])
    pitch = chord[int(rng.choice(len(chord), p=weights / weights.sum()))]
    return [Tone(pitch, 0.0, min(1.0, request.beats))], request.beats


def _next_pitch(
    last: Tone, request: MotifRequest, interval: NDArray[np.float64], rng: np.random.Generator,
) -> int:
    """Draw the pitch after `last` from logits of the interval, under the limits of the request."""
    start = last.end_beat
    chord = request.chords[min(int(start), len(request.chords) - 1)]
    logits = np.full(INTERVALS, -np.inf)
    for leap in range(-MAX_LEAP, MAX_LEAP + 1):
        pitch = last.pitch + leap
        if request.low <= pitch <= request.high and pitch % 12 in request.scale:
            bonus = STRONG_BONUS if start % 2 == 0 and pitch % 12 in chord else 0.0
            logits[leap + LEAP_LIMIT] = interval[leap + LEAP_LIMIT] / request.temperature + bonus
    if not np.isfinite(logits).any():  # history outside the register: come back by the nearest scale tone
        return _nearest(last.pitch, request)
    return last.pitch + _draw(logits, rng) - LEAP_LIMIT


def _lasting(
    start: float, pitch: int, left: float, request: MotifRequest, duration: NDArray[np.float64],
    rng: np.random.Generator,
) -> Tone:
    """Return a tone of that pitch whose length is drawn from logits, under the limits of the request."""
    limited = _duration_limits(duration / request.temperature, start, left)
    return Tone(pitch, start, min(DURATIONS_BEATS[_draw(limited, rng)], left))


def _duration_limits(logits: NDArray[np.float64], start: float, left: float) -> NDArray[np.float64]:
    """Forbid what would overrun the request, be over-long, or leave the half-beat grid."""
    limited = logits.copy()
    for index, beats in enumerate(DURATIONS_BEATS):
        if beats > min(left, LONGEST_BEATS) or (start + beats) * 2 % 1:
            limited[index] = -np.inf
    if not np.isfinite(limited).any():
        limited[0] = 0.0
    return limited


def _nearest(pitch: int, request: MotifRequest) -> int:
    """Return the tone of the scale within a leap of `pitch` that is nearest to the register."""
    middle = (request.low + request.high) // 2
    reachable = [p for p in range(pitch - MAX_LEAP, pitch + MAX_LEAP + 1) if p % 12 in request.scale]
    return min(reachable, key=lambda candidate: abs(candidate - middle))


def _draw(logits: NDArray[np.float64], rng: np.random.Generator) -> int:
    """Draw an index from logits; minus infinity is never drawn."""
    weights = np.exp(logits - logits.max())
    return int(np.searchsorted(np.cumsum(weights) / weights.sum(), rng.random(), side="right"))
