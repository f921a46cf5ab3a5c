"""`tranquillo-sensors`: owns the ADC and publishes sample blocks."""

from __future__ import annotations

from device.bus import Bus
from device.clock import Clock
from device.config import Settings
from device.messages import Fault, Severity
from device.runtime import Root, Worker, main
from device.sensing.adc import READ_STEP_S, AdcSensing
from device.services.sampling import Sampler
from drivers.open import Parts

ADC_LOST = Fault(
    code="adc_lost",
    severity=Severity.ATTENTION,
    advice="the music plays without sensors until the converter answers",
)


class Sensors(Sampler[AdcSensing]):
    """Samples skin conductance, pulse and skin temperature."""

    def __init__(self, settings: Settings, clock: Clock, bus: Bus, parts: Parts) -> None:
        sensors = settings.sensors
        gsr = sensors.gsr
        # The divider's output never exceeds its supply, so the converter may zoom in on it.
        spans_v = {gsr.channel: gsr.supply_v} if gsr.circuit == "divider" else {}
        self.period_s = min(READ_STEP_S, 0.5 / sensors.ppg.rate_hz)  # twice the pulse rate: none is missed

        def open_sensing() -> AdcSensing:
            """Open the converter that is configured."""
            adc = parts.adc(
                sensors.adc, clock,
                i2c_bus=sensors.i2c_bus, i2c_address=sensors.i2c_address,
                spi_bus=sensors.spi_bus, spi_device=sensors.spi_device, reference_v=sensors.reference_v,
                spans_v=spans_v,
            )
            return AdcSensing(adc, clock, sensors)

        super().__init__(open_sensing, clock, bus, ADC_LOST)

    def next_due_s(self) -> float | None:
        """Return the monotonic time of the next read; None while the converter is lost."""
        sensing = self._link.opened()
        return None if sensing is None else sensing.next_due_s()


def due(worker: Worker) -> float | None:
    """Let the process sleep from read to read."""
    return worker.next_due_s() if isinstance(worker, Sensors) else None


ROOT = Root(name="sensors", reads=(), build=Sensors, due=due)

if __name__ == "__main__":
    main(ROOT)
