"""Messages to notes in time: the queue of what is to sound, and the transport that fades it in and out.

The player starts silent, whatever happened before. Only a running session opens the transport; if the
conductor falls silent, the last pad chord is held softly, and after `ORPHAN_S` the music fades out.
"""

from __future__ import annotations

import heapq
import random
from enum import IntEnum
from typing import Final, NamedTuple, Protocol

from device.messages import (
    Message,
    MusicalTarget,
    Note,
    Phrase,
    Session,
    SessionPhase,
    Style,
    Target,
    Voice,
)

QUEUE_NOTES = 2000  # more than ten minutes of the busiest music; a phrase that does not fit is dropped whole
LATE_S = 0.05  # a note later than this is skipped; catching up would bunch notes together
PAD_WORTH_S = 1.0  # a pad chord is still entered late if at least this much of it is left
ORPHAN_S = 60.0  # no word from the conductor for so long: nobody can stop the music, so it ends by itself
ORPHAN_FADE_S = 15.0
MUTE_FADE_S = 0.0  # the last stage's own ramp is 50 ms
IDLE_FADE_S = 1.0
MICRO_TIMING_S = 0.004  # a hand is never exactly on the beat
# Between the tones of a chord, from below.
ROLL_S: Final[dict[Style, float]] = {Style.FELT_PIANO: 0.012, Style.PLUCKED_STRINGS: 0.024}
MICRO_VELOCITY = 0.05
TARGET_FRESH_S = 5.0  # a phrase's own target counts only without a newer Target message

OPENING_S, OPENING_DB = 0.3, -10.0  # a press is answered by sound at once, 10 dB below
SETTLE_S = 2.5
NEUTRAL = MusicalTarget(pitch=0.4, tempo_bpm=60.0, timbre=0.3, intensity=0.3, density=0.3, percussiveness=0.2)


class Instrument(Protocol):
    """What plays the notes: `device.music.synth.Synth`."""

    def open(self) -> None:
        """Answer the beginning of a session before any note is due."""

    def settle(self) -> None:
        """End the answer; the notes have taken over."""

    def note_on(self, voice: Voice, pitch: int, velocity: float, at_s: float) -> int:
        """Begin a note and return its id."""

    def note_off(self, note_id: int) -> None:
        """End a note."""

    def soften(self, note_id: int) -> None:
        """Hold a note on softly until it ends."""

    def release_all(self) -> None:
        """End all notes."""

    def shape(self, target: MusicalTarget) -> None:
        """Move the continuous parameters towards a target."""

    def choose(self, style: Style, at_s: float) -> None:
        """Play in another style from now on."""

    def tick(self, at_s: float) -> None:
        """Let time pass."""


class Transport:
    """The share of the gain that fades decide, 0 (silent) to 1; starts at 0 and forgets nothing audible.

    Fading in goes to `OPENING_DB` within `OPENING_S` and from there evenly in decibels; fading out
    falls with the square of the remaining time.
    """

    def __init__(self, fade_in_s: float) -> None:
        self._fade_in_s = fade_in_s
        self._rising = False
        self._begun_s = 0.0
        self._length_s = 0.0
        self._from = 0.0
        self._level = 0.0

    @property
    def opening(self) -> bool:
        """Whether it is open or on the way there."""
        return self._rising

    def open(self, at_s: float) -> None:
        """Fade in from the present level; no effect while open."""
        if self._rising:
            return
        self._from = self.level(at_s)
        self._rising, self._begun_s = True, at_s

    def close(self, at_s: float, length_s: float) -> None:
        """Fade out; a fade already under way is only ever shortened."""
        if not self._rising and self._begun_s + self._length_s <= at_s + length_s:
            return
        self._from = self.level(at_s)
        self._rising, self._begun_s, self._length_s = False, at_s, length_s

    def restart(self, at_s: float) -> None:
        """Fall silent at once and, if open, fade in anew."""
        self._from = self._length_s = 0.0
        self._begun_s = at_s

    def level(self, at_s: float) -> float:
        """Return the share of the gain now."""
        elapsed_s = max(0.0, at_s - self._begun_s)  # a buffer may begin before the step that asked
        if self._rising:
            return max(self._from, self._opened(elapsed_s))
        if elapsed_s >= self._length_s:
            return 0.0
        return float(self._from * (1.0 - elapsed_s / self._length_s) ** 2)

    def _opened(self, elapsed_s: float) -> float:
        """Return the fade-in's level after this time from silence."""
        first = 10.0 ** (OPENING_DB / 20.0)
        if elapsed_s < OPENING_S:
            return float(first * elapsed_s / OPENING_S)
        share = min(1.0, (elapsed_s - OPENING_S) / (self._fade_in_s - OPENING_S))
        return float(10.0 ** (OPENING_DB * (1.0 - share) / 20.0))


