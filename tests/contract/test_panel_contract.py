"""What button and light promise, simulated or real.

With `--hardware`: the button and the light of the unit's configuration, the button not pressed. With `--eyes`
as well, for the last test: watch the light; it shows red, green and blue in an order that changes, 4 s each.
Press once while it is red and twice while it is green, so that no two colours can be wired crosswise.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from device.panel.gestures import Gesture, Gestures
from drivers.errors import DeviceConfigError
from drivers.panel import Panel

if TYPE_CHECKING:
    from tests.contract.conftest import Bench, Machine

LONGEST_S = 0.2  # one call, on a busy machine
COLOURS = {"red": (1.0, 0.0, 0.0), "green": (0.0, 1.0, 0.0), "blue": (0.0, 0.0, 1.0)}
COLOUR_S, DARK_S, POLL_S = 4.0, 0.5, 0.02
PRESSES = {"red": 1, "green": 2, "blue": 0}


@pytest.fixture
def panel(machine: Machine) -> Iterator[Panel]:
    panel = _open(machine)
    yield panel
    panel.close()


def _open(machine: Machine, **changed: int) -> Panel:
    machine.needs("linux:gpio")
    pins = machine.settings.panel
    lines = {"button": pins.button, "red": pins.red, "green": pins.green, "blue": pins.blue}
    return machine.parts.panel(f"{machine.scheme}:gpio", **(lines | changed))


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
        panel = _open(machine)
        panel.light((0.0, 0.0, 1.0))
        assert not panel.pressed()
        panel.close()
        panel.close()


def test_panel_line_used_twice_is_refused(machine: Machine) -> None:
    with pytest.raises(DeviceConfigError, match="line of its own"):
        _open(machine, red=machine.settings.panel.button)


def _person(bench: Bench, since_s: float) -> None:
    """Press as told by the colour of the simulated light; at a real one a person does."""
    if bench.world is None:
        return
    presses = sum(PRESSES[name] for name, rgb in COLOURS.items() if bench.world.light() == rgb)
    if since_s < presses and since_s % 1.0 >= 0.5:
        bench.world.press()
    else:
        bench.world.release()


def test_light_and_button_are_what_a_person_sees_and_does(
    request: pytest.FixtureRequest, bench: Bench,
) -> None:
    if bench.world is None and not request.config.getoption("--eyes"):
        pytest.skip("needs --eyes and a person who watches the light (docs/bring-up.md)")
    clock = bench.machine.clock
    panel = _open(bench.machine)
    gestures = Gestures()
    pressed = Counter(dict.fromkeys(COLOURS, 0))
    for name in random.sample(sorted(COLOURS), len(COLOURS)):
        for shown, seconds in (((0.0, 0.0, 0.0), DARK_S), (COLOURS[name], COLOUR_S)):
            panel.light(shown)
            start_s = clock.monotonic()
            while clock.monotonic() - start_s < seconds:
                _person(bench, clock.monotonic() - start_s)
                if gestures.update(panel.pressed(), clock.monotonic()) is Gesture.PRESS:
                    pressed[name] += 1
                clock.sleep(POLL_S)
    panel.close()
    assert pressed == PRESSES, "a colour is wired wrong, or the button was not pressed as told"
