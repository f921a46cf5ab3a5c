"""The score of a session: its phrases as a standard MIDI file and as notes for a piano roll.

The score holds what the conductor asked for. Phrases are put in order of their start; one that was sent
twice counts once; where two overlap, the later one sets the tempo from its start on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import mido

from device.messages import Note, Phrase, Voice

TICKS_PER_BEAT = 480
MICROSECONDS_PER_MINUTE = 60_000_000
MAX_TEMPO_US = 2**24 - 1  # three bytes in the file (Standard MIDI Files 1.0, Set Tempo)
VOICES: tuple[Voice, ...] = ("pad", "bass", "melody", "texture")
# General MIDI level 1 sound set, numbered from 0: Pad 2 (warm), Acoustic Bass, Celesta, FX 4 (atmosphere).
PROGRAMS: dict[Voice, int] = {"pad": 89, "bass": 32, "melody": 8, "texture": 99}


class SoundedNote(NamedTuple):
    """One note on the clock of the run: start and end in seconds, MIDI pitch, velocity 0 to 1, voice."""

    start_s: float
    end_s: float
    pitch: int
    velocity: float
    voice: Voice


class Span(NamedTuple):
    """One note in ticks of the file."""

    start: int
    end: int
    note: Note


class TempoPoint(NamedTuple):
    """Where a tempo begins: seconds, ticks of the file, and microseconds per beat."""

    at_s: float
    tick: int
    tempo_us: int


def write_midi(path: Path, phrases: Iterable[Phrase], origin_s: float | None = None) -> None:
    """Write phrases as a MIDI file of format 1: a tempo track, then one track per voice.

    The same phrases give the same bytes. Silence between phrases is kept.

    Args:
        path: the file to write.
        phrases: in any order.
        origin_s: the time of tick 0; None takes the start of the first phrase.

    Raises:
        ValueError: a phrase starts before `origin_s`.
    """
    ordered = in_order(phrases)
    points = tempo_map(ordered, origin_s)
    score = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT)
    score.tracks.append(_tempo_track(points))
    spans = _spans(ordered, points)
    for channel, voice in enumerate(VOICES):
        score.tracks.append(_voice_track(voice, channel, spans[voice]))
    score.save(path)


def notes_of(phrases: Iterable[Phrase]) -> list[SoundedNote]:
    """Return all notes of the phrases on the clock of the run, in order of start, then pitch."""
    notes = [
        SoundedNote(
            start_s=phrase.start_s + note.start_beat * 60.0 / phrase.target.tempo_bpm,
            end_s=phrase.start_s + (note.start_beat + note.beats) * 60.0 / phrase.target.tempo_bpm,
            pitch=note.pitch, velocity=note.velocity, voice=note.voice,
        )
        for phrase in in_order(phrases) for note in phrase.notes
    ]
    return sorted(notes)


def in_order(phrases: Iterable[Phrase]) -> list[Phrase]:
    """Return the phrases by start, each once."""
    once = {(phrase.start_s, phrase.phrase_id): phrase for phrase in phrases}
    return [once[key] for key in sorted(once)]


def tempo_map(ordered: Sequence[Phrase], origin_s: float | None = None) -> list[TempoPoint]:
    """Return one point per phrase, ticks counted from `origin_s` (None: the first phrase's start).

    Raises:
        ValueError: a phrase starts before `origin_s`.
    """
    points: list[TempoPoint] = []
    for phrase in ordered:
        tempo_us = min(round(MICROSECONDS_PER_MINUTE / phrase.target.tempo_bpm), MAX_TEMPO_US)
        if not points:
            begin_s = phrase.start_s if origin_s is None else origin_s
            if begin_s > phrase.start_s:
                raise ValueError(f"phrase {phrase.phrase_id} starts {begin_s - phrase.start_s:.3f} s before "
                                 "the origin of the score; pass an earlier origin_s")
            points.append(TempoPoint(begin_s, 0, tempo_us))
        points.append(TempoPoint(phrase.start_s, tick_at(points, phrase.start_s), tempo_us))
    return points


def tick_at(points: Sequence[TempoPoint], at_s: float) -> int:
    """Return the tick of a time; `points` must not be empty."""
    index = bisect_right(points, at_s, key=lambda point: point.at_s) - 1
    point = points[max(index, 0)]
    return point.tick + round((at_s - point.at_s) * 1e6 / point.tempo_us * TICKS_PER_BEAT)


def _tempo_track(points: Sequence[TempoPoint]) -> mido.MidiTrack:
    """Return the track of tempo changes, each written only where the tempo differs."""
    track = mido.MidiTrack([mido.MetaMessage("track_name", name="Tranquillo")])
    tick = tempo_us = 0
    for point in points:
        if point.tempo_us != tempo_us:
            track.append(mido.MetaMessage("set_tempo", tempo=point.tempo_us, time=point.tick - tick))
            tick, tempo_us = point.tick, point.tempo_us
    track.append(mido.MetaMessage("end_of_track"))
    return track


def _spans(ordered: Sequence[Phrase], points: Sequence[TempoPoint]) -> dict[Voice, list[Span]]:
    """Return start tick, end tick and note per voice; a note struck again ends the one before."""
    spans: dict[Voice, list[Span]] = {voice: [] for voice in VOICES}
    for phrase in ordered:
        beat_s = 60.0 / phrase.target.tempo_bpm
        for note in phrase.notes:
            start = tick_at(points, phrase.start_s + note.start_beat * beat_s)
            end = tick_at(points, phrase.start_s + (note.start_beat + note.beats) * beat_s)
            spans[note.voice].append(Span(start, max(end, start + 1), note))
    return {voice: _cut_repeats(notes) for voice, notes in spans.items()}


def _cut_repeats(notes: list[Span]) -> list[Span]:
    """Let each note end no later than the next of its pitch starts; of two at one tick the longer stays."""
    following: dict[int, int] = {}
    kept = []
    for start, end, note in sorted(notes, key=lambda span: (span.start, span.end), reverse=True):
        until = min(end, following.get(note.pitch, end))
        if until > start:
            kept.append(Span(start, until, note))
            following[note.pitch] = start
    return kept[::-1]


def _voice_track(voice: Voice, channel: int, spans: Sequence[Span]) -> mido.MidiTrack:
    """Return one voice's track: name, program, and notes with every end before a start at the same tick."""
    track = mido.MidiTrack([
        mido.MetaMessage("track_name", name=voice),
        mido.Message("program_change", channel=channel, program=PROGRAMS[voice]),
    ])
    events: list[tuple[int, int, int, int]] = []
    for start, end, note in spans:
        velocity = min(127, max(1, round(note.velocity * 127)))
        events.append((start, 1, note.pitch, velocity))
        events.append((end, 0, note.pitch, 0))
    tick = 0
    for at, sounding, pitch, velocity in sorted(events):
        kind = "note_on" if sounding else "note_off"
        track.append(mido.Message(kind, channel=channel, note=pitch, velocity=velocity, time=at - tick))
        tick = at
    track.append(mido.MetaMessage("end_of_track"))
    return track
