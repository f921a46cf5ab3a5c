"""Telemetry and broker killed at random moments, again and again: what a reader has at the end.

`make bench-outbox` kills 200 times; here a few kills show that the pieces hold.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest
from support.mosquitto import Mosquitto, Reader, until

from device.bus import ZmqBus
from device.messages import Session, SessionPhase

REPOSITORY = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("KILLS", "6"))
SEED = int(os.environ.get("KILLS_SEED", "1"))
AUTOSAVE_S = 3  # a broker killed within this time has forgotten what it acknowledged
SESSION_S = 2.0

pytestmark = pytest.mark.timeout(60 + 30 * KILLS)


class Bed:
    """A broker, a reader, and the telemetry process that hears one short session after another from us."""

    def __init__(self, folder: Path, run: Path) -> None:
        (folder / "broker").mkdir()
        self.broker = Mosquitto(folder / "broker", (f"autosave_interval {AUTOSAVE_S}",))
        self.broker.start()
        self.reader = Reader(self.broker.port)
        self.state = folder / "state"
        self.config = folder / "tranquillo.toml"
        self.config.write_text(
            f'unit_id = "ward-3"\nrun_dir = "{run}"\nstate_dir = "{self.state}"\n'
            '[player]\nbackend = "file"\n'
            f'[telemetry]\nbroker_host = "127.0.0.1"\nbroker_port = {self.broker.port}\nheartbeat_s = 1\n'
            "outcome_delay_min_s = 0\noutcome_delay_max_s = 0\nreconnect_max_s = 1\nletters_per_s = 200\n",
            encoding="utf-8")
        self.conductor = ZmqBus(run, "conductor", ())
        self.log = (folder / "telemetry.log").open("ab")
        self.process = self.launch()
        self.began_s = time.monotonic()
        self.sessions = 0
        self.accepted: set[str] = set()

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the service under test."""
        return subprocess.Popen(
            [sys.executable, "-m", "device.services.telemetry", "--config", str(self.config)],
            cwd=REPOSITORY, stderr=self.log)

    def live(self, seconds: float) -> None:
        """Let sessions of two seconds and pauses of four follow one another."""
        end_s = time.monotonic() + seconds
        while (now := time.monotonic()) < end_s:
            place_s = (now - self.began_s) % (3 * SESSION_S)
            self.sessions = 1 + int((now - self.began_s) / (3 * SESSION_S))
            phase = SessionPhase.RUNNING if place_s < SESSION_S else SessionPhase.IDLE
            self.conductor.publish(Session(
                at_s=now, phase=phase, seed=self.sessions, elapsed_s=100.0 * place_s, duration_s=1200.0,
                fade_s=12.0))
            time.sleep(min(0.1, seconds))

    def kill_telemetry(self) -> None:
        """Kill the process, look what it had stored, and start another."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.look()
        self.process = self.launch()

    def kill_broker(self) -> None:
        """Kill the broker and start it again on what it had saved."""
        self.broker.kill()
        self.broker.start()

    def look(self) -> None:
        """Remember all that lies in the outbox: it has been accepted."""
        path = self.state / "telemetry" / "outbox.sqlite"
        if path.exists():
            with sqlite3.connect(path, timeout=5) as db:
                self.accepted |= {
                    row[0] for row in db.execute("SELECT id FROM fleet UNION ALL SELECT id FROM outcomes")}
            db.close()

    def close(self) -> None:
        """End everything."""
        self.process.terminate()
        self.process.wait(15)
        self.log.close()
        self.conductor.close()
        self.reader.close()
        self.broker.stop()


@pytest.fixture
def bed(tmp_path):
    with tempfile.TemporaryDirectory(prefix="tq-") as run:
        one = Bed(tmp_path, Path(run))
        until(lambda: (one.live(0.2), one.reader.on("/state"))[1], 30, "the first heartbeat")
        yield one
        one.close()


def test_random_kills_lose_nothing_and_double_no_effect(bed):
    rng = random.Random(SEED)
    killed = Counter()
    for _ in range(KILLS):
        bed.live(rng.uniform(0.0, 4.0))  # the moment of death is the point
        victim = rng.choice(("telemetry", "broker"))
        (bed.kill_telemetry if victim == "telemetry" else bed.kill_broker)()
        killed[victim] += 1
    bed.live(8.0)
    bed.look()
    until(lambda: (bed.live(0.5), bed.accepted <= bed.reader.ids("tranquillo/"))[1], 90,
          f"{len(bed.accepted)} letters, {len(bed.accepted - bed.reader.ids('tranquillo/'))} of them")
    arrived = [one.payload for one in bed.reader.received if "availability" not in one.topic]
    bodies = {payload["id"]: set() for payload in arrived}
    for payload in arrived:
        bodies[payload["id"]].add(json.dumps(payload, sort_keys=True))
    assert all(len(found) == 1 for found in bodies.values()), "one id, one body: a reader keeps one effect"
    effects = {payload["id"]: payload for payload in arrived}.values()
    numbers = Counter((one["epoch"], one["number"]) for one in effects if "number" in one)
    assert len({epoch for epoch, _ in numbers}) == 1
    assert set(numbers.values()) == {1}, "no number twice"
    highest = max(number for _, number in numbers)
    assert len(numbers) == highest, "and none missing"
    outcomes = {payload["id"] for payload in arrived if "stress_first_third" in payload}
    assert bed.sessions - killed["telemetry"] - 1 <= len(outcomes) <= bed.sessions
    report = {"kills": dict(killed), "accepted": len(bed.accepted), "arrived": len(arrived),
              "repetitions": len(arrived) - len(bodies), "lost": len(bed.accepted - set(bodies)),
              "outcomes": len(outcomes), "sessions": bed.sessions}
    if path := os.environ.get("KILLS_OUT"):
        Path(path).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    assert report["lost"] == 0
