"""A backlog leaves the real process: what it costs meanwhile, and that the music does not notice.

`make bench-outbox` drains 20,000 letters, the most that an outbox holds by default.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.mosquitto import Mosquitto, until

from device.bus import ZmqBus
from device.clock import SystemClock
from device.config import load
from device.desk import keyboard
from device.desk.bench import JACK_FRAMES, cpu_s, find_processes, give_real_time, pss_mib
from device.desk.jack import SERVER_VARIABLE, JackServer, running
from device.desk.setup import RunOptions, write_config
from device.desk.up import Supervisor, services_of
from device.messages import Health, Message, PlayerState
from device.telemetry.outbox import Outbox
from device.telemetry.records import NO_CONTACT, FleetState, ServiceState, seal

REPOSITORY = Path(__file__).resolve().parents[2]
LETTERS = int(os.environ.get("DRAIN", "300"))
LETTERS_PER_S = 1000  # the most that can be set; a unit's own default is 5
PSS_MIB = 40.0
QUIET_S = 10.0 if LETTERS < 1000 else 60.0  # music without a broker, to compare with
NAMES = ("conductor", "estimator", "headset", "player", "sensors", "telemetry")

pytestmark = pytest.mark.timeout(120 + LETTERS // 10)


def fill(path: Path) -> None:
    """Make an outbox and store as many heartbeats as a unit writes in `LETTERS` minutes, of full size."""
    path.parent.mkdir(parents=True)
    rng = random.Random(3)
    clock = SystemClock()
    box = Outbox(path, clock, rng, LETTERS + 100)
    services = tuple(ServiceState(name=name, up=True, uptime_s=900_000, restarts=12, late_steps=3456)
                     for name in NAMES)
    box._db.execute("PRAGMA synchronous = OFF")  # only here: filling is not what is tested
    for _ in range(LETTERS):
        assert box.enqueue(seal(FleetState(
            id=f"{rng.getrandbits(128):032x}", unit="ward-3", epoch=box.epoch, number=box.next_number(),
            at="2026-03-02T10:00Z", phase="running", program_minute=12, program_minutes=20, sounding=True,
            contact=NO_CONTACT, services=services, faults=(), version="0.1.0", python="3.11.2",
            system="debian-12", uptime_s=900_000, machine_uptime_s=900_000, clock_set=True,
            certificate_days=300, authority_days=3000, outbox_rows=1234, outbox_dropped=0)))
    box.close()


def waiting(path: Path) -> int:
    """Return how many letters the broker has not had."""
    with sqlite3.connect(path, timeout=5) as db:
        (found,) = db.execute("SELECT count(*) FROM fleet WHERE sent = 0").fetchone()
    db.close()
    return found


def test_drain_stays_small_and_takes_little_of_the_processor(tmp_path):
    path = tmp_path / "state" / "telemetry" / "outbox.sqlite"
    fill(path)
    size_mb = path.stat().st_size / 1e6
    (tmp_path / "broker").mkdir()
    broker = Mosquitto(tmp_path / "broker", ("log_type error",))
    broker.start()
    with tempfile.TemporaryDirectory(prefix="tq-") as run:
        config = tmp_path / "tranquillo.toml"
        config.write_text(
            f'unit_id = "ward-3"\nrun_dir = "{run}"\nstate_dir = "{tmp_path / "state"}"\n'
            '[player]\nbackend = "file"\n'
            f'[telemetry]\nbroker_host = "127.0.0.1"\nbroker_port = {broker.port}\n'
            f"letters_per_s = {LETTERS_PER_S}\noutbox_max_rows = {LETTERS + 100}\n", encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-m", "device.services.telemetry", "--config", str(config)], cwd=REPOSITORY)
        most_mib, began_s = 0.0, 0.0
        try:
            deadline_s = time.monotonic() + 60.0 + LETTERS / 20.0
            while (left := waiting(path)) > 5:
                assert time.monotonic() < deadline_s, f"{left} letters are left"
                time.sleep(0.2)
                most_mib = max(most_mib, pss_mib(process.pid))
                if not began_s and left < LETTERS:
                    began_s, began_cpu_s = time.monotonic(), cpu_s(process.pid)
            seconds = max(time.monotonic() - began_s, 0.2)
            per_letter_s = (cpu_s(process.pid) - began_cpu_s) / LETTERS
        finally:
            process.terminate()
            process.wait(15)
            broker.stop()
    report = {"letters": LETTERS, "seconds": seconds, "most_pss_mib": most_mib, "file_mb": size_mb,
              "processor_ms_per_letter": 1000.0 * per_letter_s,
              "processor_share_at_5_letters_per_s": 5.0 * per_letter_s}
    if out := os.environ.get("DRAIN_OUT"):
        Path(out).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    assert most_mib <= PSS_MIB
    assert per_letter_s < 0.05


class Listener:
    """Hears a unit that plays through JACK, and counts what the server says it missed."""

    def __init__(self, run: Path, server: JackServer) -> None:
        self.bus = ZmqBus(run, "", (PlayerState, Health))
        self.server = server
        self.heard: list[Message] = []

    def hear(self) -> list[Message]:
        """Take in what has come."""
        time.sleep(0.05)
        self.heard += self.bus.receive()
        return self.heard

    def while_(self, condition: Callable[[], bool]) -> dict[str, float]:
        """Listen as long as a condition holds; return what was heard of the sound meanwhile."""
        begun, missed, began_s = len(self.heard), self.server.missed_deadlines(), time.monotonic()
        while condition():
            self.hear()
        states = [one for one in self.heard[begun:] if isinstance(one, PlayerState)]
        assert len(states) >= 3
        assert all(one.sounding for one in states)
        lag_s = [(one.at_s - states[0].at_s) - (one.position_s - states[0].position_s) for one in states]
        return {"seconds": time.monotonic() - began_s, "states": len(states), "most_behind_s": max(lag_s),
                "missed_deadlines": self.server.missed_deadlines() - missed}


def test_drain_is_not_heard(tmp_path, monkeypatch):
    """Music plays through JACK when the broker comes back after long."""
    if shutil.which("jackd") is None:
        pytest.skip("jackd is not installed (Debian package jackd2)")
    (tmp_path / "broker").mkdir()
    broker = Mosquitto(tmp_path / "broker", ("log_type error",))
    with (running(f"tq-drain-{os.getpid()}", tmp_path / "jackd.log", frames=JACK_FRAMES,
                  realtime=os.geteuid() == 0) as server,
          tempfile.TemporaryDirectory(prefix="tq-") as run):
        monkeypatch.setenv(SERVER_VARIABLE, server.name)
        config, _ = write_config(
            RunOptions(patient="sim", minutes=30.0, speed=1.0, seed=3, interactive=False, out=tmp_path,
                       backend="jack", record=False, frames=JACK_FRAMES), Path(run), broker.port)
        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace("heartbeat_s = 15.0", (
            f"heartbeat_s = 15.0\nreconnect_max_s = 1\nletters_per_s = {LETTERS_PER_S}\n"
            f"outbox_max_rows = {LETTERS + 100}")), encoding="utf-8")
        outbox = Path(run) / "state/telemetry/outbox.sqlite"
        fill(outbox)
        settings = load(config)
        listener = Listener(Path(run), server)
        supervisor = Supervisor(config, settings, tmp_path / "logs")
        try:
            until(lambda: {one.service for one in listener.hear() if isinstance(one, Health)}
                  >= set(services_of(settings)), 60.0, "all services being heard")
            if os.geteuid() == 0:
                give_real_time(find_processes(config)["player"])
            keyboard.press(Path(run), keyboard.PRESS_S)
            until(lambda: any(one.sounding for one in listener.hear() if isinstance(one, PlayerState)),
                  20.0, "music")
            end_s = time.monotonic() + QUIET_S
            before = listener.while_(lambda: time.monotonic() < end_s)
            broker.start()
            deadline_s = time.monotonic() + 60.0 + LETTERS / 20.0
            during = listener.while_(lambda: waiting(outbox) > 5 and time.monotonic() < deadline_s)
            assert waiting(outbox) <= 5
        finally:
            supervisor.stop()
            listener.bus.close()
            broker.stop()
    if out := os.environ.get("DRAIN_HEARD_OUT"):
        report = {"letters": LETTERS, "without a broker": before, "while they leave": during}
        Path(out).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    assert during["most_behind_s"] < 0.2
