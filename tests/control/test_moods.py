"""Moods lie in four quadrants, sound as the literature says, and move an arc only within its limits."""

from itertools import pairwise
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.config import Program
from device.control import moods
from device.control.arc import CALM, SURFACE, arc_target
from device.control.limits import HIGHEST, bound, differ
from device.control.moods import (
    END_MAX_BPM,
    ENDS,
    PLACES,
    Mood,
    Place,
    course_of,
    end_point,
    entry_mood,
    entry_point,
    nearest,
    target_of,
)
from device.messages import Stress, StressBand

AXES = st.floats(-1.0, 1.0)
QUADRANTS = [(1, 1), (-1, 1), (-1, -1), (1, -1)]


def estimate(band, valence=None, arousal=None):
    return Stress(at_s=1.0, level=0.5, confidence=0.9, band=band, sources=("eda",), reason="",
                  valence=valence, arousal=arousal)


def test_moods_table_stands_in_the_documentation():
    assert set(PLACES) == set(Mood)
    for mood, place in PLACES.items():
        assert f"| `{mood}` | {place.valence} | {place.arousal} |" in moods.__doc__


def test_moods_cover_the_four_quadrants():
    taken = {(1 if place.valence > 0 else -1, 1 if place.arousal > 0 else -1) for place in PLACES.values()}
    assert taken == set(QUADRANTS)


@pytest.mark.parametrize("valence", [-0.8, 0.0, 0.8])
@pytest.mark.parametrize(("low", "high"), [(-1.0, 0.0), (0.0, 1.0), (-0.5, 0.5)])
def test_moods_more_awake_is_faster_fuller_busier_brighter_and_more_marked(valence, low, high):
    quiet, awake = target_of(Place(valence, low)), target_of(Place(valence, high))
    for name in ("tempo_bpm", "intensity", "density", "timbre", "percussiveness"):
        assert getattr(awake, name) > getattr(quiet, name), name


@pytest.mark.parametrize("arousal", [-0.8, 0.0, 0.8])
def test_moods_more_pleasant_is_higher_brighter_and_softer_in_its_onsets(arousal):
    sad, happy = target_of(Place(-0.6, arousal)), target_of(Place(0.6, arousal))
    assert happy.pitch > sad.pitch + 0.1
    assert happy.timbre > sad.timbre
    assert happy.percussiveness <= sad.percussiveness
    assert happy.intensity == sad.intensity


def test_moods_each_quadrant_sounds_different_in_at_least_three_parameters():
    targets = [target_of(Place(0.6 * valence, 0.6 * arousal)) for valence, arousal in QUADRANTS]
    for index, one in enumerate(targets):
        for other in targets[index + 1:]:
            apart = [abs(a - b) / scale for a, b, scale in zip(
                msgspec.structs.astuple(one), msgspec.structs.astuple(other),
                (0.1, 5.0, 0.04, 0.1, 0.02, 0.04), strict=True)]
            assert sum(distance >= 1.0 for distance in apart) >= 3


@pytest.mark.parametrize(("valence", "arousal"), QUADRANTS)
def test_moods_a_target_tells_its_quadrant(valence, arousal):
    middle = target_of(Place(0.0, 0.0))
    target = target_of(Place(0.7 * valence, 0.7 * arousal))
    assert (target.intensity > middle.intensity) == (arousal > 0)
    assert (target.pitch > middle.pitch) == (valence > 0)


@given(valence=st.floats(-9.0, 9.0), arousal=st.floats(-9.0, 9.0))
def test_moods_every_place_sounds_within_the_safety_bounds(valence, arousal):
    target = target_of(Place(valence, arousal))
    assert target == bound(target)
    assert target.percussiveness <= HIGHEST.percussiveness == 0.40


@given(valence=AXES, arousal=AXES, step=st.floats(0.0, 0.05))
def test_moods_near_places_sound_alike(valence, arousal, step):
    one, other = target_of(Place(valence, arousal)), target_of(Place(valence + step, arousal + step))
    assert not differ(one, other, 16.0 * step + 1e-9)


