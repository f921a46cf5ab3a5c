"""The keyboard's finger on the virtual button, through the simulator's real socket."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.clock import SystemClock
from device.desk import keyboard
from drivers.sim.patient import SimulatedPatient
from drivers.sim.protocol import SOCKET_NAME
from drivers.sim.server import SimulatorServer
from drivers.sim.world import Circuits, World

BUTTON = 17


class WatchedWorld(World):
    """A world that notes from when to when its button was down, however short that was."""

    def __init__(self) -> None:
        clock = SystemClock()
        super().__init__(SimulatedPatient(1, clock.monotonic()), clock, Circuits(), seed=1)
        self.spells: list[tuple[float, float]] = []
        self._down_s = 0.0

    def press(self) -> None:
        super().press()
        self._down_s = time.monotonic()

    def release(self) -> None:
        super().release()
        self.spells.append((self._down_s, time.monotonic()))


class Bedside:
    """A served world whose button is watched."""

    def __init__(self, run_dir: Path) -> None:
        self.world = WatchedWorld()
        self._server = SimulatorServer(self.world, run_dir / SOCKET_NAME)

    @property
    def spells(self) -> list[tuple[float, float]]:
        return self.world.spells

    def until(self, presses: int, seconds: float = 5.0) -> list[float]:
        """Wait for so many presses and return how long each lasted."""
        deadline = time.monotonic() + seconds
        while len(self.spells) < presses and time.monotonic() < deadline:
            time.sleep(0.005)
        return [end_s - start_s for start_s, end_s in self.spells]

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def bedside(tmp_path: Path) -> Iterator[Bedside]:
    bedside = Bedside(tmp_path)
    yield bedside
    bedside.close()


def listen_to(monkeypatch: pytest.MonkeyPatch, run_dir: Path, text: str) -> None:
    """Type this; holds are shortened so that tests need not wait."""
    monkeypatch.setattr(keyboard, "PRESS_S", 0.05)
    monkeypatch.setattr(keyboard, "HOLD_S", 0.6)
    monkeypatch.setattr(keyboard.sys, "stdin", io.StringIO(text))
    keyboard.listen(run_dir)


def test_keyboard_presses_for_as_long_as_asked(bedside, tmp_path):
    keyboard.press(tmp_path, 0.15)
    (lasted_s,) = bedside.until(1)
    assert lasted_s == pytest.approx(0.15, abs=0.2)
    assert bedside.world.wires.level(BUTTON)


def test_keyboard_presses_are_long_enough_for_a_tap_and_a_hold():
    assert 0.05 < keyboard.PRESS_S < 0.5
    assert keyboard.HOLD_S > 2.0


def test_keyboard_enter_is_a_press_and_h_a_hold(bedside, tmp_path, monkeypatch):
    listen_to(monkeypatch, tmp_path, "\nh\n H \n")
    lasted_s = bedside.until(3)
    assert [seconds > 0.4 for seconds in lasted_s] == [False, True, True]


def test_keyboard_two_lines_at_once_are_two_presses(bedside, tmp_path, monkeypatch):
    """The conductor looks every 20 ms: the finger has to be up for longer between them."""
    listen_to(monkeypatch, tmp_path, "\n\n")
    bedside.until(2)
    (_, up_s), (down_s, _) = bedside.spells
    assert down_s - up_s > 0.05


def test_keyboard_other_words_are_presses_too(bedside, tmp_path, monkeypatch):
    listen_to(monkeypatch, tmp_path, "hello\n\n")
    assert [seconds > 0.4 for seconds in bedside.until(2)] == [False, False]


def test_keyboard_listening_holds_nothing_up_and_ends_with_the_input(bedside, tmp_path, monkeypatch):
    begun_s = time.monotonic()
    listen_to(monkeypatch, tmp_path, "h\nh\n")
    assert time.monotonic() - begun_s < 0.5
    assert len(bedside.until(2)) == 2
    deadline = time.monotonic() + 5.0
    while "keyboard" in {thread.name for thread in threading.enumerate()}:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_keyboard_without_a_simulator_says_so(tmp_path):
    with pytest.raises(OSError, match="does not answer"):
        keyboard.press(tmp_path, 0.01)


def test_keyboard_lets_go_of_the_connection(bedside, tmp_path):
    for _ in range(30):
        keyboard.press(tmp_path, 0.0)
    assert bedside.world.wires.level(BUTTON)
    keyboard.press(tmp_path, 0.05)
    lasted_s = bedside.until(31)
    assert len(lasted_s) == 31
    assert lasted_s[-1] > 0.02
