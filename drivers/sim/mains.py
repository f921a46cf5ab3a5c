"""Mains hum on the wires between body and converter, at a frequency that wanders as a network's does."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from drivers.sim.faults import Faults

# The standard frequency range of the European grid is 50 mHz to either side. Sampled at 10 Hz both 50
# and 60 Hz fold to that slow wave.
_OFF_HZ, _WANDER_HZ, _WANDER_S = -0.03, 0.02, 97.0
_NETWORKS = (("hum_50hz", 50.0), ("hum_60hz", 60.0))


def hum(faults: Faults, elapsed_s: float) -> float:
    """Return what mains adds to a wire at this moment, -1 to 1 (-2 to 2 with both kinds)."""
    return sum(math.sin(2.0 * math.pi * mains_cycles(nominal_hz, elapsed_s))
               for kind, nominal_hz in _NETWORKS if faults.active(kind, elapsed_s))


def hum_over(faults: Faults, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `hum` at ascending times; the first decides what is active."""
    total = np.zeros(len(times))
    for kind, nominal_hz in _NETWORKS:
        if faults.active(kind, float(times[0])):
            cycles = np.array([mains_cycles(nominal_hz, at_s) for at_s in times.tolist()])
            total += np.sin(2.0 * np.pi * cycles)
    return total


def mains_cycles(nominal_hz: float, elapsed_s: float) -> float:
    """Return how many cycles a network has turned since time 0; it runs 10 to 50 mHz slow."""
    swing = 1.0 - math.cos(2.0 * math.pi * elapsed_s / _WANDER_S)
    wandered = _WANDER_HZ * _WANDER_S / (2.0 * math.pi) * swing
    return (nominal_hz + _OFF_HZ) * elapsed_s + wandered
