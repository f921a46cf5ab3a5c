"""`tranquillo run`: a whole minute through every service, all named files left, and how it refuses."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
import wave
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import mido
import msgspec
import pytest

from device.desk import journal, run
from device.desk.bench import find_processes
from device.desk.broker import BrokerError
from device.desk.journal import read_journal
from device.desk.run import RunError, run_session
from device.desk.setup import RunOptions, write_config
from device.errors import ConfigError, DeviceConfigError, RecordingError
from device.messages import Health, Phrase, Session, SessionPhase

pytestmark = pytest.mark.timeout(200)

STALE = ("session.wav", "session.mid", "mqtt.jsonl", "report.html", "figures.json", "journal.bin")


def options(out: Path, **changes: object) -> RunOptions:
    asked = RunOptions(patient="sim", minutes=1.0, speed=0.0, seed=5, interactive=False, out=out)
    return msgspec.structs.replace(asked, **changes)


class Left(NamedTuple):
    """One finished run."""

    out: Path
    report: Path
    told: list[tuple[float, str]]

    def json_lines(self) -> list[dict]:
        lines = (self.out / "mqtt.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Left:
    """A minute on the manual clock, into a folder that an earlier run has used."""
    out = tmp_path_factory.mktemp("run") / "deeper" / "out"
    out.mkdir(parents=True)
    for name in STALE:
        (out / name).write_text("stale", encoding="utf-8")
    told: list[tuple[float, str]] = []
    report = run_session(options(out), lambda elapsed_s, word: told.append((elapsed_s, word)))
    return Left(out, report, told)


def test_run_leaves_every_named_file(left):
    assert left.report == left.out / "report.html"
    for name in (*STALE, "run.toml"):
        assert (left.out / name).stat().st_size > 100, name
        assert (left.out / name).read_bytes() != b"stale"


def test_run_journal_tells_of_one_session_to_its_end(left):
    messages = read_journal(left.out / "journal.bin")
    sessions = [message for message in messages if isinstance(message, Session)]
    phases = [after.phase for before, after in pairwise(sessions) if after.phase is not before.phase]
    assert phases == [SessionPhase.RUNNING, SessionPhase.ENDING, SessionPhase.IDLE]
    assert max(session.elapsed_s for session in sessions) == pytest.approx(60.0, abs=0.1)
    assert {session.seed for session in sessions if session.phase is SessionPhase.RUNNING} == {5}
    assert {message.service for message in messages if isinstance(message, Health)} == {
        "sensors", "headset", "estimator", "conductor", "player", "telemetry", "simulator"}


def test_run_sound_is_a_wav_of_the_whole_session(left):
    with wave.open(str(left.out / "session.wav")) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (2, 2, 44_100)
        assert sound.getnframes() / 44_100 > 60.0 + 2.0 + 12.0
        assert max(sound.readframes(44_100)) == 0  # before the press
        sound.setpos(30 * 44_100)
        assert max(sound.readframes(44_100)) > 0


def test_run_score_holds_the_notes_of_the_journal(left):
    phrases = [m for m in read_journal(left.out / "journal.bin") if isinstance(m, Phrase)]
    score = mido.MidiFile(left.out / "session.mid")
    struck = [event for track in score.tracks for event in track if event.type == "note_on"]
    written = sum(len(phrase.notes) for phrase in phrases)
    # The score joins a note that is struck twice at one moment.
    assert 0.95 * written <= len(struck) <= written
    assert score.length > 60.0


def test_run_broker_received_health_and_one_outcome(left):
    topics = [message["topic"] for message in left.json_lines()]
    assert sum("/outcomes/" in topic for topic in topics) == 1
    assert sum(topic.startswith("tranquillo/v1/fleet/desk/") for topic in topics) >= 3
    for message in left.json_lines():
        assert set(message) == {"topic", "payload", "retain", "at"}


def test_run_figures_are_of_this_run(left):
    figures = json.loads((left.out / "figures.json").read_text(encoding="utf-8"))
    phrases = [m for m in read_journal(left.out / "journal.bin") if isinstance(m, Phrase)]
    assert figures["phrases"] == len(phrases)
    assert figures["notes"] == sum(len(phrase.notes) for phrase in phrases)
    assert 0.0 < figures["onset"]["to_player_s"] < 1.0
    assert figures["loudness"]["integrated_lufs"] < -21.0
    assert figures["faults"] == []


def test_run_report_misses_nothing(left):
    page = left.report.read_text(encoding="utf-8")
    assert 'class="missing"' not in page
    assert "shows no medical effect" in page


def test_run_tells_its_progress(left):
    words = [word for _, word in left.told]
    assert set(words) == {"playing", "writing the report"}
    assert words[-1] == "writing the report"
    times_s = [elapsed_s for elapsed_s, word in left.told if word == "playing"]
    assert times_s == sorted(times_s)
    assert len(times_s) > 10
    assert left.told[-1][0] == 60.0


def test_run_leaves_nothing_else_behind(left):
    """The run directory of sockets and outbox was temporary."""
    assert {path.name for path in left.out.iterdir()} == {*STALE, "run.toml"}
    config = (left.out / "run.toml").read_text(encoding="utf-8")
    (run_dir,) = [line.split('"')[1] for line in config.splitlines() if line.startswith("run_dir")]
    assert not Path(run_dir).exists()


def quiet(_elapsed_s: float, _word: str) -> None:
    """Show no progress."""


@pytest.mark.parametrize(("changes", "error"), [
    ({"patient": "NOWHERE"}, RecordingError),
    ({"faults": "NOWHERE"}, DeviceConfigError),
])
@pytest.mark.parametrize("speed", [0.0, 1.0])
def test_run_bad_inputs_are_refused_before_anything_starts(tmp_path, changes, error, speed):
    nowhere = {key: str(tmp_path / "nowhere") for key in changes}
    out = tmp_path / "out"
    with pytest.raises(error, match="nowhere"):
        run_session(options(out, speed=speed, **nowhere), quiet)
    assert not out.exists()


def test_run_option_out_of_range_is_a_configuration_error(tmp_path):
    with pytest.raises(ConfigError, match=r"program\.minutes is 91\.0"):
        run_session(options(tmp_path, minutes=91.0), quiet)


def test_run_into_a_folder_that_cannot_be_made_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RunError, match="--out") as raised:
        run_session(options(tmp_path / "file" / "out"), quiet)
    assert str(tmp_path / "file" / "out") in str(raised.value)


def test_run_over_a_result_that_cannot_be_removed_says_what_to_do(tmp_path):
    (tmp_path / "session.wav").mkdir()
    with pytest.raises(RunError, match=r"session\.wav"):
        run_session(options(tmp_path), quiet)


def test_run_without_a_broker_says_what_to_install(tmp_path, mocker):
    mocker.patch("device.desk.broker.shutil.which", return_value=None)
    with pytest.raises(BrokerError, match="mosquitto is not installed"):
        run_session(options(tmp_path), quiet)


def test_run_refused_by_the_services_is_a_configuration_error(tmp_path, capfd):
    config = tmp_path / "run.toml"
    config.write_text('unit_id = "desk"\n[program]\nminuets = 1\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="see the line above"):
        run._run_lockstep(options(tmp_path), config, quiet)
    (line,) = capfd.readouterr().err.splitlines()
    assert "did you mean program.minutes?" in line


def test_run_that_ends_early_names_the_exit_code(tmp_path, capfd):
    config, _ = write_config(options(tmp_path), tmp_path, broker_port=1)
    absent = options(tmp_path / "absent")  # the journal cannot be written there
    with pytest.raises(RunError, match="ended early with exit code 1"):
        run._run_lockstep(absent, config, quiet)
    assert "journal.bin" in capfd.readouterr().err


def test_run_in_real_time_gives_up_on_services_that_never_speak(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "READY_DEADLINE_S", -1.0)
    with pytest.raises(RunError) as raised:
        run_session(options(tmp_path, speed=1.0), quiet)
    assert str(raised.value) == (
        "gave up while starting (no word from conductor, estimator, headset, player, sensors, simulator, "
        f"telemetry); see {tmp_path / 'logs'}")
    assert (tmp_path / "logs").is_dir()
    assert (tmp_path / journal.NAME).exists()


def test_run_in_real_time_with_the_keyboard_waits_for_a_person(tmp_path, monkeypatch):
    """Nobody types: the run gives up waiting, and every process has been stopped."""
    monkeypatch.setattr(run.keyboard.sys, "stdin", io.StringIO(""))
    deadlines = iter((run.READY_DEADLINE_S, -1.0))
    until = run._RealTime._until

    def shortened(self, done, limit_s, word):
        until(self, done, min(limit_s, next(deadlines)), word)

    monkeypatch.setattr(run._RealTime, "_until", shortened)
    told: list[str] = []
    begun_s = time.monotonic()
    with pytest.raises(RunError, match="gave up while press Enter to start"):
        run_session(options(tmp_path, speed=1.0, interactive=True), lambda _, word: told.append(word))
    assert time.monotonic() - begun_s < 90.0
    assert set(told) == {"starting"}
    assert find_processes(tmp_path / "run.toml") == {}
    spoken = {m.service for m in read_journal(tmp_path / journal.NAME) if isinstance(m, Health)}
    assert len(spoken) == 7


def test_run_that_is_terminated_takes_its_processes_along(tmp_path):
    config = tmp_path / "run.toml"
    process = subprocess.Popen(
        [sys.executable, "-m", "device.cli", "run", "--minutes", "1", "--out", str(tmp_path)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60.0
    while len(find_processes(config)) < 7:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.1)
    process.terminate()
    _, errors = process.communicate(timeout=30)
    assert process.returncode != 0
    assert "Traceback" not in errors
    assert find_processes(config) == {}
