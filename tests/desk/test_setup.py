"""The configuration of a run at a desk: what was asked for is what the services read."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from device.config import load
from device.desk import setup
from device.desk.setup import (
    DESK_FULL_SCALE_DBA,
    RECORDING_MARGIN_MIN,
    RunOptions,
    check_inputs,
    choose_backend,
    program_minutes,
    write_config,
)
from device.errors import ConfigError, DeviceConfigError, RecordingError

RUN_DIR = Path("/tmp/tranquillo-test")  # noqa: S108 - named only, never made


def options(out: Path, **changes: object) -> RunOptions:
    asked = RunOptions(patient="sim", minutes=3.0, speed=0.0, seed=17, interactive=False, out=out)
    return msgspec.structs.replace(asked, **changes)


def write_recording(folder: Path, minutes: float) -> Path:
    """A recording of so many minutes with a made-up pulse."""
    folder.mkdir()
    signals = (("BVP", 64, "5.0\n-5.0"), ("EDA", 4, "1.0\n1.1"), ("TEMP", 4, "33.0\n33.1"))
    for name, rate_hz, values in signals:
        pairs = round(minutes * 60 * rate_hz / 2)
        (folder / f"{name}.csv").write_text(
            f"1644226285.0\n{rate_hz}.0\n" + f"{values}\n" * pairs, encoding="ascii")
    return folder


def test_setup_writes_what_it_returns(tmp_path):
    path, settings = write_config(options(tmp_path), RUN_DIR, 2883)
    assert path == tmp_path / "run.toml"
    assert load(path) == settings


def test_setup_of_a_simulated_patient_simulates_every_part(tmp_path):
    _, settings = write_config(options(tmp_path), RUN_DIR, 2883)
    assert settings.unit_id == "desk"
    assert settings.sensors.adc == "sim:ads1115"
    assert settings.sensors.temperature.channel == 2
    assert settings.headset.port == "sim:cyton"
    assert settings.panel.pins == "sim:gpio"
    assert (settings.simulator.patient, settings.simulator.seed) == ("sim", 17)


def test_setup_of_a_recording_has_no_headset(tmp_path):
    _, settings = write_config(options(tmp_path, patient=str(tmp_path)), RUN_DIR, 2883)
    assert settings.headset.port == "none"
    assert settings.simulator.patient == str(tmp_path)


def test_setup_a_relative_recording_is_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, settings = write_config(options(tmp_path, patient="patients/one"), RUN_DIR, 2883)
    assert settings.simulator.patient == str(tmp_path / "patients" / "one")


def test_setup_program_sound_and_telemetry_are_as_asked(tmp_path):
    asked = options(tmp_path, minutes=7.5, backend="alsa", audio_device='HDA "Intel" \\ 0')
    _, settings = write_config(asked, RUN_DIR, 2883)
    assert (settings.program.minutes, settings.program.seed) == (7.5, 17)
    assert (settings.player.backend, settings.player.device) == ("alsa", 'HDA "Intel" \\ 0')
    assert settings.player.record == str(tmp_path / "session.wav")
    assert settings.player.loudness.full_scale_dba == DESK_FULL_SCALE_DBA
    assert (settings.telemetry.broker_host, settings.telemetry.broker_port) == ("127.0.0.1", 2883)
    assert settings.telemetry.outcome_delay_max_s == 0.0
    assert settings.run_dir == str(RUN_DIR)
    assert Path(settings.state_dir).parent == RUN_DIR


@pytest.mark.parametrize("name", ["two words", "Müller", 'quote" and \\', "music \N{MUSICAL NOTE}",
                                  "clef \N{MUSICAL SYMBOL G CLEF}"])
def test_setup_any_folder_name_survives(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    _, settings = write_config(options(folder), RUN_DIR, 2883)
    assert settings.player.record == str(folder / "session.wav")


@pytest.mark.parametrize(("changes", "said"), [
    ({"minutes": 0.5}, "program.minutes is 0.5"),
    ({"minutes": 91.0}, "program.minutes is 91.0"),
    ({"seed": 2**31}, "program.seed is 2147483648"),
    ({"backend": "pulse"}, "player.backend is 'pulse'"),
])
def test_setup_refuses_what_the_configuration_refuses(tmp_path, changes, said):
    with pytest.raises(ConfigError) as raised:
        write_config(options(tmp_path, **changes), RUN_DIR, 2883)
    assert str(raised.value).startswith(f"{tmp_path / 'run.toml'}: {said}")
    assert "\n" not in str(raised.value)


def test_program_minutes_of_a_simulated_patient_are_the_default():
    assert program_minutes("sim", 3.0) == 3.0


@pytest.mark.parametrize(("lasts", "minutes"), [(5.0, 4.5), (1.2, 1.0), (0.5, 1.0), (120.0, 90.0)])
def test_program_minutes_fit_into_the_recording(tmp_path, lasts, minutes):
    folder = write_recording(tmp_path / "one", lasts)
    assert program_minutes(str(folder), 3.0) == pytest.approx(minutes, abs=0.02)


def test_program_minutes_of_a_real_recording(shared_data):
    folder = shared_data / "stress-predict" / "S05"
    assert program_minutes(str(folder), 3.0) == pytest.approx(3277 / 60 - RECORDING_MARGIN_MIN, abs=0.1)


def test_program_minutes_need_a_readable_recording(tmp_path):
    with pytest.raises(RecordingError, match="BVP"):
        program_minutes(str(tmp_path), 3.0)


def test_inputs_that_are_good_pass(tmp_path):
    folder = write_recording(tmp_path / "one", 1.0)
    scenario = tmp_path / "faults.toml"
    scenario.write_text('[[fault]]\nat_s = 1\nduration_s = 1\nkind = "gsr_open"\n', encoding="utf-8")
    check_inputs(options(tmp_path))
    check_inputs(options(tmp_path, patient=str(folder), faults=str(scenario)))


def test_inputs_a_bad_recording_is_refused_at_once(tmp_path):
    with pytest.raises(RecordingError, match="BVP"):
        check_inputs(options(tmp_path, patient=str(tmp_path)))


@pytest.mark.parametrize("text", [None, "[[fault]]\nkind = 1\n"])
def test_inputs_a_bad_scenario_is_refused_at_once(tmp_path, text):
    scenario = tmp_path / "faults.toml"
    if text is not None:
        scenario.write_text(text, encoding="utf-8")
    with pytest.raises(DeviceConfigError, match=r"faults\.toml"):
        check_inputs(options(tmp_path, faults=str(scenario)))


def test_backend_is_the_first_sound_card_in_real_time(monkeypatch):
    monkeypatch.setattr(setup, "output_names", lambda: ["Headphones: bcm2835 (hw:0,0)", "HDMI 0"])
    assert choose_backend(1.0) == ("alsa", "Headphones: bcm2835 (hw:0,0)")


@pytest.mark.parametrize("speed", [0.0, 0.5, 20.0])
def test_backend_is_the_file_on_the_manual_clock(monkeypatch, speed):
    monkeypatch.setattr(setup, "output_names", lambda: pytest.fail("no look at sound cards is needed"))
    assert choose_backend(speed) == ("file", "")


def test_backend_is_the_file_without_a_sound_card(monkeypatch):
    monkeypatch.setattr(setup, "output_names", list)
    assert choose_backend(1.0) == ("file", "")
