"""Two numbers in a configuration file change and nothing else."""

from __future__ import annotations

import stat

import pytest

from device.config import Gsr, load
from device.doctor.edit import toml_lines, with_calibration, write_calibration
from device.errors import ConfigError

NEW = Gsr(supply_v=0.5123, reference_ohm=46_811.0)
FULL = """# unit of room 3
unit_id = "ward-3"
player.backend = "file"

[sensors.gsr]  # soldered by hand
channel = 2
supply_v = 0.5   # printed on the board
reference_ohm=47000

[program]
minutes = 30  # [sensors.gsr] is above
"""


def test_with_calibration_keeps_comments_and_all_else():
    text = with_calibration(FULL, NEW)
    assert text == FULL.replace("supply_v = 0.5 ", "supply_v = 0.5123 ").replace("=47000", "=46811.0")


@pytest.mark.parametrize("text", [
    "", "[sensors.gsr]\n", "[sensors.gsr]\nchannel = 3\n[program]\n",
    '[sensors]\nadc = "sim:ads1115"\n[sensors.gsr]\nreference_ohm = 1e4\n',
])
def test_with_calibration_adds_what_is_not_there(text, tmp_path):
    path = tmp_path / "t.toml"
    before = 'unit_id = "a"\nplayer.backend = "file"\n' + text
    path.write_text(with_calibration(before, NEW), encoding="utf-8")
    found = load(path).sensors.gsr
    assert (found.supply_v, found.reference_ohm) == (0.5123, 46_811.0)


@pytest.mark.parametrize("text", [
    'unit_id = "a"\nsensors = {gsr = {channel = 1}}\n', 'unit_id = "a"\n[sensors]\ngsr.supply_v = 0.4\n',
    'unit_id = "a"\n["sensors".gsr]\nsupply_v = 0.4\n',
])
def test_with_calibration_refuses_what_it_would_spoil(text):
    with pytest.raises(ConfigError, match="by hand"):
        with_calibration(text, NEW)


def test_with_calibration_of_a_grove_board_changes_the_supply_only():
    text = with_calibration(FULL, Gsr(circuit="grove", supply_v=3.29))
    assert "reference_ohm=47000" in text
    assert "supply_v = 3.2900" in text


def test_toml_lines_can_be_pasted():
    assert toml_lines(NEW) == "[sensors.gsr]\nsupply_v = 0.5123\nreference_ohm = 46811.0"


def test_write_calibration_keeps_the_mode_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "t.toml"
    path.write_text(FULL, encoding="utf-8")
    path.chmod(0o640)
    write_calibration(path, NEW)
    assert load(path).sensors.gsr.supply_v == 0.5123
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_write_calibration_that_would_be_refused_changes_nothing(tmp_path):
    path = tmp_path / "t.toml"
    path.write_text(FULL, encoding="utf-8")
    with pytest.raises(ConfigError):
        write_calibration(path, Gsr(supply_v=9.0))
    assert path.read_text(encoding="utf-8") == FULL
    assert list(tmp_path.iterdir()) == [path]


def test_write_calibration_of_an_absent_file_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match="cannot be written"):
        write_calibration(tmp_path / "none.toml", NEW)
