"""One voice of music in ABC notation: tones, lengths, places in the bar.

Words, decorations, slurs, grace notes and chord symbols are dropped, ties are joined, of a chord the
highest note is kept, of an overlay the first layer. Source of the notation: the ABC standard 2.1,
abcnotation.com.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from device.music.tokens import Place, Tone

_STEP = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTAL = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}
_SHARPS = "FCGDAEB"
_MAJOR = {
    "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5, "F#": 6, "C#": 7, "G#": 8, "D#": 9, "A#": 10,
    "F": -1, "Bb": -2, "Eb": -3, "Ab": -4, "Db": -5, "Gb": -6, "Cb": -7,
}  # fmt: skip
_MODES = {  # sharps that a mode has more than the major key of the same tonic
    "": 0, "maj": 0, "ion": 0, "lyd": 1, "mix": -1, "dor": -2, "m": -3, "min": -3, "aeo": -3, "phr": -4,
    "loc": -5,
}  # fmt: skip
_MOST_SHARPS = 7
_LENGTH = r"[0-9]*/*[0-9]*"
_NOTE = rf"(?P<accidental>\^\^|\^|__|_|=)?(?P<letter>[A-Ga-g])(?P<octave>[,']*)(?P<length>{_LENGTH})"
_TOKEN = re.compile(
    r"\[(?P<field>[A-Zw]):(?P<value>[^\]]*)\]"
    r"|(?P<drop>![^!]*!|\"[^\"]*\"|\{[^}]*\})"
    rf"|(?P<chord>\[(?=[\^_=A-Ga-g])[^\]]*\])(?P<chordlength>{_LENGTH})"
    r"|\((?P<tuplet>[2-9])(?::[0-9]*){0,2}(?=[\^_=A-Ga-gzx])"
    r"|(?P<overlay>&[^|]*)"
    r"|(?P<bar>:?\|+[\]:]?|\[\||::)"
    rf"|(?P<rest>[zx])(?P<restlength>{_LENGTH})"
    r"|(?P<barsofrest>[ZX])(?P<restbars>[0-9]*)"
    rf"|(?P<note>{_NOTE})"
    r"|(?P<tie>-)"
    r"|(?P<broken>>+|<+)"
)
_CHORD_NOTE = re.compile(_NOTE)
_TUPLET_RATIO = {2: 3 / 2, 3: 2 / 3, 4: 3 / 4, 6: 2 / 6, 8: 3 / 8}
_TRIPLE = 3  # beats


class Metre(NamedTuple):
    """Quarter notes per bar (0 without a metre) and the kind: 0 duple, 1 triple, 2 compound, 3 free."""

    bar_beats: float
    kind: int


class Voice(NamedTuple):
    """A voice as read: tones and the place of each tone's start and end; an upbeat lies in bar -1."""

    tones: tuple[Tone, ...]
    starts: tuple[Place, ...]
    ends: tuple[Place, ...]


def read_voice(lines: list[str], sharps: int, unit_beats: float, metre: Metre) -> Voice:
    """Return what the lines of one voice say.

    Args:
        lines: music, without the voice's name.
        sharps: of the key signature, flats negative.
        unit_beats: quarter notes that an unmarked note lasts.
        metre: at the start.

    Raises:
        ValueError: a length or a field inside cannot be read.
    """
    reader = _Reader(sharps, unit_beats, metre)
    for line in lines:
        reader.read(line)
    return reader.voice()


def key_sharps(text: str) -> int:
    """Return the sharps of a key such as `Eb`, `Am` or `D dorian`, flats negative.

    Raises:
        ValueError: it is no key of that kind.
    """
    found = re.match(r"([A-G][#b]?)[ \t]*([A-Za-z]*)", text)
    mode = found.group(2).lower() if found else ""
    mode = "" if mode in {"clef", "treble", "bass", "none", "transpose"} else mode
    mode = mode if mode in _MODES else mode[:3]
    if not found or found.group(1) not in _MAJOR or mode not in _MODES:
        raise ValueError(f"key {text!r} is no major, minor or church mode")
    sharps = _MAJOR[found.group(1)] + _MODES[mode]
    if abs(sharps) > _MOST_SHARPS:
        raise ValueError(f"key {text!r} has more than seven sharps or flats")
    return sharps


def fraction(text: str) -> float:
    """Return the value of `1/4`.

    Raises:
        ValueError: it is no positive fraction.
    """
    found = re.fullmatch(r"([0-9]+)(?:/([0-9]+))?", text.strip())
    if not found or not int(found.group(1)) or not int(found.group(2) or 1):
        raise ValueError(f"length {text.strip()!r} is no fraction such as 1/8")
    return int(found.group(1)) / int(found.group(2) or 1)


def metre_of(text: str) -> Metre:
    """Return the metre of a field such as `3/4`, `C` or `none`."""
    written = {"C": "4/4", "C|": "2/2"}.get(text.strip(), text)
    found = re.match(r"([1-9][0-9]*)/([1-9][0-9]*)", written)
    if not found:
        return Metre(0.0, 3)
    top, bottom = int(found.group(1)), int(found.group(2))
    kind = 1 if top == _TRIPLE else 2 if top % _TRIPLE == 0 else 0
    return Metre(top * 4 / bottom, kind)


