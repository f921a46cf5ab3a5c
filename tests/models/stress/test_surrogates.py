"""Noise keeps nothing of the body, rearranging keeps everything but the order."""

from __future__ import annotations

import numpy as np
import pytest

from device.evaluation.streams import features_of, straight
from drivers.sim.e4 import Interval, Signal
from models.stress.training.surrogates import Person, noise, read_person, reordered, shuffled

SECONDS = 900
PROTOCOL = (
    Interval("baseline", 0.0, 300.0, "rest"), Interval("stroop", 310.0, 500.4, "stress"),
    Interval("rest", 500.4, 800.0, "rest"),
)


@pytest.fixture
def person():
    """Somebody whose every sample tells its own second."""
    fast, slow = np.arange(64 * SECONDS) / 64.0, np.arange(4 * SECONDS) / 4.0
    return Person("A01", Signal(1e9, 64.0, fast), Signal(1e9, 4.0, slow + 0.0), Signal(1e9, 4.0, slow + 0.0),
                  PROTOCOL)


def random(seed=1):
    return np.random.default_rng(seed)


def test_shuffled_moves_whole_blocks_of_all_signals_alike(person):
    found = shuffled(person, random())
    assert found.intervals == person.intervals
    for before, after in zip(person.signals(), found.signals(), strict=True):
        assert np.array_equal(np.sort(after.values), before.values)
        jumps = np.flatnonzero(np.abs(np.diff(after.values) - 1.0 / after.rate_hz) > 1e-9) + 1
        lengths = np.diff(np.concatenate(([0], jumps, [after.values.size]))) / after.rate_hz
        assert lengths.size >= SECONDS / 60
        assert np.sort(lengths)[1:].min() >= 30.0  # the last block of the recording may be shorter
    assert np.array_equal(found.eda.values[::4], found.bvp.values[::64])
    assert np.mean(np.floor(found.eda.values / 60.0) == np.floor(person.eda.values / 60.0)) < 0.3


def test_reordered_takes_labels_along(person):
    found = reordered(person, random(2))
    names = [span.task for span in found.intervals]
    assert sorted(names) == ["baseline", "rest", "stroop", "transition", "transition"]
    assert found.intervals[0].start_s == 0.0
    assert found.intervals[-1].end_s == SECONDS
    for span in found.intervals:
        if span.task != "transition":
            original = next(one for one in PROTOCOL if one.task == span.task)
            inside = found.eda.values[int(4 * span.start_s):int(4 * span.end_s)]
            assert inside[0] == round(original.start_s)
            assert inside[-1] == round(original.end_s) - 0.25
            assert span.label == original.label
    assert [span.end_s for span in found.intervals[:-1]] == [span.start_s for span in found.intervals[1:]]


def test_reordered_differs_between_people(person):
    orders = {tuple(span.task for span in reordered(person, random(seed)).intervals) for seed in range(6)}
    assert len(orders) > 2


def test_noise_is_plausible_and_keeps_the_protocol(person):
    found = noise(person, random(3), drift=False)
    assert found.intervals == person.intervals
    assert found.seconds == SECONDS
    body = found.body()
    features = list(features_of(straight(body, 200)))[-1]
    assert 0.4 < features.eda.tonic_us < 12.0
    assert features.ppg.quality > 0.5
    assert 50.0 < features.ppg.hr_bpm < 100.0
    assert 28.0 < features.temperature.celsius < 35.0


def test_noise_repeats_with_its_seed_and_knows_nothing_of_the_signals(person):
    upside_down = person._replace(eda=person.eda._replace(values=person.eda.values[::-1]))
    first, second, other = (noise(one, random(seed), drift=True).eda.values
                            for one, seed in ((person, 4), (upside_down, 4), (person, 5)))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_noise_drifts_only_when_asked(person):
    def wandering(signal):
        thirds = [part.mean() for part in np.array_split(signal.values, 3)]
        return float(np.ptp(thirds))

    still = [wandering(noise(person, random(seed), drift=False).temperature) for seed in range(8)]
    drifting = [wandering(noise(person, random(seed), drift=True).temperature) for seed in range(8)]
    assert max(still) < 0.01
    assert np.median(drifting) > 0.1


def test_read_person_is_the_recording(shared_data):
    found = read_person(shared_data / "stress-predict" / "S05")
    assert found.intervals[1].task == "stroop"
    assert found.intervals[1].start_s == 674.0
    assert found.seconds == pytest.approx(found.body().duration_s, abs=2.0)
