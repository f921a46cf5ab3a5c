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
from device.music.harmony import MODES, Key
from device.music.melody import LONGEST_BEATS, MAX_LEAP, LstmMelody, MelodySource, MotifRequest, RuleMelody
from device.music.memory import RUN_INTERVALS
from device.music.tokens import DURATIONS_BEATS, INTERVALS, Place, Tone, fields
from models.melody.training.abc_notation import read_folder

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


@st.composite
def requests(draw: st.DrawFn) -> MotifRequest:
    key = Key(draw(st.integers(0, 11)), draw(st.integers(0, len(MODES) - 1)))
    low = draw(st.integers(55, 68))
    degrees = draw(st.lists(st.sampled_from([0, 3, 4]), min_size=16, max_size=16))
    history = (Tone(low + 5, 0.0, 1.0), Tone(low + 6, 1.0, 3.0)) if draw(st.booleans()) else ()
    return MotifRequest(
        tonic=key.signature, scale=key.scale, chords=tuple(key.triad(degree) for degree in degrees),
        low=low, high=low + 16, beats=float(draw(st.integers(1, 12))), history=history,
        temperature=draw(st.floats(0.3, 1.5)))


def home_request(beats: float = 16.0, temperature: float = 0.9) -> MotifRequest:
    """Ask for something in C major over its home chord."""
    key = Key(0, 0)
    return MotifRequest(
        tonic=0, scale=key.scale, chords=(key.triad(0),) * int(beats), low=59, high=76, beats=beats,
        temperature=temperature)


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
    tune = read_folder(shared_data / "melody")[0]
    steps = [int(step) for step in np.diff([tone.pitch for tone in tune.tones])]
    assert lstm.copied(steps[5 : 5 + RUN_INTERVALS])
    assert not lstm.copied(steps[5 : 4 + RUN_INTERVALS])
    assert not lstm.copied([1] * RUN_INTERVALS)


def test_lstm_step_gives_logits_and_moves_its_state(lstm: LstmMelody) -> None:
    token = np.array(fields(67, Tone(69, 0.0, 1.0), 7, Place(1.0, 0, 0)), np.int32)
    interval, duration, state = lstm.step(token, lstm.start())
    again, _, later = lstm.step(token, state)
    assert interval.shape == (INTERVALS,)
    assert duration.shape == (len(DURATIONS_BEATS),)
    assert not np.array_equal(interval, again)
    assert not np.array_equal(state[0], later[0])
    assert np.abs(later[0]).max() <= 1.0  # a product of a sigmoid and a tanh


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
