"""Where melodies come from: a trained LSTM, or a rule when no model can be loaded.

Both answer the same request under the same limits: no leap over a fifth, nothing outside the register
or the scale. Randomness is the generator that is handed in, so a seed gives the same tones again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from device.errors import ModelError
from device.music.memory import KnownRuns
from device.music.model_card import read_card, verified
from device.music.tokens import (
    DURATIONS_BEATS,
    FIELD_SIZES,
    INTERVALS,
    LEAP_LIMIT,
    Place,
    Tone,
    fields,
)

MAX_LEAP = 7  # semitones (NUMBERS, Music: a leap is at most a fifth)
BEATS_PER_BAR = 4
LONGEST_BEATS = 4.0  # no over-long notes (Chen 2020)
STRONG_BONUS = 2.5  # nats for a chord tone on beats 1 and 3 of the bar; makes others rare, not impossible
CORPUS_CENTRE = 67  # median MIDI pitch of the corpus; requests are moved by octaves to lie near it

State = tuple[NDArray[np.float32], NDArray[np.float32]]  # hidden and cell state, (1, units) each
Logits = NDArray[np.float64]

_RULE_DURATIONS = {0.5: 0.2, 1.0: 0.5, 1.5: 0.08, 2.0: 0.22}  # the corpus's own shares, rounded
_RULE_STEPS = {0: 0.17, 1: 0.59, 2: 0.15, 3: 0.06, 4: 0.03}  # scale steps of either direction, as above


class MotifRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to invent.

    `tonic` is the pitch class of the major key with the same signature; `scale` and the chord of each
    beat are pitch classes 0 to 11; `low` and `high` MIDI limits at least an octave apart. The new tones
    follow `history`, which may be empty, and fill `beats` (above 0) in 4/4. `temperature` 0.1 to 2.
    """

    tonic: int
    scale: tuple[int, ...]
    chords: tuple[tuple[int, ...], ...]
    low: int
    high: int
    beats: float
    history: tuple[Tone, ...] = ()
    temperature: float = 0.9


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
            tones.append(_next(tones[-1], left, request, logits, duration_logits, rng))
        return tuple(tones[len(request.history):])

    def copied(self, intervals: Sequence[int]) -> bool:  # noqa: ARG002 - the protocol's argument
        """Return False: a rule has learnt from nothing."""
        return False


class LstmMelody:
    """The trained network, one step per tone, checked against its card.

    Args:
        path: the .tflite; `card.json` and the file of known runs lie beside it.

    Raises:
        ModelError: a file is absent, damaged, or not the one its card describes.
    """

    def __init__(self, path: Path) -> None:
        card = read_card(path)
        content = verified(path, card)
        runs = path.with_name(card.known_runs)
        self._known = KnownRuns.read(runs, verified(runs, card))
        self._step = _open(path, content)
        details = self._step.get_input_details()
        self._state_shape = tuple(details["h_in"]["shape"])
        expected = {"token": (1, len(FIELD_SIZES)), "h_in": self._state_shape, "c_in": self._state_shape}
        if {name: tuple(detail["shape"]) for name, detail in details.items()} != expected:
            raise ModelError(f"{path}: its inputs are not those of this version; reinstall the model")

    def motif(self, request: MotifRequest, rng: np.random.Generator) -> tuple[Tone, ...]:
        """Return tones that fill the request without gap, starting where its history ends."""
        octave = 12 * round((CORPUS_CENTRE - (request.low + request.high) / 2) / 12)
        tones, end = _begin(request, rng)
        state = self.start()
        for index in range(len(tones)):
            interval, duration, state = self.step(_token(tones[: index + 1], octave, request.tonic), state)
        while (left := end - tones[-1].end_beat) > 0:
            tones.append(_next(tones[-1], left, request, interval, duration, rng))
            interval, duration, state = self.step(_token(tones, octave, request.tonic), state)
        return tuple(tones[len(request.history):])

    def copied(self, intervals: Sequence[int]) -> bool:
        """Return whether a run of 11 or more intervals stands in the training corpus."""
        return self._known.contain(intervals)

    def start(self) -> State:
        """Return the state before the first tone of a melody."""
        return np.zeros(self._state_shape, np.float32), np.zeros(self._state_shape, np.float32)

    def step(self, token: NDArray[np.int32], state: State) -> tuple[Logits, Logits, State]:
        """Feed one tone.

        Args:
            token: the fields of the tone (see `tokens.fields`), shape (8,).
            state: from `start` or the step before.

        Returns:
            Logits of the next interval (27,) and of the next duration (9,), and the new state.
        """
        out = self._step(token=token[None], h_in=state[0], c_in=state[1])
        return (
            out["interval"][0].astype(np.float64), out["duration"][0].astype(np.float64),
            (out["h_out"], out["c_out"]),
        )


