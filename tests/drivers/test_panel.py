"""Button and light through gpiozero on simulated wires."""

from __future__ import annotations

import errno
import threading

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from drivers.errors import DeviceConfigError, DeviceLost
from drivers.panel import Panel
from drivers.sim.pins import WiredFactory
from drivers.sim.wires import LocalWires

LINES = {"button": 17, "red": 22, "green": 27, "blue": 24}


class CutWires(LocalWires):
    """Wires that can be cut."""

    def __init__(self) -> None:
        super().__init__()
        self.cut = False
        self.drives = 0

    def level(self, line: int) -> bool:
        self._check()
        return super().level(line)

    def drive(self, line: int, value: float) -> None:
        self._check()
        self.drives += 1
        super().drive(line, value)

    def _check(self) -> None:
        if self.cut:
            raise OSError(errno.EHOSTDOWN, "nobody there")


@pytest.fixture
def wires() -> CutWires:
    return CutWires()


@pytest.fixture
def panel(wires: CutWires) -> Panel:
    return Panel(WiredFactory(wires), **LINES)


def test_panel_tells_whether_the_button_is_down(panel: Panel, wires: CutWires) -> None:
    assert not panel.pressed()
    wires.ground(17, connected=True)
    assert panel.pressed()
    wires.ground(17, connected=False)
    assert not panel.pressed()


def test_panel_lights_each_colour_on_its_line(panel: Panel, wires: CutWires) -> None:
    panel.light((1.0, 0.5, 0.25))
    assert [wires.driven(line) for line in (22, 27, 24)] == [1.0, 0.5, 0.25]
    panel.light((0.0, 0.0, 1.0))
    assert [wires.driven(line) for line in (22, 27, 24)] == [0.0, 0.0, 1.0]


def test_panel_same_colour_again_touches_no_line(panel: Panel, wires: CutWires) -> None:
    panel.light((0.1, 0.2, 0.3))
    before = wires.drives
    for _ in range(10):
        panel.light((0.1, 0.2, 0.3))
    assert wires.drives == before


def test_panel_starts_and_ends_dark(wires: CutWires) -> None:
    panel = Panel(WiredFactory(wires), **LINES)
    assert [wires.driven(line) for line in (22, 27, 24)] == [0.0, 0.0, 0.0]
    panel.light((1.0, 1.0, 1.0))
    panel.close()
    assert [wires.driven(line) for line in (22, 27, 24)] == [0.0, 0.0, 0.0]


def test_panel_runs_no_thread() -> None:
    before = threading.active_count()
    panel = Panel(WiredFactory(LocalWires()), **LINES)
    panel.pressed()
    panel.light((0.5, 0.5, 0.5))
    assert threading.active_count() == before
    panel.close()


def test_panel_loss_of_its_lines_is_reported(panel: Panel, wires: CutWires) -> None:
    wires.cut = True
    with pytest.raises(DeviceLost, match=r"nobody there.*gpiochip"):
        panel.pressed()
    with pytest.raises(DeviceLost, match="nobody there"):
        panel.light((1.0, 0.0, 0.0))


def test_panel_colour_that_was_not_shown_is_tried_again(panel: Panel, wires: CutWires) -> None:
    wires.cut = True
    with pytest.raises(DeviceLost):
        panel.light((1.0, 0.0, 0.0))
    wires.cut = False
    panel.light((1.0, 0.0, 0.0))
    assert wires.driven(22) == 1.0


def test_panel_can_be_reopened_after_a_loss_with_the_button_held(wires: CutWires) -> None:
    factory = WiredFactory(wires)
    panel = Panel(factory, **LINES)
    wires.ground(17, connected=True)
    wires.cut = True
    with pytest.raises(DeviceLost):
        panel.pressed()
    panel.close()
    with pytest.raises(DeviceLost):
        Panel(factory, **LINES)
    wires.cut = False
    again = Panel(factory, **LINES)
    assert again.pressed()
    again.light((0.0, 1.0, 0.0))
    assert wires.driven(27) == 1.0


@pytest.mark.parametrize("lines", [
    {"button": 17, "red": 17, "green": 27, "blue": 24},
    {"button": 17, "red": 22, "green": 22, "blue": 24},
    {"button": 99, "red": 22, "green": 27, "blue": 24},
])
def test_panel_refuses_lines_that_cannot_be(wires: CutWires, lines: dict[str, int]) -> None:
    factory = WiredFactory(wires)
    with pytest.raises(DeviceConfigError, match="line of its own"):
        Panel(factory, **lines)
    Panel(factory, **LINES).close()  # nothing stays claimed


def test_panel_works_on_gpiozeros_own_factory() -> None:
    factory = MockFactory(pin_class=MockPWMPin)
    panel = Panel(factory, **LINES)
    factory.pin(17).drive_low()
    assert panel.pressed()
    panel.light((0.25, 0.5, 0.75))
    assert [factory.pin(line).state for line in (22, 27, 24)] == [0.25, 0.5, 0.75]
    panel.close()
