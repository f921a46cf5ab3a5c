"""`tranquillo listen`: render, measure, draw, and say what is outside the bounds."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from device.desk.listening.bounds import Failure, failures_of, separation_failures
from device.desk.listening.calibration import calibrate
from device.desk.listening.cases import Case, RenderError, render, score_cases, sounding_cases
from device.desk.listening.figures import SessionFigures, measure_session
from device.desk.listening.novelty import Corpus
from device.desk.listening.pages import write_json, write_overview, write_session
from device.desk.listening.separation import Effect, separate
from device.messages import Style

FIGURES = "figures.json"
RUNS = Path("melody") / "known_runs.npy"

Progress = Callable[[str], None]


class ListenOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for.

    Args:
        patients: whose sessions are rendered as sound; empty for none.
        styles: in which.
        minutes: of program of each of them.
        long_minutes: of one more session that sounds, 0 for none.
        scores: how many sessions are composed without sound.
        score_minutes: of program of each of these.
        models: the folder of the models.
        out: where all is left; what an earlier test left there is removed.
    """

    patients: tuple[str, ...]
    styles: tuple[Style, ...]
    minutes: float
    long_minutes: float
    scores: int
    score_minutes: float
    models: Path
    out: Path


class Heard(NamedTuple):
    """What a listening test found: its first page, all sessions, and what is outside the bounds."""

    page: Path
    sessions: list[SessionFigures]
    failures: list[Failure]


def listen(options: ListenOptions, progress: Progress) -> Heard:
    """Run a listening test and leave its pages, `figures.json` and the recordings.

    Args:
        options: what was asked for.
        progress: called with the name of each session before it is rendered.

    Raises:
        RenderError: a session could not be rendered or measured.
    """
    _clear(options.out)
    corpus = Corpus.read(options.models / RUNS)
    cases = sounding_cases(options.patients, options.styles, options.minutes, options.long_minutes)
    failures: list[Failure] = []
    if cases:
        progress("known signals")
        failures += calibrate()
    cases += score_cases(options.scores, options.score_minutes, options.styles)
    sessions = []
    for case in cases:
        progress(case.name)
        sessions.append(_session(case, options.out / "sessions" / case.name, corpus))
    for session in sessions:
        failures += failures_of(session)
    effects, notes = _separation(sessions, options)
    failures += separation_failures(effects)
    write_json(options.out / FIGURES, sessions, effects, failures, notes)
    page = write_overview(options.out, sessions, effects, failures, notes)
    return Heard(page, sessions, failures)


def _session(case: Case, folder: Path, corpus: Corpus) -> SessionFigures:
    """Render, measure and draw one session; of one without sound only the figures stay.

    Raises:
        RenderError: it could not be rendered or measured.
    """
    settings = render(case, folder)
    try:
        figures = measure_session(case, folder, settings, corpus)
    except ValueError as error:
        raise RenderError(f"{case.name}: {error}") from error
    if case.sound:
        write_session(folder, figures)
    else:
        shutil.rmtree(folder)
    return figures


def _separation(sessions: Sequence[SessionFigures], options: ListenOptions,
                ) -> tuple[dict[str, list[Effect]], list[str]]:
    """Compare calm and tense in every style in which both were heard."""
    heard = {(each.case.patient, each.case.style): each.sound.hearing for each in sessions
             if each.sound is not None and each.case.minutes == options.minutes}
    effects: dict[str, list[Effect]] = {}
    notes: list[str] = []
    for style in options.styles if heard else ():
        calm, tense = heard.get(("calm", style)), heard.get(("tense", style))
        if calm is None or tense is None:
            notes.append(f"{style.value}: calm and tense were not both heard, so they are not compared.")
            continue
        effects[style.value] = separate(calm, tense)
    return effects, notes


def _clear(out: Path) -> None:
    """Make the folder, without the sessions of an earlier test.

    Raises:
        RenderError: it cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(out / "sessions", ignore_errors=True)
        for stale in out.glob("*.*"):
            if stale.suffix in {".png", ".html", ".json"}:
                stale.unlink()
    except OSError as error:
        raise RenderError(f"{error.filename}: cannot be written ({error.strerror}); name another folder with "
                          "--out") from error
