"""The unit tries styles seldom and only when nobody is disturbed, and learns which one helps."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.control.styles import (
    MAX_CHANGES,
    QUIET_START_S,
    SECTION_PHRASES,
    FixedStylist,
    Section,
    StyleBandit,
    confidence_of,
    followed,
    is_known,
    next_section,
    reward,
)
from device.control.tally import Counts, ScratchTally
from device.messages import Reason, Stress, StressBand, Style

DURATION_S = 1800.0
PHRASE_S = 14.0
GLASS, NATURE = Style.GLASS_BELLS, Style.NATURE


class Blank:
    """A tally without any counts, to be copied."""

    def counts(self, style):
        return Counts()

    def add(self, style, *, helped):
        raise AssertionError("copies are taught, not this")


def blank():
    return ScratchTally(Blank())


def taught(style, helped, failed):
    tally = blank()
    for count, good in ((helped, True), (failed, False)):
        for _ in range(count):
            tally.add(style, helped=good)
    return tally


def estimate(at_s, level, confidence=0.9, reaction=0.0):
    return Stress(at_s=at_s, level=level, confidence=confidence, band=StressBand.MEDIUM, sources=("eda",),
                  reason="", reaction=reaction)


def play(bandit, level_of, seconds=DURATION_S, start_s=0.0, confidence=0.9):
    """Play phrases of 14 s at the levels of second and style; return (second, choice) pairs."""
    choices, style = [], None
    for second in range(int(start_s), int(start_s + seconds)):
        level = level_of(second, style)
        bandit.hear(1000.0 + second, estimate(1000.0 + second, level, confidence))
        if second % PHRASE_S == 0:
            choices.append((second, bandit.choose(int(second // PHRASE_S), float(second), DURATION_S)))
            style = choices[-1][1].style
    return choices


def changes(choices):
    """Return the (second, choice) pairs at which the style changed, the first left out."""
    return [after for before, after in pairwise(choices) if after[1].style is not before[1].style]


def steady(second, style):
    return 0.5


def test_styles_fixed_is_fixed_and_gives_no_reason():
    stylist = FixedStylist(GLASS)
    stylist.hear(1.0, estimate(1.0, 0.9))
    assert stylist.choose(0, 0.0, DURATION_S) == (GLASS, None)
    assert stylist.choose(80, 900.0, DURATION_S) == (GLASS, None)
    assert stylist.state().style is GLASS


def test_styles_first_choice_gives_its_reason_once():
    choices = play(StyleBandit(blank(), 3), steady, 60.0)
    assert [choice.reason for _, choice in choices] == [Reason.EXPLORE, None, None, None, None]


def test_styles_what_is_known_to_help_is_usually_chosen_and_called_so():
    tally = taught(NATURE, 40, 4)
    first = [StyleBandit(tally, seed).choose(0, 0.0, DURATION_S) for seed in range(200)]
    assert sum(choice.style is NATURE for choice in first) > 60
    for choice in first:
        assert choice.reason is (Reason.STYLE if choice.style is NATURE else Reason.EXPLORE)


def test_styles_without_knowledge_every_style_gets_its_turn():
    first = [StyleBandit(blank(), seed).choose(0, 0.0, DURATION_S).style for seed in range(500)]
    assert all(70 <= first.count(style) <= 130 for style in Style)


@pytest.mark.parametrize("seed", range(20))
def test_styles_change_seldom_at_sections_after_3_minutes_and_not_in_the_return(seed):
    choices = play(StyleBandit(blank(), seed), steady)
    changed = changes(choices)
    assert len(changed) <= MAX_CHANGES
    for second, choice in changed:
        assert second / PHRASE_S % SECTION_PHRASES == 0
        assert QUIET_START_S <= second < 0.85 * DURATION_S
        assert choice.reason in {Reason.STYLE, Reason.EXPLORE}
    kept = [choice for entry in choices[1:] if entry not in changed for choice in entry[1:]]
    assert all(choice.reason is None for choice in kept)


def test_styles_do_change_when_they_may():
    assert sum(len(changes(play(StyleBandit(blank(), seed), steady))) for seed in range(20)) >= 20


def test_styles_never_change_while_stress_rises_or_the_skin_has_jumped():
    def at_section(bandit, tail):
        play(bandit, steady, 12 * PHRASE_S)
        for second in range(int(12 * PHRASE_S), int(16 * PHRASE_S)):
            bandit.hear(1000.0 + second, tail(second))
        before = bandit.state().style
        return bandit.choose(16, 16 * PHRASE_S, DURATION_S).style is not before

    def rising(second):
        return estimate(1000.0 + second, min(1.0, 0.5 + 0.01 * (second - 12 * PHRASE_S)))

    def jumped(second):
        return estimate(1000.0 + second, 0.5, reaction=0.4)

    def calm(second):
        return estimate(1000.0 + second, 0.5)

    for tail, may in ((rising, False), (jumped, False), (calm, True)):
        changed = sum(at_section(StyleBandit(blank(), seed), tail) for seed in range(30))
        assert (changed > 0) == may, tail.__name__


@pytest.mark.parametrize(("level", "confidence"), [(None, 0.9), (0.5, 0.1)])
def test_styles_with_unknown_stress_nothing_changes_and_nothing_is_learned(level, confidence):
    tally = blank()
    for seed in range(10):
        choices = play(StyleBandit(tally, seed), lambda second, style: level, confidence=confidence)
        assert changes(choices) == []
    assert all(tally.counts(style) == Counts() for style in Style)


def test_styles_learn_what_helps_and_what_does_not():
    tally = blank()
    chance = random.Random(4)

    def helped_by_nature():
        level = [0.9]

        def level_of(second, style):
            level[0] += (-0.0012 if style is NATURE else 0.0002) + 0.002 * (chance.random() - 0.5)
            return level[0]
        return level_of

    first, last = [], []
    for seed in range(80):
        choices = play(StyleBandit(tally, seed), helped_by_nature(), 700.0)
        (first if seed < 20 else last).extend(choice.style for _, choice in choices)
    nature = tally.counts(NATURE)
    assert nature.helped > 4 * nature.failed
    assert last.count(NATURE) / len(last) > 0.85 > first.count(NATURE) / len(first)


def test_styles_unsure_estimates_are_counted_less_often():
    def total(confidence):
        tally = blank()
        for seed in range(6):
            play(StyleBandit(tally, seed), steady, confidence=confidence)
        return sum(tally.counts(style).helped + tally.counts(style).failed for style in Style)

    sure, unsure = total(0.9), total(0.25)
    assert unsure == pytest.approx(sure / 2, rel=0.25)


@pytest.mark.parametrize(("change", "share"), [
    (-0.5, 1.0), (-0.15, 1.0), (-0.075, 0.75), (0.0, 0.5), (0.15, 0.0), (0.5, 0.0),
])
def test_styles_reward_is_the_fall_of_stress(change, share):
    assert reward(change) == pytest.approx(share)


def test_styles_section_smooths_and_counts_known_seconds():
    section = Section()
    for _ in range(60):
        section = followed(section, 0.7, 0.4, 1.0)
    assert section.fast == section.start == pytest.approx(0.7)
    assert (section.known_s, section.confidence_s) == pytest.approx((60.0, 24.0))
    assert confidence_of(section) == pytest.approx(0.8)
    later = next_section(section)
    assert (later.start, later.known_s, confidence_of(later)) == (section.fast, 0.0, 0.0)


def test_styles_first_level_of_a_session_is_taken_after_15_known_seconds():
    section = Section()
    for second in range(20):
        section = followed(section, 0.9 if second < 2 else 0.5, 0.9, 1.0)
        assert (section.start is None) == (second < 14)
    assert section.start < 0.7


def test_styles_a_repeated_estimate_counts_once():
    bandit = StyleBandit(blank(), 1)
    for tick in range(100):
        bandit.hear(1000.0 + tick * 0.02, estimate(1000.0, 0.5))
    bandit.hear(1003.0, estimate(1001.0, 0.5))
    assert bandit.state().section.known_s == pytest.approx(1.0)


@pytest.mark.parametrize(("stress", "known"), [
    (None, False), (estimate(100.0, None), False), (estimate(94.9, 0.5), False),
    (estimate(100.0, 0.5, 0.19), False), (estimate(100.0, float("nan")), False),
    (estimate(95.0, 0.5, 0.2), True),
])
def test_styles_know_a_level_as_the_policy_does(stress, known):
    assert is_known(stress, 100.0) == known


def test_styles_a_restart_changes_no_later_choice():
    def level_of(second, style):
        return 0.5 + 0.2 * ((second // 100) % 2)

    whole = play(StyleBandit(taught(GLASS, 5, 3), 11), level_of)
    tally = taught(GLASS, 5, 3)
    first = StyleBandit(tally, 11)
    before = play(first, level_of, 700.0)
    after = play(StyleBandit(tally, 11, first.state()), level_of, DURATION_S - 700.0, 700.0)
    assert [(second, choice.style) for second, choice in before + after] == [
        (second, choice.style) for second, choice in whole]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), levels=st.lists(
    st.tuples(st.one_of(st.none(), st.floats(0.0, 1.0)), st.floats(0.0, 1.0), st.floats(-1.0, 1.0)),
    min_size=1, max_size=12))
def test_styles_bounds_hold_and_choices_repeat_for_any_course_of_stress(seed, levels):
    def run():
        bandit, chosen = StyleBandit(blank(), seed), []
        for phrase_id in range(100):
            level, confidence, reaction = levels[phrase_id % len(levels)]
            for second in range(0, 14, 2):
                at_s = phrase_id * PHRASE_S + second
                bandit.hear(at_s, estimate(at_s, level, confidence, reaction))
            at_s = (phrase_id + 1) * PHRASE_S - 2.0
            chosen.append((at_s, bandit.choose(phrase_id, at_s, 1400.0)))
        return chosen

    chosen = run()
    assert chosen == run()
    changed = changes(chosen)
    assert len(changed) <= MAX_CHANGES
    assert all(QUIET_START_S <= at_s < 0.85 * 1400.0 for at_s, _ in changed)
