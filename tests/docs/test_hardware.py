"""The figures of docs/hardware.md and docs/bring-up.md: pins, circuits and the tone are those of the code."""

from __future__ import annotations

import re
import wave
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from gpiozero import pi_info

from device.config import Gsr, PanelPins, Ppg, Sensors, SkinTemperature
from drivers.gsr import DividerGsr, GroveGsr

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
TEXT = (DOCS / "hardware.md").read_text(encoding="utf-8")
BRING_UP = (DOCS / "bring-up.md").read_text(encoding="utf-8")
STEPS_V = {"ads1115 gain 8": 0.512 / 32768, "ads1115 gain 1": 4.096 / 32768, "mcp3008": 3.3 / 1024}


def rows(first: str) -> list[list[str]]:
    """Return the cells of the table whose first row begins so."""
    lines = TEXT.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(first)) + 2
    found = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def svg(path: Path) -> ET.Element:
    return ET.parse(path).getroot()  # noqa: S314 - our own drawing


PINS = rows("| header pin |")


@pytest.mark.parametrize("revision", ["a02082", "a03111", "902120", "c04170"])  # 3B, 4B, Zero 2 W, 5
def test_hardware_header_pins_are_those_of_every_pi(revision):
    header = pi_info(revision).headers["J8"].pins
    names = {"3.3 V": "3V3", "ground": "GND"}
    assert len(PINS) == 15
    for number, line, *_ in PINS:
        assert header[int(number)].name == names.get(line, f"GPIO{line}")


def test_hardware_pins_are_the_defaults_of_the_configuration():
    wired = {key: line for _, line, _, keys in PINS for key in re.findall(r"`panel\.(\w+)`", keys)}
    assert wired == {name: str(getattr(PanelPins(), name)) for name in ("button", "red", "green", "blue")}
    for key, value in re.findall(r"`sensors\.(\w+)` = ([\d.]+)", "\n".join(row[3] for row in PINS)):
        assert getattr(Sensors(), key) == float(value)
    told = {keys: int(channel) for channel, _, keys in rows("| converter channel |")}
    assert [told[key] for key in sorted(told)] == [
        Gsr().channel, Ppg().channel, SkinTemperature().channel]


@pytest.mark.parametrize("drawing", sorted((DOCS / "hardware").glob("*.svg")), ids=lambda path: path.name)
def test_hardware_drawings_are_whole_and_shown(drawing):
    assert svg(drawing).tag.endswith("svg")
    assert f"](hardware/{drawing.name})" in TEXT


def test_hardware_drawing_has_the_pins_of_the_table():
    texts = svg(DOCS / "hardware" / "wiring.svg").iter("{http://www.w3.org/2000/svg}text")
    drawn = ["".join(text.itertext()) for text in texts]
    for number, line, *_ in PINS:
        label = line if line in {"3.3 V", "ground"} else f"GPIO {line}"
        assert any(text.startswith(f"{number} ·") and label in text for text in drawn), number


def test_hardware_resolution_is_that_of_the_circuits():
    divider, grove = DividerGsr(Gsr().supply_v, Gsr().reference_ohm), GroveGsr(3.3)
    columns = [(divider, "ads1115 gain 8"), (divider, "mcp3008"),
               (grove, "ads1115 gain 1"), (grove, "mcp3008")]
    table = rows("| skin | divider, ADS1115")
    assert len(table) == 4
    for skin, *told in table:
        skin_us = float(skin.split()[0])
        for (circuit, part), value in zip(columns, told, strict=True):
            volts = circuit.volts(skin_us)
            step_v = -STEPS_V[part] if circuit is grove else STEPS_V[part]
            assert circuit.microsiemens(volts + step_v) - skin_us == pytest.approx(float(value), abs=6e-4)


def test_hardware_currents_are_those_of_the_divider():
    divider = DividerGsr(Gsr().supply_v, Gsr().reference_ohm)
    for skin, current, volts in rows("| skin | current |"):
        skin_us = float(skin.split()[0]) if skin[0].isdigit() else float("inf")
        seen_v = divider.volts(skin_us)
        assert 1e6 * seen_v / divider.reference_ohm == pytest.approx(float(current.split()[0]), abs=0.006)
        assert divider.supply_v - seen_v == pytest.approx(float(volts.split()[0]), abs=6e-4)


def test_hardware_example_of_a_full_scale_level():
    level_dba = 98.0 + 10.0 * np.log10(1000.0 * 1.0**2 / 32.0)
    assert f"that is {level_dba:.0f} dB" in TEXT


def test_bring_up_options_of_the_contract_tests_exist():
    options = set(re.findall(r"^\| `(--[\w-]+)", BRING_UP, re.MULTILINE))
    code = (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8")
    assert options == {"--gsr-ohm", "--celsius", "--finger", "--eyes"}
    assert [option for option in (*options, "--hardware", "--unit-config") if f'"{option}"' not in code] == []


def test_bring_up_resistors_read_what_the_sheet_says():
    head, should = (line.strip("|").split("|") for line in BRING_UP.splitlines()
                    if re.match(r"\| (resistor|should read) \|", line))
    for ohm, told in zip(head[1:7], should[1:7], strict=True):
        number, unit = ohm.split()
        us = 1e6 / (float(number) * {"MΩ": 1e6, "kΩ": 1e3}[unit])
        assert float(told.split()[0]) == pytest.approx(us, rel=0.005)


def test_bring_up_tone_swells_and_stands_20_db_below_full_scale(tmp_path, monkeypatch):
    code = re.search(r"```python\n(.*?)```", BRING_UP, re.DOTALL)
    assert code is not None
    monkeypatch.chdir(tmp_path)
    exec(code[1].replace("= 44_100, 30,", "= 8_000, 5,"), {})  # noqa: S102 - the sheet's own lines
    with wave.open("tone.wav", "rb") as tone:
        assert (tone.getnchannels(), tone.getsampwidth(), tone.getframerate()) == (2, 2, 8_000)
        samples = np.frombuffer(tone.readframes(tone.getnframes()), "<i2").reshape(-1, 2) / 32768.0
    assert np.array_equal(samples[:, 0], samples[:, 1])
    assert np.abs(samples[:800]).max() < 0.1 / 3.0  # a tenth of a second: no jump
    steady = samples[-8_000:, 0]
    level_db = 20.0 * np.log10(np.sqrt(2.0) * steady.std())  # against a full-scale sine
    assert level_db == pytest.approx(-20.0, abs=0.05)
    crossings = np.count_nonzero(np.diff(np.signbit(steady)))
    assert crossings == pytest.approx(2000, abs=4)
