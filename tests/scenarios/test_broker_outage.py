"""The broker goes away while the telemetry process works on; test_random_kills.py kills it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from support.mosquitto import Mosquitto, Reader, until

from device.bus import ZmqBus
from device.messages import Fault, Health, Session, SessionPhase, Severity, Stress, StressBand

REPOSITORY = Path(__file__).resolve().parents[2]
LOOSE = Fault(code="adc_lost", severity=Severity.ATTENTION, advice="check the cable")


def session(phase: SessionPhase, elapsed_s: float) -> Session:
    return Session(
        at_s=time.monotonic(), phase=phase, seed=3, elapsed_s=elapsed_s, duration_s=5400.0, fade_s=12.0)


class Ward:
    """A broker that comes and goes, a dashboard, and the telemetry process with its bus in our hand."""

    def __init__(self, folder: Path, run: Path):
        broker_folder = folder / "broker"
        broker_folder.mkdir()
        self.broker = Mosquitto(broker_folder)
        self.broker.start()
        config = folder / "tranquillo.toml"
        config.write_text(
            f'unit_id = "ward-3"\nrun_dir = "{run}"\nstate_dir = "{folder / "state"}"\n'
            '[player]\nbackend = "file"\n'
            f'[telemetry]\nbroker_host = "127.0.0.1"\nbroker_port = {self.broker.port}\nheartbeat_s = 1\n'
            "outcome_delay_min_s = 0\noutcome_delay_max_s = 0\nreconnect_max_s = 1\n", encoding="utf-8")
        self.reader = Reader(self.broker.port)
        self.conductor = ZmqBus(run, "conductor", ())
        self.sensors = ZmqBus(run, "sensors", ())
        self.listener = ZmqBus(run, "", (Health,))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "device.services.telemetry", "--config", str(config)],
            cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
        self.elapsed_s = 0.0

    def live(self, seconds: float, faults: tuple[Fault, ...] = ()) -> list[Health]:
        """Let a session go on for some real seconds, 30 times as fast for the patient; hear the service."""
        heard: list[Health] = []
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            now = time.monotonic()
            self.elapsed_s += 3.0
            self.conductor.publish(session(SessionPhase.RUNNING, self.elapsed_s))
            self.sensors.publish(
                Health(at_s=now, service="sensors", uptime_s=now, late_steps=0, faults=faults))
            self.listener.wait(0.1)
            heard += [one for one in self.listener.receive() if one.service == "telemetry"]
            time.sleep(max(0.0, now + 0.1 - time.monotonic()))
        return heard

    def silence(self) -> None:
        """End the session."""
        for _ in range(50):
            self.conductor.publish(session(SessionPhase.IDLE, 0.0))
            time.sleep(0.1)

    def numbers(self) -> list[int]:
        """Return the numbers of the fleet letters that arrived, without repetitions, in order."""
        arrived = self.reader.on("/state") + self.reader.on("/faults")
        return sorted({one.payload["number"] for one in arrived})

    def close(self) -> str:
        """Stop everything in good order; the process's log."""
        self.process.terminate()
        _, said = self.process.communicate(timeout=15)
        for bus in (self.conductor, self.sensors, self.listener):
            bus.close()
        self.reader.close()
        self.broker.stop()
        return said


@pytest.fixture
def ward(tmp_path):
    with tempfile.TemporaryDirectory(prefix="tq-") as run:
        one = Ward(tmp_path, Path(run))
        try:
            until(lambda: (one.live(0.2), one.reader.on("/state"))[1], 30, "the first heartbeat")
            yield one
        finally:
            if one.process.poll() is None:
                one.close()


def test_broker_outage_loses_nothing_and_the_process_never_waits(ward):
    ward.live(1.0)
    ward.broker.stop()
    heard = ward.live(4.0, faults=(LOOSE,))
    assert len(heard) >= 3, "health once a second, whatever the broker does"
    assert all(one.late_steps <= 3 for one in heard)
    assert all(fault.severity is Severity.INFO for one in heard for fault in one.faults)
    last = ward.numbers()[-1]
    ward.broker.start()
    ward.live(2.0, faults=(LOOSE,))
    until(lambda: (ward.live(0.3), ward.numbers()[-1] > last + 4)[1], 60, "what was kept during the outage")
    ward.silence()
    outcome = until(lambda: ward.reader.on("outcomes"), 60, "the outcome")[0].payload
    assert outcome["stress_last_third"] == "unknown", "no estimator spoke"
    numbers = ward.numbers()
    assert numbers == list(range(1, numbers[-1] + 1)), "no letter is missing"
    reports = [one.payload["faults"] for one in ward.reader.on("/faults")]
    assert "adc_lost" in {fault["code"] for report in reports for fault in report}
    assert "Traceback" not in ward.close()
    assert ward.process.returncode == 0


def test_broker_outage_from_the_first_moment_on(ward):
    ward.broker.stop()
    ward.live(0.5)
    ward.conductor.publish(Stress(at_s=time.monotonic(), level=None, confidence=0.0, band=StressBand.UNKNOWN,
                                  sources=(), reason="test"))
    ward.silence()  # a whole session's end while nobody listens
    assert ward.reader.on("outcomes") == []
    ward.broker.start()
    until(lambda: ward.reader.on("outcomes"), 60, "the outcome, afterwards")
    assert len(ward.reader.ids("outcomes")) == 1
