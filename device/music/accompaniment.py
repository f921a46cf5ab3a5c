"""Pad, bass and texture under the melody: few notes, all of the chord, set as the style asks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from device.messages import MusicalTarget, Note, Phrase, Style, Voice
from device.music.dynamics import velocity
from device.music.harmony import BEATS_PER_BAR, PROGRESSION_BARS, Chord, Key, chord_at, gentle_tones
from device.music.manner import MANNERS, Figure, Manner
from device.music.motif import SHORTEST_BEATS
from device.music.tension import tension_of
from device.music.tokens import Tone
from device.music.voicing import bass_line, bass_pitch, pad_voicing, sounded

TEXTURE_LOW, TEXTURE_HIGH = 64, 88
LONGEST_PAD_BEATS = 8.0
_PAD_VOICES: tuple[float, float] = (55.0, 64.0)  # centre of the pad at pitch 0 and 1
_FIFTHS_FROM = 0.7  # density from which the repeated bass is a fifth
_SUSPENSION_FROM = 0.4  # tension
_SUSPENDED_BEATS = 2.0
_ECHO_FROM_BEATS = 1.0  # a rest of the melody as long as this may be answered
_ECHO_CHANCE = 0.7
_ECHO_TONES = 3
# Onsets of a figure by importance: the bar fills up from the strong beats, so density adds and never moves.
_ORDER = (0.0, 2.0, 1.0, 3.0, 2.5, 0.5, 1.5, 3.5)


class Hands(NamedTuple):
    """Where the hands lie: the pad's voices and the bass note that sound now, and the style they play."""

    pad: tuple[int, ...] = ()
    bass: int | None = None
    style: Style | None = None


class Page(NamedTuple):
    """What a phrase is played from: its chords and key, the target, the style, slow drift -1 to 1."""

    chords: tuple[Chord, ...]
    key: Key
    target: MusicalTarget
    style: Style
    drift: float

    @property
    def manner(self) -> Manner:
        """How the style sets it."""
        return MANNERS[self.style]


def hands_after(phrase: Phrase) -> Hands:
    """Return where the hands lie after a phrase: what its last bar sounds to the end."""
    last_bar = float((PROGRESSION_BARS - 1) * BEATS_PER_BAR)
    pads = {
        note.pitch for note in phrase.notes if note.voice == "pad"
        and (note.start_beat >= last_bar or note.start_beat + note.beats >= phrase.beats)
        and not _passing(note, phrase)}
    basses = [note for note in phrase.notes if note.voice == "bass" and note.start_beat >= last_bar]
    return Hands(tuple(sorted(pads)), basses[0].pitch if basses else None, phrase.style)


def _passing(note: Note, phrase: Phrase) -> bool:
    """Return whether a pad note is a suspension that has been resolved."""
    held = MANNERS[phrase.style].figure is Figure.HELD
    return held and note.start_beat + note.beats < phrase.beats


def accompaniment(page: Page, hands: Hands, rng: np.random.Generator) -> tuple[list[Note], Hands]:
    """Return pad and bass of a phrase, and where the hands lie afterwards."""
    basses = bass_line(page.chords, hands.bass)
    voicings = _voicings(page, basses, hands, rng)
    figure = page.manner.figure
    if figure is Figure.HELD:
        notes = _held(page, voicings, rng)
    else:
        arrives = hands.style is not None and MANNERS[hands.style].figure is Figure.HELD
        notes = _figured(page, voicings, arrives, rng)
    return [*notes, *_bass(page, basses)], Hands(voicings[-1], basses[-1], page.style)


def texture(page: Page, melody: Sequence[Tone], rng: np.random.Generator) -> list[Note]:
    """Return single high notes of the chord, and echoes that answer the melody where it rests."""
    notes = []
    sparse, busy = page.manner.texture
    wanted = sparse + (busy - sparse) * page.target.density
    low = round(TEXTURE_LOW + 6 * page.target.pitch)
    taken: set[float] = set()
    for tone in _echo(page, melody, low, rng):
        taken.add(tone.start_beat)
        notes.append(_textured(page, tone.pitch, tone.start_beat))
    for bar in range(PROGRESSION_BARS):
        count = int(wanted + rng.random())
        places = sorted(float(place) for place in rng.choice(8, size=min(8, count), replace=False) / 2)
        for place in places:
            start = bar * BEATS_PER_BAR + place
            chord = chord_at(page.chords, start)
            pitches = [p for p in range(low, min(low + 18, TEXTURE_HIGH) + 1) if p % 12 in chord.triad]
            pitch = pitches[int(rng.integers(len(pitches)))]
            if start not in taken:
                notes.append(_textured(page, pitch, start))
    return notes


