"""The instruments: fixed pools of cheap pyo voices, every change a ramp.

A voice is a table oscillator under a one-pole envelope (pyo `Port`): a gate opened for a moment makes
a struck sound, a gate held open a sustained one. The envelope moves on from where it is, so a stolen
voice never clicks. Gates rest at `FLOOR` instead of 0: a one-pole filter that decays towards 0 ends in
denormal numbers, which cost a processor many times the usual work.
"""

from __future__ import annotations

import random
from typing import Any, NamedTuple

FLOOR = 1e-8  # -160 dBFS
TABLE_SIZE = 8192

# Partial amplitudes, chosen by ear and spectrogram: a warm pad, a round bass, a felt-muted string.
PAD_PARTIALS = [1.0, 0.48, 0.34, 0.24, 0.19, 0.14, 0.12, 0.09, 0.08, 0.06, 0.05, 0.04]
BASS_PARTIALS = [1.0, 0.34, 0.16, 0.05, 0.02]
MELODY_PARTIALS = [1.0, 0.40, 0.20, 0.05, 0.06, 0.04, 0.02]
PAD_DETUNE = (1.0, 1.0, 1.0028, 0.9973)  # left, right, left, right: +4.8 and -4.7 cents beat slowly
RESTING, INHALE = 0.35, 3.0  # level of the texture behind the music, and at the start of a session
TINE_RATIO = 3.984  # the hammer's share sounds two octaves up, a little flat as on a bar


def hertz(pitch: float) -> float:
    """Return the frequency of a MIDI pitch in equal temperament, A4 = 440 Hz."""
    return float(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))


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


class Strike(NamedTuple):
    """How a note is to begin: MIDI pitch, velocity 0 to 1, percussiveness 0 to 1."""

    pitch: int
    velocity: float
    percussiveness: float


class PadVoice:
    """Four detuned oscillators, two a side; swells in over a second."""

    sustained = True
    strike_s = 0.0

    def __init__(self, pyo: Any, table: Any) -> None:  # noqa: ANN401 - pyo has no types
        self._envelope = Envelope(pyo, 1.0, 1.6)
        self.stream = pyo.Osc(table, freq=[220.0 * d for d in PAD_DETUNE],
                              phase=[0.0, 0.25, 0.5, 0.75], mul=self._envelope.stream)
        self._level = 0.0

    def start(self, strike: Strike) -> None:
        """Sound a note; percussiveness shortens the swell from 1.1 s to 0.35 s."""
        frequency = hertz(strike.pitch)
        self.stream.freq = [frequency * d for d in PAD_DETUNE]
        self._level = (0.55 + 0.45 * strike.velocity) * min(1.0, 330.0 / frequency) ** 0.3
        self._envelope.open(self._level, 1.1 - 0.75 * strike.percussiveness, 1.6)

    def soften(self) -> None:
        """Sink to 60 % and stay there."""
        self._envelope.open(0.6 * self._level, 1.0, 3.0)

    def close_gate(self) -> None:
        """A pad is held until it is released."""

    def release(self) -> None:
        """Let the note go over a few seconds."""
        self._envelope.shut(1.3)


class BassVoice:
    """One soft oscillator in the middle; glides between notes."""

    sustained = True
    strike_s = 0.0

    def __init__(self, pyo: Any, table: Any) -> None:  # noqa: ANN401 - pyo has no types
        self._envelope = Envelope(pyo, 0.1, 1.0)
        self._frequency = pyo.SigTo(55.0, time=0.06, init=55.0)
        self.stream = pyo.Osc(table, freq=self._frequency, mul=self._envelope.stream)

    def start(self, strike: Strike) -> None:
        """Sound a note; percussiveness shortens its onset from 140 to 20 ms."""
        self._frequency.value = hertz(strike.pitch)
        self._envelope.open(0.4 + 0.6 * strike.velocity, 0.14 - 0.12 * strike.percussiveness, 0.8)

    def soften(self) -> None:
        """Let go: only the pad holds on."""
        self.release()

    def close_gate(self) -> None:
        """A bass note is held until it is released."""

    def release(self) -> None:
        """Let the note go."""
        self._envelope.shut(0.45)


