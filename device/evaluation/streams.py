"""A recording as the device's blocks of samples: through the simulated converter, or straight."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from device.clock import ManualClock
from device.config import Sensors, SkinTemperature
from device.features.extractor import FeatureExtractor
from device.messages import Features, Quality, SampleBlock
from device.sensing.adc import AdcSensing
from device.sensing.circuits import gsr_circuit, thermistor_circuit
from drivers.adc import Adc
from drivers.gsr import OPEN_BELOW_US, SHORT_ABOVE_US
from drivers.open import Parts
from drivers.sim.body import Body
from drivers.sim.recording import Recording
from drivers.sim.world import Circuits, World

Signal = Literal["eda", "ppg", "temperature"]

# The device's defaults, with the optional skin temperature connected.
SKIN = SkinTemperature()
SENSORS = Sensors(adc="sim:ads1115", temperature=SKIN)
RATES_HZ: Mapping[Signal, float] = {
    "eda": SENSORS.gsr.rate_hz, "ppg": SENSORS.ppg.rate_hz, "temperature": SKIN.rate_hz,
}
NOISE_SEED = 1  # of the converter's input noise


def seconds_of(body: Recording, limit_s: int | None = None) -> int:
    """Return the whole seconds of a recording, at most `limit_s`."""
    whole = int(body.duration_s)
    return whole if limit_s is None else min(limit_s, whole)


def straight(body: Recording, seconds: int) -> Iterator[list[SampleBlock]]:
    """Give each second's samples as they would leave a perfect converter.

    Args:
        body: a recording that starts at 0 s.
        seconds: how many.

    Yields:
        One block of each signal, for the second that ends at 1 s, 2 s and so on.
    """
    for second in range(1, seconds + 1):
        yield [_block(body, signal, float(second - 1), rate_hz) for signal, rate_hz in RATES_HZ.items()]


def through_converter(body: Body, seconds: int) -> Iterator[list[SampleBlock]]:
    """Give each second's samples as the device reads them.

    Volts at a simulated ADS1115 of register level, noise included, read by the real driver and turned into
    blocks by the device's own sensing, on a clock that runs as fast as it can.

    Args:
        body: a recording or a simulated patient that starts at 0 s.
        seconds: how many.

    Yields:
        The blocks that were full by 1 s, 2 s and so on.
    """
    clock = ManualClock(start_s=0.0)
    sensing = AdcSensing(_converter(body, clock), clock, SENSORS)
    for second in range(1, seconds + 1):
        blocks: list[SampleBlock] = []
        while sensing.next_due_s() < second:
            clock.advance_to(sensing.next_due_s())
            blocks += sensing.update()
        yield blocks


def features_of(stream: Iterator[list[SampleBlock]]) -> Iterator[Features]:
    """Run blocks through the device's features: what it would publish at 1 s, 2 s and so on."""
    extractor = FeatureExtractor()
    for second, blocks in enumerate(stream, start=1):
        for block in blocks:
            extractor.push(block)
        yield extractor.features(float(second))


def _block(body: Recording, signal: Signal, start_s: float, rate_hz: float) -> SampleBlock:
    """Return one second of one signal; skin conductance without contact is NaN, as on the device."""
    values = body.sampled(signal, start_s, round(rate_hz), rate_hz)
    if signal == "eda":
        values = np.where((values >= OPEN_BELOW_US) & (values <= SHORT_ABOVE_US), values, np.nan)
    return SampleBlock(at_s=start_s + 1.0, signal=signal, start_s=start_s, rate_hz=rate_hz,
                       values=tuple(values.tolist()), quality=_quality(values))


def _quality(values: NDArray[np.float64]) -> Quality:
    """Return good, or open if the sensor touched nobody for a moment."""
    return Quality.GOOD if np.isfinite(values).all() else Quality.OPEN


def _converter(body: Body, clock: ManualClock) -> Adc:
    """Open the converter with the body on its inputs, wired as the configuration says."""
    gsr, ppg = SENSORS.gsr, SENSORS.ppg
    circuits = Circuits(
        gsr_channel=gsr.channel, gsr=gsr_circuit(gsr), ppg_channel=ppg.channel,
        temperature_channel=SKIN.channel, thermistor=thermistor_circuit(SKIN),
        i2c_address=SENSORS.i2c_address, reference_v=SENSORS.reference_v)
    world = World(body, clock, circuits, seed=NOISE_SEED)
    return Parts({"sim": lambda: world}).adc(
        SENSORS.adc, clock, i2c_bus=SENSORS.i2c_bus, i2c_address=SENSORS.i2c_address,
        spi_bus=SENSORS.spi_bus, spi_device=SENSORS.spi_device, reference_v=SENSORS.reference_v,
        spans_v={gsr.channel: gsr.supply_v})  # as the sensors' service zooms in on the divider
