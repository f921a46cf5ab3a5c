"""Simulated units: what they say keeps the contract, and a small fleet lives through a broker's restart."""

from __future__ import annotations

import json
import random

from support.contract import violations

from device.desk.clinic import ClinicAuthority
from device.desk.fleet_bench import latency_of, measure, text_of
from device.desk.fleet_line import connect_packet, publish_packet
from device.desk.fleet_unit import PROGRAM_MIN, FleetUnit, Plan, Size

WALL_S = 1_780_000_000.0


def life(minutes: int, seed: int = 4) -> list:
    unit = FleetUnit("unit-0001", Plan(minute_s=60.0), random.Random(seed))
    return [letter for minute in range(minutes) for letter in unit.letters(60.0 * (minute + 1), WALL_S)]


def test_fleet_unit_says_only_what_the_contract_allows():
    unit = FleetUnit("unit-0001", Plan(), random.Random(4))
    letters = life(2000) + [unit.availability(why) for why in ("connected", "stopped", "lost")]
    assert {letter.topic.rpartition("/")[2] for letter in letters} == {"state", "faults", "availability"}
    shown = [letter for place, letter in enumerate(letters) if place % 40 == 0 or "state" not in letter.topic]
    for letter in shown:
        assert violations(letter.topic, json.loads(letter.payload)) == []
    numbers = [json.loads(letter.payload)["number"] for letter in letters[:-3]]
    assert numbers == list(range(1, len(numbers) + 1))


def test_fleet_unit_plays_programs_and_rests():
    states = [json.loads(letter.payload) for letter in life(500) if letter.topic.endswith("state")]
    played = [state["program_minute"] for state in states if state["phase"] == "running"]
    assert set(played) == set(range(PROGRAM_MIN + 1))
    assert 0.2 < len(played) / len(states) < 0.7
    assert any(state["contact"]["eda"] for state in states)


def test_fleet_line_writes_packets_as_the_standard_draws_them():
    unit = FleetUnit("u", Plan(), random.Random(1))
    will = unit.availability("lost")
    packet = connect_packet("c", will)
    assert packet[0] == 0x10
    body = packet[1 + len(varint(packet)):]
    assert body[:11] == b"\x00\x04MQTT\x05\x2e\x00\x14\x00"
    assert body[11:14] == b"\x00\x01c"
    assert body.endswith(will.payload)
    packet = publish_packet(will, 258)
    assert packet[0] == 0x33
    body = packet[1 + len(varint(packet)):]
    assert body[2 + len(will.topic):][:3] == b"\x01\x02\x00"


def varint(packet: bytes) -> bytes:
    end = next(place for place in range(1, 5) if packet[place] < 0x80)
    length = sum((packet[place] & 0x7F) << 7 * (place - 1) for place in range(1, end + 1))
    assert length == len(packet) - end - 1
    return packet[1:end + 1]


def test_fleet_latency_counts_what_was_sent_in_the_span_and_arrived():
    sent = {"a": 1.0, "b": 2.0, "c": 3.0, "late": 9.0, "lost": 2.5}
    found = latency_of(sent, {"a": 1.010, "b": 2.030, "c": 3.020, "late": 9.1}, 1.0, 4.0)
    assert (found.count, found.p50_ms, found.p99_ms, found.max_ms) == (3, 20.0, 20.0, 30.0)


def test_fleet_bench_of_a_few_units_loses_nothing(tmp_path):
    size = Size(units=6, processes=1, heartbeat_s=0.2, ramp_s=0.1, reconnect_max_s=0.5)
    figures = measure(size, 1.0, tmp_path)
    assert figures.lost == 0
    assert 5.0 < figures.messages_per_s < 45.0, "six units, five times a second, on a busy machine"
    assert 0.0 < figures.latency.p50_ms <= figures.latency.p99_ms < 5000.0
    assert 0.0 < figures.storm_first_s <= figures.storm_all_s < 20.0
    assert f"p99 {figures.latency.p99_ms:g} ms" in text_of(figures)


def test_fleet_certificates_differ_by_unit_and_share_a_key(tmp_path):
    files = ClinicAuthority(tmp_path).many(["unit-0001", "unit-0002"])
    assert len({one.certificate for one in files.values()}) == 2
    assert len({one.key for one in files.values()}) == 1