class _Kind(IntEnum):
    """What is due; at equal times ends come before beginnings."""

    OFF = 0
    PHRASE = 1
    ON = 2


class _Event(NamedTuple):
    """One entry of the queue, in the order of time."""

    due_s: float
    kind: _Kind
    order: int
    phrase: Phrase
    note: Note | None
    end_s: float
    note_id: int


class Playback:
    """Follows Session, Target and Phrase messages on an instrument.

    Args:
        instrument: what plays the notes.
        fade_in_s: length of every fade-in.

    Queue: at most `QUEUE_NOTES` events; a phrase that does not fit, or is the last one again, is dropped
    whole and counted in `dropped`. A phrase replaces what was queued from its start on, so a restarted
    conductor never plays against itself. Call `play` before every buffer with the time about to be heard.
    """

    def __init__(self, instrument: Instrument, fade_in_s: float) -> None:
        self._instrument = instrument
        self._transport = Transport(fade_in_s)
        self._queue: list[_Event] = []
        self._order = 0
        self._held: list[int] = []
        self._pads_due = 0
        self._latest: tuple[int, float] | None = None
        self._clear_due = False
        self._settle_s: float | None = None
        self._target_s = -TARGET_FRESH_S
        self._session: Session | None = None
        self._session_s = 0.0
        self.target = NEUTRAL
        self.phrase_id: int | None = None
        self.notes_played = 0
        self.notes_skipped = 0
        self.dropped = 0

    def fade(self, at_s: float) -> float:
        """Return the transport's share of the gain, 0 to 1."""
        return self._transport.level(at_s)

    def interrupt(self, at_s: float) -> None:
        """Begin from silence again: the sound has had a hole, and music after silence always fades in."""
        self._transport.restart(at_s)

    def end(self, at_s: float) -> None:
        """Fade out in a second: this process is about to stop, and a cut would be heard as a click."""
        self._transport.close(at_s, IDLE_FADE_S)

    def receive(self, message: Message, now_s: float) -> None:
        """Take in a message; others than Session, Target and Phrase are passed over."""
        if isinstance(message, Session):
            self._follow(message, now_s)
        elif isinstance(message, Target):
            self._target_s = now_s
            self._shape(message.values)
        elif isinstance(message, Phrase):
            self._enqueue(message, now_s)

    def _follow(self, session: Session, now_s: float) -> None:
        """Open or close the transport as the session asks."""
        before = self._session.phase if self._session is not None else None
        self._session, self._session_s = session, now_s
        if session.phase is SessionPhase.RUNNING:
            if not self._transport.opening:
                self._instrument.open()
                self._settle_s = now_s + SETTLE_S
            self._transport.open(now_s)
        elif session.phase is SessionPhase.ENDING:
            self._transport.close(now_s, max(session.fade_s, 1.0))
        elif session.phase is SessionPhase.MUTED:
            self._transport.close(now_s, MUTE_FADE_S)
            self._clear()
        else:
            self._transport.close(now_s, IDLE_FADE_S)
            self._clear_due = self._clear_due or before is not SessionPhase.IDLE

    def _shape(self, target: MusicalTarget) -> None:
        """Pass the continuous parameters on."""
        if target != self.target:
            self.target = target
            self._instrument.shape(target)

    def _enqueue(self, phrase: Phrase, now_s: float) -> None:
        """Put the notes of a phrase that are not past into the queue, or drop the phrase whole."""
        identity = (phrase.phrase_id, phrase.start_s)
        if identity == self._latest or len(self._queue) + len(phrase.notes) + 1 > QUEUE_NOTES:
            self.dropped += 1
            return
        self._latest = identity
        self._forget_from(phrase.start_s)
        seed = self._session.seed if self._session is not None else 0
        hand = random.Random(f"{seed}:{phrase.phrase_id}")
        beat_s = 60.0 / phrase.target.tempo_bpm
        rolled: dict[float, int] = {}
        self._push(phrase.start_s, _Kind.PHRASE, phrase, None, phrase.start_s)
        for note in phrase.notes:
            start_s = phrase.start_s + note.start_beat * beat_s
            end_s = start_s + note.beats * beat_s
            jitter_s, touch = hand.uniform(-MICRO_TIMING_S, MICRO_TIMING_S), hand.uniform(-1.0, 1.0)
            if start_s < now_s - LATE_S and not (note.voice == "pad" and end_s - now_s >= PAD_WORTH_S):
                self.notes_skipped += 1
                continue
            if note.voice == "pad":
                start_s += ROLL_S.get(phrase.style, 0.0) * rolled.get(note.start_beat, 0)
                rolled[note.start_beat] = rolled.get(note.start_beat, 0) + 1
            elif note.voice == "melody":
                start_s = max(phrase.start_s, start_s + jitter_s)
                note = _touched(note, touch)  # noqa: PLW2901 - the same note, as a hand plays it
            self._push(start_s, _Kind.ON, phrase, note, end_s)

    def _forget_from(self, start_s: float) -> None:
        """Take what would begin at or after a time out of the queue."""
        self._queue = [e for e in self._queue if e.kind is _Kind.OFF or e.due_s < start_s]
        heapq.heapify(self._queue)
        self._pads_due = sum(_is_pad_start(event) for event in self._queue)

    def _push(self, due_s: float, kind: _Kind, phrase: Phrase, note: Note | None, end_s: float,
              note_id: int = 0) -> None:
        """Add an entry to the queue."""
        self._order += 1
        event = _Event(due_s, kind, self._order, phrase, note, end_s, note_id)
        self._pads_due += _is_pad_start(event)
        heapq.heappush(self._queue, event)

    def play(self, at_s: float) -> None:
        """Do everything that is due by a time; call before every buffer."""
        if self._session is not None and at_s - self._session_s > ORPHAN_S:
            self._transport.close(at_s, ORPHAN_FADE_S)
        while self._queue and self._queue[0].due_s <= at_s:
            self._perform(heapq.heappop(self._queue), at_s)
        if self._settle_s is not None and at_s >= self._settle_s:
            self._instrument.settle()
            self._settle_s = None
        if not self._audible(at_s):
            if self._clear_due:
                self._clear()
            self._let_go()
        self._instrument.tick(at_s)

    def _audible(self, at_s: float) -> bool:
        """Tell whether a note begun now would be heard, if only later in the fade-in."""
        return self._transport.opening or self._transport.level(at_s) > 0.0

    def _perform(self, event: _Event, at_s: float) -> None:
        """Play one entry of the queue."""
        if event.kind is _Kind.PHRASE:
            self.phrase_id = event.phrase.phrase_id
            self._instrument.choose(event.phrase.style, at_s)
            if at_s - self._target_s >= TARGET_FRESH_S:
                self._shape(event.phrase.target)
        elif event.note is None:
            return
        elif event.kind is _Kind.ON:
            self._begin(event, event.note, at_s)
        elif event.note.voice == "pad" and not self._pads_due and self._transport.opening:
            self._instrument.soften(event.note_id)
            self._held.append(event.note_id)
        else:
            self._instrument.note_off(event.note_id)

    def _begin(self, event: _Event, note: Note, at_s: float) -> None:
        """Begin a note unless it is too late or nobody would hear it."""
        is_pad = note.voice == "pad"
        self._pads_due -= is_pad
        too_late = event.due_s < at_s - LATE_S and not (is_pad and event.end_s - at_s >= PAD_WORTH_S)
        if too_late or not self._audible(at_s):
            self.notes_skipped += 1
            return
        if is_pad:
            self._let_go()
        note_id = self._instrument.note_on(note.voice, note.pitch, note.velocity, at_s)
        self.notes_played += 1
        self._push(max(event.end_s, at_s), _Kind.OFF, event.phrase, note, event.end_s, note_id)

    def _let_go(self) -> None:
        """End the pad notes that were held for want of a following chord."""
        for note_id in self._held:
            self._instrument.note_off(note_id)
        self._held.clear()

    def _clear(self) -> None:
        """Forget all that was to be played and end what sounds."""
        self._queue.clear()
        self._held.clear()
        self._pads_due = 0
        self._clear_due = False
        self._latest = None
        self.phrase_id = None
        self._instrument.release_all()


def _is_pad_start(event: _Event) -> bool:
    """Tell whether an entry begins a pad note."""
    return event.kind is _Kind.ON and event.note is not None and event.note.voice == "pad"


def _touched(note: Note, touch: float) -> Note:
    """Return a note as struck by a hand, up to `MICRO_VELOCITY` softer or harder."""
    velocity = min(1.0, max(0.0, note.velocity + MICRO_VELOCITY * touch))
    return Note(voice=note.voice, pitch=note.pitch, start_beat=note.start_beat, beats=note.beats,
                velocity=velocity)
