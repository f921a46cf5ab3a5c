"""What button and light promise, simulated or real.

With `--hardware`: a button from GPIO 17 to ground, not pressed, and a light on GPIO 22, 27 and 24.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from drivers.errors import DeviceConfigError
from drivers.panel import Panel

if TYPE_CHECKING:
    from tests.contract.conftest import Machine

LINES = {"button": 17, "red": 22, "green": 27, "blue": 24}
LONGEST_S = 0.2  # one call, on a busy machine


@pytest.fixture
def panel(machine: Machine) -> Iterator[Panel]:
    panel = machine.parts.panel(f"{machine.scheme}:gpio", **LINES)
    yield panel
    panel.close()


def test_button_nobody_touches_is_up(panel: Panel) -> None:
    assert [panel.pressed() for _ in range(20)] == [False] * 20


@pytest.mark.parametrize("rgb", [(0.0, 1.0, 0.0), (1.0, 0.55, 0.0), (0.0, 0.4, 0.4), (0.0, 0.0, 0.0)])
def test_light_takes_every_colour(panel: Panel, rgb: tuple[float, float, float]) -> None:
    panel.light(rgb)
    panel.light(rgb)


@pytest.mark.parametrize("rgb", [(1.1, 0.0, 0.0), (0.0, -0.1, 0.0)])
def test_light_refuses_what_is_no_colour(panel: Panel, rgb: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        panel.light(rgb)


def test_panel_calls_return_at_once(machine: Machine, panel: Panel) -> None:
    for number in range(20):
        before_s = machine.clock.monotonic()
        panel.pressed()
        panel.light((number / 20, 0.0, 0.0))
        assert machine.clock.monotonic() - before_s < LONGEST_S


def test_panel_closed_twice_and_opened_again_works(machine: Machine) -> None:
    for _ in range(2):
        panel = machine.parts.panel(f"{machine.scheme}:gpio", **LINES)
        panel.light((0.0, 0.0, 1.0))
        assert not panel.pressed()
        panel.close()
        panel.close()


def test_panel_line_used_twice_is_refused(machine: Machine) -> None:
    with pytest.raises(DeviceConfigError, match="line of its own"):
        machine.parts.panel(f"{machine.scheme}:gpio", button=17, red=17, green=27, blue=24)
