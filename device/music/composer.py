"""Phrases of four bars that follow the musical target: a theme, its development, a clear end.

Each section of eight phrases has a key and a theme of two bars, which the melody source invents. Every
phrase states the theme or develops it (sequence, mirror, retrograde, an answer of the source's own),
ends on a stable tone and breathes. Key, theme and every draw follow from the session's seed and the
number of the phrase, so a restarted conductor goes on in the same music.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import msgspec
import numpy as np

from device.messages import MusicalTarget, Note, Phrase, Style
from device.music import accompaniment
from device.music.dynamics import drift_at, velocity
from device.music.harmony import BEATS_PER_BAR, Chord, Key, chord_at, key_of_section, progression
from device.music.line import Setting, register_of, sung
from device.music.melody import LONGEST_BEATS, MelodySource, MotifRequest
from device.music.memory import SessionMemory
from device.music.motif import (
    SHORTEST_BEATS,
    Shape,
    Step,
    bar_of,
    inverted,
    ladder_index,
    of_density,
    placed,
    reversed_pitches,
    shape_of,
    shifted,
    varied,
)
from device.music.tokens import Tone

BARS = 4
PHRASE_BEATS = float(BARS * BEATS_PER_BAR)
SECTION_PHRASES = 8  # about two minutes at 60 bpm
ATTEMPTS = 24  # drafts of a phrase until one is new

_THEME_BARS = 2
_THEME_LOW, _THEME_HIGH = 59, 76  # where the corpus lies, so the network is at home
_SPARSEST, _BUSIEST = 1.0, 4.5  # melody tones per bar at density 0 and 1
_WANDER_OCTAVES = 4  # up to 8 phrases; slower, it would hide the target's own pitch
_WANDER_STEPS = 8.0  # scale steps by which full drift lifts a phrase; it seldom passes a third of that
_SHORTENED = 0.6  # share of its length a melody tone loses at full percussiveness

# Streams of randomness, so that one draw more in a part does not change the others.
_THEME, _HARMONY, _MELODY, _TEXTURE = 2, 3, 4, 5


class Plan(Enum):
    """How a phrase treats its theme of bars A and B; the fourth bar is the cadence."""

    PERIOD = "A B A'"
    SEQUENCE = "A A-shifted B"
    MIRROR = "A B A-inverted"
    RETROGRADE = "B A-reversed A"
    ANSWER = "A B invented"
    FREE = "invented"


_PLAN_SHARES = (0.24, 0.2, 0.14, 0.1, 0.2, 0.12)


class _Frame(NamedTuple):
    """What a phrase is fitted into."""

    key: Key
    chords: tuple[Chord, ...]
    target: MusicalTarget
    closing: bool
    reference: int  # rung of the scale on which the theme's first tone is thought


class Composer:
    """Turns musical targets into phrases, one after the other.

    Args:
        melody: where themes and answers come from.
        seed: of the session, 0 or more.
    """

    def __init__(self, melody: MelodySource, seed: int) -> None:
        self._melody = melody
        self._seed = seed
        self._memory = SessionMemory()
        self._hands = accompaniment.Hands()

    def compose(
        self, target: MusicalTarget, *, phrase_id: int, start_s: float, at_s: float,
        style: Style = Style.WARM_PADS,
    ) -> Phrase:
        """Return the phrase of 16 beats that starts at `start_s`.

        Phrases are asked for in order; after a restart one may begin at any `phrase_id`. Whoever kept
        the phrase before hands it to `follow` first, so that the first leap is small as well.

        Args:
            target: where the music should be; values outside 0 to 1 are taken as the nearer end.
            phrase_id: counted from 0 within the session.
            start_s: monotonic time at which it is due.
            at_s: monotonic time now.
            style: how the music is set; the phrase carries it.
        """
        shown = bounded(target)
        drift = drift_at(self._seed, phrase_id * BARS)
        chances = self._rng(_HARMONY, phrase_id)
        key = key_of_section(self._seed, phrase_id // SECTION_PHRASES)
        closing = phrase_id % 2 == 1
        chords = progression(key, BARS, closing, chances)
        tones = self._new_melody(key, chords, shown, phrase_id)
        pad, self._hands = accompaniment.pad(chords, key, shown, self._hands, drift, chances)
        bass, self._hands = accompaniment.bass(chords, shown, self._hands, drift)
        texture = accompaniment.texture(chords, BARS, shown, drift, self._rng(_TEXTURE, phrase_id))
        notes = [*pad, *bass, *self._played(tones, shown, phrase_id), *texture]
        return Phrase(
            at_s=at_s, phrase_id=phrase_id, start_s=start_s, beats=PHRASE_BEATS, target=target,
            style=style,
            notes=tuple(sorted(notes, key=lambda note: (note.start_beat, note.voice, note.pitch))))

    def follow(self, phrase: Phrase) -> None:
        """Go on from a phrase that another composer of this session made before a restart."""
        sung_before = [note for note in phrase.notes if note.voice == "melody"]
        self._memory.keep([Tone(note.pitch, note.start_beat, note.beats) for note in sung_before], BARS)
        pads = [note for note in phrase.notes if note.voice == "pad"]
        basses = [note for note in phrase.notes if note.voice == "bass"]
        self._hands = accompaniment.Hands(
            pad=tuple(note.pitch for note in pads if note.start_beat == pads[-1].start_beat),
            bass=basses[-1].pitch if basses else None)

    def _new_melody(
        self, key: Key, chords: tuple[Chord, ...], target: MusicalTarget, phrase_id: int,
    ) -> tuple[Tone, ...]:
        """Draft until the melody repeats nothing; if nothing is new, the melody rests for a phrase."""
        theme = self._theme(key, phrase_id // SECTION_PHRASES)
        for attempt in range(ATTEMPTS):
            rng = self._rng(_MELODY, phrase_id, attempt)
            tones = self._draft(theme, key, chords, target, phrase_id, attempt, rng)
            known = self._melody.copied(self._memory.intervals_with(tones))
            if not known and self._memory.fresh(tones, BARS):
                self._memory.keep(tones, BARS)
                return tones
        self._memory.keep((), BARS)
        return ()

    def _theme(self, key: Key, section: int) -> Shape:
        """Return the theme of a section, invented over the home chord; the same whenever asked."""
        triad = key.triad(0)
        tones = self._melody.motif(
            MotifRequest(
                tonic=key.signature, scale=key.scale, chords=(triad,) * (_THEME_BARS * BEATS_PER_BAR),
                low=_THEME_LOW, high=_THEME_HIGH, beats=float(_THEME_BARS * BEATS_PER_BAR)),
            self._rng(_THEME, section))
        return shape_of(tones, key.scale, ladder_index(tones[0].pitch, key.scale))

    def _draft(
        self, theme: Shape, key: Key, chords: tuple[Chord, ...], target: MusicalTarget,
        phrase_id: int, attempt: int, rng: np.random.Generator,
    ) -> tuple[Tone, ...]:
        """Return one try at the melody of a phrase; later attempts vary it more."""
        register = register_of(target.pitch)
        centre = ladder_index((register.low + register.high) // 2, key.scale)
        mean_rise = sum(step.rise for step in theme) / len(theme)
        wander = _WANDER_STEPS * drift_at(self._seed + 2, phrase_id, _WANDER_OCTAVES)
        reference = centre - round(mean_rise) + round(wander + rng.uniform(-1.0, 1.0))
        frame = _Frame(key, chords, target, phrase_id % 2 == 1, reference)
        plan = list(Plan)[int(rng.choice(len(Plan), p=_PLAN_SHARES))]
        bars = [varied(bar, attempt // 2, rng) for bar in self._developed(theme, plan, frame, rng)]
        wanted = _SPARSEST + (_BUSIEST - _SPARSEST) * target.density
        shape = [
            step for index, bar in enumerate(bars)
            for step in placed(of_density(bar, int(wanted + rng.random()), rng), index)]
        shape += _cadence(shape[-1].rise if shape else 0, wanted, frame, rng)
        return self._sing(tuple(shape), frame)

    def _sing(self, shape: Shape, frame: _Frame) -> tuple[Tone, ...]:
        """Give the steps of a shape their pitches."""
        setting = Setting(
            chords=frame.chords, scale=frame.key.scale, home=frame.key.tonic,
            register=register_of(frame.target.pitch), reference=frame.reference)
        return sung(shape, setting, self._memory.last_pitch)

    def _developed(self, theme: Shape, plan: Plan, frame: _Frame, rng: np.random.Generator) -> list[Shape]:
        """Return the three bars before the cadence."""
        first, second = bar_of(theme, 0), bar_of(theme, 1)
        if plan is Plan.PERIOD:
            return [first, second, varied(first, 1, rng)]
        if plan is Plan.SEQUENCE:
            return [first, shifted(first, int(rng.choice((-2, -1, 1, 2)))), second]
        if plan is Plan.MIRROR:
            return [first, second, inverted(first)]
        if plan is Plan.RETROGRADE:
            return [second, reversed_pitches(first), first]
        stated = (*placed(first, 0), *placed(second, 1)) if plan is Plan.ANSWER else ()
        invented = self._invented(stated, frame, rng)
        return [bar_of((*stated, *invented), bar) for bar in range(BARS - 1)]

    def _invented(self, stated: Shape, frame: _Frame, rng: np.random.Generator) -> Shape:
        """Return what the source says up to the cadence, after what was stated so far."""
        register = register_of(frame.target.pitch)
        history = self._sing(stated, frame)
        begins = float(_THEME_BARS * BEATS_PER_BAR) if history else 0.0
        if history:
            history = (*history[:-1], history[-1]._replace(beats=begins - history[-1].start_beat))
        tones = self._melody.motif(
            MotifRequest(
                tonic=frame.key.signature, scale=frame.key.scale,
                chords=tuple(chord_at(frame.chords, beat).triad for beat in range(int(PHRASE_BEATS))),
                low=register.low, high=register.high, beats=(BARS - 1) * BEATS_PER_BAR - begins,
                history=history),
            rng)
        return shape_of(tones, frame.key.scale, frame.reference)

    def _played(self, tones: tuple[Tone, ...], target: MusicalTarget, phrase_id: int) -> list[Note]:
        """Return the melody as notes: how long each is held, how loud."""
        notes = []
        for tone in tones:
            held = min(LONGEST_BEATS, tone.beats) * (1.0 - _SHORTENED * target.percussiveness)
            drift = drift_at(self._seed + 1, phrase_id * int(PHRASE_BEATS) + int(tone.start_beat))
            notes.append(Note(
                voice="melody", pitch=tone.pitch, start_beat=tone.start_beat,
                beats=max(SHORTEST_BEATS, round(held, 4)),
                velocity=velocity("melody", target, tone.start_beat, drift)))
        return notes

    def _rng(self, *stream: int) -> np.random.Generator:
        """Return the generator of one stream of one phrase or section."""
        return np.random.default_rng([self._seed, *stream])


def bounded(target: MusicalTarget) -> MusicalTarget:
    """Return the target with every share within 0 to 1."""
    shares = ("pitch", "timbre", "intensity", "density", "percussiveness")
    return msgspec.structs.replace(
        target, **{name: min(1.0, max(0.0, getattr(target, name))) for name in shares})


def _cadence(last_rise: int, wanted: float, frame: _Frame, rng: np.random.Generator) -> Shape:
    """Return the fourth bar: up to two tones that lead home, one that rests there, and a breath."""
    lead = int(min(2.0, max(0.0, wanted - 1.0)) * rng.random() + 0.5)
    breath = 1.0 if rng.random() < frame.target.density else 2.0
    first = (BARS - 1) * float(BEATS_PER_BAR)
    goal = _goal(last_rise, frame)
    steps = [
        Step(last_rise + round((goal - last_rise) * (place + 1) / (lead + 1)), first + place, 1.0)
        for place in range(lead)]
    return (*steps, Step(goal, first + lead, max(1.0, BEATS_PER_BAR - lead - breath)))


def _goal(last_rise: int, frame: _Frame) -> int:
    """Return the rise of the phrase's last tone: home or a tone of the chord, on the way to the middle."""
    stable = (frame.key.tonic,) if frame.closing else frame.chords[-1].triad
    ladder = sorted(frame.key.scale)
    middle = last_rise / 2  # between where the line is and where the theme began
    rises = range(round(middle) - len(ladder), round(middle) + len(ladder) + 1)
    fitting = [rise for rise in rises if ladder[(frame.reference + rise) % len(ladder)] in stable]
    return min(fitting, key=lambda rise: (abs(rise - middle), rise))
