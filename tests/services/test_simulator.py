"""The simulator service: what the body hears, what it tells, and hardware wired as the configuration says."""

from __future__ import annotations

import logging
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from device.bus import LocalHub
from device.clock import ManualClock, SystemClock
from device.config import Gsr, PanelPins, Ppg, Sensors, SkinTemperature
from device.errors import EXIT_CONFIG, EXIT_OK, DeviceConfigError, RecordingError
from device.messages import MusicalTarget, PlayerState, Truth
from device.services import simulator
from device.services.simulator import ROOT, Ears, Simulator, heard, make_body, make_world
from drivers.open import Parts
from drivers.sim.patient import SimulatedPatient
from drivers.sim.protocol import SOCKET_NAME
from drivers.sim.recording import Recording
from drivers.sim.remote import RemoteControl

MUSIC = MusicalTarget(pitch=0.3, tempo_bpm=64.0, timbre=0.4, intensity=0.5, density=0.6, percussiveness=0.1)


def state(at_s: float = 0.0, *, sounding: bool = True, audible: MusicalTarget | None = MUSIC,
          loudness: float | None = -30.0) -> PlayerState:
    return PlayerState(at_s=at_s, backend="file", sounding=sounding, gain_db=-20.0, loudness_lufs=loudness,
                       position_s=at_s, phrase_id=1, audible=audible, notes_played=3)


def with_simulator(settings, **changes):
    return msgspec.structs.replace(settings, simulator=msgspec.structs.replace(settings.simulator, **changes))


@pytest.fixture
def ears(desk, known_body):
    """Ears on a manual clock: the clock, the other end of the bus, and the worker."""
    clock, hub = ManualClock(), LocalHub()
    world = make_world(desk, clock, known_body)
    return clock, hub.connect((Truth,)), Ears(world, clock, hub.connect(ROOT.reads))


def test_simulator_hears_what_is_audible():
    got = heard(state())
    assert (got.tempo_bpm, got.pitch, got.timbre) == (64.0, 0.3, 0.4)
    assert (got.intensity, got.density, got.percussiveness) == (0.5, 0.6, 0.1)
    assert got.loudness_lufs == -30.0


def test_simulator_hears_silence_as_nothing():
    assert heard(state(sounding=False)) is None
    assert heard(state(audible=None)) is None
    assert heard(state(loudness=None)).loudness_lufs == simulator.SILENT_LUFS


def test_simulator_body_hears_every_state_of_the_player_in_order(ears, known_body):
    clock, other, worker = ears
    for audible in (MUSIC, msgspec.structs.replace(MUSIC, tempo_bpm=60.0), None):
        other.publish(state(clock.monotonic(), audible=audible))
        worker.step()
        clock.sleep(worker.period_s)
    rates = [got and got.tempo_bpm for _, got in known_body.heard]
    assert rates == [64.0, 60.0, None]
    times_s = [at_s - 1000.0 for at_s, _ in known_body.heard]
    assert times_s == pytest.approx([0.0, 0.1, 0.2])


def test_simulator_tells_the_truth_once_a_second(ears, known_body):
    clock, other, worker = ears
    for _ in range(50):
        worker.step()
        clock.sleep(worker.period_s)
    told = other.receive()
    assert len(told) == 5
    assert all(0.95 < after.at_s - before.at_s < 1.15 for before, after in pairwise(told))
    last = told[-1]
    assert (last.arousal, last.label, last.hr_bpm) == (0.4, "rest", known_body.bpm)
    assert (last.skin_us, last.skin_c) == (known_body.us, known_body.celsius)
    assert worker.faults() == ()


