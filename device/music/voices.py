"""The voices: cheap pyo oscillators under one-pole envelopes, every change a ramp.

A voice is one or more table oscillators, each under a one-pole envelope (pyo `Port`): a gate opened for
a moment makes a struck sound, a gate held open a sustained one. The envelope moves on from where it is,
so a stolen voice never clicks. Gates rest at `FLOOR` instead of 0: a one-pole filter that decays towards
0 ends in denormal numbers, which cost a processor many times the usual work. A voice that has rung out
sleeps: it is stopped at `ASLEEP`, where nothing is heard of it, and costs nothing until its next note.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from device.music.tables import Wave

FLOOR = 1e-8  # -160 dBFS
ASLEEP = 1e-3  # of a full level: 80 dB below full scale in the patch, 100 after the last stage
MIDDLE_HZ = 330.0  # where recipes give their times and levels
NEVER_S = math.inf


def hertz(pitch: float) -> float:
    """Return the frequency of a MIDI pitch in equal temperament, A4 = 440 Hz."""
    return float(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))


class Strike(NamedTuple):
    """How a note is to begin: MIDI pitch; velocity, percussiveness and timbre 0 to 1."""

    pitch: int
    velocity: float
    percussiveness: float
    timbre: float = 0.5


class Layer(NamedTuple):
    """One oscillator of a struck sound; times and levels at `MIDDLE_HZ`.

    `wave` names its table, played at `ratio` times the note's frequency (of the table's own rate if
    `fixed`). Its level goes from `soft` to `marked` with percussiveness, with velocity to the power
    `touch`, and from the share `dark` at timbre 0 to all of it at 1. `ring_s` is its time constant.
    `thin`: the power with which it weakens above `MIDDLE_HZ`. `rise` stretches the onset.
    """

    wave: str
    ring_s: float
    soft: float
    marked: float
    ratio: float = 1.0
    touch: float = 1.4
    dark: float = 1.0
    thin: float = 0.0
    rise: float = 1.0
    fixed: bool = False


class Struck(NamedTuple):
    """A struck or plucked sound: layers, onset (time constant) at percussiveness 0 and 1, damping."""

    layers: tuple[Layer, ...]
    slow_s: float = 0.022
    quick_s: float = 0.003
    damp_s: float = 0.7


class Held(NamedTuple):
    """A sustained sound: (table, detune) per oscillator, left and right in turn; swell and release.

    `thin`: the power with which it weakens above `MIDDLE_HZ`; `glide_s`: time to slide between notes;
    `touch_floor`: the level at velocity 0.
    """

    oscillators: tuple[tuple[str, float], ...]
    slow_s: float = 1.1
    quick_s: float = 0.35
    release_s: float = 1.3
    level: float = 1.0
    thin: float = 0.3
    touch_floor: float = 0.55


class Envelope:
    """A gate and the one-pole ramp behind it; `stream` is the audio-rate level."""

    def __init__(self, pyo: Any, rise_s: float, fall_s: float) -> None:  # noqa: ANN401 - pyo has no types
        self._gate = pyo.Sig(FLOOR)
        self.stream = pyo.Port(self._gate, risetime=rise_s, falltime=fall_s, init=FLOOR)

    def open(self, level: float, rise_s: float, fall_s: float) -> None:
        """Head for a level (0 to 1) with these time constants."""
        self.stream.risetime = rise_s
        self.stream.falltime = fall_s
        self._gate.value = max(level, FLOOR)

    def shut(self, fall_s: float | None = None) -> None:
        """Head for silence, with another time constant if given."""
        if fall_s is not None:
            self.stream.falltime = fall_s
        self._gate.value = FLOOR

    def sleep(self) -> None:
        """Stop computing; the level stays where it is."""
        self._gate.stop()
        self.stream.stop()

    def wake(self) -> None:
        """Go on computing."""
        self._gate.play()
        self.stream.play()


def tail_s(level: float, fall_s: float) -> float:
    """Return how long a level takes to fall to `ASLEEP` with this time constant."""
    return fall_s * math.log(max(level, ASLEEP) / ASLEEP)


class HeldVoice:
    """A sustained sound, swelling in and dying away; `stream` has one channel per oscillator."""

    sustained = True
    strike_s = 0.0

    def __init__(self, pyo: Any, held: Held, waves: Mapping[str, Wave]) -> None:  # noqa: ANN401 - pyo
        self._held = held
        self._envelope = Envelope(pyo, held.slow_s, held.release_s)
        self._shares = [detune / waves[name].cycles for name, detune in held.oscillators]
        self.streams = [
            pyo.Osc(waves[name].table, freq=220.0 * share, phase=0.25 * number,
                    mul=self._envelope.stream)
            for number, ((name, _), share) in enumerate(zip(held.oscillators, self._shares, strict=True))]
        self._level = 0.0
        self.tail_s = NEVER_S
        self.sleep()

    def start(self, strike: Strike) -> None:
        """Sound a note; percussiveness shortens the swell."""
        frequency = hertz(strike.pitch)
        for stream, share in zip(self.streams, self._shares, strict=True):
            stream.freq = frequency * share
        held = self._held
        touched = held.touch_floor + (1.0 - held.touch_floor) * strike.velocity
        self._level = held.level * touched * min(1.0, MIDDLE_HZ / frequency) ** held.thin
        rise_s = held.slow_s + (held.quick_s - held.slow_s) * strike.percussiveness
        self._envelope.open(self._level, rise_s, held.release_s)
        self.tail_s = NEVER_S

    def soften(self) -> None:
        """Sink to 60 % and stay there."""
        self._envelope.open(0.6 * self._level, 1.0, 3.0)

    def close_gate(self) -> None:
        """Held until it is released."""

    def release(self, fall_s: float | None = None) -> None:
        """Let the note go, with its own time constant or this one."""
        fall_s = fall_s or self._held.release_s
        self._envelope.shut(fall_s)
        self.tail_s = tail_s(self._level, fall_s)

    def sleep(self) -> None:
        """Stop computing."""
        self._envelope.sleep()
        for stream in self.streams:
            stream.stop()

    def wake(self) -> None:
        """Go on computing."""
        self._envelope.wake()
        for stream in self.streams:
            stream.play()


class StruckVoice:
    """A struck or plucked sound of several layers that ring down each in its own time."""

    sustained = False

    def __init__(self, pyo: Any, struck: Struck, waves: Mapping[str, Wave]) -> None:  # noqa: ANN401 - pyo
        self._struck = struck
        self._envelopes = [Envelope(pyo, struck.slow_s, layer.ring_s) for layer in struck.layers]
        self._shares = [layer.ratio / waves[layer.wave].cycles for layer in struck.layers]
        self.streams = [
            pyo.Osc(waves[layer.wave].table, mul=envelope.stream,
                    freq=waves[layer.wave].table.getRate() * layer.ratio if layer.fixed else 440.0 * share)
            for layer, share, envelope in zip(struck.layers, self._shares, self._envelopes, strict=True)]
        self.strike_s = 0.05
        self.tail_s = 0.0
        self._rings: list[float] = []
        self._levels: list[float] = []
        self.sleep()

    def start(self, strike: Strike) -> None:
        """Strike; percussiveness sharpens the onset, shortens the ring and moves the layers' balance."""
        struck, frequency = self._struck, hertz(strike.pitch)
        rise_s = struck.slow_s * (struck.quick_s / struck.slow_s) ** strike.percussiveness
        height = frequency / MIDDLE_HZ
        self._rings, self._levels = [], []
        self.strike_s = 3.0 * rise_s
        for layer, share, stream, envelope in zip(
                struck.layers, self._shares, self.streams, self._envelopes, strict=True):
            if not layer.fixed:
                stream.freq = frequency * share
            level = _level(layer, strike) * min(1.0, 1.0 / height) ** layer.thin
            ring_s = layer.ring_s * (1.15 - 0.5 * strike.percussiveness)
            ring_s *= 1.0 if layer.fixed else min(1.6, max(0.4, height ** -0.5))
            envelope.open(level, rise_s * layer.rise, ring_s)
            self._rings.append(ring_s)
            self._levels.append(level)
        self.tail_s = self.strike_s + max(map(tail_s, self._levels, self._rings))

    def soften(self) -> None:
        """Let go: only what is held holds on."""
        self.release()

    def close_gate(self) -> None:
        """Leave the string after the strike; it rings down by itself."""
        for envelope in self._envelopes:
            envelope.shut()

    def release(self, fall_s: float | None = None) -> None:
        """Damp the string, with its own time constant or this one."""
        fall_s = fall_s or self._struck.damp_s
        damped = [min(ring_s, fall_s) for ring_s in self._rings]
        for envelope, damped_s in zip(self._envelopes, damped, strict=False):
            envelope.shut(damped_s)
        self.tail_s = max(map(tail_s, self._levels, damped), default=0.0)

    def sleep(self) -> None:
        """Stop computing."""
        for envelope, stream in zip(self._envelopes, self.streams, strict=True):
            envelope.sleep()
            stream.stop()

    def wake(self) -> None:
        """Go on computing."""
        for envelope, stream in zip(self._envelopes, self.streams, strict=True):
            envelope.wake()
            stream.play()


