"""The noise behind the music: a breath of texture in every style, wind and waves in one."""

from __future__ import annotations

from typing import Any

from device.music.tables import Wave
from device.music.voices import Envelope, Strike, hertz

RESTING, INHALE = 0.35, 3.0  # level of the texture behind the music, and at the start of a session
WIND_HZ = 0.037  # gusts wander slowly, out of step with the breath
SURF_HZ, SURF_SHARE = 250.0, 0.18  # the waves' low-pass: this, and a share of the filters' corner
SURF_SWING = 0.35  # how far the breath moves level and low-pass of the waves


class TextureVoice:
    """Filtered noise that swells and sinks; always there, a note brings it forward."""

    sustained = True
    strike_s = 0.0
    tail_s = float("inf")  # never sleeps: its noise keeps the filters and the room behind it in motion

    def __init__(self, pyo: Any, noise: Wave, breath: Any) -> None:  # noqa: ANN401 - pyo has no types
        self._envelope = Envelope(pyo, 2.0, 3.0)
        self._envelope.open(RESTING, 2.0, 3.0)
        self._centre = pyo.SigTo(900.0, time=3.0, init=900.0)
        rate = noise.table.getRate()
        self._source = pyo.Osc(noise.table, freq=[rate, rate], phase=[0.0, 0.37], mul=self._envelope.stream)
        self._sway = breath * 0.35 + 1.0
        self.stream = pyo.Biquad(self._source, freq=self._centre * self._sway, q=0.8, type=2)

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

    def release(self, fall_s: float | None = None) -> None:
        """Go back behind the music, in this time constant if given."""
        self._envelope.open(RESTING, 2.0, fall_s or 3.0)

    def sleep(self) -> None:
        """Go on: it never sleeps."""

    def wake(self) -> None:
        """Go on: it never sleeps."""


class Surf:
    """Waves that come and go with the breath, and wind that wanders; `stream` is stereo."""

    def __init__(self, pyo: Any, noise: Wave, breath: Any, corner: Any, level: Any) -> None:  # noqa: ANN401
        rate = noise.table.getRate()
        self._source = pyo.Osc(noise.table, freq=[rate * 0.93, rate * 0.97], phase=[0.11, 0.63])
        self._swell = breath * SURF_SWING + 1.0
        self._gusts = pyo.Sine([WIND_HZ, WIND_HZ * 0.83], phase=[0.0, 0.4])
        waves = pyo.Tone(self._source, freq=self._swell * (corner * SURF_SHARE + SURF_HZ), mul=self._swell)
        height = self._gusts * 200.0 + (corner * SURF_SHARE + 550.0)
        wind = pyo.Biquad(self._source, freq=height, q=2.5, type=2, mul=self._gusts * 0.16 + 0.24)
        self.stream = pyo.Mix([waves, wind], voices=2, mul=level)
        self._parts = (self._source, self._gusts, waves, wind, self.stream)

    def sleep(self) -> None:
        """Stop computing."""
        for part in self._parts:
            part.stop()

    def wake(self) -> None:
        """Go on computing."""
        for part in self._parts:
            part.play()
