"""The lead voice of a score in ABC notation, as far as the Open Hymnal needs it.

Words, decorations, slurs, grace notes and chord symbols are dropped, ties are joined, of a chord the
last (highest) note is kept. Source of the notation: the ABC standard 2.1, abcnotation.com.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import NamedTuple

from device.music.tokens import Place, Tone

ENCODING = "latin-1"

_STEP = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTAL = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}
_RELATIVE_MINOR = 9  # semitones from the major tonic up to the minor one
_SHARPS = "FCGDAEB"
_MAJOR = {
    "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5, "F#": 6, "C#": 7,
    "F": -1, "Bb": -2, "Eb": -3, "Ab": -4, "Db": -5, "Gb": -6, "Cb": -7,
}  # fmt: skip
_NOTE = r"(?P<accidental>\^\^|\^|__|_|=)?(?P<letter>[A-Ga-g])(?P<octave>[,']*)(?P<length>[0-9]*/*[0-9]*)"
_TOKEN = re.compile(
    r"\[(?P<field>[A-Zw]):(?P<value>[^\]]*)\]"
    r"|(?P<drop>![^!]*!|\"[^\"]*\"|\{[^}]*\})"
    rf"|(?P<chord>\[(?=[\^_=A-Ga-g])[^\]]*\])(?P<chordlength>[0-9]*/*[0-9]*)"
    r"|\((?P<tuplet>[2-9])(?=[\^_=A-Ga-gzx])"
    r"|(?P<overlay>&[^|]*)"
    r"|(?P<bar>:?\|+[\]:]?|\[\|)"
    r"|(?P<rest>[zx])(?P<restlength>[0-9]*/*[0-9]*)"
    rf"|(?P<note>{_NOTE})"
    r"|(?P<tie>-)"
    r"|(?P<broken>[<>])"
)
_CHORD_NOTE = re.compile(_NOTE)
_TUPLET_RATIO = {2: 3 / 2, 3: 2 / 3, 4: 3 / 4, 6: 2 / 6, 8: 3 / 8}


class Tune(NamedTuple):
    """One melody: its file's name, tones, the place of each tone's start and end, major tonic 0 to 11."""

    name: str
    tones: tuple[Tone, ...]
    starts: tuple[Place, ...]
    ends: tuple[Place, ...]
    tonic: int
    minor: bool


def read_tune(path: Path) -> Tune:
    """Read the lead voice of one file.

    Raises:
        ValueError: the file has no melody line, or a key that is no major signature.
    """
    text = path.read_text(ENCODING)
    header = {name: _header(text, name) for name in ("K", "L", "M")}
    key = (header["K"] or "C").split()[0]
    if key not in _MAJOR:
        raise ValueError(f"{path.name}: key {key!r} is no major signature")
    lines = re.findall(r"^\[V: *S1(?:V1)?\](.*)$", text, re.MULTILINE)
    reader = _Reader(_MAJOR[key], _fraction(header["L"] or "1/4") * 4, _metre(header["M"]))
    for line in lines:
        reader.read(line)
    if not reader.tones:
        raise ValueError(f"{path.name}: no notes in voice S1V1 or S1")
    return reader.tune(path.stem)


def read_folder(folder: Path) -> list[Tune]:
    """Read every `.abc` file at or below a folder, ordered by name.

    Raises:
        ValueError: there is none, or one of them cannot be read.
    """
    paths = sorted(folder.rglob("*.abc"), key=lambda path: path.name)
    if not paths:
        raise ValueError(f"no .abc files under {folder}; give the folder with the melody data")
    return [read_tune(path) for path in paths]


class _Reader:
    """The state of reading one voice: where in the bar we are, which accidentals hold."""

    def __init__(self, sharps: int, unit_beats: float, metre: tuple[float, int]) -> None:
        self.tones: list[Tone] = []
        self._places: list[tuple[int, float]] = []  # bar and beat in it at each tone's start
        self._ends: list[tuple[int, float]] = []
        self._sharps, self._unit, self._metre = sharps, unit_beats, metre
        self._held: dict[str, int] = {}
        self._now, self._bar, self._bar_start = 0.0, 0, 0.0
        self._pickup: float | None = None
        self._tied, self._tuplet_left, self._tuplet_ratio, self._broken = False, 0, 1.0, 1.0

    def read(self, line: str) -> None:
        """Read one line of music."""
        for found in _TOKEN.finditer(line.partition("%")[0]):
            if found["field"]:
                self._change(found["field"], found["value"])
            elif found["bar"]:
                self._barline()
            elif found["tuplet"]:
                self._tuplet_left = int(found["tuplet"])
                self._tuplet_ratio = _TUPLET_RATIO.get(self._tuplet_left, 2 / self._tuplet_left)
            elif found["rest"]:
                self._advance(self._beats(found["restlength"]))
            elif found["chord"]:
                self._chord(found["chord"], found["chordlength"])
            elif found["note"]:
                self._note(found, self._beats(found["length"]))
            elif found["tie"]:
                self._tied = True
            elif found["broken"]:
                self._break(found["broken"])

    def tune(self, name: str) -> Tune:
        """Return what was read; a short first bar counts as an upbeat to bar 0."""
        bar_beats, metre = self._metre
        lead = bar_beats - self._pickup if self._pickup is not None and bar_beats else 0.0

        def place(bar: int, beat: float) -> Place:
            """Return a place with the upbeat moved to the end of its bar."""
            shifted = beat + (lead if bar == 0 else 0.0)
            wraps = bar == 0 and bar_beats and shifted >= bar_beats - 1e-6
            return Place(shifted - bar_beats, 1, metre) if wraps else Place(shifted, bar, metre)

        tonic = (7 * self._sharps) % 12
        minor = (self.tones[-1].pitch - tonic) % 12 == _RELATIVE_MINOR
        starts = tuple(place(*where) for where in self._places)
        ends = tuple(place(*where) for where in self._ends)
        return Tune(name, tuple(self.tones), starts, ends, tonic, minor)

    def _change(self, field: str, value: str) -> None:
        """Follow a change of metre, unit length or key inside the tune."""
        if field == "M":
            self._metre = _metre(value)
        elif field == "L":
            self._unit = _fraction(value) * 4
        elif field == "K":
            self._sharps = _MAJOR.get(value.strip(), self._sharps)

    def _barline(self) -> None:
        """End the bar; accidentals hold no longer."""
        self._held.clear()
        elapsed = self._now - self._bar_start
        if elapsed <= 0:
            return
        if self._bar == 0 and elapsed < self._metre[0] and self._pickup is None:
            self._pickup = elapsed
        self._bar += 1
        self._bar_start = self._now

    def _beats(self, length: str) -> float:
        """Return the beats of a written length, tuplets and broken rhythm included."""
        beats = _length(length) * self._unit * self._broken
        self._broken = 1.0
        if self._tuplet_left:
            self._tuplet_left -= 1
            beats *= self._tuplet_ratio
        return beats

    def _break(self, sign: str) -> None:
        """Lengthen one neighbour and shorten the other by half (`A>B`)."""
        ratio = 1.5 if sign == ">" else 0.5
        if self.tones:
            last = self.tones[-1]
            self._now += last.beats * (ratio - 1.0)
            self.tones[-1] = last._replace(beats=last.beats * ratio)
            self._mark_end()
        self._broken = 2.0 - ratio

    def _chord(self, chord: str, length: str) -> None:
        """Take the highest note of a chord."""
        notes = list(_CHORD_NOTE.finditer(chord))
        beats = self._beats(notes[0]["length"]) * _length(length)
        self._note(max(notes, key=self._pitch), beats)

    def _note(self, found: re.Match[str], beats: float) -> None:
        """Append a note, or lengthen the one it is tied to."""
        pitch = self._pitch(found)
        if self._tied and self.tones and self.tones[-1].pitch == pitch:
            self.tones[-1] = self.tones[-1]._replace(beats=self.tones[-1].beats + beats)
            self._advance(beats)
            self._mark_end()
        else:
            self._places.append((self._bar, self._now - self._bar_start))
            self._ends.append((self._bar, 0.0))
            self.tones.append(Tone(pitch, self._now, beats))
            self._advance(beats)
            self._mark_end()
        self._tied = False

    def _mark_end(self) -> None:
        """Note where the last tone ends; a full bar wraps to the next."""
        beat, bar = self._now - self._bar_start, self._bar
        full = self._pickup_bar_beats()
        if full and beat >= full - 1e-6:
            beat, bar = beat - full, bar + 1
        self._ends[-1] = (bar, beat)

    def _pickup_bar_beats(self) -> float:
        """Return the length of the present bar; the first may turn out an upbeat, so it never wraps."""
        return self._metre[0] if self._bar else 0.0

    def _advance(self, beats: float) -> None:
        """Let written time pass."""
        self._now += beats

    def _pitch(self, found: re.Match[str]) -> int:
        """Return the MIDI pitch of a note; its accidental holds to the end of the bar."""
        letter, marks = found["letter"], found["octave"]
        upper = letter.upper()
        octave = (1 if letter.islower() else 0) + marks.count("'") - marks.count(",")
        voice = f"{upper}{octave}"
        if found["accidental"]:
            self._held[voice] = _ACCIDENTAL[found["accidental"]]
        return 60 + 12 * octave + _STEP[upper] + self._held.get(voice, _signature(upper, self._sharps))


def _header(text: str, name: str) -> str | None:
    """Return the value of a header field, comment removed."""
    found = re.search(rf"^{name}: *([^%\r\n]*)", text, re.MULTILINE)
    return found.group(1).strip() if found else None


def _fraction(text: str) -> float:
    """Return the value of `1/4`."""
    top, _, bottom = text.strip().partition("/")
    return int(top) / int(bottom or 1)


def _length(text: str) -> float:
    """Return the factor written behind a note: `2`, `3/2`, `/`, `//`."""
    if not text:
        return 1.0
    top, slashes, bottom = re.fullmatch(r"([0-9]*)(/*)([0-9]*)", text).groups()  # type: ignore[union-attr]
    divisor = int(bottom) if bottom else 2 ** len(slashes)
    return int(top or 1) / (divisor if slashes else 1)


def _metre(text: str | None) -> tuple[float, int]:
    """Return beats per bar (0 without a metre) and the metre's class: duple, triple, compound, free."""
    found = re.match(r"([0-9]+)/([0-9]+)", text or "")
    if not found:
        return 0.0, 3
    top, bottom = int(found.group(1)), int(found.group(2))
    kind = 2 if top % 3 == 0 and top > 3 else 1 if top == math.gcd(top, 3) and top == 3 else 0  # noqa: PLR2004 - 3 beats
    return top * 4 / bottom, kind


def _signature(letter: str, sharps: int) -> int:
    """Return -1, 0 or 1: what the key signature does to a letter."""
    place = _SHARPS.index(letter)
    return int(place < sharps) - int(place >= len(_SHARPS) + sharps)
