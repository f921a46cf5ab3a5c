"""Phrases of four bars that follow the musical target: a theme, its development, a clear end.

Each section of eight phrases has a key, a form and a theme that the melody source invents. Every phrase
states the theme or develops it, over chords that it shares with its like, closes with a cadence and
breathes. Key, form, theme and every draw follow from the session's seed and the number of the phrase, so
a restarted conductor goes on in the same music.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np

from device.messages import MusicalTarget, Note, Phrase, Style
from device.music.accompaniment import Hands, Page, accompaniment, hands_after, texture
from device.music.development import (
    CADENCE_BEAT,
    bars_after,
    broadened,
    cadence,
    developed,
    led_home,
    stated_before_invention,
)
from device.music.dynamics import drift_at, velocity
from device.music.form import SECTION_PHRASES, Plan, Role, role_of
from device.music.harmony import (
    BEATS_PER_BAR,
    PROGRESSION_BARS,
    Chord,
    Key,
    chord_at,
    key_of_section,
)
from device.music.line import Setting, register_of, sung
from device.music.melody import LONGEST_BEATS, MelodySource, MotifRequest
from device.music.memory import BAR_BYTES, SessionMemory
from device.music.motif import (
    SHORTEST_BEATS,
    Shape,
    ladder_index,
    of_density,
    placed,
    shape_of,
    shifted,
    varied,
)
from device.music.tension import tension_of
from device.music.theme import Theme, Themes, chords_of
from device.music.tokens import Tone

BARS = PROGRESSION_BARS
PHRASE_BEATS = float(BARS * BEATS_PER_BAR)
ATTEMPTS = 24  # drafts of a phrase until one is new
_MOVED_FROM = 4  # attempts from which the phrase is tried higher and lower as well

_WANDER_OCTAVES = 4  # up to 8 phrases; slower, it would hide the target's own pitch
_WANDER_STEPS = 8.0  # scale steps by which full drift lifts a phrase; it seldom passes a third of that
_SCALE_STEPS = 7
_BROAD_BELOW = 0.6  # share of a theme's tones under which it is played in notes twice as long
_UNEVENNESS = 0.7  # of the theme's own differences between bars that density leaves
_DENSITY_STEP = 0.25  # tones per bar by which melodies grow; a little drift of the target changes no theme
_QUIET_BREATH = 1.5  # beats of rest that a phrase in sparse music ends with, over the shortest of one

# A theme comes back on the degree where it was, in the octave that fits; a fifth higher or lower when that
# is too far. (steps above an octave's multiple, scale steps of distance that this may save)
_PLACINGS: tuple[tuple[int, float], ...] = ((0, 0.0), (3, 2.5), (4, 2.5))

# Streams of randomness, so that one draw more in a part does not change the others. Key, section and form
# have 0 to 3, 6 and 7 (see harmony, form and theme).
_VOICING, _MELODY, _TEXTURE, _THINNING, _CLOSE = 8, 4, 5, 9, 10


class _Frame(NamedTuple):
    """What a phrase is fitted into."""

    page: Page
    role: Role
    theme: Theme
    reference: int  # rung of the scale on which a rise of 0 is thought
    thinning: tuple[int, ...]  # stream of what is left out; alike throughout a section
    turns: tuple[int, ...]  # stream of development and cadence; alike throughout a section, as rhymes are


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
        self._hands = Hands()
        self._themes = Themes(melody, seed)

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
        section = phrase_id // SECTION_PHRASES
        role = role_of(self._seed, phrase_id)
        page = Page(
            chords_of(self._seed, section, role.chords, role.cadence), key_of_section(self._seed, section),
            bounded(target), style, drift_at(self._seed, phrase_id * BARS))
        tones = self._new_melody(page, role, phrase_id)
        parts, self._hands = accompaniment(page, self._hands, self._rng(_VOICING, phrase_id))
        notes = [
            *parts, *self._played(tones, page, phrase_id),
            *texture(page, tones, self._rng(_TEXTURE, phrase_id))]
        return Phrase(
            at_s=at_s, phrase_id=phrase_id, start_s=start_s, beats=PHRASE_BEATS, target=target, style=style,
            notes=tuple(sorted(notes, key=lambda note: (note.start_beat, note.voice, note.pitch))))

    @property
    def trace(self) -> bytes:
        """What a successor has to know so that no 8 bars come again: four bytes a bar."""
        return self._memory.trace

    def follow(self, phrase: Phrase, trace: bytes = b"") -> None:
        """Go on from a phrase that another composer of this session made before a restart.

        Args:
            phrase: the last one that was sent.
            trace: of the composer that made it; without it, or if it is cut short, only the bars of this
                phrase are known.
        """
        trace = trace if len(trace) % BAR_BYTES == 0 else b""
        self._memory = SessionMemory(trace)
        sung_before = [
            Tone(note.pitch, note.start_beat, note.beats) for note in phrase.notes if note.voice == "melody"]
        if trace:
            self._memory.lead(sung_before)
        else:
            self._memory.keep(sung_before, BARS)
        self._hands = hands_after(phrase)

    def _new_melody(self, page: Page, role: Role, phrase_id: int) -> tuple[Tone, ...]:
        """Draft until the melody repeats nothing; if nothing is new, the melody rests for a phrase."""
        section = phrase_id // SECTION_PHRASES
        theme = self._themes.of_section(section)
        rng = self._rng(_MELODY, phrase_id)
        frame = _Frame(
            page, role, theme, self._reference(page, role, theme, phrase_id),
            (_THINNING, section), (_CLOSE, section))
        for attempt in range(ATTEMPTS):
            if attempt >= _MOVED_FROM:
                frame = frame._replace(reference=frame.reference + int(rng.choice((-2, -1, 1, 2))))
            tones = self._draft(frame, attempt, self._rng(_MELODY, phrase_id, attempt))
            known = self._melody.copied(self._memory.intervals_with(tones))
            if not known and self._memory.fresh(tones, BARS):
                self._memory.keep(tones, BARS)
                return tones
        self._memory.keep((), BARS)
        return ()

    def _reference(
        self, page: Page, role: Role, theme: Theme, phrase_id: int,
    ) -> int:
        """Return the rung on which the phrase is thought: near the target's register, wandering slowly."""
        register = register_of(page.target.pitch, page.manner.melody_lift)
        centre = ladder_index((register.low + register.high) // 2, page.key.scale)
        lies = centre - theme.middle + role.lift
        wander = _WANDER_STEPS * drift_at(self._seed + 2, phrase_id // 2, _WANDER_OCTAVES)
        if role.plan not in (Plan.STATEMENT, Plan.VARIATION, Plan.ANSWER):
            return round(lies + wander)
        wanted = lies + _WANDER_STEPS * drift_at(self._seed + 2, phrase_id // 4, _WANDER_OCTAVES)
        tonic = ladder_index(page.key.tonic, page.key.scale)  # rung of the lowest tonic
        options = [
            (abs(rung - wanted) + cost, rung) for steps, cost in _PLACINGS
            for rung in range(tonic + steps, centre + 3 * _SCALE_STEPS, _SCALE_STEPS)]
        return min(options)[1]

    def _draft(self, frame: _Frame, attempt: int, rng: np.random.Generator) -> tuple[Tone, ...]:
        """Return one try at the melody of a phrase; later attempts vary it more."""
        target, manner = frame.page.target, frame.page.manner
        per_bar = manner.sparsest + (manner.busiest - manner.sparsest) * target.density
        bars = developed(frame.theme, frame.role.plan, rng if attempt else self._rng(*frame.turns))
        if bars is None:
            bars = self._with_invention(frame, rng)
        thin = rng if attempt > 1 else self._rng(*frame.thinning)
        usual = max(1.0, sum(map(len, bars)) / len(bars))
        if per_bar < _BROAD_BELOW * usual:  # sparse music says less of its theme, rather than leave tones out
            bars, usual = broadened(bars), usual / 2.0
        bars = [_altered(_thinned(bar, per_bar, usual, thin), attempt, rng) for bar in bars]
        last_rise = next((bar[-1].rise for bar in reversed(bars) if bar), 0)
        breath = 1.0 + _QUIET_BREATH * (1.0 - target.density) * (1.0 if frame.role.closing else 0.5)
        close_rng = rng if attempt else self._rng(*frame.turns)
        close = cadence(_goals(last_rise, frame), last_rise, per_bar, breath, close_rng)
        if close[0].start_beat == CADENCE_BEAT:
            bars[-1] = led_home(bars[-1], close[0].rise)
        shape = [step for index, bar in enumerate(bars) for step in placed(bar, index)]
        return self._sing((*shape, *close), frame)

    def _sing(self, shape: Shape, frame: _Frame) -> tuple[Tone, ...]:
        """Give the steps of a shape their pitches."""
        page = frame.page
        setting = Setting(
            chords=page.chords, scale=page.key.scale, ends=_ends(page.key, page.chords[-1], frame.role),
            register=register_of(page.target.pitch, page.manner.melody_lift), reference=frame.reference)
        return sung(shape, setting, self._memory.last_pitch)

    def _with_invention(self, frame: _Frame, rng: np.random.Generator) -> list[Shape]:
        """Return three bars of which the source says those that the plan leaves open."""
        page = frame.page
        stated = stated_before_invention(frame.theme, frame.role.plan)
        register = register_of(page.target.pitch, page.manner.melody_lift)
        history = self._sing(stated, frame)
        begins = 2.0 * BEATS_PER_BAR if history else 0.0
        if history:
            history = (*history[:-1], history[-1]._replace(beats=begins - history[-1].start_beat))
        tones = self._melody.motif(
            MotifRequest(
                tonic=page.key.signature, scale=page.key.scale,
                chords=tuple(chord_at(page.chords, beat).triad for beat in range(int(PHRASE_BEATS))),
                low=register.low, high=register.high, beats=CADENCE_BEAT - begins, history=history,
                density=page.target.density, register=page.target.pitch, tension=tension_of(page.target)),
            rng)
        return bars_after(stated, shape_of(tones, page.key.scale, frame.reference))

    def _played(self, tones: tuple[Tone, ...], page: Page, phrase_id: int) -> list[Note]:
        """Return the melody as notes: how long each is held, how loud."""
        notes = []
        kept = 1.0 - page.manner.shortened * page.target.percussiveness
        for tone in tones:
            drift = drift_at(self._seed + 1, phrase_id * int(PHRASE_BEATS) + int(tone.start_beat))
            notes.append(Note(
                voice="melody", pitch=tone.pitch, start_beat=tone.start_beat,
                beats=max(SHORTEST_BEATS, round(min(LONGEST_BEATS, tone.beats) * kept, 4)),
                velocity=velocity("melody", page.target, tone.start_beat, drift)))
        return notes

    def _rng(self, *stream: int) -> np.random.Generator:
        """Return the generator of one stream of one phrase."""
        return np.random.default_rng([self._seed, *stream])


def bounded(target: MusicalTarget) -> MusicalTarget:
    """Return the target with every share within 0 to 1."""
    shares = ("pitch", "timbre", "intensity", "density", "percussiveness")
    return msgspec.structs.replace(
        target, **{name: min(1.0, max(0.0, getattr(target, name))) for name in shares})


def _thinned(bar: Shape, per_bar: float, usual: float, rng: np.random.Generator) -> Shape:
    """Return a bar with as many tones as wanted; alike in every phrase of a section at one density.

    Bars of which the theme says more keep more, so that its rhythm is known in sparse music as well.

    Args:
        bar: with all its tones.
        per_bar: tones wanted in a bar on average.
        usual: tones that the bars of this phrase have on average.
        rng: generator that starts alike in every phrase of the section.
    """
    whim, choice = rng.random(), int(rng.integers(2**31))
    even = _DENSITY_STEP * round(per_bar / _DENSITY_STEP)
    wanted = int(even * (1.0 + _UNEVENNESS * (len(bar) / usual - 1.0)) + whim)
    return of_density(bar, wanted, np.random.default_rng(choice)) if wanted else ()


def _altered(bar: Shape, attempt: int, rng: np.random.Generator) -> Shape:
    """Return a bar the more changed the more drafts were refused: tones, then its place, then its beats."""
    moved = shifted(bar, int(rng.choice((-1, 0, 1)))) if attempt > 1 else bar
    late = 0.5 * int(rng.integers(3)) if attempt >= _MOVED_FROM else 0.0
    later = tuple(
        step._replace(start_beat=step.start_beat + late) for step in moved
        if step.start_beat + late < BEATS_PER_BAR)
    return varied(later, (attempt + 1) // 2, rng)


def _ends(key: Key, chord: Chord, role: Role) -> tuple[int, ...]:
    """Return the tones of the last chord on which a phrase may end, the best first."""
    ranked = sorted(chord.triad, key=lambda tone: (tone != key.tonic) == role.closing)
    return tuple(ranked)


def _goals(last_rise: int, frame: _Frame) -> tuple[int, ...]:
    """Return the rises, near the last one, on which the phrase would best end."""
    key = frame.page.key
    ladder = sorted(key.scale)
    best = _ends(key, frame.page.chords[-1], frame.role)
    wanted = best[:1] if frame.role.closing else best[:2]
    return tuple(
        rise for rise in range(last_rise - _SCALE_STEPS, last_rise + _SCALE_STEPS + 1)
        if ladder[(frame.reference + rise) % _SCALE_STEPS] in wanted)
