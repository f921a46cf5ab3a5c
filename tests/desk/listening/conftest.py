"""Invented sessions whose figures are known: within every bound, and one change away from it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from device.desk.listening.cases import Case
from device.desk.listening.figures import ScoreFigures, SessionFigures, SoundFigures
from device.desk.listening.hearing import Hearing
from device.desk.listening.levels import Levels
from device.messages import MusicalTarget, Note, Phrase, Style

TARGET = MusicalTarget(pitch=0.5, tempo_bpm=60.0, timbre=0.5, intensity=0.5, density=0.5, percussiveness=0.2)


def make_phrase(number: int, pitches: list[int], bpm: float = 60.0, voice: str = "melody") -> Phrase:
    """A phrase of 16 beats with one note a beat from its start on."""
    target = msgspec.structs.replace(TARGET, tempo_bpm=bpm)
    notes = tuple(Note(voice=voice, pitch=pitch, start_beat=float(at), beats=0.5, velocity=0.4)
                  for at, pitch in enumerate(pitches))
    return Phrase(at_s=0.0, phrase_id=number, start_s=16.0 * 60.0 / bpm * number, beats=16.0, notes=notes,
                  target=target)


def make_hearing(seed: int, shift: float = 0.0, windows: int = 12) -> Hearing:
    """Windows that scatter by one around `shift`, each feature on its own."""
    rng = np.random.default_rng(seed)
    rows = {name: shift + rng.standard_normal(windows) for name in Hearing.__struct_fields__}
    rows["start_s"] = 10.0 * np.arange(windows)
    return Hearing(**rows)


def good_session() -> SessionFigures:
    """A session of the calm patient within every bound."""
    score = ScoreFigures(
        phrases=40, melody_notes=300, melody_notes_per_s=0.5, first_tempo_bpm=70.0, last_tempo_bpm=60.0,
        fastest_bpm=72.0, slowest_bpm=60.0, leap=7, repeated_melody_windows=0, repeated_windows=0,
        longest_match=11, shortest_beats=0.5, median_beats=1.0, longest_beats=4.0, longest_s=4.0,
        pitch_exponent=1.0, loudness_exponent=0.9, interval_bits=3.0, following_interval_bits=2.6,
        length_bits=2.0, motif_reuse=0.05, chance_reuse=0.01, coherence=0.1, gap_s=0.0,
        intervals={-2: 100, 0: 50, 2: 149})
    levels = Levels(
        integrated_lufs=-32.0, loudest_3s_lufs=-28.0, loudest_400ms_lufs=-26.0, loudness_range_lu=5.0,
        true_peak_dbtp=-12.0, clipped=0, rise_50ms_db=4.0, rise_400ms_lu=2.5, rise_400ms_at_s=50.0,
        fall_400ms_lu=2.0, silent_share=0.0, longest_silence_s=0.0)
    sound = SoundFigures(duration_s=620.0, normal_s=(14.0, 134.0), ceiling_lufs=-21.0, levels=levels,
                         clicks_s=[], loudness_exponent=1.0, hearing=make_hearing(1))
    return SessionFigures(
        case=Case(patient="calm", style=Style.WARM_PADS, minutes=10.0, seed=5), score=score, sound=sound)


def changed(session: SessionFigures, part: str, **values: object) -> SessionFigures:
    """Return the session with some figures of its `score`, `sound`, `levels` or `case` changed."""
    replace = msgspec.structs.replace
    if part == "levels":
        assert session.sound is not None
        return replace(session, sound=replace(session.sound, levels=replace(session.sound.levels, **values)))
    return replace(session, **{part: replace(getattr(session, part), **values)})


@pytest.fixture
def session() -> SessionFigures:
    return good_session()


@pytest.fixture
def change() -> Callable[..., SessionFigures]:
    return changed


@pytest.fixture
def phrase_of() -> Callable[..., Phrase]:
    return make_phrase


@pytest.fixture
def hearing_of() -> Callable[..., Hearing]:
    return make_hearing
