"""Sample times come from the counter; arrival only fixes the origin, whole turns and slow drift."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.cyton_timeline import SAMPLE_S, Timeline


def counters(first: int, count: int) -> list[int]:
    return [(first + number) % 256 for number in range(count)]


def test_the_first_batch_ends_when_it_arrives():
    runs = Timeline().place(counters(17, 10), 100.0)
    assert len(runs) == 1
    assert runs[0].start_s == pytest.approx(100.0 - 9 * SAMPLE_S)
    assert (runs[0].first, runs[0].stop, runs[0].lost) == (0, 10, 0)


def test_times_do_not_follow_jittering_arrivals():
    rng = np.random.default_rng(3)
    timeline = Timeline()
    timeline.place(counters(0, 10), 100.0)
    steps, last, total = [], timeline.end_s, 10
    for _ in range(200):
        runs = timeline.place(counters(total, 10), 100.0 + total * SAMPLE_S + float(rng.uniform(0, 0.05)))
        assert len(runs) == 1
        steps.append(runs[0].start_s - last)
        total += 10
        last = runs[0].start_s + 10 * SAMPLE_S
    assert np.abs(steps).max() <= 0.005 * 10 * SAMPLE_S + 1e-9


@pytest.mark.parametrize("lost", [1, 2, 10, 100, 200])
def test_a_gap_is_counted_and_dated(lost):
    timeline = Timeline()
    timeline.place(counters(0, 10), 100.0)
    now_s = 100.0 + (lost + 5) * SAMPLE_S
    (run,) = timeline.place(counters(10 + lost, 5), now_s)
    assert run.lost == lost
    assert run.start_s == pytest.approx(100.0 + (lost + 1) * SAMPLE_S)


@pytest.mark.parametrize("lost", [255, 257, 300, 750, 2500])
def test_a_gap_longer_than_a_turn_of_the_counter_is_told_by_arrival(lost):
    timeline = Timeline()
    timeline.place(counters(0, 10), 100.0)
    (run,) = timeline.place(counters(10 + lost, 5), 100.0 + (lost + 5) * SAMPLE_S + 0.02)
    assert run.lost == lost


def test_a_gap_inside_a_batch_splits_it():
    timeline = Timeline()
    given = counters(0, 10) + counters(13, 7)
    first, second = timeline.place(given, 100.0)
    assert (first.first, first.stop, first.lost) == (0, 10, 0)
    assert (second.first, second.stop, second.lost) == (10, 17, 3)
    assert second.start_s - first.start_s == pytest.approx(13 * SAMPLE_S)


def test_a_late_reader_is_not_mistaken_for_a_gap():
    timeline = Timeline()
    timeline.place(counters(0, 10), 100.0)
    (run,) = timeline.place(counters(10, 500), 102.0)
    assert run.lost == 0
    assert run.start_s == pytest.approx(100.0 + SAMPLE_S, abs=0.02)


def test_a_counter_from_the_future_is_disbelieved():
    timeline = Timeline()
    timeline.place(counters(0, 10), 100.0)
    runs = timeline.place([10, 11, 200, 12, 13], 100.0 + 5 * SAMPLE_S)
    assert [(run.first, run.stop, run.lost) for run in runs] == [(0, 2, 0), (3, 5, 0)]
    assert runs[1].start_s - runs[0].start_s == pytest.approx(2 * SAMPLE_S)


def test_a_repeated_counter_is_disbelieved():
    timeline = Timeline()
    timeline.place(counters(0, 10), 100.0)
    runs = timeline.place([10, 10, 11], 100.0 + 3 * SAMPLE_S)
    assert [(run.first, run.stop) for run in runs] == [(0, 1), (2, 3)]


def test_a_counter_that_started_anew_wins_after_a_while_and_time_goes_on():
    timeline = Timeline()
    timeline.place(counters(150, 50), 100.0)
    end_s = timeline.end_s
    runs = timeline.place(counters(0, 25), 100.0 + 25 * SAMPLE_S)
    believed = sum(run.stop - run.first for run in runs)
    assert 14 <= believed < 25
    assert all(run.start_s >= end_s - 1e-9 for run in runs)
    last = runs[-1].start_s + (runs[-1].stop - runs[-1].first) * SAMPLE_S
    assert last == pytest.approx(100.0 + 26 * SAMPLE_S, abs=0.05)


def test_restart_dates_by_arrival_and_never_back():
    timeline = Timeline()
    timeline.place(counters(0, 50), 100.0)
    timeline.restart()
    (run,) = timeline.place(counters(0, 10), 105.0)
    assert run.start_s == pytest.approx(105.0 - 9 * SAMPLE_S)
    timeline.restart()
    end_s = timeline.end_s
    (run,) = timeline.place(counters(0, 100), 105.01)
    assert run.start_s == pytest.approx(end_s)


@pytest.mark.parametrize("ppm", [-800.0, -100.0, 100.0, 800.0])
def test_a_crystal_that_is_off_is_followed_slowly(ppm):
    timeline = Timeline()
    rate_hz = 250.0 * (1 + ppm * 1e-6)
    rng = np.random.default_rng(8)
    timeline.place([0], 100.0)
    starts, ends = [], []
    for batch in range(6000):
        first = 1 + batch * 10
        now_s = 100.0 + (first + 9) / rate_hz + float(rng.exponential(0.004))
        (run,) = timeline.place(counters(first, 10), now_s)
        starts.append(run.start_s)
        ends.append(run.start_s + 10 * SAMPLE_S)
    steps = np.diff(starts)
    assert steps.min() > 0.99 * 10 * SAMPLE_S
    assert steps.max() < 1.01 * 10 * SAMPLE_S
    true_end_s = 100.0 + (1 + 5999 * 10 + 10) / rate_hz
    # 800 ppm over four minutes would be 192 ms unfollowed.
    assert ends[-1] == pytest.approx(true_end_s, abs=0.012)


def test_nothing_before_the_first_sample():
    timeline = Timeline()
    assert timeline.end_s is None
    assert timeline.place([], 5.0) == []
    assert timeline.end_s is None