def _level(layer: Layer, strike: Strike) -> float:
    """Return a layer's level for a strike."""
    touched = 0.10 + 0.90 * math.pow(strike.velocity, layer.touch)
    marked = layer.soft + (layer.marked - layer.soft) * strike.percussiveness
    return touched * marked * (layer.dark + (1.0 - layer.dark) * strike.timbre)


class ChordVoice:
    """A chord tone of a plucked or struck style: a strike over a quiet bed that holds it."""

    sustained = True

    def __init__(self, string: StruckVoice, bed: HeldVoice) -> None:
        self.string = string
        self.bed = bed
        self.strike_s = 0.0
        self.tail_s = NEVER_S

    def start(self, strike: Strike) -> None:
        """Strike the string and let the bed swell in."""
        self.string.start(strike)
        self.bed.start(strike)
        self.strike_s = self.string.strike_s
        self.tail_s = NEVER_S

    def soften(self) -> None:
        """Let the string ring on and the bed sink."""
        self.bed.soften()

    def close_gate(self) -> None:
        """Leave the string."""
        self.string.close_gate()

    def release(self, fall_s: float | None = None) -> None:
        """End both."""
        self.string.release(fall_s)
        self.bed.release(fall_s)
        self.tail_s = max(self.string.tail_s, self.bed.tail_s)

    def sleep(self) -> None:
        """Stop computing."""
        self.string.sleep()
        self.bed.sleep()

    def wake(self) -> None:
        """Go on computing."""
        self.string.wake()
        self.bed.wake()