def _token(tones: Sequence[Tone], octave: int, tonic: int) -> NDArray[np.int32]:
    """Return the network's input for the last of some tones, moved by `octave` semitones."""
    last = tones[-1]
    before = tones[-2].pitch + octave if len(tones) > 1 else None
    bar, beat = divmod(last.end_beat, BEATS_PER_BAR)
    moved = last._replace(pitch=last.pitch + octave)
    return np.array(fields(before, moved, tonic, Place(beat, int(bar), 0)), np.int32)


def _open(path: Path, content: bytes) -> Any:  # noqa: ANN401 - the interpreter has no types
    """Return the callable step of a .tflite.

    Raises:
        ModelError: the interpreter refuses it.
    """
    try:
        from tflite_runtime.interpreter import Interpreter
    except ImportError:
        from ai_edge_litert.interpreter import Interpreter
    try:
        interpreter = Interpreter(model_content=content, num_threads=1)
        return interpreter.get_signature_runner()
    except (ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else "unreadable"
        raise ModelError(f"{path}: the interpreter refuses it ({reason}); reinstall the model") from error


def _begin(request: MotifRequest, rng: np.random.Generator) -> tuple[list[Tone], float]:
    """Return the history, or a first tone on the chord near the middle, and the beat where to stop."""
    if request.history:
        return list(request.history), request.history[-1].end_beat + request.beats
    middle = (request.low + request.high) / 2
    chord = [p for p in range(request.low, request.high + 1) if p % 12 in request.chords[0]]
    weights = np.exp([-abs(pitch - middle) / 3.0 for pitch in chord])
    pitch = chord[int(rng.choice(len(chord), p=weights / weights.sum()))]
    return [Tone(pitch, 0.0, min(1.0, request.beats))], request.beats


def _next(
    last: Tone, left: float, request: MotifRequest,
    interval: NDArray[np.float64], duration: NDArray[np.float64], rng: np.random.Generator,
) -> Tone:
    """Draw the tone after `last` from logits, under the limits of the request."""
    start = last.end_beat
    chord = request.chords[min(int(start), len(request.chords) - 1)]
    logits = np.full(INTERVALS, -np.inf)
    for leap in range(-MAX_LEAP, MAX_LEAP + 1):
        pitch = last.pitch + leap
        if request.low <= pitch <= request.high and pitch % 12 in request.scale:
            bonus = STRONG_BONUS if start % 2 == 0 and pitch % 12 in chord else 0.0
            logits[leap + LEAP_LIMIT] = interval[leap + LEAP_LIMIT] / request.temperature + bonus
    if not np.isfinite(logits).any():  # history outside the register: come back by the nearest scale tone
        return Tone(_nearest(last.pitch, request), start, min(1.0, left))
    beats = DURATIONS_BEATS[_draw(_duration_limits(duration / request.temperature, start, left), rng)]
    return Tone(last.pitch + _draw(logits, rng) - LEAP_LIMIT, start, min(beats, left))


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
