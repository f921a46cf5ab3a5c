"""Bad input is one clear line or a documented degradation, never a traceback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from device.config import Settings, Telemetry
from device.messages import Health, Phrase, PlayerState, Severity, Stress, StressBand

SERVICES = ("sensors", "headset", "estimator", "conductor", "player", "telemetry", "simulator")


def tranquillo(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "device.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120, check=False)


def service(name: str, config: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in {"JOURNAL_STREAM", "NOTIFY_SOCKET"}}
    command = [sys.executable, "-m", f"device.services.{name}", "--config", str(config)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


@pytest.mark.parametrize(("text", "said"), [
    ("", "missing key unit_id"),
    ('unit_id = "a"\n[program]\nminuets = 3\n', "unknown key program.minuets; did you mean program.minutes?"),
    ('unit_id = "a"\n[program]\nminutes = 500\n', "program.minutes is 500: expected float <= 90"),
])
@pytest.mark.parametrize("name", SERVICES)
def test_every_service_refuses_a_bad_configuration_in_one_line(tmp_path, name, text, said):
    config = tmp_path / "tranquillo.toml"
    config.write_text(text, encoding="utf-8")
    done = service(name, config)
    assert done.returncode == 78
    (line,) = done.stderr.splitlines()
    assert said in json.loads(line)["message"]
    assert done.stdout == ""


def test_the_command_line_says_the_same(tmp_path):
    config = tmp_path / "t.toml"
    config.write_text('unit_id = "a"\n[sensors.gsr]\nrate = 5\n', encoding="utf-8")
    done = tranquillo("config", "check", "--config", str(config), cwd=tmp_path)
    assert done.returncode == 78
    assert done.stderr.strip().endswith(
        "unknown key sensors.gsr.rate; did you mean sensors.gsr.rate_hz?")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("content", "said"), [
    (None, "BVP"),
    ("", "BVP"),
    ("1644226285.0\n64.0\n1.0\nabc\n", "line 4"),
    ("1644226285.0\n0\n1.0\n", "rate"),
])
def test_a_malformed_recording_is_refused_in_one_line(tmp_path, shared_data, content, said):
    folder = tmp_path / "recording"
    folder.mkdir()
    for name in ("EDA.csv.gz", "TEMP.csv.gz"):
        shutil.copy(shared_data / "stress-predict" / "S02" / name, folder)
    if content is not None:
        (folder / "BVP.csv").write_text(content, encoding="ascii")
    done = tranquillo("run", "--patient", str(folder), "--speed", "0", cwd=tmp_path)
    assert done.returncode not in {0, 1}
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("tranquillo:")]
    assert said in line


def play(run, until_s: float) -> list:
    run.bench.run_until(2.0)
    run.bench.press()
    run.bench.run_until(2.3)
    run.bench.release()
    run.bench.run_until(until_s)
    return run.finish()


def faults(messages: list) -> dict[str, Severity]:
    return {f.code: f.severity for m in messages if isinstance(m, Health) for f in m.faults}


def assert_music_plays(messages: list) -> None:
    assert any(isinstance(m, Phrase) for m in messages)
    assert [m for m in messages if isinstance(m, PlayerState)][-1].sounding


def damaged_models(settings: Settings, folder: Path, name: str, change: str) -> Settings:
    shutil.copytree(settings.models_dir, folder, ignore=shutil.ignore_patterns("training"))
    path = folder / name
    if change == "absent":
        path.unlink()
    else:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(bytes(data))
    return msgspec.structs.replace(settings, models_dir=str(folder))


@pytest.mark.parametrize("change", ["absent", "tampered"])
@pytest.mark.parametrize(("name", "code"), [
    ("stress/stress.tflite", "stress_model"), ("melody/melody.tflite", "melody_model"),
])
def test_without_a_good_model_the_music_plays_and_the_fault_is_told(
    tmp_path, lockstep_run, name, code, change
):
    run = lockstep_run(change=lambda s: damaged_models(s, tmp_path / "models", name, change))
    messages = play(run, 40.0)
    assert faults(messages)[code] is Severity.ATTENTION
    assert_music_plays(messages)
    if code == "stress_model":
        assert {m.band for m in messages if isinstance(m, Stress)} == {StressBand.UNKNOWN}


def test_without_a_converter_the_music_plays_and_the_fault_is_told(tmp_path, lockstep_run):
    scenario = tmp_path / "faults.toml"
    scenario.write_text('[[fault]]\nat_s = 0\nduration_s = inf\nkind = "adc_absent"\n', encoding="utf-8")

    def change(settings: Settings) -> Settings:
        simulator = msgspec.structs.replace(settings.simulator, faults=str(scenario))
        return msgspec.structs.replace(settings, simulator=simulator)

    messages = play(lockstep_run(change=change), 40.0)
    assert faults(messages)["adc_lost"] is Severity.ATTENTION
    assert_music_plays(messages)


def test_without_a_broker_the_music_plays_and_nothing_is_shown_to_the_nurse(lockstep_run):
    def change(settings: Settings) -> Settings:
        return msgspec.structs.replace(settings, telemetry=Telemetry(broker_host="127.0.0.1", broker_port=1))

    messages = play(lockstep_run(change=change), 40.0)
    assert_music_plays(messages)
    telemetry = [f for m in messages if isinstance(m, Health) and m.service == "telemetry" for f in m.faults]
    assert all(fault.severity is Severity.INFO for fault in telemetry)
