"""One button to ground and one RGB light, through gpiozero on a given pin factory."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from drivers.errors import DeviceConfigError, DeviceLost

if TYPE_CHECKING:
    from gpiozero.pins import Factory


class Panel:
    """The button and the light; no background thread, no debouncing: the caller polls.

    Args:
        factory: a gpiozero pin factory; it stays the caller's, who closes it.
        button: BCM line of a button to ground, pulled up.
        red: BCM line of the light's red, active high, software PWM.
        green: its green.
        blue: its blue.

    Raises:
        DeviceConfigError: a line does not exist or is used twice.
        DeviceLost: the lines cannot be claimed.
    """

    def __init__(self, factory: Factory, *, button: int, red: int, green: int, blue: int) -> None:
        from gpiozero import PWMLED, GPIOZeroError, InputDevice

        self._lit = [0.0, 0.0, 0.0]
        try:
            with ExitStack() as undo:
                self._button = undo.enter_context(InputDevice(button, pull_up=True, pin_factory=factory))
                self._leds = [undo.enter_context(PWMLED(line, pin_factory=factory))
                              for line in (red, green, blue)]
                undo.pop_all()
        except GPIOZeroError as error:
            raise DeviceConfigError(
                f"the panel cannot use GPIO lines {button} (button) and {red}, {green}, {blue} (light): "
                f"{error}; give each a BCM line of its own") from error
        except OSError as error:
            raise self._lost(error) from error

    def pressed(self) -> bool:
        """Tell whether the button is down at this moment.

        Raises:
            DeviceLost: the line cannot be read.
        """
        try:
            return bool(self._button.is_active)
        except OSError as error:
            raise self._lost(error) from error

    def light(self, rgb: tuple[float, float, float]) -> None:
        """Show a colour, each part 0 to 1; a part that stays as it is costs nothing.

        Raises:
            DeviceLost: the lines cannot be driven.
        """
        for number, part in enumerate(rgb):
            if part == self._lit[number]:
                continue
            try:
                self._leds[number].value = part
            except OSError as error:
                raise self._lost(error) from error
            self._lit[number] = part

    def close(self) -> None:
        """Turn the light off and release the lines."""
        for led in self._leds:
            led.close()
        self._button.close()

    @staticmethod
    def _lost(error: OSError) -> DeviceLost:
        """Say what to look at."""
        return DeviceLost(f"button and light do not answer ({error}); check that this user may use "
                          "/dev/gpiochip0 (group gpio)")
