"""The memory card from fake /proc and /sys."""

from __future__ import annotations

import os

import pytest

from device.doctor.result import Outcome
from device.doctor.storage import check_storage


@pytest.fixture
def room(monkeypatch):
    """Return a function that sets the free room in MiB of a card of 30 GiB."""
    def leave(free_mib):
        blocks = 30 * 1024 * 256
        found = os.statvfs_result((4096, 4096, blocks, free_mib * 256, free_mib * 256, 0, 0, 0, 0, 255))
        monkeypatch.setattr(os, "statvfs", lambda _: found)
    return leave


@pytest.mark.parametrize(("free_mib", "outcome"), [
    (9000, Outcome.OK), (400, Outcome.ATTENTION), (30, Outcome.FAILED)])
def test_storage_room_where_the_state_is_kept(stage, found, room, free_mib, outcome):
    room(free_mib)
    result = found(check_storage(stage.scene()))["storage.state"]
    assert (result.outcome, result.value, result.unit) == (outcome, free_mib, "MiB")


@pytest.mark.parametrize(("mounts", "fstab", "outcome", "words"), [
    ("/dev/mmcblk0p2 / ext4 rw,noatime 0 0\n", "", Outcome.OK, "can be written"),
    ("/dev/mmcblk0p2 / ext4 ro,noatime 0 0\n", "PARTUUID=1 / ext4 defaults,ro 0 1\n", Outcome.OK, "fstab"),
    ("/dev/mmcblk0p2 / ext4 ro,noatime 0 0\n", "PARTUUID=1 / ext4 defaults 0 1\n", Outcome.FAILED, "errors"),
    ("overlayroot / overlay rw,relatime 0 0\n", "", Outcome.OK, "overlay"),
    ("proc /proc proc rw 0 0\n", "", Outcome.SKIPPED, "does not tell"),
])
def test_storage_root_read_only_on_purpose_or_not(stage, found, mounts, fstab, outcome, words):
    stage.file("/proc/self/mounts", mounts)
    stage.file("/etc/fstab", f"# a comment of / ext4 ro words\n{fstab}")
    result = found(check_storage(stage.scene()))["storage.root"]
    assert result.outcome is outcome
    assert words in result.says


def ext4(stage, name="mmcblk0p2", errors=0, session_kib=0, uptime_h=10.0):
    place = f"/sys/fs/ext4/{name}"
    stage.file(f"{place}/errors_count", f"{errors}\n")
    stage.file(f"{place}/lifetime_write_kbytes", f"{3 * 1024 * 1024}\n")
    stage.file(f"{place}/session_write_kbytes", f"{session_kib}\n")
    stage.file("/proc/uptime", f"{uptime_h * 3600} 1\n")


def test_storage_errors_of_the_file_system_have_failed(stage, found):
    ext4(stage, errors=2)
    (stage.root / "sys/fs/ext4/features").mkdir()  # has no counts
    results = found(check_storage(stage.scene()))
    assert results["storage.mmcblk0p2.errors"].outcome is Outcome.FAILED
    assert results["storage.mmcblk0p2.errors"].value == 2


@pytest.mark.parametrize(("mib", "hours", "outcome", "value"), [
    (120, 10.0, Outcome.OK, 12.0), (2000, 10.0, Outcome.ATTENTION, 200.0), (500, 0.5, Outcome.OK, None)])
def test_storage_writes_by_the_hour(stage, found, mib, hours, outcome, value):
    ext4(stage, session_kib=mib * 1024, uptime_h=hours)
    result = found(check_storage(stage.scene()))["storage.mmcblk0p2.writes"]
    assert (result.outcome, result.value) == (outcome, value)
    assert "3.0 GiB" in result.says


def test_storage_writes_of_a_disk_that_is_no_card_are_not_told(stage, found):
    ext4(stage, name="sda1", session_kib=10**9)
    assert not any("sda1" in name for name in found(check_storage(stage.scene())))


@pytest.mark.parametrize(("life", "reserve", "outcome", "used"), [
    ("0x01 0x02", "0x01", Outcome.OK, 20),
    ("0x08 0x02", "0x01", Outcome.ATTENTION, 80),
    ("0x03 0x01", "0x02", Outcome.ATTENTION, 30),
    ("0x0B 0x01", "0x01", Outcome.FAILED, 110),
    ("0x01 0x01", "0x03", Outcome.FAILED, 10),
    ("0x00 0x00", "0x00", Outcome.SKIPPED, None),
    (None, None, Outcome.SKIPPED, None),
])
def test_storage_wear_that_an_emmc_tells(stage, found, life, reserve, outcome, used):
    (stage.root / "sys/block/mmcblk0/device").mkdir(parents=True)
    (stage.root / "sys/block/mmcblk0boot0").mkdir()
    if life is not None:
        stage.file("/sys/block/mmcblk0/device/life_time", f"{life}\n")
        stage.file("/sys/block/mmcblk0/device/pre_eol_info", f"{reserve}\n")
    result = found(check_storage(stage.scene()))["storage.mmcblk0.wear"]
    assert (result.outcome, result.value) == (outcome, used)
