"""The simulated patient's skin: conductance with responses, and temperature.

Levels, rates and shapes keep within what Dawson, Schell and Filion give for healthy adults (Handbook
of Psychophysiology, "The electrodermal system", typical values): tonic level 2 to 20 uS, spontaneous
responses 1 to 3 a minute at rest and above 20 when highly aroused, amplitude 0.1 to 1 uS, rise 1 to
3 s, half recovery 2 to 10 s. What is not there is marked as chosen.
"""

from __future__ import annotations

import math

import numpy as np

from drivers.sim.track import HISTORY_S, Track

_TAU_RISE_S, _TAU_FALL_S = 0.7, 2.0  # Bateman function of an SCR as in cvxEDA (Greco et al. 2016)
_PEAK_S = math.log(_TAU_FALL_S / _TAU_RISE_S) * _TAU_RISE_S * _TAU_FALL_S / (_TAU_FALL_S - _TAU_RISE_S)
_PEAK = math.exp(-_PEAK_S / _TAU_FALL_S) - math.exp(-_PEAK_S / _TAU_RISE_S)
_SCR_END_S = 20.0  # e^-10 is left of a response

_TONIC_US = (5.0, 0.35)  # chosen: median and log-spread over people
_TONIC_GAIN = 0.9  # chosen: log-units over the whole range of arousal
_TONIC_RISE_S, _TONIC_FALL_S = 15.0, 60.0  # chosen: skin wets faster than it dries
_DRIFT_SD, _DRIFT_S = 0.03, 300.0  # chosen
_SCR_PER_MIN_REST, _SCR_PER_MIN_GAIN = 1.0, 18.0  # times arousal squared: 3 a minute at 0.35, 10 at 0.7
_SCR_US = (0.15, 0.6)  # chosen: median and log-spread at arousal 0.5
_SCR_MAX_US = 1.5
_STARTLE = 2.5  # chosen: size of the response to a stressor against a spontaneous one

_WARM_C, _ARTERIES_C = 34.0, 4.0  # chosen: fingers and wrist 30 to 34 C as vessels narrow with arousal
_TEMPERATURE_S = 180.0  # chosen: thermal lag
_TEMPERATURE_NOISE_C = 0.004  # chosen, per second


class Skin:
    """Conductance and temperature, advanced one second at a time by arousal."""

    def __init__(self, rng: np.random.Generator, arousal: float) -> None:
        self._rng = rng
        self._base = math.log(_TONIC_US[0]) + _TONIC_US[1] * float(np.clip(rng.normal(), -1.5, 1.5))
        self._response = math.exp(0.3 * rng.normal())
        self._drift = 0.0
        self._log_tonic = Track(self._base + _TONIC_GAIN * (arousal - 0.5))
        self._celsius = Track(_WARM_C - _ARTERIES_C * arousal)
        self._responses: list[tuple[float, float]] = []

    def step(self, arousal: float, stressor: float) -> None:
        """Advance by one second at this arousal; a `stressor` above 0 draws a response of its own."""
        rng, start_s = self._rng, float(self._log_tonic.newest)
        self._drift += -self._drift / _DRIFT_S + _DRIFT_SD * math.sqrt(2.0 / _DRIFT_S) * rng.normal()
        gap = self._base + self._drift + _TONIC_GAIN * (arousal - 0.5) - self._log_tonic.last
        self._log_tonic.push(self._log_tonic.last + gap / (_TONIC_RISE_S if gap > 0 else _TONIC_FALL_S))
        cold = _WARM_C - _ARTERIES_C * arousal - self._celsius.last
        self._celsius.push(self._celsius.last + cold / _TEMPERATURE_S + _TEMPERATURE_NOISE_C * rng.normal())
        # One draw a second keeps the stream aligned; two responses within a second are not told apart.
        chance, onset_s, spread = rng.random(), start_s + rng.random(), rng.normal()
        rate = (_SCR_PER_MIN_REST + _SCR_PER_MIN_GAIN * arousal**2) / 60.0
        if stressor > 0 or chance < 1.0 - math.exp(-rate):
            size = _SCR_US[0] * self._response * (0.5 + arousal) * math.exp(_SCR_US[1] * spread)
            self._responses.append((onset_s, min(_SCR_MAX_US, size * (_STARTLE if stressor > 0 else 1.0))))
        forgotten_s = start_s - HISTORY_S - _SCR_END_S
        if self._responses and self._responses[0][0] < forgotten_s:
            self._responses.pop(0)

    def conductance_us(self, elapsed_s: float) -> float:
        """Return skin conductance in microsiemens: tonic level plus the responses still under way."""
        total = math.exp(self._log_tonic.at(elapsed_s))
        for onset_s, size in reversed(self._responses):
            age_s = elapsed_s - onset_s
            if age_s > _SCR_END_S:
                break
            if age_s > 0:
                total += size / _PEAK * (math.exp(-age_s / _TAU_FALL_S) - math.exp(-age_s / _TAU_RISE_S))
        return total

    def responses(self) -> list[tuple[float, float]]:
        """Return onset in seconds and amplitude in microsiemens of the responses still remembered."""
        return list(self._responses)

    def celsius(self, elapsed_s: float) -> float:
        """Return skin temperature in degrees Celsius."""
        return self._celsius.at(elapsed_s)