def test_simulator_calmer_music_calms_the_patient(desk):
    """What reaches the ear matters: the same patient with and without a calm hour of music."""
    def arousal_after(minutes: int, message: PlayerState | None) -> float:
        clock, hub = ManualClock(), LocalHub()
        body = SimulatedPatient(11, clock.monotonic())
        other = hub.connect((Truth,))
        worker = Ears(make_world(desk, clock, body), clock, hub.connect(ROOT.reads))
        total, count = 0.0, 0
        for _ in range(minutes * 60):
            if message is not None:
                other.publish(message)
            worker.step()
            clock.sleep(1.0)
            for truth in other.receive():
                total, count = total + truth.arousal, count + 1
        return total / count

    assert arousal_after(40, state()) < arousal_after(40, None) - 0.01


def test_simulator_body_is_the_configured_one(desk, shared_data):
    patient = make_body(with_simulator(desk, seed=5), 1000.0)
    assert isinstance(patient, SimulatedPatient)
    assert patient.skin_us(1001.0) == make_body(with_simulator(desk, seed=5), 1000.0).skin_us(1001.0)
    assert patient.skin_us(1001.0) != make_body(with_simulator(desk, seed=6), 1000.0).skin_us(1001.0)
    folder = shared_data / "stress-predict" / "S05"
    recording = make_body(with_simulator(desk, patient=str(folder)), 1000.0)
    assert isinstance(recording, Recording)
    assert recording.duration_s == pytest.approx(3277, abs=3)
    assert math.isfinite(recording.pulse_v(1000.0))


def adc_of(settings, clock, world):
    sensors = settings.sensors
    return Parts({"sim": lambda: world}).adc(
        sensors.adc, clock, i2c_bus=sensors.i2c_bus, i2c_address=sensors.i2c_address, spi_bus=sensors.spi_bus,
        spi_device=sensors.spi_device, reference_v=sensors.reference_v)


def test_simulator_default_wiring(desk, known_body):
    clock = ManualClock()
    world = make_world(desk, clock, known_body)
    ratio = known_body.us * 1e-6 * 47_000.0
    assert world.volts(0, clock.monotonic()) == pytest.approx(0.5 * ratio / (1 + ratio), abs=5e-4)
    assert world.volts(1, clock.monotonic()) == pytest.approx(known_body.pulse_v(clock.monotonic()), abs=5e-4)
    assert 0.5 < world.volts(2, clock.monotonic()) < 2.5
    assert world.volts(3, clock.monotonic()) == pytest.approx(0.0, abs=5e-4)


def test_simulator_without_a_thermistor_leaves_its_input_at_ground(desk, known_body):
    clock = ManualClock()
    sensors = msgspec.structs.replace(desk.sensors, temperature=None)
    world = make_world(msgspec.structs.replace(desk, sensors=sensors), clock, known_body)
    assert world.volts(2, clock.monotonic()) == pytest.approx(0.0, abs=5e-4)


@pytest.mark.parametrize("adc", ["sim:ads1115", "sim:mcp3008"])
def test_simulator_other_wiring_follows_the_configuration(desk, known_body, adc):
    clock = ManualClock()
    settings = msgspec.structs.replace(
        desk,
        sensors=Sensors(
            adc=adc, i2c_address=0x4A, reference_v=5.0, gsr=Gsr(channel=3, circuit="grove", supply_v=3.3),
            ppg=Ppg(channel=2), temperature=SkinTemperature(
                channel=0, series_ohm=22_000.0, nominal_ohm=47_000.0, beta_k=3_500.0, supply_v=3.0)),
        panel=PanelPins(pins="sim:gpio", button=5, red=6, green=13, blue=19))
    world = make_world(settings, clock, known_body)
    opened = adc_of(settings, clock, world)
    now_s = clock.monotonic()
    ratio = known_body.us * 1e-6 * 10_000.0
    tolerance = 3e-3 if adc.endswith("mcp3008") else 1e-3  # half a code of 10 bit at 5 V is 2.4 mV
    assert opened.read(3).volts == pytest.approx((1.65 - 3.3 * ratio) / (1 + 2 * ratio), abs=tolerance)
    kelvin = known_body.celsius + 273.15
    ohm = 47_000.0 * math.exp(3_500.0 * (1 / kelvin - 1 / 298.15))
    assert opened.read(0).volts == pytest.approx(3.0 * ohm / (ohm + 22_000.0), abs=tolerance)
    assert opened.read(2).volts == pytest.approx(known_body.pulse_v(now_s), abs=0.02)
    assert opened.read(1).volts == pytest.approx(0.0, abs=tolerance)
    panel = Parts({"sim": lambda: world}).panel("sim:gpio", button=5, red=6, green=13, blue=19)
    world.press()
    assert panel.pressed()
    assert not world.wires.level(5)
    assert world.wires.level(17)
    world.release()
    assert not panel.pressed()
    panel.light((0.25, 0.5, 0.75))
    assert world.light() == pytest.approx((0.25, 0.5, 0.75), abs=0.01)
    panel.close()