class _Reader:
    """The state of reading one voice: where in the bar we are, which accidentals hold."""

    def __init__(self, sharps: int, unit_beats: float, metre: Metre) -> None:
        self._tones: list[Tone] = []
        self._places: list[Place] = []  # of each tone's start
        self._ends: list[Place] = []
        self._sharps, self._unit, self._metre = sharps, unit_beats, metre
        self._held: dict[str, int] = {}
        self._now, self._bar, self._bar_start = 0.0, 0, 0.0
        self._lead, self._first_bar_beats = 0.0, metre.bar_beats  # beats missing before an upbeat
        self._tied, self._tuplet_left, self._tuplet_ratio, self._broken = False, 0, 1.0, 1.0

    def read(self, line: str) -> None:
        """Read one line of music."""
        for found in _TOKEN.finditer(line.partition("%")[0]):
            if found["note"]:
                self._note(found, self._beats(found["length"]))
            elif found["chord"]:
                self._chord(found["chord"], found["chordlength"])
            elif found["rest"]:
                self._now += self._beats(found["restlength"])
            elif found["barsofrest"]:
                self._now += self._metre.bar_beats * int(found["restbars"] or 1)
            else:
                self._mark(found)

    def _mark(self, found: re.Match[str]) -> None:
        """Follow what does not sound itself."""
        if found["field"]:
            self._change(found["field"], found["value"])
        elif found["bar"]:
            self._barline()
        elif found["tuplet"]:
            self._tuplet_left = int(found["tuplet"])
            self._tuplet_ratio = _TUPLET_RATIO.get(self._tuplet_left, 2 / self._tuplet_left)
        elif found["tie"]:
            self._tied = True
        elif found["broken"]:
            self._break(found["broken"])

    def voice(self) -> Voice:
        """Return what was read; a short first bar counts as an upbeat, in bar -1."""
        return Voice(
            tuple(self._tones), tuple(map(self._led, self._places)), tuple(map(self._led, self._ends)))

    def _led(self, place: Place) -> Place:
        """Return a place as counted from the first whole bar."""
        if place.bar:
            return place._replace(bar=place.bar - bool(self._lead))
        beat, full = place.beat_in_bar + self._lead, self._first_bar_beats
        bar = -1 if self._lead else 0
        wraps = full and beat >= full - 1e-6
        return Place(beat - full, bar + 1, place.metre) if wraps else Place(beat, bar, place.metre)

    def _change(self, field: str, value: str) -> None:
        """Follow a change of metre, unit length or key inside the tune."""
        if field == "M":
            self._metre = metre_of(value)
        elif field == "L":
            self._unit = fraction(value) * 4
        elif field == "K":
            self._sharps = key_sharps(value.strip())

    def _barline(self) -> None:
        """End the bar; accidentals hold no longer."""
        self._held.clear()
        elapsed = self._now - self._bar_start
        if elapsed <= 0:
            return
        if self._bar == 0 and elapsed < self._metre.bar_beats:
            self._first_bar_beats = self._metre.bar_beats
            self._lead = self._first_bar_beats - elapsed
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

    def _break(self, signs: str) -> None:
        """Lengthen one neighbour and shorten the other by half (`A>B`), by three quarters (`A>>B`)."""
        short = 0.5 ** len(signs)
        ratio = 2.0 - short if signs[0] == ">" else short
        if self._tones:
            last = self._tones[-1]
            self._now += last.beats * (ratio - 1.0)
            self._tones[-1] = last._replace(beats=last.beats * ratio)
            self._ends[-1] = self._place(wraps=True)
        self._broken = 2.0 - ratio

    def _chord(self, chord: str, length: str) -> None:
        """Take the highest note of a chord."""
        notes = list(_CHORD_NOTE.finditer(chord))
        beats = self._beats(notes[0]["length"]) * _length(length)
        self._note(max(notes, key=self._pitch), beats)

    def _note(self, found: re.Match[str], beats: float) -> None:
        """Append a note, or lengthen the one it is tied to."""
        pitch = self._pitch(found)
        if self._tied and self._tones and self._tones[-1].pitch == pitch:
            self._tones[-1] = self._tones[-1]._replace(beats=self._tones[-1].beats + beats)
        else:
            self._places.append(self._place(wraps=False))
            self._ends.append(self._places[-1])
            self._tones.append(Tone(pitch, self._now, beats))
        self._now += beats
        self._ends[-1] = self._place(wraps=True)
        self._tied = False

    def _place(self, *, wraps: bool) -> Place:
        """Return where we are; a full bar may wrap to the next, but the first may turn out an upbeat."""
        beat, full = self._now - self._bar_start, self._metre.bar_beats
        if wraps and self._bar and full and beat >= full - 1e-6:
            return Place(beat - full, self._bar + 1, self._metre.kind)
        return Place(beat, self._bar, self._metre.kind)

    def _pitch(self, found: re.Match[str]) -> int:
        """Return the MIDI pitch of a note; its accidental holds to the end of the bar."""
        letter, marks = found["letter"], found["octave"]
        upper = letter.upper()
        octave = (1 if letter.islower() else 0) + marks.count("'") - marks.count(",")
        voice = f"{upper}{octave}"
        if found["accidental"]:
            self._held[voice] = _ACCIDENTAL[found["accidental"]]
        return 60 + 12 * octave + _STEP[upper] + self._held.get(voice, _signature(upper, self._sharps))


def _length(text: str) -> float:
    """Return the factor written behind a note: `2`, `3/2`, `/`, `//`."""
    if not text:
        return 1.0
    top, slashes, bottom = re.fullmatch(r"([0-9]*)(/*)([0-9]*)", text).groups()  # type: ignore[union-attr]
    divisor = int(bottom) if bottom else 2 ** len(slashes)
    if not divisor or top == "0":
        raise ValueError(f"length {text!r} is none")
    return int(top or 1) / (divisor if slashes else 1)


def _signature(letter: str, sharps: int) -> int:
    """Return -1, 0 or 1: what the key signature does to a letter."""
    place = _SHARPS.index(letter)
    return int(place < sharps) - int(place >= len(_SHARPS) + sharps)
