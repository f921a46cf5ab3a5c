"""A file is replaced in one piece, and is on the medium when the call returns."""

import os
from pathlib import Path

import pytest

from device.control.durable import replace_durably


def test_durable_file_is_written_and_replaced_in_one_piece(tmp_path):
    path = tmp_path / "state" / "a.json"
    replace_durably(path, b"one")
    replace_durably(path, b"two")
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in path.parent.iterdir()] == ["a.json"]


def test_durable_file_and_its_name_are_forced_to_the_medium_in_this_order(tmp_path, monkeypatch):
    done = []
    fsync = os.fsync

    def noted(number):
        target = Path(f"/proc/self/fd/{number}").readlink()
        done.append((target.name, (tmp_path / "a.json").exists()))
        fsync(number)

    monkeypatch.setattr(os, "fsync", noted)
    replace_durably(tmp_path / "a.json", b"one")
    assert done == [("a.json.new", False), (tmp_path.name, True)]


def test_durable_failure_is_an_error_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    replace_durably(path, b"one")
    (tmp_path / "a.json.new").mkdir()
    with pytest.raises(OSError, match=r"a\.json\.new"):
        replace_durably(path, b"two")
    assert path.read_bytes() == b"one"
