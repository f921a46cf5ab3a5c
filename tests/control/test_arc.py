"""The program arc meets the patient, leads down at a bounded pace, stays, and returns gently."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.control.arc import DEEP, ENTRY_DEFAULT_BPM, SURFACE, arc_target, entry_tempo
from device.control.limits import bound, differ

MINUTES = st.floats(1.0, 90.0)
ENTRIES = st.floats(60.0, 90.0)
TWENTY_MIN_S = 1200.0


@pytest.mark.parametrize(("hr_bpm", "tempo_bpm"), [
    (None, 76.0), (72.5, 72.5), (60.0, 60.0), (48.0, 60.0), (90.0, 90.0), (131.0, 90.0),
])
def test_arc_entry_meets_the_heart_within_60_to_90(hr_bpm, tempo_bpm):
    assert entry_tempo(hr_bpm) == tempo_bpm


@given(minutes=MINUTES, entry_bpm=ENTRIES)
def test_arc_begins_at_the_entry_tempo(minutes, entry_bpm):
    assert arc_target(0.0, 60.0 * minutes, entry_bpm).tempo_bpm == pytest.approx(entry_bpm)


@given(minutes=MINUTES, entry_bpm=ENTRIES, share=st.floats(0.0, 1.0), step_s=st.floats(0.1, 60.0))
def test_arc_tempo_never_falls_or_rises_faster_than_two_bpm_a_minute(minutes, entry_bpm, share, step_s):
    duration_s = 60.0 * minutes
    before = arc_target(share * duration_s, duration_s, entry_bpm).tempo_bpm
    after = arc_target(share * duration_s + step_s, duration_s, entry_bpm).tempo_bpm
    assert abs(after - before) <= 2.0 / 60.0 * step_s + 1e-9


@given(minutes=MINUTES, entry_bpm=ENTRIES, share=st.floats(0.0, 1.0))
def test_arc_stays_between_plateau_and_entry_or_a_gentle_return(minutes, entry_bpm, share):
    target = arc_target(share * 60.0 * minutes, 60.0 * minutes, entry_bpm)
    assert 60.0 - 1e-9 <= target.tempo_bpm <= max(entry_bpm, 66.0) + 1e-9
    for name in ("pitch", "timbre", "intensity", "density", "percussiveness"):
        assert getattr(DEEP, name) - 1e-9 <= getattr(target, name) <= getattr(SURFACE, name) + 1e-9


@given(minutes=MINUTES, entry_bpm=ENTRIES, share=st.floats(0.0, 1.0))
def test_arc_keeps_inside_the_safety_bounds(minutes, entry_bpm, share):
    target = arc_target(share * 60.0 * minutes, 60.0 * minutes, entry_bpm)
    assert not differ(target, bound(target))


@pytest.mark.parametrize(("minute", "tempo_bpm"), [
    (0, 76.0), (5, 68.0), (10, 60.0), (15, 60.0), (17, 60.0), (18.5, 63.0), (20, 66.0),
])
def test_arc_tempo_of_the_default_program(minute, tempo_bpm):
    assert arc_target(60.0 * minute, TWENTY_MIN_S).tempo_bpm == pytest.approx(tempo_bpm)


@pytest.mark.parametrize(("minutes", "entry_bpm", "plateau_min", "end_bpm"), [
    (10, 76.0, 8.0, 63.0), (10, 66.0, 5.0, 63.0), (20, 76.0, 10.0, 66.0), (20, 90.0, 15.0, 66.0),
    (30, 76.0, 15.0, 66.0), (30, 90.0, 15.0, 66.0), (30, 60.0, 0.0, 66.0),
])
def test_arc_of_each_wards_length_descends_stays_and_returns(minutes, entry_bpm, plateau_min, end_bpm):
    times = [6.0 * tenth for tenth in range(10 * minutes + 1)]
    tempos = [arc_target(at_s, 60.0 * minutes, entry_bpm).tempo_bpm for at_s in times]
    down, back = round(10 * plateau_min), round(8.5 * minutes)
    assert tempos[0] == entry_bpm
    assert all(a > b for a, b in pairwise(tempos[:down + 1]))
    assert tempos[down:back + 1] == pytest.approx([60.0] * (back - down + 1))
    assert all(a < b for a, b in pairwise(tempos[back:]))
    assert tempos[-1] == pytest.approx(end_bpm)


@pytest.mark.parametrize("minutes", [10, 20, 30])
def test_arc_of_each_wards_length_is_calmest_from_half_way_for_a_third_of_it(minutes):
    deepest = [arc_target(0.6 * minutes * percent, 60.0 * minutes).intensity for percent in range(101)]
    assert deepest[50:86] == pytest.approx([DEEP.intensity] * 36)
    assert min(deepest[:50]) > DEEP.intensity
    assert deepest[100] - DEEP.intensity == pytest.approx(0.4 * (SURFACE.intensity - DEEP.intensity))


def test_arc_of_10_minutes_from_90_keeps_the_slope_and_turns_before_the_plateau():
    tempos = [arc_target(60.0 * minute, 600.0, 90.0).tempo_bpm for minute in range(11)]
    assert min(tempos) > 73.0
    assert arc_target(510.0, 600.0, 90.0).tempo_bpm == pytest.approx(73.0)


def test_arc_from_90_falls_at_the_full_two_bpm_a_minute():
    tempos = [arc_target(60.0 * minute, TWENTY_MIN_S, 90.0).tempo_bpm for minute in range(16)]
    assert tempos == pytest.approx([90.0 - 2.0 * minute for minute in range(16)])


def test_arc_of_three_minutes_keeps_the_slope_and_does_not_reach_the_plateau():
    tempos = [arc_target(second, 180.0).tempo_bpm for second in range(181)]
    assert tempos[0] == ENTRY_DEFAULT_BPM
    assert min(tempos) == pytest.approx(76.0 - 2.0 * 0.85 * 3.0)
    assert tempos[-1] > tempos[153]


def test_arc_plateau_is_calmest_and_the_last_15_percent_return():
    plateau = arc_target(0.7 * TWENTY_MIN_S, TWENTY_MIN_S)
    before_return = arc_target(0.85 * TWENTY_MIN_S, TWENTY_MIN_S)
    end = arc_target(TWENTY_MIN_S, TWENTY_MIN_S)
    assert msgspec.structs.astuple(plateau) == pytest.approx(msgspec.structs.astuple(DEEP))
    assert msgspec.structs.astuple(before_return) == pytest.approx(msgspec.structs.astuple(DEEP))
    assert end.intensity == pytest.approx(DEEP.intensity + 0.4 * (SURFACE.intensity - DEEP.intensity))
    assert plateau.tempo_bpm < end.tempo_bpm < ENTRY_DEFAULT_BPM


def test_arc_parameters_move_smoothly():
    targets = [arc_target(second, TWENTY_MIN_S) for second in range(1201)]
    for name in ("pitch", "timbre", "intensity", "density", "percussiveness"):
        values = [getattr(target, name) for target in targets]
        steepest = max(abs(b - a) for a, b in pairwise(values))
        assert steepest < 0.001, name


@pytest.mark.parametrize(("elapsed_s", "same_as_s"), [(-5.0, 0.0), (1300.0, 1200.0)])
def test_arc_outside_the_program_counts_as_its_ends(elapsed_s, same_as_s):
    assert arc_target(elapsed_s, TWENTY_MIN_S) == arc_target(same_as_s, TWENTY_MIN_S)
