"""Both melody sources keep the same limits; the network is what its card says or is refused."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.errors import ModelError
from device.evaluation.abc import read_folder
from device.music.harmony import MODES, Key
from device.music.melody import (
    LONGEST_BEATS,
    MAX_LEAP,
    Course,
    LstmMelody,
    MelodySource,
    MotifRequest,
    RuleMelody,
    _course,
    _leaning,
)
from device.music.melody_network import Answer
from device.music.memory import RUN_INTERVALS
from device.music.tokens import LEAP_LIMIT, Tone

FILES = ("melody.tflite", "known_runs.npy", "card.json")


@pytest.fixture(scope="module")
def lstm(models_dir: Path) -> LstmMelody:
    return LstmMelody(models_dir / "melody" / "melody.tflite")


@pytest.fixture(params=["lstm", "rule"])
def source(request: pytest.FixtureRequest, lstm: LstmMelody) -> MelodySource:
    return lstm if request.param == "lstm" else RuleMelody()


@pytest.fixture
def copy(models_dir: Path, tmp_path: Path) -> Path:
    for name in FILES:
        shutil.copy(models_dir / "melody" / name, tmp_path / name)
    return tmp_path / "melody.tflite"


asked = st.none() | st.floats(0, 1)


@st.composite
def requests(draw: st.DrawFn) -> MotifRequest:
    key = Key(draw(st.integers(0, 11)), draw(st.integers(0, len(MODES) - 1)))
    low = draw(st.integers(55, 68))
    degrees = draw(st.lists(st.sampled_from([0, 3, 4]), min_size=16, max_size=16))
    history = (Tone(low + 5, 0.0, 1.0), Tone(low + 6, 1.0, 3.0)) if draw(st.booleans()) else ()
    return MotifRequest(
        tonic=key.signature, scale=key.scale, chords=tuple(key.triad(degree) for degree in degrees),
        low=low, high=low + 16, beats=float(draw(st.integers(1, 12))), history=history,
        temperature=draw(st.floats(0.3, 1.5)), density=draw(asked), register=draw(asked), tension=draw(asked))


def home_request(beats: float = 16.0, temperature: float = 0.9, **target: float | None) -> MotifRequest:
    """Ask for something in C major over its home chord."""
    key = Key(0, 0)
    return MotifRequest(
        tonic=0, scale=key.scale, chords=(key.triad(0),) * int(beats), low=59, high=76, beats=beats,
        temperature=temperature, **target)


def answering(opening: dict[int, float], trend: tuple[float, float, float]) -> Answer:
    """Return an answer with these shares of the opening's heights and of the trend."""
    heights = np.full(37, -20.0)
    for height, share in opening.items():
        heights[height] = np.log(share)
    return Answer(np.zeros(27), np.zeros(9), heights, np.log(np.array(trend)), (np.zeros(1), np.zeros(1)))


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(request=requests(), seed=st.integers(0, 2**31))
def test_motif_keeps_every_limit(source: MelodySource, request: MotifRequest, seed: int) -> None:
    tones = source.motif(request, np.random.default_rng(seed))
    begins = request.history[-1].end_beat if request.history else 0.0
    assert tones[0].start_beat == begins
    assert tones[-1].end_beat == pytest.approx(begins + request.beats)
    for before, after in itertools.pairwise((*request.history[-1:], *tones)):
        assert after.start_beat == pytest.approx(before.end_beat)
        assert abs(after.pitch - before.pitch) <= MAX_LEAP
    for tone in tones:
        assert request.low <= tone.pitch <= request.high
        assert tone.pitch % 12 in request.scale
        assert 0.25 <= tone.beats <= LONGEST_BEATS


def test_motif_repeats_from_its_seed(source: MelodySource) -> None:
    one, other = (source.motif(home_request(), np.random.default_rng(4)) for _ in range(2))
    assert one == other


def test_motif_differs_between_seeds(source: MelodySource) -> None:
    found = {source.motif(home_request(), np.random.default_rng(seed)) for seed in range(20)}
    assert len(found) == 20


