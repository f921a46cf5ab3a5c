"""All figures of one session: of its score, and of its sound if it has one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import numpy as np

from device.config import Settings
from device.desk.journal import NAME as JOURNAL
from device.desk.journal import read_journal
from device.desk.listening.cases import SOUND, Case
from device.desk.listening.clicks import find_clicks
from device.desk.listening.hearing import Hearing, hear
from device.desk.listening.levels import Levels, measure_levels, measure_loudness
from device.desk.listening.line import bars_of, line_of, written_tempo_bpm
from device.desk.listening.novelty import Corpus, chance_reuse, motif_reuse, repeated_windows
from device.desk.listening.similarity import coherence, self_similarity
from device.desk.listening.sound import Recording, normal_play_s, read_recording
from device.desk.listening.spectra import entropy_bits, exponent, following_bits
from device.desk.score import in_order
from device.desk.traces import Traces
from device.messages import Phrase
from device.music.loudness import ceiling_lufs

FADED_IN_S = 2.0  # after the fade-in, so that its last decibel is not taken for a jump
LOUDNESS_EVERY = 5  # tenths of a second: momentary loudness twice a second for its spectrum


class ScoreFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The score; leaps, intervals (semitones: count), lengths, exponents and entropies of the melody.

    `longest_match` in notes, 12 stands for 12 or more; `motif_reuse` is the share of six-interval
    patterns that came before, `chance_reuse` the same after shuffling; `coherence` see
    `similarity`; `gap_s` the longest time between the end of a phrase and the next.
    """

    phrases: int
    melody_notes: int
    melody_notes_per_s: float
    first_tempo_bpm: float
    last_tempo_bpm: float
    fastest_bpm: float
    slowest_bpm: float
    leap: int
    repeated_melody_windows: int
    repeated_windows: int
    longest_match: int
    shortest_beats: float
    median_beats: float
    longest_beats: float
    longest_s: float
    pitch_exponent: float | None
    loudness_exponent: float | None
    interval_bits: float
    following_interval_bits: float
    length_bits: float
    motif_reuse: float
    chance_reuse: float
    coherence: float
    gap_s: float
    intervals: dict[int, int]


class SoundFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The sound; `normal_s` is where normal play begins and ends, the ceiling is the configured one."""

    duration_s: float
    normal_s: tuple[float, float]
    ceiling_lufs: float
    levels: Levels
    clicks_s: list[float]
    loudness_exponent: float | None
    hearing: Hearing


class SessionFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One session of the listening test."""

    case: Case
    score: ScoreFigures
    sound: SoundFigures | None


def measure_session(case: Case, folder: Path, settings: Settings, corpus: Corpus) -> SessionFigures:
    """Measure what `render` left in a folder.

    Raises:
        RecordingError: a file is absent or damaged.
        ValueError: no session ran, or one too short.
    """
    traces = Traces(read_journal(folder / JOURNAL))
    score = measure_score(traces.of(Phrase), corpus)
    if not case.sound:
        return SessionFigures(case=case, score=score, sound=None)
    sound = read_recording(folder / SOUND)
    normal_s = normal_play_s(traces, sound.duration_s, settings.program.fade_in_s + FADED_IN_S)
    return SessionFigures(case=case, score=score, sound=measure_sound(
        sound, normal_s, ceiling_lufs(settings.player.loudness)))


def measure_sound(sound: Recording, normal_s: tuple[float, float], ceiling: float) -> SoundFigures:
    """Measure a recording.

    Args:
        sound: the whole recording.
        normal_s: where normal play begins and ends.
        ceiling: the configured loudness ceiling in LUFS.
    """
    loudness = measure_loudness(sound)
    inside = loudness.inside(normal_s)
    return SoundFigures(
        duration_s=sound.duration_s, normal_s=normal_s, ceiling_lufs=ceiling,
        levels=measure_levels(sound, normal_s, loudness), clicks_s=find_clicks(sound),
        loudness_exponent=exponent(inside.momentary[::LOUDNESS_EVERY]),
        hearing=hear(sound.part(*normal_s), inside.short_term))


def measure_score(phrases: list[Phrase], corpus: Corpus) -> ScoreFigures:
    """Measure the score of a session.

    Raises:
        ValueError: it has no phrase, or fewer than two melody tones.
    """
    ordered = in_order(phrases)
    line = line_of(ordered)
    if len(line.pitches) < 2:  # noqa: PLR2004 - an interval
        raise ValueError("the session has no melody: nothing was composed")
    intervals = line.intervals.tolist()
    tempo = written_tempo_bpm(ordered)
    ends = [phrase.start_s + phrase.duration_s for phrase in ordered]
    gaps = [after.start_s - end for end, after in zip(ends, ordered[1:], strict=False)]
    return ScoreFigures(
        phrases=len(ordered), melody_notes=len(line.pitches),
        melody_notes_per_s=len(line.pitches) / (ends[-1] - ordered[0].start_s),
        first_tempo_bpm=float(tempo[0]), last_tempo_bpm=float(tempo[-1]),
        fastest_bpm=float(tempo.max()), slowest_bpm=float(tempo.min()),
        leap=int(np.abs(line.intervals).max()),
        repeated_melody_windows=repeated_windows(bars_of(ordered)),
        repeated_windows=repeated_windows(bars_of(ordered, None)),
        longest_match=corpus.longest_match(intervals),
        shortest_beats=float(line.beats.min()), median_beats=float(np.median(line.beats)),
        longest_beats=float(line.beats.max()), longest_s=float(line.seconds.max()),
        pitch_exponent=exponent(line.pitches), loudness_exponent=exponent(line.velocities),
        interval_bits=entropy_bits(intervals), following_interval_bits=following_bits(intervals),
        length_bits=entropy_bits(np.diff(line.start_beats).round(2).tolist()),
        motif_reuse=motif_reuse(intervals), chance_reuse=chance_reuse(intervals),
        coherence=coherence(self_similarity(ordered)), gap_s=max(0.0, max(gaps, default=0.0)),
        intervals=dict(sorted(Counter(intervals).items())))
