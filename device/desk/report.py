"""The report of a run: one HTML page made of nothing but the files that the run left."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import jinja2
import msgspec

from device.config import Settings, load
from device.desk import journal
from device.desk.figures import Figures, measure
from device.desk.plots import draw_all
from device.desk.tables import Table, tables_of
from device.desk.traces import Traces
from device.desk.waveform import Sound, measure_sound
from device.errors import ConfigError, RecordingError
from device.messages import EegBlock, SampleBlock, Session, SessionPhase, Truth
from device.music.loudness import ceiling_lufs

REPORT, FIGURES, SOUND, MIDI, RECEIVED, SETTINGS = (
    "report.html", "figures.json", "session.wav", "session.mid", "mqtt.jsonl", "run.toml")
TEMPLATE = "report.html.j2"
Part = TypeVar("Part")


class Received(msgspec.Struct, frozen=True):
    """One line of the subscriber's record; the payload is not looked into."""

    topic: str


class Leftovers(NamedTuple):
    """What a run left: its messages, recording, topics at the broker, settings, and what is missing."""

    traces: Traces
    sound: Sound | None
    topics: list[str]
    settings: Settings | None
    missing: list[str]


def write_report(out_dir: Path) -> Path:
    """Write `report.html` and `figures.json` from the files of a run and return the page's path.

    A file that is absent or damaged becomes a sentence in the report.

    Args:
        out_dir: the folder that `tranquillo run` wrote: journal.bin, session.wav, mqtt.jsonl,
            session.mid and run.toml.

    Raises:
        OSError: the folder cannot be written.
    """
    left = gather(out_dir)
    figures = measure(left.traces, left.sound, left.topics)
    (out_dir / FIGURES).write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")
    page = out_dir / REPORT
    page.write_text(_render(out_dir, left, figures), encoding="utf-8")
    return page


def gather(out_dir: Path) -> Leftovers:
    """Read all that a run left; whatever cannot be read is named in `missing`."""
    missing: list[str] = []
    found = sorted(out_dir.glob("journal.*"))
    recorded = _read(found[0] if found else out_dir / journal.NAME, _load_journal,
                     "nothing is known of what happened", missing)
    sound = _read(out_dir / SOUND, measure_sound, "the sound was not recorded", missing)
    topics = _read(out_dir / RECEIVED, _topics, "no broker was listened to", missing)
    settings = _read(out_dir / SETTINGS, load, "patient and loudness ceiling are not known", missing)
    _read(out_dir / MIDI, Path.stat, "no score was written", missing)
    if recorded is not None and recorded.cut_bytes:
        missing.append(f"The journal ends within a record ({recorded.cut_bytes} bytes left out): the run was "
                       "cut short and is shown up to there.")
    if recorded is not None and recorded.unreadable:
        missing.append(f"{recorded.unreadable} records of the journal do not fit this version; they are "
                       "left out.")
    traces = Traces(recorded.messages if recorded is not None else ())
    return Leftovers(traces, sound, topics or [], settings, missing)


def _render(out_dir: Path, left: Leftovers, figures: Figures) -> str:
    """Return the page; every text in it is escaped, every picture is part of it."""
    ceiling = None if left.settings is None else ceiling_lufs(left.settings.player.loudness)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("device.desk", "."), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True)
    tables: list[Table] = tables_of(figures, ceiling)
    plots = [
        {"name": plot.name, "caption": plot.caption, "data": base64.b64encode(plot.png).decode()}
        for plot in draw_all(left.traces, left.sound, ceiling)
    ]
    return environment.get_template(TEMPLATE).render(
        about=_about(left), tables=tables, plots=plots, missing=left.missing, faults=figures.faults,
        sound=SOUND if (out_dir / SOUND).exists() else "", topics=figures.mqtt_by_topic,
        files=[name for name in (SOUND, MIDI, RECEIVED, journal.NAME, FIGURES) if (out_dir / name).exists()])


def _about(left: Leftovers) -> list[tuple[str, str]]:
    """Return what was run, as names and values."""
    truths = left.traces.of(Truth)
    sessions = [each for each in left.traces.of(Session) if each.phase is not SessionPhase.IDLE]
    patient = "not known"
    if left.settings is not None:
        name = left.settings.simulator.patient
        patient = "simulated" if name == "sim" else f"recording of a real person ({Path(name).name})"
    elif truths:
        has_arousal = any(truth.arousal is not None for truth in truths)  # no recording tells it
        patient = "simulated" if has_arousal else "recording of a real person"
    about = [("Patient", patient)]
    if left.settings is not None:
        about.append(("Patient's seed", str(left.settings.simulator.seed)))
    if sessions:
        about.append(("Session's seed", str(sessions[-1].seed)))
        about.append(("Program", f"{max(each.duration_s for each in sessions) / 60:g} minutes"))
    about.append(("Recorded", f"{left.traces.duration_s / 60:.1f} minutes"))
    signals = sorted({block.signal for block in left.traces.of(SampleBlock)})
    if signals:
        about.append(("Signals", ", ".join(signals)))
    return about


def _load_journal(path: Path) -> journal.Journal:
    """Read the journal, raw EEG left out: its band powers are all that is drawn."""
    return journal.load_journal(path, (EegBlock,))


def _topics(path: Path) -> list[str]:
    """Return the topic of every line; a last line cut short is left out.

    Raises:
        RecordingError: the file does not hold one JSON object a line.
    """
    lines = path.read_bytes().splitlines()
    try:
        return [msgspec.json.decode(line, type=Received).topic for line in lines if line.endswith(b"}")]
    except msgspec.DecodeError as error:
        raise RecordingError(f"{path}: is not one message a line ({error})") from error


def _read(path: Path, read: Callable[[Path], Part], so: str, missing: list[str]) -> Part | None:
    """Return what a file holds, or None and a sentence on why not and what that means."""
    if not path.exists():
        missing.append(f"{path.name} is missing: {so}.")
        return None
    try:
        return read(path)
    except (ConfigError, RecordingError, OSError) as error:
        missing.append(str(error).replace(f"{path.parent}/", "") + f": {so}.")
        return None
