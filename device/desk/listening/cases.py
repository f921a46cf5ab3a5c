"""Which sessions a listening test renders, and how one is rendered: a process of its own for each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from device.config import Settings, load
from device.desk.journal import NAME as JOURNAL
from device.desk.journal import read_journal
from device.desk.listening.patients import PATIENTS
from device.desk.score import write_midi
from device.desk.setup import RunOptions, write_config
from device.desk.traces import Traces
from device.errors import TranquilloError
from device.messages import Phrase, Style

SEED = 5  # of every rendered session: calm and tense differ by the patient only
FIRST_SCORE_SEED = 101
LIMIT_S = 900.0  # of one rendering, a hundred times what it takes
SOUND, MIDI = "session.wav", "session.mid"


class RenderError(TranquilloError, RuntimeError):
    """A session could not be rendered."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One session of a listening test; `sound` False composes without playing."""

    patient: str
    style: Style
    minutes: float
    seed: int
    sound: bool = True

    @property
    def name(self) -> str:
        """Short name, also of the folder."""
        kind = f"{self.patient}-{self.style.value}"
        return f"{kind}-{self.minutes:g}min" if self.sound else f"score-{self.seed}-{kind}"


def sounding_cases(patients: Sequence[str], styles: Sequence[Style], minutes: float,
                   long_minutes: float) -> list[Case]:
    """Return every patient in every style, and one long session (0: none) of the first style."""
    cases = [Case(patient=patient, style=style, minutes=minutes, seed=SEED)
             for style in styles for patient in patients]
    if long_minutes > 0 and styles:
        patient = "falling" if "falling" in patients or not patients else patients[-1]
        cases.append(Case(patient=patient, style=styles[0], minutes=long_minutes, seed=SEED + 1))
    return cases


def score_cases(count: int, minutes: float, styles: Sequence[Style]) -> list[Case]:
    """Return sessions without sound: seeds one after another, patients and styles in turn."""
    names, kinds = list(PATIENTS), list(styles) or list(Style)
    return [
        Case(patient=names[index % len(names)], style=kinds[index % len(kinds)], minutes=minutes,
             seed=FIRST_SCORE_SEED + index, sound=False)
        for index in range(count)]


def configure(case: Case, folder: Path) -> tuple[Path, Settings]:
    """Write the configuration of a session into its folder and read it back."""
    folder.mkdir(parents=True, exist_ok=True)
    options = RunOptions(patient="sim", minutes=case.minutes, speed=0, seed=case.seed, interactive=False,
                         out=folder)
    path, _ = write_config(options, folder, broker_port=1)
    text = path.read_text(encoding="utf-8")
    styled = text.replace("[program]\n", f'[program]\nstyle = "{case.style.value}"\n')
    path.write_text(styled, encoding="utf-8")
    return path, load(path)


def render(case: Case, folder: Path) -> Settings:
    """Render a session into its folder: journal.bin, session.mid and, if it sounds, session.wav.

    Raises:
        RenderError: the process failed; its last line says why.
    """
    config, settings = configure(case, folder)
    command = [sys.executable, "-m", "device.services.audition", "--config", str(config),
               "--journal", str(folder / JOURNAL), "--patient", case.patient]
    if not case.sound:
        command.append("--no-sound")
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)  # noqa: S603
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no word from it"]
        raise RenderError(f"{case.name}: could not be rendered (exit {done.returncode}): {lines[-1]}")
    write_midi(folder / MIDI, Traces(read_journal(folder / JOURNAL)).of(Phrase))
    return settings
