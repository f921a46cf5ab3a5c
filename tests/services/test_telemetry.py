"""The telemetry service: from the bus to a subscriber, killed at any moment, and out of everyone's way."""

from __future__ import annotations

import json
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import pytest
from support.contract import rule_of
from support.mosquitto import Mosquitto, Reader, free_port, until

from device.bus import LocalHub, ZmqBus
from device.clock import ManualClock
from device.config import Program, Settings, Telemetry, load
from device.control import rating
from device.desk.bench import pss_mib
from device.messages import (
    Fault,
    Health,
    PlayerState,
    Rating,
    Session,
    SessionPhase,
    Severity,
    Stress,
    StressBand,
)
from device.services import telemetry
from device.telemetry.fleet import FleetView, build_here
from device.telemetry.outbox import Outbox
from device.telemetry.records import Outcome
from device.telemetry.uplink import Uplink
from drivers.open import Parts

REPOSITORY = Path(__file__).resolve().parents[2]
UNIT = "ward-3"
CABLE = Fault(code="adc_lost", severity=Severity.ATTENTION, advice="check the cable")


class Unit:
    """The service in this process, on a manual clock, with the bus in the test's hand."""

    def __init__(self, folder: Path, port: int, *, program: Program | None = None, **more):
        self.clock = ManualClock()
        self.hub = LocalHub()
        self.say = self.hub.connect(())
        self.folder = folder
        values = {"outcome_delay_min_s": 600.0, "outcome_delay_max_s": 1200.0} | more
        self.settings = Settings(
            unit_id=UNIT, state_dir=str(folder), program=program or Program(),
            telemetry=Telemetry(broker_host="127.0.0.1", broker_port=port, **values))
        self.seed = 0
        self.start()

    def start(self) -> None:
        self.seed += 1
        rng = random.Random(self.seed)
        self.outbox = Outbox(self.folder / "outbox.sqlite", self.clock, rng, 1000)
        uplink = Uplink(self.settings.telemetry, UNIT, self.outbox, self.clock, rng)
        self.worker = telemetry.Telemetry(
            self.settings, self.clock, self.hub.connect(telemetry.ROOT.reads), self.outbox, uplink,
            FleetView(UNIT, [], build_here("0.1.0")), rng)

    def run(self, seconds: float, *, phase=SessionPhase.IDLE, elapsed_s=0.0, band=StressBand.LOW, faults=(),
            rating=None):
        for second in range(int(seconds)):
            now = self.clock.monotonic()
            self.say.publish(Stress(
                at_s=now, level=0.4, confidence=1.0, band=band, sources=("eda",), reason=""))
            self.say.publish(Session(
                at_s=now, phase=phase, seed=5, elapsed_s=elapsed_s + second + 1, duration_s=1200.0,
                fade_s=12.0, rating=rating))
            self.say.publish(Health(at_s=now, service="sensors", uptime_s=now, late_steps=0, faults=faults))
            for _ in range(2):
                self.worker.step()
                self.clock.sleep(0.5)

    def rows(self, table: str) -> list[dict]:
        with sqlite3.connect(self.folder / "outbox.sqlite") as db:
            rows = db.execute(f"SELECT payload FROM {table}")  # noqa: S608 - two fixed names
            found = [json.loads(row[0]) for row in rows]
        db.close()
        return found


@pytest.fixture
def unit(tmp_path):
    one = Unit(tmp_path, free_port())
    yield one
    one.worker.close()


def test_telemetry_heartbeat_comes_once_a_minute(unit):
    unit.run(3 + 60 * 5)
    states = [row for row in unit.rows("fleet") if "phase" in row]
    assert len(states) == 5
    assert [row["number"] for row in states] == sorted({row["number"] for row in states})
    assert {one["name"] for one in states[0]["services"]} == {"sensors"}


def test_telemetry_tells_of_faults_when_they_change_and_not_too_often(unit):
    unit.run(5)
    unit.run(20, faults=(CABLE,))
    unit.run(20)
    reports = [row for row in unit.rows("fleet") if "phase" not in row]
    assert [[fault["code"] for fault in row["faults"]] for row in reports] == [[], ["adc_lost"], []]
    assert [row["began"] for row in reports][1] == [{"service": "sensors", "code": "adc_lost"}]
    assert [row["ended"] for row in reports][2] == [{"service": "sensors", "code": "adc_lost"}]
    for _ in range(10):  # a loose contact
        unit.run(1, faults=(CABLE,))
        unit.run(1)
    assert len([row for row in unit.rows("fleet") if "phase" not in row]) <= 3 + 3