class MelodyVoice:
    """A felt-muted string: struck, ringing, damped at the note's end; a tine sounds with the hammer."""

    sustained = False

    def __init__(self, pyo: Any, table: Any, tine: Any) -> None:  # noqa: ANN401 - pyo has no types
        self._body = Envelope(pyo, 0.01, 1.5)
        self._hammer = Envelope(pyo, 0.004, 0.12)
        self.strings = pyo.Osc(table, freq=440.0, mul=self._body.stream)
        self.tine = pyo.Osc(tine, freq=440.0 * TINE_RATIO, mul=self._hammer.stream)
        self.strike_s = 0.05
        self._ring_s = 1.5

    def start(self, strike: Strike) -> None:
        """Strike; percussiveness takes the onset from 22 to 3 ms and adds hammer."""
        frequency = hertz(strike.pitch)
        self.strings.freq = frequency
        self.tine.freq = frequency * TINE_RATIO
        marked = strike.percussiveness
        rise_s = 0.022 - 0.019 * marked
        self.strike_s = 3.0 * rise_s
        self._ring_s = max(0.5, min(2.4, 1.5 * (330.0 / frequency) ** 0.5)) * (1.15 - 0.5 * marked)
        loudness = strike.velocity ** 1.4
        self._body.open(0.12 + 0.88 * loudness, rise_s, self._ring_s)
        self._hammer.open((0.03 + 0.22 * marked) * loudness, 0.6 * rise_s, 0.10 + 0.06 * (1.0 - marked))

    def soften(self) -> None:
        """Let go: only the pad holds on."""
        self.release()

    def close_gate(self) -> None:
        """Leave the string after the strike; it rings down by itself."""
        self._body.shut()
        self._hammer.shut()

    def release(self) -> None:
        """Damp the string with felt."""
        self._body.shut(min(self._ring_s, 0.7))
        self._hammer.shut()


class TextureVoice:
    """Filtered noise that swells and sinks; always there, a note brings it forward."""

    sustained = True
    strike_s = 0.0

    def __init__(self, pyo: Any, noise: Any, breath: Any) -> None:  # noqa: ANN401 - pyo has no types
        self._envelope = Envelope(pyo, 2.0, 3.0)
        self._envelope.open(RESTING, 2.0, 3.0)
        self._centre = pyo.SigTo(900.0, time=3.0, init=900.0)
        rate = noise.getRate()
        source = pyo.Osc(noise, freq=[rate, rate], phase=[0.0, 0.37], mul=self._envelope.stream)
        self._sway = breath * 0.35 + 1.0
        self._parts = source
        self.stream = pyo.Biquad(source, freq=self._centre * self._sway, q=0.8, type=2)

    def start(self, strike: Strike) -> None:
        """Come forward around a pitch."""
        self._centre.value = min(2200.0, max(500.0, 2.0 * hertz(strike.pitch)))
        self._envelope.open(RESTING + 0.5 * strike.velocity, 2.0, 3.0)

    def soften(self) -> None:
        """Go back behind the music."""
        self.release()

    def inhale(self) -> None:
        """Come forward at once, to be heard before the first note."""
        self._envelope.open(INHALE, 0.12, 3.0)

    def close_gate(self) -> None:
        """A texture is held until it is released."""

    def release(self) -> None:
        """Go back behind the music."""
        self._envelope.open(RESTING, 2.0, 3.0)


def harmonic_table(pyo: Any, partials: list[float]) -> Any:  # noqa: ANN401 - pyo has no types
    """Return a single-cycle table of these partial amplitudes, its peak at 1."""
    table = pyo.HarmTable(partials, size=TABLE_SIZE)
    table.normalize()
    return table


def noise_table(pyo: Any, seed: int, size: int = 2**17) -> Any:  # noqa: ANN401 - pyo has no types
    """Return a loop of white noise (3 s at 44.1 kHz): a twentieth of the cost of a noise generator."""
    source = random.Random(seed)
    return pyo.DataTable(size, init=[source.uniform(-1.0, 1.0) for _ in range(size)])
