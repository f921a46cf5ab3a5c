"""The converter on the bench: opened while its service is stopped, one resistor after another."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from device.clock import Clock
from device.config import Settings
from device.doctor.calibrate import CalibrationError, Point, measure, parse_ohm
from device.doctor.owners import Owner, locked
from drivers.adc import Adc
from drivers.open import Parts

WIDE = 2.0  # times the configured supply must still be read, or a supply that is higher could not show


@contextlib.contextmanager
def converter(settings: Settings, parts: Parts, clock: Clock) -> Iterator[Adc]:
    """Open the converter while no service holds it, with room above the configured supply.

    Raises:
        CalibrationError: the sensors service runs, or this user may not look.
        DeviceLost, DeviceConfigError: the converter does not open.
    """
    sensors = settings.sensors
    with locked(Path(settings.run_dir), "sensors") as owner:
        if owner is Owner.SERVICE:
            raise CalibrationError("the sensors service holds the converter; stop it (systemctl stop "
                                   "tranquillo-sensors), calibrate, and start it again")
        if owner is Owner.UNKNOWN:
            raise CalibrationError("this user may not use the converter; run it as root: sudo tranquillo "
                                   "calibrate gsr")
        adc = parts.adc(
            sensors.adc, clock, i2c_bus=sensors.i2c_bus, i2c_address=sensors.i2c_address,
            spi_bus=sensors.spi_bus, spi_device=sensors.spi_device, reference_v=sensors.reference_v,
            spans_v={sensors.gsr.channel: WIDE * sensors.gsr.supply_v})
        try:
            yield adc
        finally:
            adc.close()


def collect(
    adc: Adc, clock: Clock, channel: int, samples: int, *, known: tuple[str, ...],
    ask: Callable[[str], str], tell: Callable[[str], None],
) -> list[Point]:
    """Measure one resistor after another.

    Args:
        adc: the opened converter.
        clock: paces the reads.
        channel: of the skin conductance circuit.
        samples: reads a resistor.
        known: the resistors to be connected in turn; empty: each is asked for until one is left empty.
        ask: puts a question to the person and returns the answer.
        tell: says something to the person.

    Raises:
        CalibrationError: a resistor in `known` is none.
        DeviceLost: the converter stopped answering.
    """
    points: list[Point] = []
    for text in known or iter(lambda: ask("Resistor in ohm, such as 100k (empty to finish)"), ""):
        try:
            ohm = parse_ohm(text)
            ask(f"Connect {ohm:g} ohm where the electrodes go, then press Enter")
            points.append(measure(adc, clock, channel, ohm, samples))
        except CalibrationError as error:
            if known:
                raise
            tell(str(error))
        else:
            tell(f"{ohm:g} ohm: {points[-1].volts:.4f} V (noise {1e3 * points[-1].noise_v:.2f} mV)")
    return points
