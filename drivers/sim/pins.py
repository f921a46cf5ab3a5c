"""A gpiozero pin factory whose pins are soldered to simulated wires."""

from __future__ import annotations

from contextlib import suppress

from gpiozero.pins.mock import MockFactory, MockPWMPin

from drivers.sim.wires import Wires


class WiredPin(MockPWMPin):  # type: ignore[misc] # gpiozero has no types
    """A pin that reads and drives its wire; an OSError of the wire passes through.

    `_number` is gpiozero's own: the BCM line.
    """

    def _get_state(self) -> float:
        """Return the wire's level at an input, the driven value at an output."""
        if self._function == "input":
            return float(self.factory.wires.level(self._number))
        return float(super()._get_state())

    def _set_state(self, value: float) -> None:
        """Drive the wire."""
        super()._set_state(value)
        self.factory.wires.drive(self._number, float(value))

    def _set_frequency(self, value: float | None) -> None:
        """Start or stop PWM; stopped, the wire is low, and one that is gone already is let go."""
        super()._set_frequency(value)
        if value is None and self._function == "output":
            with suppress(OSError):
                self.factory.wires.drive(self._number, 0.0)


class WiredFactory(MockFactory):  # type: ignore[misc] # gpiozero has no types
    """Makes pins on these wires."""

    def __init__(self, wires: Wires) -> None:
        super().__init__(pin_class=WiredPin)
        self.wires = wires
