"""The commands: exit codes, JSON, one-line errors, and that the parts they open are simulated ones."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from device import cli
from device.clock import SystemClock
from device.config import load
from device.doctor import commands, converter, examine, journal
from device.doctor.result import Outcome, Report, attention, failed, ok, worst
from device.errors import EXIT_CONFIG, EXIT_SOFTWARE
from device.services.simulator import make_world
from drivers.sim.protocol import SOCKET_NAME
from drivers.sim.server import SimulatorServer


def tranquillo(*words: str, answers: str = "") -> Result:
    return CliRunner().invoke(cli.main, list(words), input=answers)


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False,
                          timeout=60)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "tranquillo.toml"
    (tmp_path / "run").mkdir()
    path.write_text(
        f'unit_id = "ward-3"\nrun_dir = "{tmp_path}/run"\nstate_dir = "{tmp_path}/state"\n'
        '[sensors]\nadc = "sim:ads1115"\n[panel]\npins = "sim:gpio"\n[player]\nbackend = "file"\n',
        encoding="utf-8")
    return path


@pytest.fixture
def served(config, stage) -> Iterator[Path]:
    """The simulated machine behind its socket; the person clips in what they are told to."""
    settings = load(config)
    server = SimulatorServer(make_world(settings, SystemClock(), stage.body),
                             Path(settings.run_dir) / SOCKET_NAME)
    yield config
    server.close()


@pytest.mark.parametrize("command", ["doctor", "status", "calibrate gsr", "logs", "support-bundle"])
def test_help_of_every_command_says_what_it_does(command):
    result = tranquillo(*command.split(), "--help")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) >= 6


@pytest.mark.parametrize("command", ["doctor", "doctor --json", "status", "calibrate gsr", "support-bundle"])
def test_a_bad_configuration_is_one_line_and_78(config, command):
    config.write_text('unit_id = "a"\n[player]\nbackend = "pulse"\n', encoding="utf-8")
    result = tranquillo(*command.split(), "--config", str(config))
    assert result.exit_code == EXIT_CONFIG
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert "player.backend is 'pulse'" in line


@pytest.mark.parametrize(("result", "status"), [
    (ok("x", "y"), 0), (failed("x", "y", "z"), 1), (attention("x", "y", "z"), 2)])
def test_doctor_exits_by_the_worst(config, monkeypatch, result, status):
    asked = []

    def examined(scene, families):
        asked.append(tuple(families))
        return Report(unit="ward-3", version="1", outcome=worst([result]), took_s=0.1, results=(result,))
    monkeypatch.setattr(examine, "examine", examined)
    done = tranquillo("doctor", "--config", str(config), "--json")
    assert done.exit_code == status
    assert json.loads(done.stdout)["results"][0]["name"] == "x"
    tranquillo("doctor", "--config", str(config), "--only", "clock", "--only", "adc")
    assert asked == [commands.FAMILIES, ("clock", "adc")]


def test_doctor_reads_the_simulated_converter(served, monkeypatch):
    monkeypatch.setattr(converter, "LOOK_S", 2.0)  # two beats of this body
    result = tranquillo("doctor", "--config", str(served), "--only", "adc", "--json")
    assert result.exit_code == 0
    found = {one["name"]: one for one in json.loads(result.stdout)["results"]}
    assert {one["outcome"] for one in found.values()} == {Outcome.OK}
    assert found["ppg.sensor"]["says"] == "a pulse is seen"


def test_doctor_for_a_person_ends_with_a_sentence(config):
    result = tranquillo("doctor", "--config", str(config), "--only", "clock", "--only", "models")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].endswith("All is well.")


def test_status_where_nothing_runs(config, monkeypatch):
    monkeypatch.setattr("device.doctor.status.LISTEN_S", 0.05)
    result = tranquillo("status", "--config", str(config))
    assert result.exit_code == 0
    assert "the conductor says nothing" in result.stdout
    assert json.loads(tranquillo("status", "--config", str(config), "--json").stdout)["unit"] == "ward-3"


def calibrate(served, stage, monkeypatch, *words, answers=("47k", "220k", "")):
    """Run the command; whoever is asked to connect a resistor does so."""
    waiting = list(answers)

    def prompt(question, **_):
        if question.startswith("Connect"):
            stage.body.us = 1e6 / float(question.split()[1])
            return ""
        return waiting.pop(0)
    monkeypatch.setattr("click.prompt", prompt)
    return tranquillo("calibrate", "gsr", "--config", str(served), "--samples", "20", *words)


def test_calibrate_prints_lines_for_the_configuration(served, stage, monkeypatch):
    before = served.read_text(encoding="utf-8")
    result = calibrate(served, stage, monkeypatch)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    place = lines.index("[sensors.gsr]")
    assert float(lines[place + 1].removeprefix("supply_v = ")) == pytest.approx(0.5, abs=2e-3)
    assert float(lines[place + 2].removeprefix("reference_ohm = ")) == pytest.approx(47_000, abs=300)
    assert served.read_text(encoding="utf-8") == before


def test_calibrate_writes_when_told(served, stage, monkeypatch):
    result = calibrate(served, stage, monkeypatch, "--write", "--resistor", "47k", "--resistor", "470k")
    assert result.exit_code == 0, result.output
    assert load(served).sensors.gsr.supply_v == pytest.approx(0.5, abs=2e-3)
    assert load(served).sensors.gsr.supply_v != 0.5


def test_calibrate_with_one_resistor_is_refused_and_writes_nothing(served, stage, monkeypatch):
    before = served.read_text(encoding="utf-8")
    result = calibrate(served, stage, monkeypatch, "--write", answers=("47k", ""))
    assert result.exit_code == EXIT_SOFTWARE
    assert "2 different resistors" in result.stderr
    assert served.read_text(encoding="utf-8") == before


def test_logs_without_systemd_is_one_line(monkeypatch):
    monkeypatch.setattr(journal, "BOOTED", "/nonexistent")
    result = tranquillo("logs")
    assert result.exit_code == EXIT_SOFTWARE
    (line,) = result.stderr.splitlines()
    assert "systemd does not run this machine" in line
    assert tranquillo("logs", "kitchen").exit_code == 2


def test_logs_asks_journalctl_for_the_units(monkeypatch, tmp_path):
    (tmp_path / "journalctl").write_text('#!/bin/sh\necho "$@"\nexit 3\n', encoding="utf-8")
    (tmp_path / "journalctl").chmod(0o755)
    monkeypatch.setattr(journal, "PROGRAM_PATH", str(tmp_path))
    monkeypatch.setattr(journal, "BOOTED", str(tmp_path))
    done = run_python(
        f"from device.doctor import journal; journal.PROGRAM_PATH = journal.BOOTED = {str(tmp_path)!r}\n"
        "from device.cli import main; main(['logs', 'player', '--since', '-1h', '--lines', '5', '--follow'])")
    assert done.returncode == 3
    words = done.stdout.split()
    assert {"--unit=tranquillo-player.service", "--since=-1h", "--follow", "--lines=5"} <= set(words)
    assert journal.journal_words("")[-1] == "--unit=tranquillo*"


def test_support_bundle_is_written_for_its_owner_only(config, monkeypatch, tmp_path):
    monkeypatch.setattr(examine, "BOUND_S", 0.6)  # leaves out what waits
    monkeypatch.setattr("socket.gethostname", lambda: "annas-pi3")
    path = tmp_path / "b.tar.gz"
    result = tranquillo("support-bundle", "--config", str(config), "--out", str(path))
    assert result.exit_code == 0, result.output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with tarfile.open(path) as archive:
        assert "tranquillo-support/doctor.json" in archive.getnames()
    again = tranquillo("support-bundle", "--config", str(config), "--out", str(path))
    assert again.exit_code == EXIT_SOFTWARE
    assert "name another with --out" in again.stderr


def test_help_loads_no_large_library():
    done = run_python("import sys; from device import cli; print(*sorted(sys.modules))")
    assert done.returncode == 0
    assert not {"numpy", "zmq", "paho", "sqlite3", "ssl", "pyo", "scipy"} & set(done.stdout.split())
