"""A service as systemd sees it: READY, WATCHDOG, signals, health, exit codes, one-line errors."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from device.bus import LocalHub
from device.clock import ManualClock
from device.errors import EXIT_AUDIO_LOST, EXIT_CONFIG, EXIT_OK, EXIT_SOFTWARE
from device.messages import Fault, Health, Severity
from device.runtime import FaultLog, Heart, JsonLines, Pacer, Root, run

SERVICE = """
import sys, time
from device.errors import AudioLost, ConfigError, DeviceConfigError
from device.runtime import Root, main

class Worker:
    period_s = 0.02
    def __init__(self, settings, clock, bus, parts):
        self.steps = 0
        MODE == "misfit" and fail(DeviceConfigError("the part cannot be opened; change sensors.adc"))
    def step(self):
        self.steps += 1
        MODE == "hang" and self.steps > 60 and time.sleep(60)
        MODE == "bug" and self.steps > 3 and 1 / 0
        MODE == "deaf" and self.steps > 3 and fail(AudioLost("the sound card stopped"))
    def faults(self):
        return ()
    def close(self):
        sys.stderr.write("closed\\n")

def fail(error):
    raise error

MODE = sys.argv.pop()
main(Root(name="sensors", reads=(), build=Worker))
"""


class Notified:
    """The datagram socket that systemd would read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))

    def until(self, word: str, seconds: float) -> list[str]:
        """Collect words until one arrives or the time is over."""
        words: list[str] = []
        deadline = time.monotonic() + seconds
        while word not in words and (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                words += self.socket.recv(4096).decode().split("\n")
            except TimeoutError:
                break
        return words


@pytest.fixture
def notified(tmp_path):
    listener = Notified(tmp_path / "notify")
    yield listener
    listener.socket.close()


@pytest.fixture
def start(tmp_path, notified):
    config = tmp_path / "tranquillo.toml"
    config.write_text(f'unit_id = "t"\nrun_dir = "{tmp_path}"\nplayer.backend = "file"\n', encoding="utf-8")
    started = []

    def start_service(mode: str, path: Path = config) -> subprocess.Popen[str]:
        environment = {k: v for k, v in os.environ.items() if k != "JOURNAL_STREAM"}
        environment["NOTIFY_SOCKET"] = str(notified.path)
        process = subprocess.Popen(
            [sys.executable, "-c", SERVICE, "--config", str(path), mode],
            env=environment, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start_service
    for process in started:
        process.kill()
        process.wait()
        process.stderr.close()


def test_runtime_is_ready_after_the_first_step_and_feeds_the_watchdog(start, notified):
    process = start("work")
    words = notified.until("READY=1", 20.0)
    assert "READY=1" in words
    assert "WATCHDOG=1" in words + notified.until("WATCHDOG=1", 5.0)
    process.send_signal(signal.SIGTERM)
    assert process.wait(5.0) == EXIT_OK
    assert "STOPPING=1" in notified.until("STOPPING=1", 1.0)
    assert "closed" in process.stderr.read()


def test_runtime_sockets_and_files_are_its_own_users_alone(start, notified, tmp_path):
    start("work")
    assert "READY=1" in notified.until("READY=1", 20.0)
    assert (tmp_path / "sensors.sock").stat().st_mode & 0o077 == 0
    assert (tmp_path / "sensors.lock").stat().st_mode & 0o077 == 0


def test_runtime_a_second_process_of_the_same_name_refuses_to_run_beside_the_first(start, notified):
    first = start("work")
    assert "READY=1" in notified.until("READY=1", 20.0)
    second = start("work")
    assert second.wait(20.0) == EXIT_SOFTWARE
    lines = second.stderr.read().splitlines()
    assert len(lines) == 1
    assert "another sensors runs already" in lines[0]
    first.kill()
    first.wait()
    third = start("work")
    assert "READY=1" in notified.until("READY=1", 20.0), "kill -9 leaves nothing behind"
    assert third.poll() is None


@pytest.mark.parametrize("folder", ["absent", "tranquillo.toml", "long-" + 100 * "x"])
def test_runtime_an_unusable_run_directory_is_one_line_and_no_restart(start, tmp_path, folder):
    if folder.startswith("long"):
        (tmp_path / folder).mkdir()
    config = tmp_path / "other.toml"
    config.write_text(f'unit_id = "t"\nrun_dir = "{tmp_path / folder}"\nplayer.backend = "file"\n',
                      encoding="utf-8")
    process = start("work", config)
    assert process.wait(20.0) == EXIT_CONFIG
    lines = process.stderr.read().splitlines()
    assert len(lines) == 1
    assert "change run_dir" in lines[0]


def test_runtime_stops_feeding_the_watchdog_when_the_work_hangs(start, notified):
    start("hang")
    assert "READY=1" in notified.until("READY=1", 20.0)
    quiet = notified.until("never", 6.0)
    assert quiet.count("WATCHDOG=1") >= 1
    assert "WATCHDOG=1" not in notified.until("WATCHDOG=1", 2.5)


def test_runtime_sigint_ends_it_like_sigterm(start, notified):
    process = start("work")
    notified.until("READY=1", 20.0)
    before = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(5.0) == EXIT_OK
    assert time.monotonic() - before < 2.0


@pytest.mark.parametrize(("mode", "code", "text"), [
    ("deaf", EXIT_AUDIO_LOST, "the sound card stopped"),
    ("misfit", EXIT_CONFIG, "change sensors.adc"),
])
def test_runtime_known_errors_are_one_line_and_a_code(start, mode, code, text):
    process = start(mode)
    assert process.wait(20.0) == code
    lines = [json.loads(line) for line in process.stderr.read().splitlines() if line.startswith("{")]
    assert [line["level"] for line in lines] == ["error"]
    assert text in lines[0]["message"]
    assert "traceback" not in lines[0]


def test_runtime_a_defect_ends_the_process_and_is_logged_whole(start):
    process = start("bug")
    assert process.wait(20.0) == EXIT_SOFTWARE
    text = process.stderr.read()
    assert "closed" in text
    (line,) = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert "ZeroDivisionError" in line["traceback"]


def test_runtime_bad_configuration_exits_78_in_one_line(start, tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text('unit_id = "t"\n[program]\nminuets = 3\n', encoding="utf-8")
    process = start("work", path)
    assert process.wait(20.0) == EXIT_CONFIG
    (line,) = process.stderr.read().splitlines()
    assert "did you mean program.minutes?" in json.loads(line)["message"]


class Fragile:
    period_s = 0.1

    def __init__(self) -> None:
        self.now: tuple[Fault, ...] = ()

    def step(self) -> None:
        """Do nothing."""

    def faults(self) -> tuple[Fault, ...]:
        return self.now

    def close(self) -> None:
        """Hold nothing."""


def test_runtime_health_is_published_once_a_second_with_the_faults():
    clock, hub, worker = ManualClock(), LocalHub(), Fragile()
    reader = hub.connect((Health,))
    heart = Heart("sensors", worker, clock, hub.connect(()))
    assert heart.beat(0)
    assert not heart.beat(0)
    clock.sleep(1.0)
    worker.now = (Fault(code="x", severity=Severity.INFO, advice="do this"),)
    assert heart.beat(3)
    first, second = reader.receive()
    assert first.faults == ()
    assert second.faults == worker.now
    assert second.uptime_s == pytest.approx(1.0)
    assert second.late_steps == 3


def test_runtime_fault_is_logged_once_when_it_starts_and_once_when_it_ends(caplog):
    import logging

    faults = (Fault(code="adc_lost", severity=Severity.ATTENTION, advice="check the cable"),)
    log = FaultLog(logging.getLogger("sensors"))
    with caplog.at_level(logging.INFO):
        for present in ((), faults, faults, faults, (), ()):
            log.update(present)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "check the cable" in caplog.text
    assert "adc_lost has ended" in caplog.text


def test_runtime_pacer_keeps_absolute_deadlines():
    clock = ManualClock(start_s=0.0)
    pacer = Pacer(clock, 0.1)
    for _ in range(50):
        clock.sleep(0.03)
        clock.sleep(pacer.remaining_s())
    assert clock.monotonic() == pytest.approx(5.0)
    assert pacer.late_steps == 0


def test_runtime_pacer_drops_missed_deadlines_instead_of_bunching():
    clock = ManualClock(start_s=0.0)
    pacer = Pacer(clock, 0.1)
    clock.sleep(1.0)
    assert pacer.remaining_s() == 0.0
    assert pacer.late_steps == 1
    assert pacer.remaining_s() == pytest.approx(0.1)


def test_runtime_pacer_keeps_its_deadline_over_a_step_in_between():
    clock = ManualClock(start_s=0.0)
    pacer = Pacer(clock, 0.1)
    assert pacer.remaining_s() == pytest.approx(0.1)
    clock.sleep(0.04)  # a message came, and was acted on
    assert pacer.remaining_s() == pytest.approx(0.06)
    clock.sleep(0.06)
    assert pacer.remaining_s() == pytest.approx(0.1)
    assert pacer.late_steps == 0


def test_runtime_pacer_sleeps_until_what_it_is_told_and_counts_what_comes_late():
    clock = ManualClock(start_s=0.0)
    pacer = Pacer(clock, 0.1)
    assert pacer.remaining_s(0.257) == pytest.approx(0.257)
    clock.sleep(0.257)
    assert pacer.remaining_s(0.301) == pytest.approx(0.044)
    clock.sleep(0.1)
    assert pacer.remaining_s(0.3) == 0.0
    assert pacer.late_steps == 0
    clock.sleep(0.1)
    assert pacer.remaining_s(0.3) == 0.0
    assert pacer.late_steps == 1
    assert pacer.remaining_s() == pytest.approx(0.1), "without a word a period later"


@pytest.mark.parametrize("prompt", [True, False])
def test_runtime_a_prompt_worker_steps_for_a_message(prompt):
    clock = ManualClock(start_s=0.0)
    waits: list[float] = []

    class Reader:
        period_s = 0.5
        steps = 0

        def step(self):
            self.steps += 1
            if self.steps == 4:
                stop.set()

        def faults(self):
            return ()

    class Stop(threading.Event):
        def wait(self, timeout=None):
            waits.append(timeout)
            clock.sleep(timeout)

    class Talkative:
        def publish(self, message):
            pass

        def wait(self, timeout_s):
            """A message every 0.2 s."""
            clock.sleep(min(timeout_s, 0.2))

    stop, worker = Stop(), Reader()
    root = Root(name="player", reads=(), build=lambda *_: worker, prompt=prompt)
    run(root, worker, clock, Talkative(), stop)
    assert len(waits) == (0 if prompt else 4)
    assert clock.monotonic() == pytest.approx(0.7 if prompt else 2.0)  # 0.2, 0.4, 0.5, 0.7


def test_runtime_json_lines_are_one_object_each():
    import logging

    record = logging.LogRecord("player", logging.WARNING, "f", 1, "level %d", (3,), None)
    assert json.loads(JsonLines().format(record)) == {
        "service": "player", "level": "warning", "message": "level 3"}


def test_runtime_stop_interrupts_a_long_wait():
    stop = threading.Event()
    timer = threading.Timer(0.05, stop.set)
    timer.start()
    before = time.monotonic()
    stop.wait(30.0)
    timer.join()
    assert time.monotonic() - before < 5.0
