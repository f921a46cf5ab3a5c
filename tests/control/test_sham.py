"""A yoked course is somebody else's: repeatable, plausible, read strictly from its file."""

from itertools import pairwise

import numpy as np
import pytest

from device.control.sham import (
    MAX_S,
    UNKNOWN,
    Moment,
    YokedCourse,
    drawn_course,
    drawn_heart_rate,
    read_moments,
)
from device.errors import ConfigError

SEEDS = range(24)


def half_an_hour(seed):
    """Return the known moments of a drawn course within its first half an hour."""
    course = drawn_course(seed)
    return [course.at(second) for second in range(60, 1800)]


@pytest.fixture(scope="module")
def courses():
    """Levels of many drawn courses: one row a seed, one column a second from the second minute on."""
    return np.array([[moment.level for moment in half_an_hour(seed)] for seed in SEEDS])


def test_sham_drawn_course_repeats_with_its_seed_and_differs_between_seeds(courses):
    assert [moment.level for moment in half_an_hour(3)] == courses[3].tolist()
    assert len({tuple(row) for row in courses.tolist()}) == len(courses)


def test_sham_drawn_levels_are_unknown_in_the_first_minute():
    assert {drawn_course(9, 60).at(second).level for second in range(60)} == {None}
    assert drawn_course(9).at(60.0).level is not None


def test_sham_drawn_levels_are_levels_and_move_slowly(courses):
    assert courses.min() >= 0.0
    assert courses.max() <= 1.0
    steps = np.abs(np.diff(courses, axis=1))
    assert steps.max() < 0.05
    assert 0.001 < steps.mean() < 0.006


def test_sham_drawn_levels_fall_from_tense_to_calm_on_average(courses):
    assert courses[:, :60].mean() == pytest.approx(0.60, abs=0.08)
    assert courses[:, 1500:].mean() == pytest.approx(0.40, abs=0.08)


def test_sham_drawn_courses_are_unrelated_to_one_another(courses):
    wanders = courses - courses.mean(axis=0)
    together = np.corrcoef(wanders[::2].ravel(), wanders[1::2].ravel())[0, 1]
    assert abs(together) < 0.2


def test_sham_drawn_jumps_last_some_seconds_and_come_every_few_minutes():
    jumps = 0
    for seed in SEEDS:
        reactions = [moment.reaction for moment in half_an_hour(seed)]
        assert all(reaction == 0.0 or 0.3 <= reaction <= 1.0 for reaction in reactions)
        jumps += sum(a == 0.0 < b for a, b in pairwise(reactions))
    assert 1740 / (jumps / len(SEEDS)) == pytest.approx(360, rel=0.3)


def test_sham_drawn_heart_rates_are_entry_tempos():
    rates = [drawn_heart_rate(seed) for seed in range(200)]
    assert all(60.0 <= rate <= 90.0 for rate in rates)
    assert np.mean(rates) == pytest.approx(76.0, abs=2.0)
    assert np.std(rates) > 4.0


def test_sham_course_is_read_by_the_second_and_unknown_after_its_end():
    course = YokedCourse((Moment(0.2), Moment(None), Moment(0.4, -0.5)))
    assert [course.at(elapsed_s) for elapsed_s in (-1.0, 0.9, 1.0, 2.999)] == [
        Moment(0.2), Moment(0.2), Moment(None), Moment(0.4, -0.5)]
    assert course.at(3.0) == course.at(1e6) == UNKNOWN
    assert drawn_course(1).at(float(MAX_S)) == UNKNOWN


def test_sham_drawn_course_is_as_long_as_asked_and_begins_the_same():
    short, long = drawn_course(4, 600), drawn_course(4)
    assert [short.at(second) for second in range(600)] == [long.at(second) for second in range(600)]
    assert short.at(600.0) == UNKNOWN


def test_sham_file_holds_a_level_a_line_unknown_seconds_and_reactions(tmp_path):
    path = tmp_path / "course.txt"
    path.write_text("# session 12, levels once a second\n0.5\n0.61 0.4\n\n 1 # the top\n0 -1\n")
    assert read_moments(path) == (
        Moment(0.5), Moment(0.61, 0.4), Moment(None), Moment(1.0), Moment(0.0, -1.0))


@pytest.mark.parametrize(("text", "says"), [
    ("0.5\n1.2\n", "line 2 is '1.2'; expected a level of 0 to 1"), ("-0.1\n", "line 1"), ("nan\n", "line 1"),
    ("0.5 2\n", "line 1 is '0.5 2'"), ("0.5 nan\n", "line 1"), ("0.5 0 0\n", "line 1"),
    ("high\n", "line 1 is 'high'"),
    ("", "holds 0 seconds; expected 1 to 5400"), ("# nothing\n", "0 seconds"),
    ("\n\n", "at least one of them"),
    ("0.5\n" * 5401, "holds 5401 seconds"),
])
def test_sham_file_that_is_none_names_the_line(tmp_path, text, says):
    path = tmp_path / "course.txt"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_moments(path)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"program.sham_levels: {path}")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_sham_file_that_cannot_be_read_is_a_configuration_error(tmp_path, content):
    path = tmp_path / "course.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_moments(path)