def test_simulator_scenario_of_faults_counts_from_the_start(desk, known_body, tmp_path):
    scenario = tmp_path / "faults.toml"
    scenario.write_text('[[fault]]\nat_s = 5\nduration_s = 2\nkind = "gsr_open"\n', encoding="utf-8")
    clock = ManualClock(start_s=5000.0)
    world = make_world(with_simulator(desk, faults=str(scenario)), clock, known_body)
    active = []
    for _ in range(9):
        active.append(world.fault("gsr_open"))
        clock.sleep(1.0)
    assert active == [False] * 5 + [True] * 2 + [False] * 2


@pytest.mark.parametrize(("text", "said"), [
    (None, "cannot be read"),
    ("[[fault]\n", "is not valid TOML"),
    ("\xff\n", "is not valid TOML"),
    ('[[fault]]\nat_s = 5\nduration_s = 2\nkind = "gsr_opened"\n', "kinds are adc_nack"),
    ('[[fault]]\nat_s = -1\nduration_s = 2\nkind = "gsr_open"\n', "fault number 1"),
    ('[[fault]]\nat_s = 1\nduration_s = 0\nkind = "gsr_open"\n', "duration_s"),
    ('[[fault]]\nat_s = 1\nkind = "gsr_open"\n', "duration_s"),
    ('[[faults]]\nat_s = 1\nduration_s = 1\nkind = "gsr_open"\n', "only [[fault]] tables"),
])
def test_simulator_bad_scenario_is_one_line_that_names_the_file(desk, known_body, tmp_path, text, said):
    scenario = tmp_path / "faults.toml"
    if text is not None:
        scenario.write_bytes(text.encode("latin-1"))
    with pytest.raises(DeviceConfigError) as raised:
        make_world(with_simulator(desk, faults=str(scenario)), ManualClock(), known_body)
    assert str(raised.value).startswith(f"{scenario}: ")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("name", "text", "said"), [
    ("EDA.csv", None, "EDA.csv and EDA.csv.gz are both missing"),
    ("EDA.csv", "", "is empty"),
    ("EDA.csv", "1644226285.0\n4.0\n0.5\nnan\n", "line 4"),
    ("EDA.csv", "1644226285.0\n-4.0\n0.5\n0.6\n", "line 2"),
    ("EDA.csv", "1.0\n4.0\n0.5\n0.6\n", "never run at the same time"),
    ("EDA.csv.gz", "not compressed", "cannot be read"),
    ("intervals.csv", "task,start_s,end_s,source\nstroop,1,late,tag\n", "line 2"),
    ("IBI.csv", "1644226285.0, IBI\n1.0,0.0\n", "above 0"),
])
def test_simulator_bad_recording_is_one_line_that_names_the_file(
    desk, shared_data, tmp_path, name, text, said
):
    folder = tmp_path / "recording"
    folder.mkdir()
    for kept in {"BVP.csv.gz", "EDA.csv.gz", "TEMP.csv.gz"} - {name, f"{name}.gz"}:
        shutil.copy(shared_data / "stress-predict" / "S02" / kept, folder)
    if text is not None:
        (folder / name).write_text(text, encoding="ascii")
    with pytest.raises(RecordingError) as raised:
        make_world(with_simulator(desk, patient=str(folder)), ManualClock())
    assert str(folder) in str(raised.value)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_simulator_folder_that_is_none(desk, tmp_path):
    with pytest.raises(RecordingError, match="is no folder"):
        make_world(with_simulator(desk, patient=str(tmp_path / "nowhere")), ManualClock())


