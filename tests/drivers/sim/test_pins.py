"""Simulated pins and wires."""

from __future__ import annotations

import errno

import pytest
from gpiozero import PWMLED, InputDevice

from drivers.sim.pins import WiredFactory
from drivers.sim.wires import LocalWires


@pytest.fixture
def wires() -> LocalWires:
    return LocalWires()


def test_wire_is_pulled_up_until_it_is_grounded(wires: LocalWires) -> None:
    assert wires.level(17)
    wires.ground(17, connected=True)
    assert not wires.level(17)
    assert wires.level(18)
    wires.ground(17, connected=False)
    wires.ground(17, connected=False)
    assert wires.level(17)


def test_wire_nobody_drives_is_dark(wires: LocalWires) -> None:
    assert wires.driven(22) == 0.0


def test_input_pin_reads_its_wire_each_time(wires: LocalWires) -> None:
    device = InputDevice(4, pull_up=True, pin_factory=WiredFactory(wires))
    seen = []
    for connected in (False, True, True, False):
        wires.ground(4, connected=connected)
        seen.append(device.is_active)
    assert seen == [False, True, True, False]
    device.close()


def test_output_pin_drives_its_wire_at_a_duty_cycle(wires: LocalWires) -> None:
    led = PWMLED(5, pin_factory=WiredFactory(wires))
    led.value = 0.3
    assert wires.driven(5) == 0.3
    assert led.value == pytest.approx(0.3)
    led.close()
    assert wires.driven(5) == 0.0


def test_factories_do_not_share_wires(wires: LocalWires) -> None:
    other = LocalWires()
    one = InputDevice(4, pull_up=True, pin_factory=WiredFactory(wires))
    two = InputDevice(4, pull_up=True, pin_factory=WiredFactory(other))
    other.ground(4, connected=True)
    assert (one.is_active, two.is_active) == (False, True)
    one.close()
    two.close()


class DeadWires(LocalWires):
    """Wires whose other end went away."""

    def drive(self, line: int, value: float) -> None:
        if self.driven(0):
            raise OSError(errno.EHOSTDOWN, "gone")
        super().drive(line, value)


def test_closing_a_pin_whose_wire_is_gone_is_quiet() -> None:
    wires = DeadWires()
    led = PWMLED(5, pin_factory=WiredFactory(wires))
    led.value = 1.0
    wires.drive(0, 1.0)
    with pytest.raises(OSError, match="gone"):
        led.value = 0.5
    led.close()
    assert led.closed
