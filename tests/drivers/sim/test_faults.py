"""Fault scenarios: files, refusals and times."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from drivers.errors import DeviceConfigError
from drivers.sim.faults import KINDS, FaultWindow, Schedule, load_faults


def _write(folder: Path, text: str) -> Path:
    path = folder / "faults.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_scenario_file_says_what_is_active_when(tmp_path: Path) -> None:
    schedule = load_faults(_write(tmp_path, """
        [[fault]]
        at_s = 10
        duration_s = 5.5
        kind = "adc_nack"

        [[fault]]
        at_s = 30.0
        duration_s = inf
        kind = "gsr_open"
    """))
    active_s = [at_s for at_s in (0.0, 9.99, 10.0, 15.49, 15.5, 1e9) if schedule.active("adc_nack", at_s)]
    assert active_s == [10.0, 15.49]
    assert not schedule.active("gsr_open", 29.9)
    assert schedule.active("gsr_open", 1e9)
    assert not schedule.active("gsr_short", 12.0)


def test_same_fault_may_happen_again_and_overlap() -> None:
    schedule = Schedule([FaultWindow(1, 2, "ppg_off"), FaultWindow(2, 4, "ppg_off"),
                         FaultWindow(10, 1, "ppg_off")])
    active = [schedule.active("ppg_off", at_s) for at_s in (0.5, 1.5, 2.5, 5.5, 6.0, 10.5, 11.0)]
    assert active == [False, True, True, True, False, True, False]


def test_faults_can_be_added_while_the_world_turns() -> None:
    schedule = Schedule()
    assert not schedule.active("adc_absent", 3.0)
    schedule.add(FaultWindow(2.0, math.inf, "adc_absent"))
    assert schedule.active("adc_absent", 3.0)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_written_in_a_file(tmp_path: Path, kind: str) -> None:
    schedule = load_faults(_write(tmp_path, f'[[fault]]\nat_s = 0\nduration_s = 1\nkind = "{kind}"\n'))
    assert [name for name in KINDS if schedule.active(name, 0.5)] == [kind]


def test_kinds_are_those_the_documentation_lists() -> None:
    guide = (Path(__file__).resolve().parents[3] / "docs" / "it-guide.md").read_text(encoding="utf-8")
    rows = [line for line in guide.partition("## Faults on purpose")[2].splitlines() if line.startswith("|")]
    listed = {word for row in rows for word in re.findall(r"`(\w+)`", row)}
    assert listed == set(KINDS)


def test_empty_scenario_has_no_faults(tmp_path: Path) -> None:
    schedule = load_faults(_write(tmp_path, ""))
    assert not any(schedule.active(kind, 1.0) for kind in KINDS)


GOOD = '[[fault]]\nat_s = 1\nduration_s = 1\nkind = "ppg_off"\n'


@pytest.mark.parametrize(("text", "words"), [
    (GOOD + '[[fault]]\nat_s = 1\nduration_s = 1\nkind = "adc_nak"\n', ("number 2", "adc_nak", "adc_nack")),
    (GOOD + '[[fault]]\nat_s = 1\nduration_s = 1\nkind = "ppg_off"\nlong = 3\n', ("fault number 2", "long")),
    (GOOD + '[[fault]]\nat_s = 1\nkind = "ppg_off"\n', ("fault number 2", "duration_s")),
    ('[[fault]]\nat_s = -1\nduration_s = 1\nkind = "ppg_off"\n', ("fault number 1", ">= 0", "at_s")),
    ('[[fault]]\nat_s = 1\nduration_s = 0\nkind = "ppg_off"\n', ("fault number 1", "> 0", "duration_s")),
    ('[[fault]]\nat_s = "soon"\nduration_s = 1\nkind = "ppg_off"\n', ("fault number 1", "float", "at_s")),
    ("[[faults]]\nat_s = 1\n", ("faults", "[[fault]]")),
    ("fault = 3\n", ("array", "[[fault]]")),
    ("[[fault]\n", ("not valid TOML",)),
])
def test_bad_scenario_is_refused_in_one_line(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(DeviceConfigError) as caught:
        load_faults(path)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(str(path))
    for word in words:
        assert word in line


def test_absent_scenario_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(DeviceConfigError, match=r"cannot be read.*leave simulator.faults empty"):
        load_faults(tmp_path / "nowhere.toml")