@pytest.fixture
def served(desk, tmp_path):
    """The whole service in this process, and a hand at its socket."""
    settings = msgspec.structs.replace(desk, run_dir=str(tmp_path))
    hub = LocalHub()
    worker = Simulator(settings, SystemClock(), hub.connect(ROOT.reads), Parts({}))
    control = RemoteControl(tmp_path)
    yield worker, control, hub.connect((Truth,))
    control.close()
    worker.close()


def test_simulator_serves_its_hardware_on_the_socket(served, tmp_path):
    worker, control, other = served
    worker.step()
    control.press()
    assert control.light() == (0.0, 0.0, 0.0)
    control.release()
    assert (tmp_path / SOCKET_NAME).is_socket()
    (truth,) = other.receive()
    assert truth.arousal is not None
    assert 0.1 < truth.skin_us < 60


def test_simulator_takes_its_socket_away_when_it_ends(served, tmp_path):
    worker, control, _ = served
    control.press()
    worker.close()
    assert not (tmp_path / SOCKET_NAME).exists()
    with pytest.raises(OSError, match="does not answer"):
        control.press()


def test_simulator_ends_when_nobody_answers_the_socket_any_more(served):
    worker, _, _ = served
    worker.step()
    worker.close()
    with pytest.raises(RuntimeError, match="socket has died"):
        worker.step()


def test_simulator_defect_in_an_answer_ends_the_service(served, monkeypatch, caplog):
    worker, control, _ = served
    ended = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda arguments: ended.set())
    monkeypatch.setattr(worker._world, "press", lambda: 1 / 0)
    with caplog.at_level(logging.WARNING), pytest.raises(OSError, match="does not answer"):
        control.press()
    assert ended.wait(5.0)
    deadline = time.monotonic() + 5.0
    while worker._server.alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(RuntimeError, match="socket has died"):
        worker.step()


def start(config: Path) -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items()
                   if key not in {"JOURNAL_STREAM", "NOTIFY_SOCKET"}}
    return subprocess.Popen([sys.executable, "-m", "device.services.simulator", "--config", str(config)],
                            stderr=subprocess.PIPE, text=True, env=environment)


def test_simulator_process_refuses_a_bad_scenario_with_exit_code_78(tmp_path):
    config = tmp_path / "t.toml"
    config.write_text(f'unit_id = "desk"\nrun_dir = "{tmp_path}"\nplayer.backend = "file"\n'
                      f'[simulator]\nfaults = "{tmp_path / "none.toml"}"\n', encoding="utf-8")
    with start(config) as process:
        _, said = process.communicate(timeout=30)
    assert process.returncode == EXIT_CONFIG
    (line,) = said.splitlines()
    assert "none.toml: cannot be read" in line


def test_simulator_process_answers_and_ends_when_asked(tmp_path):
    config = tmp_path / "t.toml"
    config.write_text(f'unit_id = "desk"\nrun_dir = "{tmp_path}"\nplayer.backend = "file"\n',
                      encoding="utf-8")
    with start(config) as process:
        deadline = time.monotonic() + 30.0
        while not (tmp_path / SOCKET_NAME).exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        control = RemoteControl(tmp_path)
        control.press()
        control.inject("gsr_open", 1.0)
        control.close()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == EXIT_OK
    assert not (tmp_path / SOCKET_NAME).exists()
