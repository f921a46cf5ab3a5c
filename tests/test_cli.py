"""The `tranquillo` command: what it offers, what it refuses, and in how many lines."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from device import cli
from device.config import Settings
from device.desk import bench as bench_module
from device.desk import run as run_module
from device.desk import up as up_module
from device.errors import EXIT_CONFIG, EXIT_SOFTWARE, TranquilloError


def tranquillo(*words: str) -> Result:
    return CliRunner().invoke(cli.main, list(words))


def refused(result: Result) -> str:
    """The one line of a refusal."""
    assert result.exception is None or isinstance(result.exception, SystemExit)
    (line,) = result.stderr.splitlines()
    assert line.startswith("tranquillo: ")
    return line


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "tranquillo.toml"
    path.write_text('unit_id = "ward-3"\nplayer.backend = "file"\n[program]\nminutes = 30\n',
                    encoding="utf-8")
    return path


def test_help_lists_the_commands():
    result = tranquillo("--help")
    assert result.exit_code == 0
    for command in ("run", "up", "report", "bench", "config", "doctor", "status", "calibrate", "logs",
                    "support-bundle"):
        assert f"\n  {command} " in result.stdout


@pytest.mark.parametrize("command", ["run", "up", "report", "bench", "config", "config check", "config show"])
def test_help_of_every_command_says_what_it_does(command):
    result = tranquillo(*command.split(), "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")
    assert "--help" in result.stdout
    assert len(result.stdout.splitlines()) >= 4


def test_version_is_the_package_s():
    result = tranquillo("--version")
    assert result.exit_code == 0
    assert "0.1.0" in result.stdout


def test_module_runs_as_the_command():
    done = subprocess.run([sys.executable, "-m", "device.cli", "--version"], capture_output=True, text=True,
                          check=False, timeout=60)
    assert done.returncode == 0
    assert "0.1.0" in done.stdout


def test_unknown_command_is_a_usage_error():
    result = tranquillo("play")
    assert result.exit_code == 2
    assert "No such command 'play'" in result.stderr


def test_config_check_of_a_good_file(config):
    result = tranquillo("config", "check", "--config", str(config))
    assert (result.exit_code, result.stdout) == (0, f"{config}: good\n")


@pytest.mark.parametrize(("text", "said"), [
    ("", "missing key unit_id"),
    ("unit_id = ward\n", "is not valid TOML"),
    ('unit_id = "Ward 3"\n', "unit_id is 'Ward 3'"),
    ('unit_id = "a"\n[player.loudness]\nceiling_dba = 90\n', "player.loudness.ceiling_dba is 90"),
    ('unit_id = "a"\n[sensors.gsr]\nchanel = 1\n', "did you mean sensors.gsr.channel?"),
    ('unit_id = "a"\n[sensors.gsr]\nchannel = 1\n', "sensors.ppg.channel is 1"),
])
@pytest.mark.parametrize("command", ["check", "show"])
def test_config_refuses_in_one_line_with_exit_code_78(config, command, text, said):
    config.write_text(text, encoding="utf-8")
    result = tranquillo("config", command, "--config", str(config))
    assert result.exit_code == EXIT_CONFIG
    assert result.stdout == ""
    line = refused(result)
    assert said in line
    assert str(config) in line


def test_config_check_of_an_absent_file(tmp_path):
    result = tranquillo("config", "check", "--config", str(tmp_path / "none.toml"))
    assert result.exit_code == EXIT_CONFIG
    assert "cannot be read" in refused(result)


def test_config_show_gives_every_key_with_the_value_in_force(config):
    result = tranquillo("config", "show", "--config", str(config))
    assert result.exit_code == 0
    shown = json.loads(result.stdout)
    assert shown["unit_id"] == "ward-3"
    assert shown["program"]["minutes"] == 30
    assert shown["player"]["loudness"]["ceiling_dba"] == 65.0
    assert msgspec.convert(shown, Settings).program.minutes == 30
    assert set(shown) == {field.name for field in msgspec.structs.fields(Settings)}


def test_config_show_masks_where_keys_lie(config):
    config.write_text('unit_id = "a"\nplayer.backend = "file"\n[telemetry.tls]\nca = "/ca.crt"\n'
                      'certificate = "/unit.crt"\nkey = "/unit.key"\n', encoding="utf-8")
    result = tranquillo("config", "show", "--config", str(config))
    assert "/ca.crt" in result.stdout
    assert "/unit.key" not in result.stdout


@pytest.mark.parametrize("words", [
    ("--minutes", "0.5"), ("--minutes", "91"), ("--minutes", "long"),
    ("--speed", "-1"), ("--speed", "1001"),
    ("--seed", "0"), ("--seed", str(2**31)),
    ("--volume", "11"),
])
def test_run_refuses_options_out_of_range_and_starts_nothing(tmp_path, words):
    result = tranquillo("run", "--out", str(tmp_path / "out"), *words)
    assert result.exit_code == 2
    assert words[0] in result.stderr
    assert not (tmp_path / "out").exists()


def test_run_out_may_not_be_a_file(config):
    result = tranquillo("run", "--out", str(config))
    assert result.exit_code == 2
    assert "is a file" in result.stderr


@pytest.mark.parametrize("words", [(), ("--minutes", "2"), ("--speed", "1", "--minutes", "2")])
def test_run_of_a_folder_without_a_recording_is_refused_at_once(tmp_path, words):
    """Also in real time, where the simulator would otherwise end and all others wait for it."""
    result = tranquillo("run", "--patient", str(tmp_path), "--out", str(tmp_path / "out"),
                        *(words or ("--speed", "0")))
    assert result.exit_code == EXIT_CONFIG
    assert "BVP.csv and BVP.csv.gz are both missing" in refused(result)


@pytest.mark.parametrize("speed", ["0", "1"])
def test_run_with_a_bad_scenario_is_refused_at_once(tmp_path, speed):
    scenario = tmp_path / "faults.toml"
    scenario.write_text('[[fault]]\nat_s = 1\nduration_s = 1\nkind = "flood"\n', encoding="utf-8")
    result = tranquillo("run", "--faults", str(scenario), "--speed", speed, "--out", str(tmp_path / "out"))
    assert result.exit_code == EXIT_CONFIG
    assert "kinds are adc_nack" in refused(result)


class Asked:
    """Stands where a session would run; keeps what was asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: TranquilloError | None = None) -> None:
        self.options = None
        self._error = error
        monkeypatch.setattr(run_module, "run_session", self.run)

    def run(self, options, progress):
        self.options = options
        if self._error:
            raise self._error
        for elapsed_s in (-1.0, 0.0, 30.0, 20.0, 60 * options.minutes + 9):
            progress(elapsed_s, "playing")
        return options.out / "report.html"


