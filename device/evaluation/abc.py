"""Tunes in ABC notation: which lines of a file are the melody, in which key, metre and unit.

The melody is the voice S1V1 or S1, as the Open Hymnal writes it; a tune whose voices are named
otherwise gives its first voice, a tune without voices all its music. Source of the notation: the ABC
standard 2.1, abcnotation.com.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import NamedTuple

from device.errors import RecordingError
from device.evaluation.abc_voice import fraction, key_sharps, metre_of, read_voice
from device.music.tokens import Place, Tone

ENCODING = "latin-1"

_RELATIVE_MINOR = 9  # semitones from the major tonic up to the minor one
_LEAD = ("S1V1", "S1")
_WHOLE_BEATS = 4.0
_SHORT_METRE_BEATS = 3.0  # below it an unmarked note is a sixteenth, otherwise an eighth (ABC 2.1, 3.1.7)
_FREE_BAR_BEATS = 4.0  # of a tune without a metre, for its segments only
_FEWEST = 2  # tones: one interval


class Tune(NamedTuple):
    """One melody: name, tones, the place of each tone's start and end, major tonic 0 to 11, beats per bar."""

    name: str
    tones: tuple[Tone, ...]
    starts: tuple[Place, ...]
    ends: tuple[Place, ...]
    tonic: int
    minor: bool
    bar_beats: float = _FREE_BAR_BEATS


class Reading(NamedTuple):
    """The tunes of a folder, and why other files or tunes were left out, by name."""

    tunes: list[Tune]
    skipped: dict[str, str]


def read_tunes(path: Path) -> Reading:
    """Read every tune of one file; a file with several names them `stem#number` by their X: field.

    A tune that cannot be read is skipped, with the reason.
    """
    try:
        text = path.read_text(ENCODING).replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        return Reading([], {path.name: error.strerror or str(error)})
    starts = [found.start() for found in re.finditer(r"^X:", text, re.MULTILINE)]
    bounds = [*starts, len(text)] if len(starts) > 1 else [0, len(text)]
    tunes, skipped = [], {}
    for begin, end in itertools.pairwise(bounds):
        part = text[begin:end]
        name = path.stem if len(starts) <= 1 else f"{path.stem}#{_header(part, 'X') or begin}"
        try:
            tunes.append(_tune(name, part))
        except ValueError as error:
            skipped[name] = str(error)
    return Reading(tunes, skipped)


def read_tune(path: Path) -> Tune:
    """Read the melody of a file that holds one.

    Raises:
        ValueError: it cannot be read, or holds several.
    """
    found = read_tunes(path)
    if found.skipped:
        name, reason = next(iter(found.skipped.items()))
        raise ValueError(f"{name}: {reason}")
    if len(found.tunes) != 1:
        raise ValueError(f"{path.name}: {len(found.tunes)} tunes where one was expected")
    return found.tunes[0]


def read_folder(folder: Path) -> Reading:
    """Read every `.abc` file at or below a folder, ordered by name.

    Raises:
        RecordingError: there is no such folder, no such file, or none of them can be read.
    """
    if not folder.is_dir():
        raise RecordingError(f"{folder}: no such folder; give the folder that holds the .abc files")
    paths = sorted(
        (path for path in folder.rglob("*") if path.suffix.lower() == ".abc" and path.is_file()),
        key=lambda path: (path.name, path))
    if not paths:
        raise RecordingError(f"{folder}: no .abc files at or below it; give the folder that holds the tunes")
    tunes: list[Tune] = []
    skipped: dict[str, str] = {}
    for path in paths:
        found = read_tunes(path)
        taken = {tune.name for tune in tunes}
        tunes += [
            tune if tune.name not in taken else tune._replace(name=str(path.relative_to(folder)))
            for tune in found.tunes]
        skipped |= found.skipped
    if not tunes:
        name, reason = next(iter(skipped.items()))
        raise RecordingError(
            f"{folder}: none of {len(paths)} .abc files can be read; the first, {name}: {reason}")
    return Reading(tunes, skipped)


def _tune(name: str, text: str) -> Tune:
    """Return the melody of one tune's text."""
    key = _header(text, "K")
    if key is None and "|" not in text:
        raise ValueError("no ABC notation: neither a K: field nor a bar line")
    written = (key or "C").strip()
    sharps = 0 if written.lower() in {"", "none"} else key_sharps(written)
    metre = metre_of(_header(text, "M") or "none")
    unit = _header(text, "L")
    short = 0.0 < metre.bar_beats < _SHORT_METRE_BEATS
    unit_beats = _WHOLE_BEATS * (fraction(unit) if unit else 1 / 16 if short else 1 / 8)
    voice = read_voice(_music(text), sharps, unit_beats, metre)
    if len(voice.tones) < _FEWEST:
        raise ValueError(
            f"{len(voice.tones) or 'no'} notes in voice S1V1 or S1, or in its first or only voice; "
            f"at least {_FEWEST} are needed")
    tonic = (7 * sharps) % 12
    minor = (voice.tones[-1].pitch - tonic) % 12 == _RELATIVE_MINOR
    return Tune(name, *voice, tonic, minor, metre.bar_beats or _FREE_BAR_BEATS)


def _music(text: str) -> list[str]:
    """Return the melody's lines of music."""
    voices: dict[str, list[str]] = {}
    current = ""
    body = re.split(r"^K:.*$", text, maxsplit=1, flags=re.MULTILINE)[-1]
    for line in body.split("\n"):
        inline = re.match(r"\[V: *([^\] ]+)[^\]]*\](.*)", line)
        field = re.match(r"V: *(\S+)", line)
        if inline:
            current = inline.group(1)
            voices.setdefault(current, []).append(inline.group(2))
        elif field:
            current = field.group(1)
        elif re.match(r"[KLM]:", line):
            voices.setdefault(current, []).append(f"[{line.partition('%')[0].strip()}]")
        elif not re.match(r"[A-Za-z+]:|%", line):
            voices.setdefault(current, []).append(line)
    sung = {name: lines for name, lines in voices.items() if re.search("[A-Ga-g]", "".join(lines))}
    lead = [line for name in _LEAD for line in sung.get(name, [])]
    return lead or next(iter(sung.values()), [])


def _header(text: str, name: str) -> str | None:
    """Return the value of a header field, comment removed."""
    found = re.search(rf"^{name}: *([^%\n]*)", text, re.MULTILINE)
    return found.group(1).strip() if found else None
