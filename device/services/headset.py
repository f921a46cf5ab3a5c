"""`tranquillo-headset`: owns the OpenBCI Cyton and publishes EEG blocks."""

from __future__ import annotations

from device.bus import Bus
from device.clock import Clock
from device.config import Settings
from device.messages import Fault, Severity
from device.runtime import Root, Worker, main
from device.sensing.eeg import EegSensing
from device.services.sampling import Sampler
from drivers.open import Parts

HEADSET_LOST = Fault(
    code="headset_lost",
    severity=Severity.INFO,
    advice="the estimate goes on without EEG until the headset streams",
)


class Headset(Sampler[EegSensing]):
    """Samples the EEG."""

    period_s = 0.04


class NoHeadset:
    """What runs on a unit without a headset: nothing, in good health."""

    period_s = 0.5

    def step(self) -> None:
        """Do nothing."""

    def faults(self) -> tuple[Fault, ...]:
        """Have none."""
        return ()

    def close(self) -> None:
        """Hold nothing."""


def build(settings: Settings, clock: Clock, bus: Bus, parts: Parts) -> Worker:
    """Wire the headset that is configured."""
    port = settings.headset.port
    if port == "none":
        return NoHeadset()
    return Headset(lambda: EegSensing(parts.cyton(port, clock)), clock, bus, HEADSET_LOST)


ROOT = Root(name="headset", reads=(), build=build)

if __name__ == "__main__":
    main(ROOT)
