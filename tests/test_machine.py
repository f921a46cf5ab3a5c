"""What the computer says of itself, from a fake /sys, and how often it is asked."""

from __future__ import annotations

import pytest

from device.machine import LOOK_S, MachineWatch, file_system_errors, hottest_c, throttled_bits
from device.messages import Severity

FILES = {
    "under_voltage": ("sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n"),
    "too_hot": ("sys/class/thermal/thermal_zone0/temp", "83500\n"),
    "card_errors": ("sys/fs/ext4/mmcblk0p2/errors_count", "3\n"),
}
WELL = {"under_voltage": "50000\n", "too_hot": "61000\n", "card_errors": "0\n"}


@pytest.fixture
def put(tmp_path):
    """Return a function that writes a file of the machine."""
    def write(path, text):
        place = tmp_path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="ascii")
    return write


def test_machine_that_tells_nothing_has_no_faults(tmp_path):
    assert MachineWatch(tmp_path).faults(0.0) == ()
    assert (throttled_bits(tmp_path), hottest_c(tmp_path), file_system_errors(tmp_path)) == (None, None, {})


@pytest.mark.parametrize("code", FILES)
def test_machine_trouble_needs_attention_and_says_what_to_do(tmp_path, put, code):
    path, text = FILES[code]
    put(path, text)
    (fault,) = MachineWatch(tmp_path).faults(0.0)
    assert (fault.code, fault.severity) == (code, Severity.ATTENTION)
    assert ";" in fault.advice


def test_machine_that_is_well_or_was_not_has_no_faults(tmp_path, put):
    for code, (path, _) in FILES.items():
        put(path, WELL[code])
    assert MachineWatch(tmp_path).faults(0.0) == ()


def test_machine_is_looked_at_once_a_minute(tmp_path, put):
    watch = MachineWatch(tmp_path)
    assert watch.faults(100.0) == ()
    put(*FILES["card_errors"])
    assert watch.faults(100.0 + LOOK_S - 0.1) == ()
    assert [fault.code for fault in watch.faults(100.0 + LOOK_S)] == ["card_errors"]
    put(FILES["card_errors"][0], "0\n")
    assert watch.faults(100.0 + 2 * LOOK_S) == ()


@pytest.mark.parametrize("text", ["", "rubbish\n", "-1\n"])
def test_machine_files_that_make_no_sense_are_no_fault(tmp_path, put, text):
    put(FILES["too_hot"][0], text)
    put(FILES["under_voltage"][0], text.replace("-1", "x"))
    put("sys/fs/ext4/mmcblk0p2/errors_count", text.replace("-1", "0"))
    (tmp_path / "sys/fs/ext4/features").mkdir()
    assert MachineWatch(tmp_path).faults(0.0) == ()