def test_telemetry_tells_at_once_of_a_fault_that_follows_the_first_letter(unit):
    unit.run(5)
    unit.run(2, faults=(CABLE,))
    reports = [row for row in unit.rows("fleet") if "phase" not in row]
    assert [len(row["faults"]) for row in reports] == [0, 1]


def test_telemetry_outcome_is_stored_at_the_end_and_waits(unit):
    unit.run(600, phase=SessionPhase.RUNNING, band=StressBand.HIGH)
    unit.run(600, phase=SessionPhase.RUNNING, elapsed_s=600, band=StressBand.LOW)
    assert unit.rows("outcomes") == []
    unit.run(6)
    (outcome,) = unit.rows("outcomes")
    assert outcome["stress_first_third"] == "high"
    assert outcome["stress_last_third"] == "low"
    unit.run(590)
    assert unit.outbox.peek("outcomes", 1) == []
    unit.run(620)
    assert len(unit.outbox.peek("outcomes", 1)) == 1


def test_telemetry_waits_for_an_answer_where_somebody_is_asked(tmp_path):
    unit = Unit(tmp_path, free_port(), program=Program(self_rating=True))
    unit.run(320, phase=SessionPhase.RUNNING)
    unit.run(12, phase=SessionPhase.ENDING, elapsed_s=320)
    unit.run(rating.ASK_S)
    assert unit.rows("outcomes") == [], "taps are still being counted"
    unit.run(2, rating=Rating.SAME)
    assert [row["rating"] for row in unit.rows("outcomes")] == ["same"]
    unit.worker.close()


def test_telemetry_two_streams_on_disk_cannot_be_joined(unit):
    unit.run(300, phase=SessionPhase.RUNNING)
    unit.run(10)
    fleet, (outcome,) = json.dumps(unit.rows("fleet")), unit.rows("outcomes")
    assert outcome["id"] not in fleet
    assert UNIT not in json.dumps(outcome)
    assert unit.outbox.epoch not in json.dumps(outcome)
    assert set(outcome) == set(Outcome.__struct_fields__)


def test_telemetry_session_before_the_clock_was_set_cannot_be_told_by_its_missing_year(unit):
    unit.clock.set_wall(0.0)
    unit.run(400, phase=SessionPhase.RUNNING)
    unit.run(6)
    assert [row["year"] for row in unit.rows("outcomes")] == [None]
    unit.clock.set_wall(1_780_000_000.0)
    unit.run(2)
    (outcome,) = unit.rows("outcomes")
    assert msgspec.convert(outcome, Outcome).year == 2026


def test_telemetry_killed_in_a_session_goes_on_counting(unit):
    unit.run(620, phase=SessionPhase.RUNNING, band=StressBand.HIGH)
    unit.worker._uplink.close()
    unit.outbox._db.close()  # nothing of the first is closed in order: the kernel closes its file
    unit.start()
    unit.run(570, phase=SessionPhase.RUNNING, elapsed_s=630, band=StressBand.LOW)
    unit.run(6)
    (outcome,) = unit.rows("outcomes")
    assert (outcome["stress_first_third"], outcome["stress_last_third"]) == ("high", "low")


def test_telemetry_closed_just_after_a_session_stores_it(unit):
    unit.run(300, phase=SessionPhase.RUNNING)
    unit.run(1)
    unit.worker.close()
    assert [row["stress_last_third"] for row in unit.rows("outcomes")] == ["low"]


def test_telemetry_draft_of_another_shape_is_forgotten(unit):
    assert telemetry.read_draft(b"\x93\x01\x02\x03") is None
    assert telemetry.read_draft(None) is None


def test_telemetry_unreachable_broker_reaches_the_report_as_information(unit):
    unit.run(5)
    def told():
        unit.run(10)
        return unit.worker.faults()
    faults = until(told, what="the fault")
    assert [(fault.code, fault.severity) for fault in faults] == [("broker_unreachable", Severity.INFO)]


def test_telemetry_full_disk_sends_the_heartbeat_unstored(tmp_path):
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = Mosquitto(folder)
    broker.start()
    reader = Reader(broker.port)
    unit = Unit(tmp_path / "state", broker.port, heartbeat_s=1.0)
    until(lambda: (unit.run(1), reader.on("/state"))[1], what="a heartbeat")
    full = unit.outbox._db.execute("PRAGMA page_count").fetchone()[0]
    unit.outbox._db.execute(f"PRAGMA max_page_count = {full}")
    unit.outbox._db.execute("PRAGMA cache_spill = OFF")

    def stored_no_more():
        unit.run(1)
        return any(fault.code == "outbox_unwritable" for fault in unit.worker.faults())
    until(stored_no_more, 60, "the disk is full")
    already = len(reader.on("/state"))
    until(lambda: (unit.run(1), len(reader.on("/state")) > already + 2)[1], what="heartbeats still come")
    unit.worker.close()
    reader.close()
    broker.stop()


