"""Home Assistant finds a unit by itself where a clinic asks for it, and nowhere else."""

from __future__ import annotations

import json
import random
import re

import msgspec
import pytest
from jinja2 import Environment, StrictUndefined
from support.contract import FOLDER
from support.mosquitto import Reader, until

from device.clock import SystemClock
from device.config import Settings, Telemetry
from device.services.telemetry import announcement_of
from device.telemetry.records import Announcement, Kind, seal
from device.telemetry.uplink import Uplink

UNIT = "ward-3"
STATES = {path.stem: json.loads(path.read_text(encoding="utf-8"))
          for path in (FOLDER / "examples").glob("state-*.json")}


def announcement(**changes) -> Announcement:
    values = {"prefix": "homeassistant", "unit": UNIT, "version": "0.1.0", "expire_s": 180}
    return Announcement(**(values | changes))


def settings(**changes) -> Settings:
    return Settings(unit_id=UNIT, telemetry=Telemetry(broker_host="127.0.0.1", **changes))


@pytest.fixture
def message():
    return json.loads(seal(announcement()).payload)


def show(template: str, value: dict) -> str:
    """Render a template as Home Assistant does: with Jinja, and the payload as `value_json`."""
    return Environment(undefined=StrictUndefined, autoescape=False).from_string(template).render(  # noqa: S701 - no HTML
        value_json=value)


def test_home_assistant_message_is_the_one_in_the_documents(message):
    page = json.loads((FOLDER / "home-assistant.json").read_text(encoding="utf-8"))
    assert message == page


def test_home_assistant_topic_is_retained_and_has_the_unit_as_a_level_of_its_own():
    letter = seal(announcement())
    assert (letter.topic, letter.retain, letter.kind) == (
        f"homeassistant/device/tranquillo/{UNIT}/config", True, Kind.HEALTH)
    # the shape that Home Assistant 2025.4 looks for: component, node id, object id
    tail = letter.topic.removeprefix("homeassistant/")
    assert re.fullmatch(r"\w+/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config", tail)


def test_home_assistant_reads_the_topics_of_the_contract(message):
    assert message["state_topic"] == f"tranquillo/v1/fleet/{UNIT}/state"
    assert message["availability_topic"] == f"tranquillo/v1/fleet/{UNIT}/availability"
    assert [show(message["availability_template"], {"online": one}) for one in (True, False)] == [
        "online", "offline"]
    assert not any("command_topic" in one for one in (message, *message["components"].values()))
    ids = [one["unique_id"] for one in message["components"].values()]
    assert len(ids) == len(set(ids))
    assert all(one.startswith(f"tranquillo_{UNIT}_") for one in ids)


@pytest.mark.parametrize(("state", "shown"), [
    ("state-playing", {
        "program": "running", "minute": "12", "sounding": "ON", "attention": "OFF", "faults": "none",
        "outbox": "0", "certificate": "88", "restarts": "0", "contact_eda": "ON", "contact_ppg": "ON",
        "contact_temperature": "OFF", "contact_eeg": "OFF"}),
    ("state-in-trouble", {
        "program": "idle", "minute": "None", "sounding": "OFF", "attention": "OFF", "faults": "clock_unset",
        "outbox": "17", "certificate": "None", "restarts": "3", "contact_eda": "OFF", "contact_ppg": "OFF",
        "contact_temperature": "OFF", "contact_eeg": "OFF"})])
def test_home_assistant_shows_a_state(message, state, shown):
    found = {key: show(one["value_template"], STATES[state]) for key, one in message["components"].items()}
    assert found == shown


def test_home_assistant_asks_for_attention_when_a_fault_does(message):
    fault = {"service": "sensors", "code": "adc_lost", "severity": "attention", "advice": ""}
    many = [fault | {"code": f"code_{letter * 30}"} for letter in "abcdefghijklm"]
    template = message["components"]["attention"]["value_template"]
    assert show(template, STATES["state-playing"] | {"faults": [fault]}) == "ON"
    assert len(show(message["components"]["faults"]["value_template"], {"faults": many})) == 255


def test_home_assistant_is_off_by_default():
    assert announcement_of(settings(), "0.1.0") is None


@pytest.mark.parametrize(("heartbeat_s", "expire_s"), [(60.0, 180), (1.0, 60), (3600.0, 10_800)])
def test_home_assistant_calls_a_state_old_after_three_heartbeats(heartbeat_s, expire_s):
    letter = announcement_of(settings(
        home_assistant=True, heartbeat_s=heartbeat_s, home_assistant_prefix="ha/ward"), "0.1.0")
    assert letter.topic == f"ha/ward/device/tranquillo/{UNIT}/config"
    components = json.loads(letter.payload)["components"].values()
    assert {one["expire_after"] for one in components} == {expire_s}


@pytest.mark.parametrize("changes", [
    {"prefix": "home/#"}, {"prefix": ""}, {"unit": "Anna"}, {"unit": "a/b"}, {"version": "0.1.0 {{ x }}"},
    {"expire_s": 0}])
def test_home_assistant_door_is_shut_to_other_values(changes):
    with pytest.raises(msgspec.ValidationError):
        seal(announcement(**changes))


@pytest.mark.parametrize("wanted", [True, False])
def test_home_assistant_message_is_retained_at_the_broker_only_where_wanted(wanted, live_outbox, broker):
    telemetry = settings(home_assistant=wanted, broker_port=broker.port)
    uplink = Uplink(telemetry.telemetry, UNIT, live_outbox, SystemClock(), random.Random(2),
                    announcement=announcement_of(telemetry, "0.1.0"))
    reader = Reader(broker.port, topic="#")
    until(lambda: (uplink.step(), reader.on("/availability"))[1], what="the birth")
    if wanted:
        until(lambda: (uplink.step(), reader.on("homeassistant/"))[1], what="the discovery message")
    uplink.close()
    until(lambda: len(reader.on("/availability")) == 2, what="the farewell")
    reader.close()
    late = Reader(broker.port, "late", topic="homeassistant/#")
    found = until(lambda: late.received, what="what is retained") if wanted else late.received
    late.close()
    assert [one.topic for one in found] == [f"homeassistant/device/tranquillo/{UNIT}/config"] * wanted
