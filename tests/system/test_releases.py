"""A good release comes into force, and the one before again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import timings

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]


def test_good_update_comes_into_force(unit, controller, make):
    def newer(source: Path) -> None:
        """Give the package another version."""
        project = source / "pyproject.toml"
        project.write_text(project.read_text().replace('version = "0.', 'version = "9.', 1))

    unit.ready()
    played = controller.play("update", tranquillo_release_file=str(make("system-2", newer)))
    assert not played.failed, played.output
    timings.record("update to a good release, s", played.seconds)
    assert unit.releases()["current"] == "system-2"
    assert " 9." in unit.machine.run("tranquillo --version")
    unit.hear()
    unit.ready()
    assert unit.play().sounding
    unit.silence()


def test_release_before_can_be_put_in_force_again(unit):
    answer = json.loads(unit.machine.run("tranquillo-release rollback --settle 3", seconds=120))
    assert answer["changed"]
    assert unit.releases()["current"] == "system-1"
    unit.hear()
    unit.ready()
    assert unit.play().sounding
    unit.silence()
