"""Calibration of the skin conductance circuit with resistors of known value in the electrodes' place.

Divider, constant `supply_v` S over the resistor r and `reference_ohm` R:  V = S R / (r + R).
Multiplied out it is linear in a = S R and R:  V r = a - V R; that gives the start, and a few steps of
Gauss and Newton on the volts themselves, whose noise is the same at every resistor, the least squares.
Grove, with the idle output at half the supply:  V = S (1/2 - q) / (1 + 2 q),  q = 10 kOhm / r.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.clock import Clock
from device.config import Gsr
from device.errors import TranquilloError
from device.sensing.circuits import gsr_circuit
from drivers.adc import Adc, ReadingQuality
from drivers.gsr import GROVE_OHM

RESISTOR_OHM = 10_000.0, 20_000_000.0  # 100 to 0.05 uS
LEAST_POINTS = {"divider": 2, "grove": 1}
READ_HZ = 100.0  # a whole number of reads in a period of 50 Hz and in five of 60 Hz, so mains cancels
UNSTEADY_V = 5e-3  # chosen: a resistor that is held well is a hundred times steadier
RESIDUAL_SHARE = 0.05  # of the conductance; resistors are good to 1 or 5 %
ALLOWED = {"supply_v": (0.1, 5.0), "reference_ohm": (1_000.0, 1_000_000.0)}  # device.config.Gsr
FAR = 0.3  # a fit so far from the configured value is another circuit, or a wrong resistor
_STEPS = 8
Vector = NDArray[np.float64]


class CalibrationError(TranquilloError, ValueError):
    """What was measured makes no sense; says what to do."""


class Point(NamedTuple):
    """One resistor and what the converter read with it: mean and standard deviation, in volts."""

    ohm: float
    volts: float
    noise_v: float


class Fit(NamedTuple):
    """The circuit's constants as fitted, and each point's residual as a share of its conductance."""

    gsr: Gsr
    residuals: tuple[float, ...]


def parse_ohm(text: str) -> float:
    """Return the ohms of `47000`, `47k`, `4k7` or `1M`.

    Raises:
        CalibrationError: it is no resistance, or none that skin could have.
    """
    words = text.strip().lower().replace("ohm", "").strip()
    factor = {"k": 1e3, "m": 1e6}.get(next((sign for sign in words if sign in "km"), ""), 1.0)
    number = words.rstrip("km") if words[-1:] in {"k", "m"} else words.replace("k", ".").replace("m", ".")
    try:
        ohm = float(number) * factor
    except ValueError as error:
        raise CalibrationError(f"{text!r} is no resistance; write 47000, 47k or 1M") from error
    least, most = RESISTOR_OHM
    if not least <= ohm <= most:
        raise CalibrationError(f"{text!r} is outside 10k to 20M, which is 100 to 0.05 microsiemens")
    return ohm


def measure(adc: Adc, clock: Clock, channel: int, ohm: float, samples: int) -> Point:
    """Read a channel at 100 Hz and return the mean.

    Raises:
        CalibrationError: the converter clips, or the value is not steady.
        DeviceLost: the converter stopped answering.
    """
    begun_s = clock.monotonic()
    readings = []
    for number in range(samples):
        clock.sleep(begun_s + number / READ_HZ - clock.monotonic())
        readings.append(adc.read(channel))
    volts = np.array([reading.volts for reading in readings])
    if any(reading.quality is ReadingQuality.CLIPPED for reading in readings):
        raise CalibrationError("the reading is at the end of the converter's range; check that the resistor "
                               "is where the electrodes go, and that nothing is shorted")
    noise_v = float(np.std(volts))
    if noise_v > UNSTEADY_V:
        raise CalibrationError(f"the reading is not steady ({1e3 * noise_v:.1f} mV); hold the resistor in "
                               "clips and not in your fingers, which would be part of the circuit")
    return Point(ohm, float(np.mean(volts)), noise_v)


def fit(points: Sequence[Point], gsr: Gsr) -> Fit:
    """Return the constants that explain the points best.

    Args:
        points: at least two different resistors for a divider, one for a Grove board.
        gsr: the circuit as configured.

    Raises:
        CalibrationError: too few points, or a fit that no such circuit gives.
    """
    if len({point.ohm for point in points}) < LEAST_POINTS[gsr.circuit]:
        raise CalibrationError(f"a {gsr.circuit} needs {LEAST_POINTS[gsr.circuit]} different resistors; "
                               "measure more")
    ohm = np.array([point.ohm for point in points])
    volts = np.array([point.volts for point in points])
    if np.any(volts <= 0):
        raise CalibrationError("a reading is 0 V: nothing conducts; check the wiring of the resistor")
    fitted = _divider(ohm, volts, gsr) if gsr.circuit == "divider" else _grove(ohm, volts, gsr)
    _refuse_implausible(fitted, gsr)
    circuit = gsr_circuit(fitted)
    shares = tuple(circuit.microsiemens(point.volts) * point.ohm * 1e-6 - 1.0 for point in points)
    worst = max(shares, key=lambda share: math.inf if math.isnan(share) else abs(share))
    if not abs(worst) <= RESIDUAL_SHARE:
        raise CalibrationError(f"a resistor of {points[shares.index(worst)].ohm:g} ohm is off the curve by "
                               f"{100 * worst:.0f} %; check its value, or that sensors.gsr.circuit is right")
    return Fit(fitted, shares)


def table(points: Sequence[Point], fitted: Fit) -> str:
    """Return one line a resistor: what it is, what the circuit makes of it, and how far that is off."""
    circuit = gsr_circuit(fitted.gsr)
    lines = [f"{'ohm':>10} {'volts':>9} {'uS':>9} {'measured':>9} {'off':>7}"]
    for point, residual in zip(points, fitted.residuals, strict=True):
        lines.append(f"{point.ohm:>10.0f} {point.volts:>9.4f} {1e6 / point.ohm:>9.3f} "
                     f"{circuit.microsiemens(point.volts):>9.3f} {100 * residual:>+6.1f}%")
    return "\n".join(lines)


def _divider(ohm: Vector, volts: Vector, gsr: Gsr) -> Gsr:
    """Fit supply and reference."""
    design = np.stack([np.ones_like(ohm), -volts], axis=1)
    product, reference = np.linalg.lstsq(design, volts * ohm, rcond=None)[0]
    supply = product / reference if reference > 0 else gsr.supply_v
    reference = reference if reference > 0 else gsr.reference_ohm
    for _ in range(_STEPS):
        share = reference / (ohm + reference)
        slopes = np.stack([share, supply * ohm / (ohm + reference) ** 2], axis=1)
        step = np.linalg.lstsq(slopes, volts - supply * share, rcond=None)[0]
        supply, reference = supply + step[0], max(1.0, reference + step[1])
    return _changed(gsr, float(supply), float(reference))


def _grove(ohm: Vector, volts: Vector, gsr: Gsr) -> Gsr:
    """Fit the supply, which scales the whole curve."""
    ratio = GROVE_OHM / ohm
    shape = (0.5 - ratio) / (1.0 + 2.0 * ratio)
    return _changed(gsr, float(shape @ volts / (shape @ shape)), gsr.reference_ohm)


def _changed(gsr: Gsr, supply_v: float, reference_ohm: float) -> Gsr:
    """Return the circuit with other constants, at the precision that a resistor allows."""
    return Gsr(channel=gsr.channel, rate_hz=gsr.rate_hz, circuit=gsr.circuit, supply_v=round(supply_v, 4),
               reference_ohm=round(reference_ohm))


def _refuse_implausible(fitted: Gsr, gsr: Gsr) -> None:
    """Refuse constants that the configuration would not take, or far from what is soldered.

    Raises:
        CalibrationError: it is so.
    """
    for key, (least, most) in ALLOWED.items():
        found, expected = getattr(fitted, key), getattr(gsr, key)
        if not least <= found <= most or not abs(found / expected - 1.0) <= FAR:
            raise CalibrationError(
                f"the fit gives {key} = {found:g} where {expected:g} is configured; check each resistor's "
                f"value and the wiring, or correct sensors.gsr.{key} first if another part is soldered")
