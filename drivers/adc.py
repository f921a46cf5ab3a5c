"""What every ADC driver gives: a timestamped voltage with its quality."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Protocol


class Timer(Protocol):
    """What a driver may know of time."""

    def monotonic(self) -> float:
        """Return seconds on a clock that never jumps."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""


class ReadingQuality(StrEnum):
    """How far one reading may be trusted."""

    GOOD = "good"
    CLIPPED = "clipped"  # at either end of the converter's range


class Reading(NamedTuple):
    """One conversion: monotonic seconds at which the input was sampled, volts at the pin, quality."""

    at_s: float
    volts: float
    quality: ReadingQuality


class Adc(Protocol):
    """An opened converter with single-ended channels counted from 0."""

    full_scale_v: float

    def read(self, channel: int) -> Reading:
        """Convert one channel.

        Raises:
            DeviceLost: the part did not answer after the driver's own retries.
        """

    def close(self) -> None:
        """Release the bus."""