def test_run_passes_on_what_was_asked_and_says_where_to_look(monkeypatch, tmp_path):
    asked = Asked(monkeypatch)
    result = tranquillo("run", "--minutes", "4", "--speed", "0", "--seed", "9", "--interactive",
                        "--out", str(tmp_path))
    assert result.exit_code == 0
    assert (asked.options.patient, asked.options.minutes, asked.options.speed) == ("sim", 4.0, 0.0)
    assert (asked.options.seed, asked.options.interactive, asked.options.out) == (9, True, tmp_path)
    assert (asked.options.backend, asked.options.audio_device, asked.options.faults) == ("file", "", "")
    assert str(tmp_path / "report.html") in result.stdout
    assert "no sound card found" in result.stdout


def test_run_without_options_is_three_minutes_of_an_eventful_patient(monkeypatch):
    asked = Asked(monkeypatch)
    assert tranquillo("run", "--speed", "0").exit_code == 0
    assert (asked.options.minutes, asked.options.seed) == (cli.SIMULATED_MINUTES, cli.EVENTFUL_SEED)


def test_run_of_a_recording_lasts_as_long_as_it(monkeypatch, shared_data):
    asked = Asked(monkeypatch)
    folder = shared_data / "stress-predict" / "S05"
    assert tranquillo("run", "--patient", str(folder), "--speed", "0").exit_code == 0
    assert asked.options.minutes == pytest.approx(54.1, abs=0.2)


def test_run_error_is_one_line(monkeypatch):
    Asked(monkeypatch, run_module.RunError("gave up while starting; see out/logs"))
    result = tranquillo("run", "--speed", "0")
    assert result.exit_code == EXIT_SOFTWARE
    assert result.stderr.splitlines()[-1] == "tranquillo: gave up while starting; see out/logs"


def test_report_of_a_folder_that_is_absent(tmp_path):
    result = tranquillo("report", str(tmp_path / "none"))
    assert result.exit_code == 2
    assert "does not exist" in result.stderr


def test_report_of_a_folder_without_a_journal_is_one_line_and_a_page_that_says_so(tmp_path):
    result = tranquillo("report", str(tmp_path))
    assert result.exit_code == 0
    (line,) = result.stdout.splitlines()
    assert line.endswith(str(tmp_path / "report.html"))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "journal.bin is missing: nothing is known of what happened" in page


def test_report_of_a_damaged_journal_is_no_traceback(tmp_path):
    (tmp_path / "journal.bin").write_bytes(b"something else")
    result = tranquillo("report", str(tmp_path))
    assert result.exception is None
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "is not a journal of a run" in page


def test_up_with_a_bad_configuration_starts_nothing(config, monkeypatch):
    monkeypatch.setattr(up_module, "Supervisor", lambda *_: pytest.fail("started"))
    config.write_text('unit_id = "a"\n[player]\nbackend = "pulse"\n', encoding="utf-8")
    result = tranquillo("up", "--config", str(config))
    assert result.exit_code == EXIT_CONFIG
    assert "player.backend is 'pulse'" in refused(result)


@pytest.mark.parametrize("interrupted", [None, signal.SIGINT, signal.SIGTERM])
def test_up_waits_for_the_process_manager_and_stops_it_on_interrupt(config, monkeypatch, interrupted):
    calls: list[str] = []

    class Manager:
        def __init__(self, path: Path, settings: Settings) -> None:
            assert path == config
            assert settings.unit_id == "ward-3"

        def wait(self) -> int:
            calls.append("wait")
            if interrupted:
                signal.raise_signal(interrupted)
            return 3

        def stop(self) -> None:
            calls.append("stop")

    monkeypatch.setattr(up_module, "Supervisor", Manager)
    before = signal.getsignal(signal.SIGTERM)
    result = tranquillo("up", "--config", str(config))
    assert calls == (["wait", "stop"] if interrupted else ["wait"])
    assert signal.getsignal(signal.SIGTERM) == before
    assert result.exit_code == (0 if interrupted else 3)


def test_bench_prints_the_table(tmp_path, monkeypatch):
    monkeypatch.setattr(bench_module, "measure",
                        lambda out, seconds, *, jack, awake: f"{out} {seconds} {jack} {awake}")
    monkeypatch.setattr(bench_module, "describe", str)
    result = tranquillo("bench", "--out", str(tmp_path), "--seconds", "12")
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path} 12 False True\n")
    assert tranquillo("bench", "--out", str(tmp_path), "--idle").stdout.split()[-1] == "False"
    assert tranquillo("bench", "--seconds", "5").exit_code == 2
