"""What processes cost: found by their configuration, measured by the kernel's own accounts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from device.desk import bench
from device.desk.bench import (
    CLOCK_TICKS_PER_S,
    ProcessMeter,
    Usage,
    cpu_s,
    describe,
    find_processes,
    measure,
    processors_awake,
    pss_mib,
    stolen_s,
    table,
)
from device.desk.figures import Figures, HeartFigures, Onset, ReactionFigures, StressFigures
from device.desk.jack import SERVER_VARIABLE, JackMissing
from device.desk.setup import RunOptions

IDLE = "import sys, time; print('up', flush=True); sys.stdin.read()"
BUSY = "print('up', flush=True)\nwhile True: pass"


class Ward:
    """Processes that look like services on the command line."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[str]] = []

    def start(self, service: str, config: Path, code: str = IDLE) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code, f"device.services.{service}", "--config", str(config)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._running.append(process)
        assert process.stdout.readline() == "up\n"
        return process

    def close(self) -> None:
        for process in self._running:
            process.kill()
            process.communicate()


@pytest.fixture
def ward() -> Iterator[Ward]:
    ward = Ward()
    yield ward
    ward.close()


def test_bench_finds_the_services_of_one_configuration(ward, tmp_path):
    mine, other = tmp_path / "run.toml", tmp_path / "other.toml"
    player, sensors = ward.start("player", mine), ward.start("sensors", mine)
    ward.start("player", other)
    assert find_processes(mine) == {"player": player.pid, "sensors": sensors.pid}


def test_bench_finds_nothing_where_nothing_runs(tmp_path):
    assert find_processes(tmp_path / "run.toml") == {}


def test_bench_forgets_a_process_that_has_ended(ward, tmp_path):
    process = ward.start("player", tmp_path / "run.toml")
    process.kill()
    process.wait()
    assert find_processes(tmp_path / "run.toml") == {}


def resident_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    (kib,) = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(kib) / 1024


def test_bench_memory_of_this_process_is_at_most_what_is_resident():
    assert 5.0 < pss_mib(os.getpid()) <= resident_mib(os.getpid()) + 1.0


def test_bench_memory_counts_what_is_written():
    before = pss_mib(os.getpid())
    block = bytearray(os.urandom(1)) * (64 * 1024 * 1024)
    assert pss_mib(os.getpid()) - before == pytest.approx(64.0, abs=8.0)
    assert len(block) == 64 * 1024 * 1024


def test_bench_processor_time_is_what_the_process_itself_counts():
    deadline = time.process_time() + 0.2
    while time.process_time() < deadline:
        pass
    assert cpu_s(os.getpid()) == pytest.approx(time.process_time(), abs=0.15)


def test_bench_processor_time_is_read_past_a_strange_name(ward, tmp_path):
    """The second field of /proc/PID/stat may hold spaces and brackets."""
    code = ("import ctypes\nctypes.CDLL(None).prctl(15, b'a) R (b c', 0, 0, 0)\n" + BUSY)
    process = ward.start("player", tmp_path / "run.toml", code)
    deadline = time.monotonic() + 10.0
    while cpu_s(process.pid) < 0.2:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_bench_a_process_that_is_gone_is_an_operating_system_error(ward, tmp_path):
    process = ward.start("player", tmp_path / "run.toml")
    process.kill()
    process.wait()
    for look in (pss_mib, cpu_s):
        with pytest.raises(OSError, match=str(process.pid)):
            look(process.pid)


def test_meter_measures_every_service_in_the_order_of_the_data(ward, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "SAMPLE_EVERY_S", 0.0)
    config = tmp_path / "run.toml"
    for service, code in (("simulator", IDLE), ("player", BUSY), ("sensors", IDLE)):
        ward.start(service, config, code)
    meter = ProcessMeter(config)
    meter.sample()
    time.sleep(0.6)
    meter.sample()
    usages = meter.usages()
    assert [usage.service for usage in usages] == ["sensors", "player", "simulator"]
    assert all(2.0 < usage.pss_mib < 60.0 for usage in usages)
    shares = {usage.service: usage.cpu_percent for usage in usages}
    assert shares["player"] > 20.0
    assert shares["sensors"] < 5.0
    assert shares["simulator"] < 5.0


def test_meter_samples_no_more_often_than_it_says(ward, tmp_path):
    config = tmp_path / "run.toml"
    meter = ProcessMeter(config)
    meter.sample()
    ward.start("player", config)
    meter.sample()
    assert meter.usages() == []


def test_meter_keeps_what_it_saw_of_a_process_that_ended(ward, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "SAMPLE_EVERY_S", 0.0)
    config = tmp_path / "run.toml"
    process = ward.start("player", config)
    meter = ProcessMeter(config)
    meter.sample()
    process.kill()
    process.wait()
    meter.sample()
    (usage,) = meter.usages()
    assert usage.service == "player"
    assert usage.cpu_percent == 0.0