def _voicings(
    page: Page, basses: tuple[int, ...], hands: Hands, rng: np.random.Generator,
) -> list[tuple[int, ...]]:
    """Return the pad's voicing of each chord."""
    low, high = _PAD_VOICES
    centre = low + (high - low) * page.target.pitch + page.manner.pad_lift
    tension = tension_of(page.target)
    before, bass_before = hands.pad, hands.bass
    voicings = []
    for chord, bass in zip(page.chords, basses, strict=True):
        before = pad_voicing(
            sounded(chord, page.key, tension, rng), (bass_before, bass), before, centre, tension)
        bass_before = bass
        voicings.append(before)
    return voicings


def _held(page: Page, voicings: list[tuple[int, ...]], rng: np.random.Generator) -> list[Note]:
    """Return one held chord per harmony; common tones are tied, a voice may come down late."""
    loud = velocity("pad", page.target, 1.0, page.drift)  # a pad has no accent
    notes: list[Note] = []
    sounding: dict[int, int] = {}  # pitch to place in `notes`
    for place, (chord, voices) in enumerate(zip(page.chords, voicings, strict=True)):
        whim = rng.random()
        late = _suspended(page, voicings, place) if whim < tension_of(page.target) else None
        now = {}
        for pitch in voices:
            tied = sounding.get(pitch)
            if tied is not None and notes[tied].beats + chord.beats <= LONGEST_PAD_BEATS:
                notes[tied] = msgspec.structs.replace(notes[tied], beats=notes[tied].beats + chord.beats)
                now[pitch] = tied
                continue
            delay = 0.0
            over = sounding.get(late[0]) if late is not None and pitch == late[1] else None
            if over is not None and notes[over].beats + _SUSPENDED_BEATS <= LONGEST_PAD_BEATS:
                notes[over] = msgspec.structs.replace(notes[over], beats=notes[over].beats + _SUSPENDED_BEATS)
                delay = _SUSPENDED_BEATS
            now[pitch] = len(notes)
            notes.append(_note("pad", pitch, chord.start_beat + delay, chord.beats - delay, loud))
        sounding = now
    return notes


def _suspended(page: Page, voicings: list[tuple[int, ...]], place: int) -> tuple[int, int] | None:
    """Return a voice of the chord before that may resolve a step down late, with the tone it resolves to."""
    if place == 0 or tension_of(page.target) < _SUSPENSION_FROM:
        return None
    short = page.chords[place].beats <= _SUSPENDED_BEATS
    if short or page.chords[place - 1].beats + _SUSPENDED_BEATS > LONGEST_PAD_BEATS:
        return None
    for old in reversed(voicings[place - 1]):
        for new in voicings[place]:
            if old - new in (1, 2) and old not in voicings[place] and new not in voicings[place - 1]:
                return old, new
    return None


