"""The gate on files: a soft chord passes; clipped, clicking, jumping, loud or leaping it fails by name."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from scipy.io import wavfile

from device.desk.listening import figures
from device.desk.listening.bounds import failures_of
from device.desk.listening.figures import measure_score, measure_sound
from device.desk.listening.novelty import Corpus
from device.desk.listening.sound import read_recording

RATE_HZ = 16_000  # the measures know no rate of their own, and this is quick
TIMES = np.arange(20 * RATE_HZ) / RATE_HZ
CHORD = 0.012 * sum(np.sin(2 * np.pi * hz * TIMES + hz) for hz in (220.0, 277.2, 329.6))
DRIFT = 1.0 + 0.1 * np.cumsum(np.random.default_rng(2).standard_normal(40)).repeat(RATE_HZ // 2) / 6.3
SMOOTH = np.convolve(np.pad(DRIFT, RATE_HZ // 2, "edge"), np.full(RATE_HZ, 1 / RATE_HZ), "valid")[:TIMES.size]
GOOD = SMOOTH * CHORD

BAD = {
    "clipped samples": np.clip(60.0 * GOOD, -1.0, 1.0),
    "clicks": GOOD + 0.01 * (np.arange(TIMES.size) == 10 * RATE_HZ),
    "rise of loudness in 400 ms": GOOD * np.interp(TIMES, [10.0, 10.3], [0.4, 1.0]),
    "true peak": np.clip(30.0 * GOOD, -0.97, 0.97),
    "longest silence": GOOD * np.interp(TIMES, [8.0, 9.0, 14.5, 15.5], [1.0, 0.0, 0.0, 1.0]),
}


def heard(session, tmp_path, mono, monkeypatch, hearing_of):
    """The session, as if it had sounded like this."""
    monkeypatch.setattr(figures, "hear", lambda *_: hearing_of(1))  # librosa is not part of the tests
    path = tmp_path / "session.wav"
    wavfile.write(path, RATE_HZ, np.round(32_767 * np.column_stack([mono, mono])).astype(np.int16))
    sound = measure_sound(read_recording(path), (1.0, 19.0), -21.0)
    short = msgspec.structs.replace(session.case, minutes=2.0)  # twenty seconds have no spectrum to speak of
    return failures_of(msgspec.structs.replace(session, case=short, sound=sound))


def test_gate_a_good_file_passes(session, tmp_path, monkeypatch, hearing_of):
    assert heard(session, tmp_path, GOOD, monkeypatch, hearing_of) == []


@pytest.mark.parametrize("figure", BAD)
def test_gate_a_bad_file_fails_by_name(figure, session, tmp_path, monkeypatch, hearing_of):
    failures = heard(session, tmp_path, BAD[figure], monkeypatch, hearing_of)
    assert figure in {failure.figure for failure in failures}


def test_gate_too_loud_for_the_ceiling_fails(session, tmp_path, monkeypatch, hearing_of):
    failures = heard(session, tmp_path, 6.0 * GOOD, monkeypatch, hearing_of)
    assert {failure.figure for failure in failures} == {
        "loudest 3 s over the ceiling", "loudest 400 ms over the ceiling"}


def test_gate_a_leaping_or_copied_score_fails(session, phrase_of):
    corpus = Corpus([])
    good = msgspec.structs.replace(session.case, minutes=2.0)
    for pitches, wanted in (([60, 62, 67], set()), ([60, 62, 70], {"largest leap"})):
        score = measure_score([phrase_of(0, pitches)], corpus)
        failures = failures_of(msgspec.structs.replace(session, case=good, score=score))
        assert {failure.figure for failure in failures} == wanted