def test_table_sums_over_the_six_services_alone():
    usages = [Usage(service="sensors", pss_mib=20.5, cpu_percent=3.25),
              Usage(service="player", pss_mib=60.0, cpu_percent=6.5),
              Usage(service="simulator", pss_mib=99.0, cpu_percent=50.0)]
    lines = table(usages).splitlines()
    assert len(lines) == 5
    assert lines[0].split() == ["service", "PSS", "MiB", "CPU", "%"]
    assert lines[1].split() == ["sensors", "20.5", "3.25"]
    assert lines[3].split() == ["simulator", "99.0", "50.00"]
    assert lines[4].split() == ["the", "six", "80.5", "9.75"]
    assert len({len(line) for line in lines}) == 1


FIGURES = Figures(
    duration_s=612.0, onset=Onset(), loudness=None, phrases=12, least_queued_s=5.25, notes=120,
    stress=StressFigures(seconds=0, unknown_share=None, labelled_seconds=0, labelled_unknown=0,
                         mean_in_stress=None, mean_in_rest=None, auc=None, balanced_accuracy=None,
                         arousal_correlation=None),
    reactions=ReactionFigures(rises=0, falls=0, largest_rise=None, largest_fall=None),
    heart=HeartFigures(window_mae_bpm=None, instant_mae_bpm=None, usable_share=None),
    mqtt_by_topic={}, faults=(), late_steps={},
)


@pytest.fixture
def asked(ward, monkeypatch, tmp_path) -> list[RunOptions]:
    """The session itself is in tests/desk/test_run.py and tests/scenarios; here only what is made of it."""
    options_of: list[RunOptions] = []

    def run_session(options, progress):
        options_of.append(options)
        ward.start("player", options.out / "run.toml")
        progress(0.0, "starting")
        progress(1.0, "playing")
        (options.out / "figures.json").write_bytes(msgspec.json.encode(FIGURES))
        return options.out / "report.html"

    monkeypatch.setattr(bench, "run_session", run_session)
    monkeypatch.setattr(bench, "choose_backend", lambda speed: ("file", ""))
    monkeypatch.setattr(bench, "PM_QOS", tmp_path / "none" / "cpu_dma_latency")
    stolen = iter((100.0, 101.5))
    monkeypatch.setattr(bench, "stolen_s", lambda: next(stolen))
    return options_of


def test_measure_leaves_usages_and_figures_together(asked, tmp_path):
    result = measure(tmp_path, 90, jack=False)
    (options,) = asked
    assert (options.patient, options.minutes, options.speed, options.backend) == ("sim", 1.5, 1.0, "file")
    assert not options.interactive
    left = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))
    assert left["figures"]["phrases"] == 12
    assert left["xruns"] is None
    assert [usage["service"] for usage in left["services"]] == ["player"]
    assert left["services"][0]["pss_mib"] > 1.0
    words = describe(result).splitlines()
    assert words[1].startswith("player")
    assert words[-3:] == ["the processors' idle states were on",
                          "taken by the host of this virtual machine: 1.5 s", "least music queued: 5.2 s"]
    assert len(words) == 6


def test_processors_are_kept_awake_as_long_as_the_file_is_open(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "PM_QOS", tmp_path / "cpu_dma_latency")
    bench.PM_QOS.touch()
    with processors_awake() as awake:
        assert awake
        assert bench.PM_QOS.read_bytes() == b"\0\0\0\0"
    monkeypatch.setattr(bench, "PM_QOS", tmp_path / "none" / "cpu_dma_latency")
    with processors_awake() as awake:
        assert not awake
    assert not bench.PM_QOS.exists()


def test_stolen_time_is_that_of_all_processors():
    lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    each = [int(line.split()[8]) for line in lines if line.startswith("cpu") and line[3].isdigit()]
    assert stolen_s() * CLOCK_TICKS_PER_S == pytest.approx(sum(each), abs=200.0)


def test_measure_runs_a_minute_at_least(asked, tmp_path):
    measure(tmp_path, 10, jack=False)
    assert [options.minutes for options in asked] == [1.0]


@pytest.mark.skipif(shutil.which("jackd") is None, reason="jackd is not installed (Debian package jackd2)")
def test_measure_counts_missed_deadlines_of_a_server_of_its_own(asked, tmp_path, monkeypatch):
    line = "JackEngine::XRun: client = tranquillo was not finished, state = Running\n"
    log = tmp_path / "jackd.log"
    log.write_text(line, encoding="utf-8")

    def late(pid):
        with log.open("a", encoding="utf-8") as more:
            more.write(line)

    monkeypatch.setattr(bench, "give_real_time", late)
    monkeypatch.setattr(bench.os, "geteuid", lambda: 0)
    monkeypatch.delenv(SERVER_VARIABLE, raising=False)
    result = measure(tmp_path, 90, jack=True)
    assert (asked[0].backend, asked[0].audio_device) == ("jack", "")
    assert os.environ[SERVER_VARIABLE].startswith("tranquillo-bench-")
    assert result.xruns == 1  # of the two that the log was given, one came before
    assert "missed deadlines (xruns): 1 in 612 s" in describe(result)


def test_a_machine_without_jack_is_told_what_to_install(asked, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(JackMissing, match="install the Debian package jackd2"):
        measure(tmp_path, 90, jack=True)
    assert asked == []