def _figured(
    page: Page, voicings: list[tuple[int, ...]], arrives: bool, rng: np.random.Generator,
) -> list[Note]:
    """Return each chord broken into a figure that fills up with density.

    Where the style has just changed from held chords, the first bar is still one chord.
    """
    few, many = page.manner.onsets
    wanted = few + (many - few) * page.target.density
    notes = []
    counts = [min(len(_ORDER), int(wanted + rng.random())) for _ in range(PROGRESSION_BARS)]
    for chord, voices in zip(page.chords, voicings, strict=True):
        ends = chord.start_beat + chord.beats
        first = chord.start_beat
        while first < ends:
            bar = int(first // BEATS_PER_BAR)
            until = min(ends, float((bar + 1) * BEATS_PER_BAR))
            onsets = {first} | {bar * BEATS_PER_BAR + onset for onset in _ORDER[: counts[bar]]}
            held = arrives and bar == 0
            here = [first] if held else sorted(onset for onset in onsets if first <= onset < until)
            notes += _broken(page, here, until, voices)
            first = until
    return notes


def _broken(page: Page, onsets: list[float], until: float, voices: tuple[int, ...]) -> list[Note]:
    """Return a chord as a figure: every voice sounds, the first onset takes those that come over.

    As under a pedal every voice rings until it is struck again, so that the chord lies under the strokes.
    """
    parts = _course(len(voices), len(onsets), page.manner.figure)
    notes = []
    for place, (onset, struck) in enumerate(zip(onsets, parts, strict=True)):
        loud = velocity("pad", page.target, onset, page.drift)
        for part in struck:
            again = (later for later, others in zip(onsets[place + 1:], parts[place + 1:], strict=True)
                     if part in others)
            length = _shortened(next(again, until) - onset, page)
            notes.append(_note("pad", voices[part], onset, length, loud))
    return notes


def _course(voices: int, onsets: int, figure: Figure) -> list[tuple[int, ...]]:
    """Return which voices, counted from the lowest, each onset under one chord plays."""
    if onsets < voices:
        together = voices - onsets + 1
        return [tuple(range(together)), *((part,) for part in range(together, voices))]
    turn = [*range(voices), *range(voices - 2, 0, -1)] if figure is Figure.BROKEN else list(range(voices))
    return [(turn[place % len(turn)],) for place in range(onsets)]


def _bass(page: Page, basses: tuple[int, ...]) -> list[Note]:
    """Return the bass under each harmony; in busier music again in mid-bar, as fifth or as it was."""
    notes = []
    target = page.target
    busy = target.density >= page.manner.bass_from
    again = BEATS_PER_BAR / 2
    for chord, bass in zip(page.chords, basses, strict=True):
        root = bass % 12 == chord.triad[0]
        fifth = bass_pitch(chord.triad[2], bass) if root and target.density > _FIFTHS_FROM else bass
        repeats = busy and chord.beats > again and (
            fifth != bass or target.percussiveness + target.density >= 1.0)
        length = again if repeats else chord.beats
        for turn in range(int(chord.beats / length)):
            start = chord.start_beat + turn * length
            loud = velocity("bass", target, start, page.drift)
            pitch = fifth if turn % 2 == 1 else bass
            notes.append(_note("bass", pitch, start, _shortened(length, page), loud))
    return notes


def _echo(page: Page, melody: Sequence[Tone], low: int, rng: np.random.Generator) -> list[Tone]:
    """Return tones that repeat, higher, what the melody sang before it rested; some rests stay empty."""
    ends = PROGRESSION_BARS * float(BEATS_PER_BAR)
    echoes = []
    for place, tone in enumerate(melody):
        until = melody[place + 1].start_beat if place + 1 < len(melody) else ends
        answered = rng.random() < _ECHO_CHANCE * page.target.density
        if until - tone.end_beat < _ECHO_FROM_BEATS or not answered:
            continue
        start = math.ceil(2.0 * tone.end_beat) / 2.0
        for before in melody[max(0, place + 1 - _ECHO_TONES) : place + 1]:
            raised = before.pitch + 12 * max(0, -((before.pitch - low) // 12))
            chord = chord_at(page.chords, start)
            if start + SHORTEST_BEATS < until and raised % 12 in gentle_tones(chord.triad, page.key.scale):
                echoes.append(Tone(raised, start, 1.0))
                start += 0.5
    return echoes


def _textured(page: Page, pitch: int, start: float) -> Note:
    """Return a note of the texture, within the phrase."""
    beats = min(_shortened(1.5, page), PROGRESSION_BARS * BEATS_PER_BAR - start)
    return _note("texture", pitch, start, beats, velocity("texture", page.target, start, page.drift))


def _shortened(beats: float, page: Page) -> float:
    """Return how long a note sounds: percussive notes are let go early."""
    return max(SHORTEST_BEATS, round(beats * (1.0 - page.manner.shortened * page.target.percussiveness), 3))


def _note(voice: Voice, pitch: int, start_beat: float, beats: float, loud: float) -> Note:
    """Return a note of a part."""
    return Note(voice=voice, pitch=pitch, start_beat=start_beat, beats=beats, velocity=loud)
