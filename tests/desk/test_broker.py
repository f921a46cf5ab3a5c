"""The desk's broker is a real Mosquitto, and what is received is written down."""

import json
import time

import pytest
from paho.mqtt import publish

from device.desk import broker as broker_module
from device.desk.broker import BrokerError, DeskBroker, free_port


def test_broker_writes_down_what_a_subscriber_received(tmp_path):
    broker = DeskBroker(tmp_path, tmp_path / "mqtt.jsonl")
    try:
        publish.single("tranquillo/v1/x", '{"a": 1}', qos=1, hostname="127.0.0.1", port=broker.port)
        publish.single("tranquillo/v1/y", "offline", qos=1, hostname="127.0.0.1", port=broker.port)
        publish.single("elsewhere", "no", qos=1, hostname="127.0.0.1", port=broker.port)
        deadline = time.monotonic() + 10
        lines = []
        while len(lines) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
            lines = (tmp_path / "mqtt.jsonl").read_text().splitlines()
    finally:
        broker.close()
    messages = [json.loads(line) for line in (tmp_path / "mqtt.jsonl").read_text().splitlines()]
    assert [(m["topic"], m["payload"], m["retain"]) for m in messages] == [
        ("tranquillo/v1/x", {"a": 1}, False), ("tranquillo/v1/y", "offline", False)]
    assert messages[0]["at"] == pytest.approx(time.time(), abs=60)


def test_broker_that_is_not_installed_says_how_to_get_it(tmp_path, mocker):
    mocker.patch("device.desk.broker.shutil.which", return_value=None)
    with pytest.raises(BrokerError, match="apt-get install mosquitto"):
        DeskBroker(tmp_path, tmp_path / "mqtt.jsonl")


def test_broker_that_cannot_start_is_told(tmp_path, mocker):
    mocker.patch.object(broker_module, "find_mosquitto", return_value="/bin/false")
    with pytest.raises(BrokerError, match="did not start"):
        DeskBroker(tmp_path, tmp_path / "mqtt.jsonl")


def test_broker_ports_are_free_and_unprivileged():
    assert free_port() > 1024
