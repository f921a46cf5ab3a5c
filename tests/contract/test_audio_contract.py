"""What a sound output promises, to a file or a real card. It plays silence only.

With `--hardware`: the card named by `player.device`, not used by anybody else.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from device.config import Player, Settings
from drivers.audio import CLOSE_BOUND_S

ROOT = Path(__file__).resolve().parents[2]
SECONDS = {"file": 2.0, "alsa": 5.0}
PACE = 0.03  # of the machine's clock; a card's own is within 0.1 %, what is left is buffers


class Output(NamedTuple):
    """An output under test."""

    backend: str
    player: Player

    def ask(self, device: str, seconds: float) -> dict[str, Any]:
        """Play silence on a device for so long, in a process of its own."""
        words = (self.backend, device, str(self.player.rate_hz), str(self.player.frames), str(seconds))
        told = subprocess.run([sys.executable, str(ROOT / "tests" / "support" / "silence.py"), *words],
                              capture_output=True, text=True, check=True, timeout=60, cwd=ROOT,
                              env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"})
        answer: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
        return answer


@pytest.fixture(params=["file", pytest.param("alsa", marks=pytest.mark.hardware)])
def output(request: pytest.FixtureRequest, unit: Settings) -> Output:
    return Output(request.param, unit.player if request.param == "alsa" else Player())


def test_output_takes_sound_at_its_pace_in_order_and_lets_go(output: Output) -> None:
    heard = output.ask(output.player.device, SECONDS[output.backend])
    assert "lost" not in heard, heard
    assert heard["played_s"] == pytest.approx(heard["seconds"], rel=PACE, abs=0.05)
    assert heard["ordered"]
    assert heard["buffers"] > 10
    assert heard["close_s"] < CLOSE_BOUND_S


def test_output_that_was_let_go_can_be_had_again(output: Output) -> None:
    assert all("lost" not in output.ask(output.player.device, 0.5) for _ in range(2))


@pytest.mark.hardware
def test_output_that_is_not_there_is_told_with_the_names_that_are(unit: Settings) -> None:
    answer = Output("alsa", unit.player).ask("no such card", 0.5)
    assert "set player.device to a part of one of" in answer["lost"]
