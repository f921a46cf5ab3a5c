"""The AsyncAPI document, the schemas and the examples say what passes the door, and nothing else."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from support.contract import FOLDER, at, document, rule_of, rules, violations

from device.desk.contract import KINDS
from device.telemetry.link import KEEPALIVE_S, QOS
from device.telemetry.records import ROOT, seal

EXAMPLES = sorted((FOLDER / "examples").glob("*.json"))
UNIT = "ward-3"


def kind_of(name: str) -> str:
    """Return which kind of message an example is, by its file's name."""
    return name.partition("-")[0]


def topic_of(name: str, payload: dict) -> str:
    """Return the topic on which an example travels."""
    if name == "outcome":
        return f"{ROOT}/outcomes/{payload['id']}"
    return f"{ROOT}/fleet/{payload['unit']}/{name}"


def references(part: object) -> list[str]:
    """Return every reference within a part of the document."""
    if isinstance(part, dict):
        inner = [one for value in part.values() for one in references(value)]
        return [part["$ref"]] if "$ref" in part else inner
    return [one for value in part for one in references(value)] if isinstance(part, list) else []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_contract_example_keeps_it_and_passes_the_door_unchanged(path):
    payload = json.loads(path.read_text(encoding="utf-8"))
    name = kind_of(path.stem)
    topic = topic_of(name, payload)
    assert violations(topic, payload) == []
    letter = seal(msgspec.convert(payload, KINDS[name]))
    assert json.loads(letter.payload) == payload
    rule = rule_of(topic)
    assert (letter.topic, letter.retain, rule.name) == (topic, rule.retain, name)


def test_contract_every_kind_of_message_has_an_example():
    assert {kind_of(path.stem) for path in EXAMPLES} == set(KINDS)


def test_contract_document_has_one_operation_and_schema_for_every_type():
    assert {rule.name for rule in rules()} == set(KINDS)
    for message in document()["components"]["messages"].values():
        assert message["payload"]["schemaFormat"] == "application/schema+json;version=draft-07"
    for path in (FOLDER / "schemas").iterdir():
        Draft7Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


def test_contract_document_only_sends_as_the_link_does():
    operations = document()["operations"].values()
    assert {operation["action"] for operation in operations} == {"send"}, "a unit subscribes to nothing"
    assert {operation["bindings"]["mqtt"]["qos"] for operation in operations} == {QOS}
    (server,) = document()["servers"].values()
    said = server["bindings"]["mqtt"]
    assert (said["keepAlive"], server["protocol"], server["protocolVersion"]) == (KEEPALIVE_S, "mqtts", "5.0")
    will = said["lastWill"]
    assert violations(will["topic"], json.loads(will["message"])) == []
    assert (will["qos"], will["retain"]) == (QOS, rule_of(will["topic"]).retain)


def test_contract_document_is_whole():
    found = document()
    assert found["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(found["info"])
    for reference in references(found):
        target = at(reference) if reference.startswith("#") else FOLDER / reference
        assert target if reference.startswith("#") else target.is_file(), reference
    for channel in found["channels"].values():
        assert set(re.findall(r"\{(\w+)\}", channel["address"])) == set(channel["parameters"])
    for operation in found["operations"].values():
        assert operation["messages"][0]["$ref"].startswith(operation["channel"]["$ref"] + "/messages/")


@pytest.mark.parametrize(("topic", "change", "word"), [
    (f"{ROOT}/fleet/{UNIT}/availability", {"hr_bpm": 61.0}, "hr_bpm"),
    (f"{ROOT}/fleet/{UNIT}/availability", {"why": "ill"}, "ill"),
    (f"{ROOT}/fleet/{UNIT}/availability", {"v": 2}, "1 was expected"),
    (f"{ROOT}/fleet/ward-4/availability", {}, "carries a message of ward-3"),
    (f"{ROOT}/fleet/{UNIT}/secrets", {}, "no topic"),
    (f"{ROOT}/fleet/{UNIT}/state", {}, "required"),
])
def test_contract_a_departure_is_found(topic, change, word):
    payload = {"id": "a" * 32, "v": 1, "unit": UNIT, "online": True, "why": "connected"} | change
    assert any(word in one for one in violations(topic, payload))


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 10**6),
    st.floats(-1e9, 1e9).filter(lambda x: not x.is_integer()),  # to JSON Schema 3.0 is an integer
    st.sampled_from(["", "low", "running", "ward-3", "2026-05-28T20:27Z", "0.1.0", "debian-12", "f" * 32,
                     "10.0.0.7", "b8:27:eb:12:34:56", "Anna", "sensors", "info", "adc_lost", "lost"]),
    st.text(max_size=40))


def leaves(part: object, path: tuple = ()) -> list[tuple]:
    """Return the path of every value of a message that is not a list or a table."""
    if isinstance(part, dict):
        return [one for key, value in part.items() for one in leaves(value, (*path, key))]
    if isinstance(part, list):
        return [one for index, value in enumerate(part) for one in leaves(value, (*path, index))]
    return [path]


@given(st.sampled_from(EXAMPLES), st.data())
def test_contract_schemas_and_door_refuse_the_same_values(path, data):
    name = kind_of(path.stem)
    payload = json.loads(path.read_text(encoding="utf-8"))
    *way, last = data.draw(st.sampled_from(leaves(payload)))
    part = payload
    for step in way:
        part = part[step]
    part[last] = data.draw(SCALARS)
    (rule,) = (rule for rule in rules() if rule.name == name)
    try:
        msgspec.json.decode(json.dumps(payload), type=KINDS[name], strict=True)
    except msgspec.ValidationError:
        assert list(rule.validator.iter_errors(payload)), "the door is narrower than the contract"
    else:
        assert not list(rule.validator.iter_errors(payload)), "the contract is narrower than the door"
