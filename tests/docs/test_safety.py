"""The hazards of docs/safety.md: every control is tested, and the figures are those of code and circuit."""

from __future__ import annotations

import ast
import math
import re
from functools import cache
from pathlib import Path

import pytest

from device.messages import LightPattern
from device.panel.lights import PULSE_S, SHAPES
from drivers.gsr import DividerGsr

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "safety.md").read_text(encoding="utf-8")
HAZARDS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines()
           if re.match(r"\| [SMEXBDP]\d+ \|", line)]
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)))
RAIL_V, SUPPLY_V, R3, R4, R5, R6 = 3.3, 0.5, 33e3, 100e3, 47e3, 100e3  # docs/hardware/gsr-front-end.svg


@cache
def functions_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def table(heading: str) -> dict[str, str]:
    """Return the two-column table under a heading row, first cell to second."""
    lines = TEXT.splitlines()
    start = lines.index(heading) + 2
    rows = {}
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        first, second = (cell.strip() for cell in line.strip("|").split("|"))
        rows[first] = second
    return rows


@pytest.mark.parametrize(("path", "name"), NAMED, ids=lambda value: value.rpartition("/")[2])
def test_safety_every_test_that_is_named_exists(path, name):
    assert (ROOT / path).exists()
    assert name in functions_of(path)


def test_safety_every_hazard_has_cause_control_and_proof():
    assert len(HAZARDS) >= 40
    assert len({row[0] for row in HAZARDS}) == len(HAZARDS)
    for row in HAZARDS:
        assert len(row) == 6, row[0]
        _, hazard, cause, control, proof, remains = row
        assert hazard, row[0]
        assert re.search(r"\([123]\)", hazard), f"{row[0]} says how bad"
        assert cause, row[0]
        assert control, row[0]
        assert "::" in proof or proof in {"by hand", "the same"}, row[0]
        if proof == "by hand":
            assert remains or "measurement" in control or "battery" in control, row[0]


def test_safety_names_the_hazards_that_were_asked_for():
    for word in ("too loud", "startle", "cannot be stopped", "wrong estimate", "leaves the unit",
                 "mains current", "set off by music", "set off by the light", "infection", "stolen",
                 "power cut", "heat", "read as a diagnosis"):
        assert any(word in row[1] for row in HAZARDS), word
    assert "not a medical device" in TEXT


def test_safety_the_nurses_page_warns_of_what_only_a_person_can_prevent():
    page = (ROOT / "docs" / "nurse.md").read_text(encoding="utf-8")
    for words in ("seizures are set off by music", "defibrillation, electrosurgery", "MRI", "pull the plug",
                  "take off the headphones", "new electrodes", "wipe finger clip", "near the neck",
                  "must hear an alarm", "does not diagnose", "no medical device"):
        assert words in page, words


def test_safety_rates_of_the_light_are_those_of_the_code():
    told = {}
    for names, rate in table("| pattern | rises a second |").items():
        for name in re.findall(r"`(\w+)`", names):
            told[LightPattern(name)] = float(rate.split()[0])
    real = {pattern: 1.0 / shape.period_s if shape.period_s else 0.0 for pattern, shape in SHAPES.items()}
    real[LightPattern.RATING] = 1.0 / PULSE_S
    assert told == pytest.approx(real)
    assert max(real.values()) < 2.0


def through_skin_ua(volts: float, ohm: float, skin_us: float = math.inf) -> float:
    return 1e6 * volts / (ohm + 1e6 / skin_us)


def test_safety_currents_are_those_of_the_circuit():
    divider = DividerGsr(SUPPLY_V, R5)
    for skin_us, told in ((60.0, "7.9 µA at 60 µS"), (100.0, "8.8 µA at 100 µS"), (math.inf, "10.6 µA only")):
        current_ua = 1e6 * divider.volts(skin_us) / R5
        assert current_ua == pytest.approx(through_skin_ua(SUPPLY_V, R5, skin_us))
        assert f"{current_ua:.1f} µA" in told
        assert told in TEXT
    faults = table("| what fails | most current through the skin |")
    told = {name: float(value.split()[0]) for name, value in faults.items()}
    both = 1.0 / (1.0 / R3 + 1.0 / R4)
    assert list(told.values()) == pytest.approx([
        through_skin_ua(SUPPLY_V, R5, 100.0),
        through_skin_ua(RAIL_V, R3 + R5),
        through_skin_ua(RAIL_V, both + R5),
        through_skin_ua(RAIL_V, R6),
        through_skin_ua(SUPPLY_V, 0.0, 60.0),
        through_skin_ua(RAIL_V, R5, 60.0),
    ], abs=0.06)
    *protected, bare = told.values()
    assert max(protected) < 50.0 < bare
    assert f"(47 kΩ) 230 V drive {1e3 * 230.0 / R5:.1f} mA" in TEXT
    assert f"(33 kΩ) {1e3 * 230.0 / R3:.1f} mA" in TEXT