def test_telemetry_without_a_broker_is_silent_and_stores_nothing(tmp_path):
    bus = LocalHub().connect(telemetry.ROOT.reads)
    worker = telemetry.build(Settings(unit_id=UNIT, state_dir=str(tmp_path)), ManualClock(), bus, Parts({}))
    worker.step()
    assert worker.faults() == ()
    worker.close()
    assert list(tmp_path.iterdir()) == []


def test_telemetry_build_uses_the_state_folder_and_hides_the_host_name(tmp_path):
    settings = Settings(unit_id=UNIT, state_dir=str(tmp_path / "state"),
                        telemetry=Telemetry(broker_host="127.0.0.1", broker_port=free_port()))
    worker = telemetry.build(settings, ManualClock(), LocalHub().connect(()), Parts({}))
    assert (tmp_path / "state" / "telemetry" / "outbox.sqlite").exists()
    assert socket.gethostname() in worker._view._names
    worker.close()


@pytest.fixture
def ward(tmp_path):
    """A broker, a reader, a configuration file, and a bus on which the test speaks as the conductor."""
    folder = tmp_path / "broker"
    folder.mkdir()
    with tempfile.TemporaryDirectory(prefix="tq-") as run:  # socket paths are short
        broker = Mosquitto(folder)
        broker.start()
        config = tmp_path / "tranquillo.toml"
        config.write_text(
            f'unit_id = "{UNIT}"\nrun_dir = "{run}"\nstate_dir = "{tmp_path / "state"}"\n'
            '[player]\nbackend = "file"\n'
            f'[telemetry]\nbroker_host = "127.0.0.1"\nbroker_port = {broker.port}\nheartbeat_s = 1\n'
            "outcome_delay_min_s = 0\noutcome_delay_max_s = 0\nreconnect_max_s = 1\n", encoding="utf-8")
        reader = Reader(broker.port)
        bus = ZmqBus(Path(run), "conductor", ())
        yield config, reader, bus
        bus.close()
        reader.close()
        broker.stop()


def launch(config: Path) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "device.services.telemetry", "--config", str(config)],
                            cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)


def speak(bus: ZmqBus, seconds: float, phase: SessionPhase, start_s: float = 0.0) -> None:
    """Say for some (quick) seconds what the conductor would."""
    at_s = ManualClock().monotonic()
    for second in range(int(seconds)):
        bus.publish(Session(at_s=at_s + start_s + second, phase=phase, seed=9, elapsed_s=start_s + second,
                            duration_s=1200.0, fade_s=12.0))


def topics(reader: Reader) -> set[str]:
    """Return the topics on which anything arrived."""
    return {one.topic for one in reader.received}


def test_telemetry_process_reports_a_session_says_lost_and_stays_small(ward):
    config, reader, bus = ward
    process = launch(config)
    until(lambda: reader.on("/state"), 30, "a heartbeat")
    assert reader.on("availability")[0].payload["online"] is True
    speak(bus, 290, SessionPhase.RUNNING)
    speak(bus, 6, SessionPhase.ENDING, 290)
    until(lambda: reader.on("/state")[-1].payload["phase"] == "idle", 30, "an idle heartbeat")
    speak(bus, 6, SessionPhase.IDLE, 300)
    outcome = until(lambda: reader.on("outcomes"), 30, "the outcome")[0].payload
    assert msgspec.convert(outcome, Outcome).stress_last_third is StressBand.UNKNOWN
    assert pss_mib(process.pid) < 40.0
    process.send_signal(signal.SIGKILL)
    _, said = process.communicate(timeout=10)
    until(lambda: reader.on("availability")[-1].payload["why"] == "lost", 40, "the last will")
    late = Reader(load(config).telemetry.broker_port, "late")
    until(lambda: len(late.received) >= 2, what="what is retained")
    late.close()
    assert {one.topic for one in late.received} == {one for one in topics(reader) if rule_of(one).retain}
    assert all(one.retain for one in late.received)
    assert "127.0.0.1" not in said
    assert UNIT not in said


def test_telemetry_root_reads_states_and_never_samples():
    assert telemetry.ROOT.name == "telemetry"
    assert {kind.topic for kind in telemetry.ROOT.reads} == {
        "session", "stress", "features", "player", "health"}
    assert PlayerState in telemetry.ROOT.reads
