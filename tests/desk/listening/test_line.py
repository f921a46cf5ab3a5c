"""The melody as rows and the bars of a session."""

from __future__ import annotations

import msgspec
import pytest

from device.desk.listening.line import bars_of, line_of, written_tempo_bpm
from device.messages import Note


def test_line_counts_beats_from_phrase_to_phrase(phrase_of):
    line = line_of([phrase_of(1, [64], bpm=120.0), phrase_of(0, [60, 62], bpm=60.0)])
    assert line.pitches.tolist() == [60, 62, 64] or line.pitches.tolist() == [64, 60, 62]
    ordered = line_of([phrase_of(0, [60, 62]), phrase_of(1, [64, 57])])
    assert ordered.pitches.tolist() == [60, 62, 64, 57]
    assert ordered.start_beats.tolist() == [0.0, 1.0, 16.0, 17.0]
    assert ordered.intervals.tolist() == [2, 2, -7]
    assert ordered.seconds == pytest.approx([0.5] * 4)
    assert ordered.velocities == pytest.approx([0.4] * 4)


def test_line_lengths_follow_the_tempo(phrase_of):
    assert line_of([phrase_of(0, [60], bpm=90.0)]).seconds == pytest.approx([1 / 3])


def test_line_of_other_voices_and_of_nothing(phrase_of):
    phrases = [phrase_of(0, [60, 62], voice="bass")]
    assert line_of(phrases).pitches.size == 0
    assert line_of(phrases, "bass").pitches.tolist() == [60, 62]
    assert line_of([]).intervals.size == 0


def test_line_bars_hold_pitch_and_beat(phrase_of):
    phrase = phrase_of(0, [60, 62, 64, 65, 67])
    bars = bars_of([phrase])
    assert bars == [((60, 0.0), (62, 1.0), (64, 2.0), (65, 3.0)), ((67, 0.0),), (), ()]


def test_line_bars_of_all_voices(phrase_of):
    phrase = phrase_of(0, [60])
    pad = Note(voice="pad", pitch=48, start_beat=0.0, beats=16.0, velocity=0.3)
    both = msgspec.structs.replace(phrase, notes=(*phrase.notes, pad))
    assert bars_of([both], None)[0] == ((48, 0.0), (60, 0.0))
    assert bars_of([both])[0] == ((60, 0.0),)


def test_line_tempo_is_that_of_each_phrase(phrase_of):
    assert written_tempo_bpm([phrase_of(0, [60], 60.0), phrase_of(1, [60], 60.0)]).tolist() == [60.0, 60.0]