def test_motif_moves_mostly_by_step(source: MelodySource) -> None:
    leaps = [
        abs(after.pitch - before.pitch) for seed in range(60)
        for before, after in itertools.pairwise(source.motif(home_request(), np.random.default_rng(seed)))]
    assert np.mean(np.array(leaps) <= 2) > 0.65  # the corpus: 75 %
    assert np.mean(np.array(leaps) > 4) < 0.15


def test_motif_meets_the_chord_on_strong_beats(source: MelodySource) -> None:
    strong = [
        tone.pitch % 12 in (0, 4, 7) for seed in range(60)
        for tone in source.motif(home_request(), np.random.default_rng(seed)) if tone.start_beat % 2 == 0]
    assert np.mean(strong) > 0.75  # against 3 of 7 by chance


def test_motif_starts_on_the_chord_near_the_middle(source: MelodySource) -> None:
    first = [source.motif(home_request(), np.random.default_rng(seed))[0].pitch for seed in range(60)]
    assert {pitch % 12 for pitch in first} <= {0, 4, 7}
    assert abs(np.mean(first) - 67.5) < 3.0


def test_motif_comes_back_from_history_outside_the_register(source: MelodySource) -> None:
    request = home_request(8.0)
    far = MotifRequest(
        tonic=0, scale=request.scale, chords=request.chords, low=67, high=84, beats=8.0,
        history=(Tone(48, 0.0, 1.0),))
    pitches = [48, *(tone.pitch for tone in source.motif(far, np.random.default_rng(1)))]
    if isinstance(source, LstmMelody):
        assert pitches[1:3] == [55, 62]  # by fifths, until inside
        assert all(67 <= pitch <= 84 for pitch in pitches[3:])
    assert max(abs(after - before) for before, after in itertools.pairwise(pitches)) <= MAX_LEAP


def test_motif_of_low_temperature_varies_less(lstm: LstmMelody) -> None:
    def spread(temperature: float) -> int:
        request = home_request(8.0, temperature)
        return len({lstm.motif(request, np.random.default_rng(seed)) for seed in range(60)})

    assert spread(0.15) < spread(1.2)


def test_rule_has_copied_nothing() -> None:
    assert not RuleMelody().copied([2] * 40)


def test_lstm_knows_the_runs_of_its_corpus(lstm: LstmMelody, shared_data: Path) -> None:
    tune = read_folder(shared_data / "melody" / "openhymnal").tunes[0]
    steps = [int(step) for step in np.diff([tone.pitch for tone in tune.tones])]
    assert lstm.copied(steps[5 : 5 + RUN_INTERVALS])
    assert not lstm.copied(steps[5 : 4 + RUN_INTERVALS])
    assert not lstm.copied([1] * RUN_INTERVALS)


def test_lstm_says_how_much_of_a_tune_is_the_corpus(lstm: LstmMelody, shared_data: Path) -> None:
    tune = read_folder(shared_data / "melody" / "openhymnal").tunes[0]
    steps = [int(step) for step in np.diff([tone.pitch for tone in tune.tones])]
    assert lstm.corpus_share(steps) == 1.0
    assert lstm.corpus_share([1] * 20) == 0.0
    assert lstm.corpus_share(steps[:5]) == 0.0


def test_course_opens_where_the_head_says() -> None:
    # Heights 19 and 24 over C are G4 (67) and C5 (72), both of the chord.
    answer = answering({19: 0.85, 24: 0.15}, (0.1, 0.1, 0.8))
    rng = np.random.default_rng(0)
    found = [_course(answer, None, 0.0, home_request(temperature=1.0), rng) for _ in range(300)]
    openings = [course.opening for course in found]
    assert set(openings) == {67, 72}
    assert np.mean(np.array(openings) == 67) > 0.8
    assert np.mean([course.trend for course in found]) == pytest.approx(0.7, abs=0.12)


