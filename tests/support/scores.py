"""What can be measured in the phrases of a session without sounding them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from device.messages import MusicalTarget, Note, Phrase, Voice
from device.music.memory import WINDOW_BARS

CALM = MusicalTarget(pitch=0.5, tempo_bpm=60.0, timbre=0.5, intensity=0.5, density=0.5, percussiveness=0.2)
PHRASE_BARS = 4
_WANDERS = 0.05  # standard deviation of a parameter's step from phrase to phrase


def wandering(seed: int, phrases: int) -> list[MusicalTarget]:
    """Targets that walk at random through the whole range of all six parameters."""
    rng = np.random.default_rng([99, seed])
    place = rng.uniform(0.2, 0.8, 6)
    targets = []
    for _ in range(phrases):
        place = np.clip(place + rng.normal(0.0, _WANDERS, 6), 0.0, 1.0)
        pitch, haste, timbre, intensity, density, percussiveness = (float(share) for share in place)
        targets.append(MusicalTarget(
            pitch=pitch, tempo_bpm=55 + 30 * haste, timbre=timbre, intensity=intensity, density=density,
            percussiveness=percussiveness))
    return targets


def part(phrase: Phrase, voice: Voice) -> list[Note]:
    """The notes of one voice."""
    return [note for note in phrase.notes if note.voice == voice]


def melody_pitches(phrases: Sequence[Phrase]) -> list[int]:
    """All pitches of the melody."""
    return [note.pitch for phrase in phrases for note in part(phrase, "melody")]


def melody_intervals(phrases: Sequence[Phrase]) -> list[int]:
    """All intervals of the melody in semitones, those between phrases included."""
    return [after - before for before, after in itertools.pairwise(melody_pitches(phrases))]


def melody_bars(phrase: Phrase) -> list[tuple[tuple[int, float], ...]]:
    """Pitch and beat in the bar of every tone of the melody, bar by bar."""
    return [
        tuple((note.pitch, note.start_beat % 4) for note in part(phrase, "melody")
              if note.start_beat // 4 == bar)
        for bar in range(PHRASE_BARS)]


def repeated_windows(phrases: Sequence[Phrase]) -> int:
    """How many windows of eight bars, not all silent, stand for a window that was there before."""
    bars = [bar for phrase in phrases for bar in melody_bars(phrase)]
    windows = [tuple(bars[start : start + WINDOW_BARS]) for start in range(len(bars) - WINDOW_BARS + 1)]
    heard = [window for window in windows if any(window)]
    return len(heard) - len(set(heard))


def motif_reuse(phrases: Sequence[Phrase], length: int = 6) -> float:
    """Share of runs of six intervals that occurred before in the session (13 % within a hymn tune)."""
    intervals = melody_intervals(phrases)
    runs = [tuple(intervals[start : start + length]) for start in range(len(intervals) - length + 1)]
    return 1.0 - len(set(runs)) / len(runs)


def exponent(row: Sequence[float]) -> float:
    """Slope of the power spectrum, log-binned from 2 cycles per row upwards, sign reversed."""
    values = np.asarray(row, float)
    power = np.abs(np.fft.rfft((values - values.mean()) * np.hanning(len(values)))) ** 2
    frequency = np.fft.rfftfreq(len(values))
    edges = np.geomspace(frequency[2], 0.5, 12)
    bands = [(np.sqrt(low * high), power[(frequency >= low) & (frequency < high)]) for low, high
             in itertools.pairwise(edges)]
    points = [(np.log(centre), np.log(found.mean())) for centre, found in bands if len(found)]
    return float(-np.polyfit(*zip(*points, strict=True), 1)[0])


def roughness(pitches: Sequence[int], partials: int = 6, rolloff: float = 0.88) -> float:
    """Sensory dissonance of tones that sound together (Sethares 1993, after Plomp and Levelt 1965)."""
    tones = [
        (440.0 * 2.0 ** ((pitch - 69) / 12) * number, rolloff ** (number - 1))
        for pitch in pitches for number in range(1, partials + 1)]
    total = 0.0
    for (low, one), (high, other) in itertools.combinations(sorted(tones), 2):
        apart = 0.24 / (0.021 * low + 19.0) * (high - low)
        total += one * other * (np.exp(-3.5 * apart) - np.exp(-5.75 * apart))
    return total


def sounding(phrase: Phrase, beat: float, voices: Sequence[Voice]) -> list[int]:
    """Pitches of some voices that sound at a beat."""
    return sorted({
        note.pitch for note in phrase.notes
        if note.voice in voices and note.start_beat <= beat < note.start_beat + note.beats})
