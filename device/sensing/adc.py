"""Paced reads of the ADC's channels, turned into blocks of samples in physical units."""

from __future__ import annotations

import math
from collections.abc import Callable

from device.clock import Clock
from device.config import Gsr, Sensors, SkinTemperature
from device.messages import Quality, SampleBlock
from device.sensing.channel import Channel
from device.sensing.circuits import gsr_circuit, thermistor_circuit
from drivers.adc import Adc, Reading
from drivers.gsr import Contact

Convert = Callable[[float], tuple[float, Quality]]

_QUALITY = {Contact.GOOD: Quality.GOOD, Contact.OPEN: Quality.OPEN, Contact.SHORT: Quality.SHORT}
# Mains comes in over the skin, and ten samples a second cannot tell it from a slow change. Two reads 10 ms
# apart cancel 50 Hz, two such pairs 25 ms apart 60 Hz: half a turn and one and a half.
HUM_FREE_READS_S = (0.0, 0.010, 0.025, 0.035)
READ_STEP_S = 0.005  # what these times are multiples of
FASTEST_MEAN_HZ = 20.0  # above it the reads do not fit between two samples, and there is one
STUCK_AFTER_S = 2.0  # a pulse sensor's own noise moves a 10-bit code well within this time


class AdcSensing:
    """Skin conductance, pulse and skin temperature from one converter.

    The pulse channel is watched for a converter that repeats itself: its code has to move within
    2 s. The other two may rest on one code for long in a quiet patient, so they count as stuck only
    when they have not moved for 2 s while the pulse channel is stuck as well.

    Args:
        adc: the opened converter, closed by `close`.
        clock: paces the reads.
        settings: channels, rates and circuits.
    """

    def __init__(self, adc: Adc, clock: Clock, settings: Sensors) -> None:
        self._adc = adc
        self._clock = clock
        ppg, gsr, skin = settings.ppg, settings.gsr, settings.temperature
        now_s = clock.monotonic()
        reads = HUM_FREE_READS_S if gsr.rate_hz <= FASTEST_MEAN_HZ else (0.0,)
        self._channels = [Channel("ppg", ppg.channel, ppg.rate_hz, _pulse, now_s),
                          Channel("eda", gsr.channel, gsr.rate_hz, _conductance(gsr), now_s, reads)]
        if skin is not None:
            self._channels.append(
                Channel("temperature", skin.channel, skin.rate_hz, _temperature(skin), now_s))
        self._watches = [_StuckWatch() for _ in self._channels]  # the pulse channel's is the first

    def update(self) -> list[SampleBlock]:
        """Read every channel that is due and return the blocks that are full, at most one a channel.

        Call it at `next_due_s`, or every 5 ms and at twice the pulse rate or more: a channel that was not
        read within its sample period has missed that sample, which shows as a gap and is never made up.

        Raises:
            DeviceLost: the converter did not answer after the driver's own retries.
        """
        blocks: list[SampleBlock] = []
        for channel, watch in zip(self._channels, self._watches, strict=True):
            now_s = self._clock.monotonic()
            if not channel.is_due(now_s):
                continue
            early = channel.move_to(now_s)
            reading = self._adc.read(channel.number)
            stuck = watch.update(reading) and self._watches[0].stuck
            full = channel.take(reading, now_s, stuck=stuck)
            blocks.extend(block for block in (early, full) if block is not None)
        return blocks

    def next_due_s(self) -> float:
        """Return the monotonic time at which the next channel wants to be read."""
        return min(channel.due_s for channel in self._channels)

    def close(self) -> None:
        """Release the converter."""
        self._adc.close()


class _StuckWatch:
    """Tells whether one channel has repeated one voltage for more than 2 s."""

    def __init__(self) -> None:
        self.stuck = False
        self._volts = math.nan
        self._since_s = 0.0

    def update(self, reading: Reading) -> bool:
        """Note a reading; return whether it is a repetition."""
        if reading.volts != self._volts:
            self._volts, self._since_s = reading.volts, reading.at_s
        self.stuck = reading.at_s - self._since_s > STUCK_AFTER_S
        return self.stuck


def _pulse(volts: float) -> tuple[float, Quality]:
    """Return the pulse sensor's volts as they are; only the converter can tell that they are bad."""
    return volts, Quality.GOOD


def _conductance(gsr: Gsr) -> Convert:
    """Return the conversion of the configured circuit, volts to microsiemens and contact."""
    circuit = gsr_circuit(gsr)
    return _conversion(circuit.microsiemens, circuit.contact)


def _temperature(skin: SkinTemperature) -> Convert:
    """Return the conversion of the configured thermistor, volts to degrees Celsius and contact."""
    sensor = thermistor_circuit(skin)
    return _conversion(sensor.celsius, sensor.contact)


def _conversion(unit_of: Callable[[float], float], contact_of: Callable[[float], Contact]) -> Convert:
    """Return a conversion from volts that asks for the contact only where there is no value."""

    def convert(volts: float) -> tuple[float, Quality]:
        """Return the value, NaN without contact, and its quality."""
        value = unit_of(volts)
        return value, _QUALITY[contact_of(volts)] if math.isnan(value) else Quality.GOOD

    return convert
