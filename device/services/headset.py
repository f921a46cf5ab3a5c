"""`tranquillo-headset`: owns the OpenBCI Cyton and publishes EEG blocks."""

from __future__ import annotations

from device.bus import Bus
from device.clock import Clock
from device.config import Settings
from device.errors import DeviceLost
from device.messages import Fault, Severity
from device.reopen import Reopener
from device.runtime import Root, main
from device.sensing.eeg import EegSensing
from drivers.open import Parts

HEADSET_LOST = Fault(
    code="headset_lost",
    severity=Severity.INFO,
    advice="the estimate goes on without EEG until the headset streams",
)


class Headset:
    """Reads what the headset has sent; does nothing where none is configured."""

    period_s = 0.04

    def __init__(self, settings: Settings, clock: Clock, bus: Bus, parts: Parts) -> None:
        self._bus = bus
        self._sensing: Reopener[EegSensing] | None = None
        if settings.headset.port != "none":
            port = settings.headset.port
            self._sensing = Reopener(lambda: EegSensing(parts.cyton(port, clock)), clock, HEADSET_LOST)

    def step(self) -> None:
        """Publish the samples that have arrived."""
        sensing = self._sensing.part() if self._sensing is not None else None
        if self._sensing is None or sensing is None:
            return
        try:
            blocks = sensing.update()
        except DeviceLost as error:
            self._sensing.lost(error)
            return
        for block in blocks:
            self._sensing.working()
            self._bus.publish(block)

    def faults(self) -> tuple[Fault, ...]:
        """Return the loss of the headset, if it is lost."""
        return self._sensing.faults() if self._sensing is not None else ()

    def close(self) -> None:
        """Release the serial port."""
        if self._sensing is not None:
            self._sensing.close()


ROOT = Root(name="headset", reads=(), build=Headset)

if __name__ == "__main__":
    main(ROOT)
