"""A broken release is taken back by the unit itself; and a unit's end."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import timings
from support.files import changed_files, list_files

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

BUSES = {"i2c", "spi", "gpio"}  # Raspberry Pi OS has them anyway


def groups(text: str) -> set[str]:
    """Return the names in group(5)."""
    return {line.partition(":")[0] for line in text.splitlines()}


def test_broken_release_is_taken_back_by_itself(unit, controller, make):
    def broken(source: Path) -> None:
        """Let the player end as soon as it begins."""
        player = source / "device/services/player.py"
        text = player.read_text()
        player.write_text(text.replace("if __name__ ==", "raise SystemExit(70)\nif __name__ ==", 1))

    before = unit.releases()["current"]
    unit.ready()
    played = controller.play("update", tranquillo_release_file=str(make("system-3", broken)))
    assert played.failed, "IT has to be told"
    assert "tranquillo-player" in played.output
    timings.record("update to a broken release, taken back, s", played.seconds)
    assert unit.releases()["current"] == before
    assert set(unit.states().values()) == {"active"}
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
