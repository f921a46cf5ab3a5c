"""The playbook over ssh: a dry run on a blank machine, and a second run that has nothing to do."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import timings
from support.container import Container
from support.controller import Controller
from support.files import changed_files, list_files
from support.unit import Unit

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]


@pytest.fixture
def blank(common: Path, debian: Path, name: str, key: Path) -> Iterator[Container]:
    """A machine on which nothing was done yet."""
    folder = Path(tempfile.mkdtemp(prefix="blank-", dir=common))
    machine = Container(f"{name}-blank", [debian], folder, key)
    try:
        machine.boot()
        machine.answer()
        yield machine
    finally:
        machine.close()


def test_dry_run_on_a_blank_machine_succeeds_and_changes_nothing(
    blank: Container, variables: dict[str, Any], release: Path, common: Path,
) -> None:
    before = list_files(blank)
    played = Controller(blank, common, variables).play(
        "provision", "--check", tranquillo_release_file=str(release))
    assert not played.failed, played.output
    timings.record("dry run on a blank machine, s", played.seconds)
    assert changed_files(before, list_files(blank)) == set()


def test_second_run_changes_nothing(
    unit: Unit, variables: dict[str, Any], release: Path, common: Path,
) -> None:
    controller = Controller(unit.machine, common, variables)
    played = controller.play("provision", tranquillo_release_file=str(release))
    assert not played.failed, played.output
    assert played.changed == 0, _changed(played.output)
    timings.record("second run of the playbook, s", played.seconds)
    assert unit.play().sounding


def _changed(output: str) -> list[str]:
    """Return the tasks that a playbook says have changed something."""
    return re.findall(r"TASK \[(.*?)\] \*+\n(?:(?!TASK).*\n)*?changed:", output)
