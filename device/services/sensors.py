"""`tranquillo-sensors`: owns the ADC and publishes sample blocks."""

from __future__ import annotations

from device.bus import Bus
from device.clock import Clock
from device.config import Settings
from device.errors import DeviceLost
from device.messages import Fault, Severity
from device.reopen import Reopener
from device.runtime import Root, main
from device.sensing.adc import AdcSensing
from drivers.open import Parts

ADC_LOST = Fault(
    code="adc_lost",
    severity=Severity.ATTENTION,
    advice="the music plays without sensors until the converter answers",
)


class Sensors:
    """Reads what is due and publishes the blocks that are full."""

    def __init__(self, settings: Settings, clock: Clock, bus: Bus, parts: Parts) -> None:
        sensors = settings.sensors
        gsr = sensors.gsr
        # The divider's output never exceeds its supply, so the converter may zoom in on it.
        spans_v = {gsr.channel: gsr.supply_v} if gsr.circuit == "divider" else {}
        self.period_s = 0.5 / sensors.ppg.rate_hz  # twice the pulse rate, so that no sample is missed
        self._bus = bus

        def open_sensing() -> AdcSensing:
            adc = parts.adc(
                sensors.adc, clock,
                i2c_bus=sensors.i2c_bus, i2c_address=sensors.i2c_address,
                spi_bus=sensors.spi_bus, spi_device=sensors.spi_device, reference_v=sensors.reference_v,
                spans_v=spans_v,
            )
            return AdcSensing(adc, clock, sensors)

        self._sensing = Reopener(open_sensing, clock, ADC_LOST)

    def step(self) -> None:
        """Take the samples that are due."""
        sensing = self._sensing.part()
        if sensing is None:
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
        """Return the loss of the converter, if it is lost."""
        return self._sensing.faults()

    def close(self) -> None:
        """Release the converter."""
        self._sensing.close()


ROOT = Root(name="sensors", reads=(), build=Sensors)

if __name__ == "__main__":
    main(ROOT)