def test_course_stays_within_a_fifth_of_the_tone_before_and_in_the_register() -> None:
    answer = answering({0: 0.5, 36: 0.5}, (0.3, 0.3, 0.4))  # the head would open octaves away
    rng = np.random.default_rng(0)
    found = {_course(answer, Tone(62, 0.0, 1.0), 1.0, home_request(), rng).opening for _ in range(100)}
    assert min(found) >= 59
    assert max(found) <= 69


def test_leaning_favours_moves_along_the_trend() -> None:
    up, down, level = (_leaning(Course(67, trend), Tone(67, 0.0, 1.0)) for trend in (1, -1, 0))
    assert up[LEAP_LIMIT + 2] > up[LEAP_LIMIT] > up[LEAP_LIMIT - 2]
    assert list(down) == list(up[::-1])
    assert level.argmax() == LEAP_LIMIT


def test_leaning_of_a_level_segment_leads_back_to_its_opening() -> None:
    level = _leaning(Course(64, 0), Tone(67, 0.0, 1.0))
    assert level.argmax() == LEAP_LIMIT - 3


def turned(lstm: LstmMelody, monkeypatch: pytest.MonkeyPatch, trend: int) -> float:
    """Return the mean rise of two-bar motifs whose trend the head is made to say."""
    step = lstm.network.step

    def said(*arguments) -> Answer:
        shares = np.full(3, -30.0)
        shares[trend + 1] = 0.0
        return step(*arguments)._replace(trend=shares)

    with monkeypatch.context() as patch:
        patch.setattr(lstm.network, "step", said)
        found = [lstm.motif(home_request(8.0), np.random.default_rng(seed)) for seed in range(50)]
    return float(np.mean([tones[-1].pitch - tones[0].pitch for tones in found]))


def test_motif_follows_the_trend_of_its_segment(lstm: LstmMelody, monkeypatch: pytest.MonkeyPatch) -> None:
    down, level, up = (turned(lstm, monkeypatch, trend) for trend in (-1, 0, 1))
    assert down < level < up
    assert up - down > 4.0


@pytest.mark.parametrize(("part", "measure", "least"), [
    ("density", len, 1.0),
    ("register", lambda tones: np.mean([tone.pitch for tone in tones]), 1.0),
    ("tension", lambda tones: np.abs(np.diff([tone.pitch for tone in tones])).mean(), 0.3),
])
def test_motif_follows_its_target(lstm: LstmMelody, part: str, measure, least: float) -> None:
    low, high = (
        np.mean([measure(lstm.motif(home_request(**{part: share}), np.random.default_rng(seed)))
                 for seed in range(50)])
        for share in (0.1, 0.9))
    assert high - low > least


def test_lstm_remembers_nothing_between_motifs(lstm: LstmMelody) -> None:
    alone = lstm.motif(home_request(), np.random.default_rng(8))
    lstm.motif(home_request(12.0), np.random.default_rng(9))
    assert lstm.motif(home_request(), np.random.default_rng(8)) == alone


def test_lstm_loads_from_a_copy(copy: Path) -> None:
    assert LstmMelody(copy).motif(home_request(4.0), np.random.default_rng(0))


@pytest.mark.parametrize("name", FILES)
def test_lstm_refuses_an_absent_file(copy: Path, name: str) -> None:
    copy.with_name(name).unlink()
    with pytest.raises(ModelError) as raised:
        LstmMelody(copy)
    assert str(copy.with_name(name)) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", FILES[:2])
def test_lstm_refuses_a_tampered_file(copy: Path, name: str) -> None:
    path = copy.with_name(name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ModelError, match="not the file its card describes; reinstall the melody model"):
        LstmMelody(copy)


def test_lstm_refuses_what_the_interpreter_cannot_read(copy: Path) -> None:
    import hashlib

    content = b"TFL3 but not a model at all"
    copy.write_bytes(content)
    card = json.loads(copy.with_name("card.json").read_text())
    card["sha256"]["melody.tflite"] = hashlib.sha256(content).hexdigest()
    copy.with_name("card.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="the interpreter refuses it") as raised:
        LstmMelody(copy)
    assert "\n" not in str(raised.value)
