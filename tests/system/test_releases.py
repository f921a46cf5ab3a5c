"""A unit's later life: a good release, a broken one that is taken back by itself, and its end."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import timings
from support.controller import REPOSITORY, Controller, make_release
from support.files import changed_files, list_files
from support.unit import Unit

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

SOURCES = ("pyproject.toml", "README.md", "LICENSE", "device", "drivers", "models", "systemd")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "training")
BUSES = {"i2c", "spi", "gpio"}  # Raspberry Pi OS has them anyway
DEADLINE_S = 30


@pytest.fixture(scope="module")
def make(common: Path) -> Callable[[str, Callable[[Path], None]], Path]:
    """Return a function that builds a release of changed sources."""
    def build(name: str, change: Callable[[Path], None]) -> Path:
        """Copy, change, build."""
        source = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=common))
        for part in SOURCES:
            origin = REPOSITORY / part
            if origin.is_dir():
                shutil.copytree(origin, source / part, ignore=LEFT_OUT)
            else:
                shutil.copy2(origin, source / part)
        change(source)
        return make_release(source, name)
    return build


@pytest.fixture(scope="module")
def controller(unit: Unit, variables: dict[str, Any], common: Path) -> Controller:
    """IT, whose patience with an update is short in a test."""
    more = {"tranquillo_health_deadline_s": DEADLINE_S, "tranquillo_settle_s": 3}
    return Controller(unit.machine, Path(tempfile.mkdtemp(prefix="it-", dir=common)), {**variables, **more})


def groups(text: str) -> set[str]:
    """Return the names in group(5)."""
    return {line.partition(":")[0] for line in text.splitlines()}


def releases(unit: Unit) -> dict[str, Any]:
    """Return what the unit says of its releases."""
    return json.loads(unit.machine.run("tranquillo-release list"))


def test_good_update_comes_into_force(unit, controller, make):
    def newer(source: Path) -> None:
        """Give the package another version."""
        project = source / "pyproject.toml"
        project.write_text(project.read_text().replace('version = "0.', 'version = "9.', 1))

    unit.ready()
    played = controller.play("update", tranquillo_release_file=str(make("system-2", newer)))
    assert not played.failed, played.output
    timings.record("update to a good release, s", played.seconds)
    assert releases(unit)["current"] == "system-2"
    assert " 9." in unit.machine.run("tranquillo --version")
    unit.hear()
    unit.ready()
    assert unit.play().sounding
    unit.silence()


def test_broken_release_is_taken_back_by_itself(unit, controller, make):
    def broken(source: Path) -> None:
        """Let the player end as soon as it begins."""
        player = source / "device/services/player.py"
        text = player.read_text()
        player.write_text(text.replace("if __name__ ==", "raise SystemExit(70)\nif __name__ ==", 1))

    played = controller.play("update", tranquillo_release_file=str(make("system-3", broken)))
    assert played.failed, "IT has to be told"
    assert "tranquillo-player" in played.output
    timings.record("update to a broken release, taken back, s", played.seconds)
    assert releases(unit)["current"] == "system-2"
    assert set(unit.states().values()) == {"active"}
    unit.hear()
    unit.ready()
    assert unit.play().sounding
    unit.silence()


def test_release_before_can_be_put_in_force_again(unit):
    answer = json.loads(unit.machine.run("tranquillo-release rollback --settle 3", seconds=120))
    assert answer["changed"]
    assert releases(unit)["current"] == "system-1"
    unit.hear()
    unit.ready()
    assert unit.play().sounding
    unit.silence()


def test_decommission_leaves_nothing(unit, controller, provisioned, debian):
    """Files, users and groups are those from before it was provisioned, but for the groups of the buses."""
    played = controller.play("decommission", tranquillo_confirm="ward-7")
    assert not played.failed, played.output
    timings.record("decommission, s", played.seconds)
    unit.deafen()
    before = set((provisioned / "files.txt").read_text().splitlines())
    assert changed_files(before, list_files(unit.machine)) == set()
    assert "tranquillo" not in unit.machine.run("getent passwd; getent group; nft list ruleset")
    assert groups(unit.machine.run("cat /etc/group")) - groups((debian / "etc/group").read_text()) <= BUSES
