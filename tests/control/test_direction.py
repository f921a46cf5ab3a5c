"""Any configured program stays within its bounds, is repeatable, and goes on as it was after a restart."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.rest import SeededRest

from device.config import Program
from device.control.direction import Director
from device.control.limits import HIGHEST, LOWEST, SLEW_PER_S
from device.control.performance import PerformanceState
from device.control.tally import Counts, SiteTally
from device.errors import ConfigError
from device.messages import (
    MusicalTarget,
    Phrase,
    Rating,
    Reason,
    Session,
    SessionPhase,
    Stress,
    StressBand,
    Style,
    Target,
)

NAMES = MusicalTarget.__struct_fields__
STYLES = [*(style.value for style in Style), "auto"]
MOODS = ["calm", "content", "tired", "energetic"]


def estimate(at_s, level, confidence=0.9, reaction=0.0):
    band = StressBand.UNKNOWN if level is None else (
        StressBand.LOW if level < 1 / 3 else StressBand.MEDIUM if level < 2 / 3 else StressBand.HIGH)
    return Stress(at_s=at_s, level=level, confidence=confidence, band=band, sources=("eda",), reason="",
                  reaction=reaction)


def play(performance, seconds, known, start_s=0, duration_s=1200.0):
    """Step once a second; `known` tells the estimate of a second. Return what was sent."""
    sent = []
    for second in range(start_s, start_s + int(seconds)):
        at_s = 1000.0 + second
        session = Session(at_s=at_s, phase=SessionPhase.RUNNING, seed=7, elapsed_s=float(second),
                          duration_s=duration_s, fade_s=12.0)
        sent += performance.step(at_s, session, known(second), None)
    return sent


def targets(sent):
    return [message for message in sent if isinstance(message, Target)]


def phrases(sent):
    return [message for message in sent if isinstance(message, Phrase)]


def tense(second):
    return estimate(1000.0 + second, 0.8)


def nothing(second):
    return None


@pytest.fixture
def director(tmp_path):
    """Make a director of a program."""
    def make(unit="state", **program):
        return Director(Program(**program), SeededRest, tmp_path / unit)
    return make


def test_direction_default_program_is_the_closed_loop_on_warm_pads(director, tmp_path):
    sent = play(director().perform(7), 300, tense)
    assert {phrase.style for phrase in phrases(sent)} == {Style.WARM_PADS}
    assert {target.loop for target in targets(sent)} == {"closed"}
    said = {reason for target in targets(sent) for reason in target.reasons}
    assert not said & {Reason.MOOD, Reason.STYLE, Reason.EXPLORE, Reason.SHAM}
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("style", list(Style))
def test_direction_a_site_plays_its_own_style(director, style):
    sent = play(director(style=style.value).perform(7), 120, tense)
    assert {phrase.style for phrase in phrases(sent)} == {target.style for target in targets(sent)} == {style}


def test_direction_open_follows_nobody(director):
    one = targets(play(director(mode="open").perform(7), 300, tense))
    other = targets(play(director(mode="open").perform(7), 300, nothing))
    assert [target.values for target in one] == [target.values for target in other]
    assert {target.loop for target in one} == {"open"}
    assert one[0].values.tempo_bpm == 76.0


def test_direction_sham_follows_its_course_and_not_the_patient(director):
    def calm(second):
        return estimate(1000.0 + second, 0.1, reaction=-0.5)

    sham = director(mode="sham")
    one, other = (targets(play(sham.perform(7), 600, known)) for known in (tense, calm))
    assert [target.values for target in one] == [target.values for target in other]
    assert all(Reason.SHAM in target.reasons for target in one)
    assert {target.loop for target in one if target.elapsed_s >= 60.0} == {"sham"}
    assert {target.loop for target in one if target.elapsed_s < 60.0} == {"open"}
    third = targets(play(sham.perform(8), 600, tense))
    assert [target.values for target in one] != [target.values for target in third]


def test_direction_sham_follows_the_levels_of_a_file(director, tmp_path):
    path = tmp_path / "course.txt"
    path.write_text("1.0\n" * 300 + "\n" * 100)
    sent = targets(play(director(mode="sham", sham_levels=str(path)).perform(7), 400, nothing))
    assert sent[250].loop == "sham"
    assert sent[399].loop == "open", "the other session was unknown then"
    assert all(Reason.SHAM in target.reasons for target in sent)
    lone = targets(play(director(mode="open").perform(7), 400, nothing))
    assert sent[150].values.timbre > lone[150].values.timbre + 0.05


def test_direction_sham_moves_the_music_about_as_much_as_a_patient_does(director):
    def moved(sent):
        return sum(abs(b.values.intensity - a.values.intensity) for a, b in pairwise(targets(sent)))

    sham = [moved(play(director(mode="sham").perform(seed), 900, nothing)) for seed in range(6)]
    lone = moved(play(director(mode="open").perform(7), 900, nothing))
    assert min(sham) > 1.3 * lone
    assert max(sham) < 8.0 * lone


def test_direction_a_sham_file_of_no_use_ends_the_start(director, tmp_path):
    with pytest.raises(ConfigError, match=r"program\.sham_levels"):
        director(mode="sham", sham_levels=str(tmp_path / "none.txt"))


def test_direction_entry_and_mood_reach_the_policy(director):
    sent = targets(play(director(mood="energetic", entry="auto").perform(7), 60, tense))
    assert Reason.MOOD in sent[0].reasons
    plateau = targets(play(director(mood="energetic").perform(7), 800, nothing))[-1]
    assert plateau.values.tempo_bpm == pytest.approx(70.0)


def test_direction_auto_says_why_whenever_the_style_changes(director):
    changed = 0
    for seed in range(8):
        sent = play(director(style="auto").perform(seed), 1200, lambda second: estimate(1000.0 + second, 0.5))
        first, *_ = targets(sent)
        assert {Reason.STYLE, Reason.EXPLORE} & set(first.reasons)
        for before, after in pairwise(targets(sent)):
            says = {Reason.STYLE, Reason.EXPLORE} & set(after.reasons)
            assert bool(says) == (after.style is not before.style)
            changed += bool(says)
        for target, phrase in pairwise(sent):
            if isinstance(phrase, Phrase):
                assert phrase.style is target.style, "the target before a phrase names its style"
    assert changed >= 4


def test_direction_auto_learns_in_the_closed_loop_only(director, tmp_path):
    counts = tmp_path / "state" / "styles.json"
    for mode in ("sham", "open"):
        play(director(style="auto", mode=mode).perform(3), 1200, tense)
        assert not counts.exists(), mode
    play(director(style="auto").perform(3), 1200, tense)
    tally = SiteTally(tmp_path / "state")
    assert sum(tally.counts(style).helped + tally.counts(style).failed for style in Style) >= 5


@pytest.mark.parametrize(("rating", "counts"), [
    (Rating.BETTER, Counts(helped=1)), (Rating.SAME, Counts()), (Rating.WORSE, Counts(failed=1)),
])
def test_direction_a_rating_counts_once_for_the_style(director, tmp_path, rating, counts):
    director(style="auto").rate(rating, Style.NATURE)
    assert SiteTally(tmp_path / "state").counts(Style.NATURE) == counts
    director(style="nature").rate(rating, Style.NATURE)
    director(style="auto", mode="sham").rate(rating, Style.NATURE)
    assert SiteTally(tmp_path / "state").counts(Style.NATURE) == counts


def test_direction_tells_when_counts_were_damaged(director, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "styles.json").write_bytes(b"{")
    assert director().faults() == ()
    assert [fault.code for fault in director(style="auto").faults()] == ["style_counts_damaged"]


@pytest.mark.parametrize("program", [
    {"style": "auto"}, {"style": "auto", "mode": "sham"}, {"mode": "sham", "mood": "content"},
    {"style": "glass_bells", "entry": "auto"},
])
def test_direction_resumed_session_goes_on_as_if_nothing_had_happened(director, program):
    def known(second):
        return estimate(1000.0 + second, 0.45 + 0.2 * ((second // 90) % 2))

    whole = phrases(play(director("another", **program).perform(5), 900, known))
    first = director(**program).perform(5)
    before = phrases(play(first, 400, known))
    state = first.state()
    assert isinstance(state, PerformanceState)
    after = phrases(play(director(**program).perform(5, state, Reason.RESUMED), 500, known, 400))
    assert [phrase.style for phrase in before + after] == [phrase.style for phrase in whole]
    assert after[-1].target.tempo_bpm == pytest.approx(whole[-1].target.tempo_bpm, abs=0.5)


def test_direction_resumed_session_keeps_its_style_though_the_site_chose_another(director):
    first = director(style="nature").perform(5)
    play(first, 60, tense)
    second = director(style="felt_piano").perform(5, first.state(), Reason.RESUMED)
    assert phrases(play(second, 60, tense, 60))[0].style is Style.NATURE
    third = director(style="felt_piano").perform(6, first.state())
    assert phrases(play(third, 60, tense, 60))[0].style is Style.FELT_PIANO


COURSES = st.lists(
    st.tuples(st.integers(1, 40), st.one_of(st.none(), st.floats(0.0, 1.0)), st.floats(0.0, 1.0),
              st.floats(-1.0, 1.0)), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(style=st.sampled_from(STYLES), mood=st.sampled_from(MOODS),
       entry=st.sampled_from(["standard", "auto"]), mode=st.sampled_from(["closed", "open", "sham"]),
       minutes=st.sampled_from([1.0, 10.0, 20.0, 30.0]), seed=st.integers(1, 2**31 - 1),
       course=COURSES)
def test_direction_bounds_and_slew_hold_for_any_program_and_any_stress(
        tmp_path_factory, style, mood, entry, mode, minutes, seed, course):
    levels = [(level, confidence, reaction) for seconds, level, confidence, reaction in course
              for _ in range(seconds)]
    program = Program(style=style, mood=mood, entry=entry, mode=mode, minutes=minutes)
    performance = Director(program, SeededRest, tmp_path_factory.mktemp("state")).perform(seed)
    sent = targets(play(performance, len(levels), lambda second: estimate(1000.0 + second, *levels[second]),
                        duration_s=60.0 * minutes))
    assert all(target.reasons for target in sent)
    assert all((Reason.SHAM in target.reasons) == (mode == "sham") for target in sent)
    for target in sent:
        for name in NAMES:
            assert getattr(LOWEST, name) <= getattr(target.values, name) <= getattr(HIGHEST, name)
    for before, after in pairwise(sent):
        for name in NAMES:
            moved = abs(getattr(after.values, name) - getattr(before.values, name))
            assert moved <= getattr(SLEW_PER_S, name) * (after.at_s - before.at_s) + 1e-9
