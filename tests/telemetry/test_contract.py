"""The dashboard's page says what the device sends: every field, every fault, every topic."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from device.telemetry.outbox import DAMAGED, FULL, KEEP_S, UNWRITABLE
from device.telemetry.records import (
    Availability,
    FleetFaults,
    FleetState,
    Outcome,
    ServiceState,
    seal,
)
from device.telemetry.trouble import Trouble, fault_of

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "telemetry" / "README.md").read_text(encoding="utf-8")
ID = "0123456789abcdef" * 2


def example(heading: str) -> dict:
    block = re.search(rf"### {heading}\n```json\n(.*?)```", PAGE, flags=re.DOTALL)
    return json.loads(block.group(1))


@pytest.mark.parametrize(("heading", "kind"), [
    ("availability", Availability), ("state", FleetState), ("faults", FleetFaults), ("outcome", Outcome)])
def test_contract_examples_have_the_fields_that_are_sent(heading, kind):
    shown = example(heading)
    assert set(shown) == set(kind.__struct_fields__)
    whole = json.loads(json.dumps(shown), object_hook=lambda one: {
        key: ID if isinstance(value, str) and value.endswith("…") and key in {"id", "epoch"} else value
        for key, value in one.items()})
    record = msgspec.convert(whole, kind)
    letter = seal(record)
    topic = letter.topic.replace(ID, "<random>").replace("ward-3", "<unit>")
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{topic}` |"))
    assert row.split("|")[2].strip() == ("yes" if letter.retain else "no")


def test_contract_nested_example_is_whole():
    assert set(example("state")["services"][0]) == set(ServiceState.__struct_fields__)


def test_contract_lists_every_fault_with_its_severity():
    faults = [fault_of(trouble) for trouble in Trouble] + [DAMAGED, FULL, UNWRITABLE]
    shown = dict(re.findall(r"^\| `(\w+)` \| (info|attention|act_now) \|", PAGE, flags=re.MULTILINE))
    assert shown == {fault.code: fault.severity.value for fault in faults}


def test_contract_names_the_kept_time():
    assert f"{KEEP_S / 60:.0f} minutes of running time" in PAGE