def test_moods_calm_from_the_programs_own_beginning_is_the_program_itself():
    assert course_of() == CALM
    assert course_of(Mood.CALM).deep == CALM.deep
    assert entry_point(None) == SURFACE


def test_moods_programs_lead_to_those_that_the_configuration_offers():
    hint = next(field.type for field in msgspec.structs.fields(Program) if field.name == "mood")
    assert set(get_args(hint)) == set(ENDS)
    for mood in ENDS:
        place = PLACES[mood]
        assert not (place.valence < 0 < place.arousal), "nobody is led to tension"


@pytest.mark.parametrize("mood", [Mood.TENSE, Mood.AGITATED, Mood.SAD])
def test_moods_no_program_leads_to_an_unpleasant_place(mood):
    with pytest.raises(ValueError, match=f"no program leads to {mood}"):
        end_point(mood)


@pytest.mark.parametrize(("mood", "tempo_bpm"), [
    (Mood.CALM, 60.0), (Mood.TIRED, 60.0), (Mood.CONTENT, 64.6), (Mood.ENERGETIC, END_MAX_BPM),
])
def test_moods_tempo_of_the_plateau(mood, tempo_bpm):
    assert end_point(mood).tempo_bpm == pytest.approx(tempo_bpm)


def test_moods_ends_are_ordered_by_their_arousal():
    ends = [end_point(mood) for mood in (Mood.TIRED, Mood.CALM, Mood.CONTENT, Mood.ENERGETIC)]
    for quieter, more_awake in pairwise(ends):
        assert quieter.intensity < more_awake.intensity
        assert quieter.density < more_awake.density
    assert max(end.intensity for end in ends) < SURFACE.intensity


@pytest.mark.parametrize("mood", list(Mood))
def test_moods_every_course_stays_within_bounds_and_slope_from_any_entry(mood):
    for end in ENDS:
        course = course_of(end, mood)
        for entry_bpm in (60.0, 76.0, 90.0):
            targets = [arc_target(float(second), 600.0, entry_bpm, course) for second in range(0, 601, 5)]
            assert targets[0].tempo_bpm == pytest.approx(entry_bpm)
            for before, after in pairwise(targets):
                assert after == bound(after)
                assert abs(after.tempo_bpm - before.tempo_bpm) <= 2.0 * 5.0 / 60.0 + 1e-9


def test_moods_a_plateau_above_the_entry_is_reached_from_below():
    course = course_of(Mood.ENERGETIC)
    tempos = [arc_target(60.0 * minute, 1200.0, 62.0, course).tempo_bpm for minute in range(21)]
    assert tempos[10] == tempos[16] == pytest.approx(70.0)
    assert all(a <= b + 1e-9 for a, b in pairwise(tempos))
    assert tempos[20] == pytest.approx(76.0)


@pytest.mark.parametrize("mood", list(Mood))
def test_moods_nearest_to_its_own_place_is_the_mood(mood):
    assert nearest(PLACES[mood]) is mood


@pytest.mark.parametrize(("band", "mood"), [
    (StressBand.LOW, Mood.CALM), (StressBand.MEDIUM, Mood.CONTENT), (StressBand.HIGH, Mood.TENSE),
])
def test_moods_entry_without_a_headset_follows_the_three_levels(band, mood):
    assert entry_mood(estimate(band)) is mood
    assert entry_mood(estimate(band, valence=0.4)) is mood


@pytest.mark.parametrize(("valence", "arousal", "mood"), [
    (-0.7, 0.9, Mood.AGITATED), (-0.8, -0.5, Mood.SAD), (0.6, 0.7, Mood.ENERGETIC), (-0.1, -1.0, Mood.TIRED),
])
def test_moods_entry_with_a_headset_follows_valence_and_arousal(valence, arousal, mood):
    assert entry_mood(estimate(StressBand.MEDIUM, valence, arousal)) is mood
