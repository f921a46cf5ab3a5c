"""The same seed gives the same notes and the same sound, byte for byte; another seed gives others.

Each run is a process of its own, with its own hash seed, as it would be on another day.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import mido
import pytest

from device.desk.journal import RAW_SAMPLES, read_journal
from device.desk.score import write_midi
from device.desk.setup import RunOptions, write_config
from device.messages import Features, Message, Phrase, Stress, Target, Truth

pytestmark = pytest.mark.timeout(300)

MINUTES = 2.0
OTHER_MINUTES = 1.0
SEED = 7


class Left(NamedTuple):
    """What one run left."""

    midi: bytes
    sound: str  # a hash: the file is large
    messages: list[Message]

    def of(self, kind: type[Message]) -> list[Message]:
        return [message for message in self.messages if isinstance(message, kind)]


def start(folder: Path, seed: int, minutes: float, hash_seed: str) -> subprocess.Popen[bytes]:
    """Start one lockstep run as `tranquillo run --speed 0` does."""
    folder.mkdir()
    options = RunOptions(patient="sim", minutes=minutes, speed=0, seed=seed, interactive=False, out=folder)
    config, settings = write_config(options, folder, broker_port=1)
    Path(settings.state_dir).mkdir()
    command = [sys.executable, "-m", "device.services.lockstep", "--config", str(config),
               "--journal", str(folder / "journal.bin"), "--speed", "0"]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log,
                                env={**os.environ, "PYTHONHASHSEED": hash_seed})


def collect(folder: Path, process: subprocess.Popen[bytes]) -> Left:
    """Wait for a run and read what it left."""
    assert process.wait(240) == 0, (folder / "log").read_text(encoding="utf-8")
    messages = read_journal(folder / "journal.bin", leave_out=RAW_SAMPLES)
    phrases = [message for message in messages if isinstance(message, Phrase)]
    write_midi(folder / "session.mid", phrases)
    sound = hashlib.sha256((folder / "session.wav").read_bytes()).hexdigest()
    return Left((folder / "session.mid").read_bytes(), sound, messages)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Left]:
    """Two runs of one seed and one of another, side by side."""
    folder = tmp_path_factory.mktemp("repeatable")
    wanted = {"one": (SEED, MINUTES, "1"), "again": (SEED, MINUTES, "2"),
              "other": (SEED + 1, OTHER_MINUTES, "1")}
    started = {name: start(folder / name, *how) for name, how in wanted.items()}
    try:
        return {name: collect(folder / name, process) for name, process in started.items()}
    finally:
        for process in started.values():
            process.kill()
            process.wait()


def test_repeatable_the_runs_are_whole_sessions(runs):
    for name, minutes in (("one", MINUTES), ("again", MINUTES), ("other", OTHER_MINUTES)):
        phrases = runs[name].of(Phrase)
        assert len(phrases) >= 3 * minutes
        assert phrases[-1].start_s + phrases[-1].duration_s - phrases[0].start_s > 60 * minutes - 1


def test_repeatable_same_seed_gives_the_same_midi_byte_for_byte(runs):
    assert runs["one"].midi == runs["again"].midi
    assert len(runs["one"].midi) > 2000


def test_repeatable_same_seed_gives_the_same_sound_byte_for_byte(runs):
    assert runs["one"].sound == runs["again"].sound


@pytest.mark.parametrize("kind", [Phrase, Target, Stress, Features, Truth])
def test_repeatable_same_seed_gives_the_same_messages(runs, kind):
    one, again = runs["one"].of(kind), runs["again"].of(kind)
    assert len(one) > 5
    # As text, because NaN is not equal to itself.
    assert list(map(repr, one)) == list(map(repr, again))


def test_repeatable_another_seed_gives_other_notes(runs, tmp_path):
    assert runs["one"].midi != runs["other"].midi
    assert runs["one"].sound != runs["other"].sound
    melodies = []
    for name in ("one", "other"):
        path = tmp_path / f"{name}.mid"
        path.write_bytes(runs[name].midi)
        melodies.append([event.note for event in mido.MidiFile(path) if event.type == "note_on"])
    assert melodies[0][:40] != melodies[1][:40]


def test_repeatable_another_seed_gives_another_patient(runs):
    one, other = runs["one"].of(Truth), runs["other"].of(Truth)
    assert [truth.skin_us for truth in one[:20]] != [truth.skin_us for truth in other[:20]]
