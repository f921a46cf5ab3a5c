"""The pages of a listening test: one that says what holds and what does not, one for every session heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import jinja2
import msgspec

from device.desk.journal import NAME as JOURNAL
from device.desk.journal import read_journal
from device.desk.listening import pictures
from device.desk.listening.bounds import BOUNDS, Bound, Failure, failures_of
from device.desk.listening.cases import MIDI, SOUND
from device.desk.listening.figures import SessionFigures
from device.desk.listening.line import line_of
from device.desk.listening.readings import Reading, clicks, heard, in_percent, level, score
from device.desk.listening.separation import Effect
from device.desk.listening.similarity import self_similarity
from device.desk.music_plots import draw_notes, draw_parameters, draw_sound
from device.desk.score import in_order
from device.desk.traces import Traces
from device.desk.waveform import measure_sound
from device.messages import Phrase

PAGE, TEMPLATE = "index.html", "listening.html.j2"
CLAIM = "Scripted patients, rendered sound, figures of a machine: no person has judged this music here."


class Cell(NamedTuple):
    """One figure for reading, and whether it is outside its bound."""

    text: str
    bad: bool = False


class Grid(NamedTuple):
    """A table: its title, the heads of its columns, and rows that begin with a name and maybe a link."""

    title: str
    heads: Sequence[str]
    rows: Sequence[tuple[str, str, Sequence[Cell]]]


class Picture(NamedTuple):
    """A plot as a file beside the page, and what a reader should see in it."""

    file: str
    caption: str


OVERVIEW: tuple[tuple[str, Reading, int], ...] = (
    ("LUFS", level("integrated_lufs"), 1), ("loudest 3 s", level("loudest_3s_lufs"), 1),
    ("peak dBTP", level("true_peak_dbtp"), 1), ("rise 50 ms, dB", level("rise_50ms_db"), 1),
    ("rise 400 ms, LU", level("rise_400ms_lu"), 1), ("fall 400 ms, LU", level("fall_400ms_lu"), 1),
    ("clicks", clicks, 0), ("silence %", in_percent(level("silent_share")), 1),
    ("tempo", score("first_tempo_bpm"), 0), ("to", score("last_tempo_bpm"), 0),
    ("heard", heard("tempo_bpm"), 0), ("onsets /s", heard("onsets_per_s"), 2),
    ("centroid Hz", heard("centroid_hz"), 0), ("roughness", heard("roughness"), 3),
    ("pulse", heard("pulse_clarity"), 2),
)
SCORE: tuple[tuple[str, Reading, int], ...] = (
    ("phrases", score("phrases"), 0), ("melody notes", score("melody_notes"), 0),
    ("8 bars again", score("repeated_melody_windows"), 0), ("longest match", score("longest_match"), 0),
    ("leap", score("leap"), 0), ("longest s", score("longest_s"), 1),
    ("pitch 1/f", score("pitch_exponent"), 2), ("loudness 1/f", score("loudness_exponent"), 2),
    ("interval bits", score("interval_bits"), 2), ("given the last", score("following_interval_bits"), 2),
    ("motif reuse %", in_percent(score("motif_reuse")), 1),
    ("by chance %", in_percent(score("chance_reuse")), 1), ("coherence", score("coherence"), 3),
)


def write_overview(out: Path, sessions: Sequence[SessionFigures], effects: Mapping[str, Sequence[Effect]],
                   failures: Sequence[Failure], notes: Sequence[str]) -> Path:
    """Write the first page and its pictures, and return its path."""
    sounding = [each for each in sessions if each.sound is not None]
    scores = [each for each in sessions if each.sound is None]
    grids, shown = [], []
    if sounding:
        grids.append(_grid("Sessions heard", OVERVIEW, sounding, linked=True))
        grids.append(_grid("Their scores", SCORE, sounding, linked=True))
    if scores:
        grids.append(_grid("Sessions composed without sound", SCORE, scores, linked=False))
        shown.append(_save(out, "scores.png", pictures.draw_scores(scores),
                           "One dot a session; the tinted range is allowed."))
    if effects:
        grids.append(_separation(effects))
        shown.append(_save(out, "separation.png", pictures.draw_separation(effects),
                           "How far apart tense and calm renderings of the same seed are."))
    counted = f"{len(sounding)} sessions heard, {len(scores)} composed without sound."
    return _write(out / PAGE, title="Listening test", failures=failures, grids=grids, pictures=shown,
                  sound="", links=[], notes=[*notes, counted])


def write_session(folder: Path, figures: SessionFigures) -> Path:
    """Write the page of one session that was heard, from what `render` left there."""
    traces = Traces(read_journal(folder / JOURNAL))
    phrases = in_order(traces.of(Phrase))
    shown = [
        _save(folder, "parameters.png", draw_parameters(traces), "The musical target and why it moved."),
        _save(folder, "notes.png", draw_notes(traces), "Every note that was composed."),
    ]
    if figures.sound is not None:
        origin_s = traces.sound_origin_s(figures.sound.duration_s) or 0.0
        sound = measure_sound(folder / SOUND)
        shown += [
            _save(folder, "sound.png", draw_sound(traces, sound, figures.sound.ceiling_lufs),
                  "The sound: spectrogram, level, loudness and its ceiling."),
            _save(folder, "hearing.png", pictures.draw_hearing(figures.sound, origin_s),
                  "Windows of 10 s of normal play (tinted); rose lines are clicks."),
        ]
    shown += [
        _save(folder, "line.png", pictures.draw_line(figures, line_of(phrases)),
              "The melody: intervals, lengths, and how its pitch and loudness wander."),
        _save(folder, "similarity.png", pictures.draw_similarity(self_similarity(phrases)),
              "Dark bars are alike. Stripes beside the diagonal are motifs that come again; an identical "
              "stretch of eight bars would be a black diagonal line."),
    ]
    rows = [(bound.figure, "", _against(bound, value)) for bound in BOUNDS
            if (value := bound.of(figures)) is not None]
    return _write(folder / PAGE, title=figures.case.name, failures=failures_of(figures), pictures=shown,
                  grids=[Grid("Bounds", ("", "value", "bound", "source"), rows)], notes=[],
                  sound=SOUND if figures.sound is not None else "", links=[MIDI, JOURNAL])


def _grid(title: str, columns: Sequence[tuple[str, Reading, int]],
          sessions: Sequence[SessionFigures], *, linked: bool) -> Grid:
    """Return a table of one row a session."""
    rows = [
        (each.case.name, f"sessions/{each.case.name}/{PAGE}" if linked else "",
         [_cell(value(each), digits) for _, value, digits in columns])
        for each in sessions]
    return Grid(title, ("", *(name for name, _, _ in columns)), rows)


def _separation(effects: Mapping[str, Sequence[Effect]]) -> Grid:
    """Return the table of effects, one row per style and feature."""
    rows = [
        (f"{style.replace('_', ' ')}: {effect.feature.replace('_', ' ')}", "",
         [_cell(effect.calm, 3), _cell(effect.tense, 3), _cell(effect.effect, 2),
          Cell("large" if effect.large else ""), Cell("counted" if effect.independent else "")])
        for style, found in effects.items() for effect in found]
    return Grid("Calm and tense apart", ("", "calm", "tense", "effect (pooled SD)", "", "independent"), rows)


def _against(bound: Bound, value: float) -> list[Cell]:
    """Return a figure beside its bound."""
    return [_cell(value, bound.digits, bad=not bound.holds(value)), Cell(bound.text), Cell(bound.source)]


def _cell(value: float | None, digits: int, *, bad: bool = False) -> Cell:
    """Return a number for reading, with a true minus sign."""
    text = "\N{EN DASH}" if value is None else f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")
    return Cell(text, bad)


def _save(folder: Path, name: str, png: bytes, caption: str) -> Picture:
    """Write a picture beside its page."""
    (folder / name).write_bytes(png)
    return Picture(name, caption)


def _write(path: Path, **content: object) -> Path:
    """Fill the template; every text in it is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("device.desk", "."), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True)
    path.write_text(environment.get_template(TEMPLATE).render(claim=CLAIM, **content), encoding="utf-8")
    return path


def write_json(path: Path, sessions: Sequence[SessionFigures], effects: Mapping[str, Sequence[Effect]],
               failures: Sequence[Failure], notes: Sequence[str]) -> None:
    """Write all figures as JSON; windows that are silent are null."""
    content = {"failures": failures, "notes": notes, "separation": effects, "sessions": sessions}
    encoded = msgspec.json.encode(content, enc_hook=_plain)
    path.write_bytes(msgspec.json.format(encoded, indent=2) + b"\n")


def _plain(value: object) -> object:
    """Return an array as a list.

    Raises:
        NotImplementedError: it is something else.
    """
    to_list = getattr(value, "tolist", None)
    if to_list is None:
        raise NotImplementedError(f"{type(value).__name__} has no place in the figures")
    return to_list()
