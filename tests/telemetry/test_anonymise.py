"""From bus messages to outcomes: coarse, honest about the unknown, and nobody to be found in them."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.messages import Rating, Session, SessionPhase, Stress, StressBand
from device.telemetry.anonymise import (
    CLOCK_SET_S,
    SETTLE_S,
    SHORTEST_S,
    Draft,
    SessionTally,
    bare_word,
    minute_of,
    outcome_of,
    prevailing,
    scrub,
    year_of,
)
from device.telemetry.outbox import DAMAGED, FULL, UNWRITABLE
from device.telemetry.records import Outcome, seal
from device.telemetry.trouble import ADVICE
from device.telemetry.words import WORDS

ID = "f" * 32
WALL_S = 1_780_000_000.0  # 2026-05-28T20:26:40Z
RUNNING, ENDING, IDLE, MUTED = (
    SessionPhase.RUNNING, SessionPhase.ENDING, SessionPhase.IDLE, SessionPhase.MUTED)


def session(phase, elapsed_s, at_s, *, seed=42, duration_s=1200.0, fade_s=12.0, rating=None) -> Session:
    return Session(
        at_s=at_s, phase=phase, seed=seed, elapsed_s=elapsed_s, duration_s=duration_s, fade_s=fade_s,
        rating=rating)


def stress(band, at_s, level=0.5) -> Stress:
    return Stress(at_s=at_s, level=level, confidence=0.9, band=band, sources=("eda",), reason="")


class Ward:
    """Plays a session second by second into a tally."""

    def __init__(self, draft: Draft | None = None, start_s: float = 500.0):
        self.tally = SessionTally(draft)
        self.at_s = start_s

    def play(self, phase, seconds, start_s=0.0, band=StressBand.LOW, **more) -> float:
        elapsed_s = start_s
        for _ in range(seconds):
            self.at_s += 1.0
            if phase in {RUNNING, ENDING}:
                elapsed_s += 1.0
            if band is not None:
                self.tally.observe_stress(stress(band, self.at_s))
            self.tally.observe_session(session(phase, elapsed_s, self.at_s, **more))
        return elapsed_s

    def only(self) -> Outcome:
        self.play(IDLE, int(SETTLE_S) + 2)
        (draft,) = self.tally.take_finished()
        return outcome_of(draft, ID, WALL_S)


@pytest.fixture
def ward():
    return Ward()


def test_anonymise_a_program_played_to_its_end(ward):
    at = ward.play(RUNNING, 400, band=StressBand.HIGH)
    at = ward.play(RUNNING, 400, at, band=StressBand.MEDIUM)
    at = ward.play(RUNNING, 388, at, band=StressBand.LOW)
    ward.play(ENDING, 12, at, band=StressBand.LOW)
    assert ward.only() == Outcome(
        id=ID, year=2026, stress_first_third=StressBand.HIGH, stress_last_third=StressBand.LOW, rating=None)


def test_anonymise_a_press_ends_early_and_thirds_are_of_what_was_played(ward):
    at = ward.play(RUNNING, 240, band=StressBand.HIGH)
    at = ward.play(RUNNING, 240, at, band=StressBand.MEDIUM)
    ward.play(ENDING, 12, at, band=StressBand.MEDIUM)
    found = ward.only()
    assert (found.stress_first_third, found.stress_last_third) == (StressBand.HIGH, StressBand.MEDIUM)


def test_anonymise_how_a_session_ended_and_how_long_it_was_leave_no_trace():
    said = []
    for seconds, end in ((400, ENDING), (1188, ENDING), (700, MUTED), (500, IDLE)):
        ward = Ward()
        at = ward.play(RUNNING, seconds, band=StressBand.MEDIUM)
        ward.play(end, 12, at, band=StressBand.MEDIUM)
        said.append(seal(ward.only()).payload)
    assert len(set(said)) == 1


def test_anonymise_a_session_too_short_to_compare_says_nothing_but_that_it_was(ward):
    at = ward.play(RUNNING, int(SHORTEST_S) - 20, band=StressBand.HIGH)
    ward.play(ENDING, 12, at, band=StressBand.HIGH)
    found = ward.only()
    assert (found.stress_first_third, found.stress_last_third) == (StressBand.UNKNOWN, StressBand.UNKNOWN)


def test_anonymise_a_stress_estimate_that_stopped_counts_as_unknown(ward):
    at = ward.play(RUNNING, 300, band=StressBand.LOW)
    ward.play(RUNNING, 300, at, band=None)  # the estimator died
    found = ward.only()
    assert found.stress_last_third is StressBand.UNKNOWN
    assert found.stress_first_third is StressBand.UNKNOWN, "one known end would say when there was contact"


def test_anonymise_a_second_session_at_once_gives_two_outcomes(ward):
    ward.play(RUNNING, 60, seed=1)
    ward.play(RUNNING, 60, seed=2)
    assert [draft.seed for draft in ward.tally.take_finished()] == [1]
    assert ward.tally.draft.seed == 2


def test_anonymise_the_same_seed_again_is_another_session(ward):
    ward.play(RUNNING, 90, seed=7)
    ward.play(RUNNING, 30, seed=7)
    assert len(ward.tally.take_finished()) == 1
    assert ward.tally.draft.elapsed_s == 30


def test_anonymise_a_restarted_conductor_resumes_the_same_session(ward):
    at = ward.play(RUNNING, 100)
    ward.play(IDLE, 2)
    ward.play(RUNNING, 100, at)
    ward.play(ENDING, 3, 200.0)
    ward.only()
    assert ward.tally.take_finished() == []


def test_anonymise_a_killed_telemetry_goes_on_from_its_draft(ward):
    at = ward.play(RUNNING, 600, band=StressBand.HIGH)
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(ward.tally.draft), type=Draft)
    after = Ward(stored, start_s=ward.at_s + 5)
    after.play(RUNNING, 590, at + 5, band=StressBand.LOW)
    found = after.only()
    assert (found.stress_first_third, found.stress_last_third) == (StressBand.HIGH, StressBand.LOW)


def test_anonymise_a_session_whose_end_nobody_saw_is_told(ward):
    ward.play(RUNNING, 390)
    after = Ward(ward.tally.draft, start_s=ward.at_s + 900)
    assert after.only().stress_last_third is StressBand.LOW


def asked(played_s: float = 700) -> Ward:
    """Return a ward where ratings are asked for, with a session just played to its end."""
    ward = Ward()
    ward.tally = SessionTally(None, ask_s=80.0)
    at = ward.play(RUNNING, int(played_s) - 12)
    ward.play(ENDING, 12, at)
    return ward


def test_anonymise_an_answer_after_the_session_goes_with_it():
    ward = asked()
    ward.play(IDLE, 60)
    assert ward.tally.take_finished() == [], "somebody may still answer"
    ward.play(IDLE, 1, rating=Rating.WORSE)
    (draft,) = ward.tally.take_finished()
    assert outcome_of(draft, ID, WALL_S).rating is Rating.WORSE


def test_anonymise_no_answer_is_none_and_is_not_waited_for_long():
    ward = asked()
    ward.play(IDLE, 82)
    (draft,) = ward.tally.take_finished()
    assert outcome_of(draft, ID, WALL_S).rating is None


def test_anonymise_an_answer_to_a_short_session_is_not_told():
    ward = asked(SHORTEST_S - 10)
    ward.play(IDLE, 2, rating=Rating.BETTER)
    ward.play(IDLE, 3, rating=Rating.BETTER)
    (draft,) = ward.tally.take_finished()
    assert draft.rating is Rating.BETTER
    assert outcome_of(draft, ID, WALL_S).rating is None


def test_anonymise_a_silenced_session_is_not_waited_for_nor_rated():
    ward = asked()
    ward.play(MUTED, 1)
    ward.play(IDLE, int(SETTLE_S) + 1, rating=Rating.BETTER)
    (draft,) = ward.tally.take_finished()
    assert draft.rating is None


def test_anonymise_an_answer_never_goes_to_a_session_whose_end_was_not_seen():
    after = Ward()
    after.tally = SessionTally(Draft(seed=1, elapsed_s=900.0), ask_s=80.0)
    after.play(IDLE, int(SETTLE_S) + 2, rating=Rating.BETTER)
    (draft,) = after.tally.take_finished()
    assert draft.rating is None


def test_anonymise_without_the_question_nothing_waits(ward):
    ward.play(RUNNING, 400)
    ward.play(ENDING, 12, 400)
    ward.play(IDLE, int(SETTLE_S) + 1, rating=Rating.BETTER)
    (draft,) = ward.tally.take_finished()
    assert draft.rating is None


def test_anonymise_idle_makes_no_outcome(ward):
    ward.play(IDLE, 100)
    ward.play(MUTED, 10)
    ward.tally.finish_silent()
    assert ward.tally.take_finished() == []


def test_anonymise_repeated_state_in_one_second_counts_once(ward):
    for _ in range(10):
        ward.tally.observe_session(session(RUNNING, 5.0, 600.0))
    ward.tally.observe_session(session(RUNNING, 6.0, 601.0))
    assert sum(map(sum, ward.tally.draft.bins)) == 1


@pytest.mark.parametrize(("bins", "band"), [
    ([], StressBand.UNKNOWN),
    ([(5, 4, 0, 0)], StressBand.LOW),
    ([(4, 4, 0, 0)], StressBand.MEDIUM),  # of two equals the higher
    ([(3, 0, 4, 6), (0, 0, 0, 1)], StressBand.UNKNOWN),  # half unknown
    ([(3, 0, 4, 6)], StressBand.HIGH),
])
def test_anonymise_prevailing_band(bins, band):
    assert prevailing(bins) is band


@pytest.mark.parametrize(("wall_s", "year", "minute"), [
    (WALL_S, 2026, "2026-05-28T20:26Z"), (0.0, None, None), (CLOCK_SET_S - 1, None, None),
    (CLOCK_SET_S, 2023, "2023-10-10T00:00Z")])
def test_anonymise_dates_are_coarse_and_absent_without_a_clock(wall_s, year, minute):
    assert (year_of(wall_s), minute_of(wall_s)) == (year, minute)


@pytest.mark.parametrize(("words", "left"), [
    ("the ADS1115 at 0x48 does not answer; check power", "the … at … does not answer; check power"),
    ("the part cannot be opened (Permission denied: '/dev/ttyUSB0')",
     "the part cannot be opened (Permission denied: …"),
    ("broker.ward.example:8883 refuses us", "… refuses us"),
    ("12:34:56:ab:cd:ef or fe80::1 or 10.1.2.3", "… or … or …"),
    ("write to nurse@ward.example", "write to …"),
    ("Tranq-PI is not there", "… is not there"),
    ("choose one of: Anna's AirPods, Headphones of bed 7", "choose one of: …, … of …"),
    ("the music of /media/anna meier/x is not there", "the music of … is not there"),
    ("the music plays without sensors until the converter answers",
     "the music plays without sensors until the converter answers"),
    ("Check the broker's certificate.", "Check the broker's certificate."),
])
def test_anonymise_scrub_leaves_the_firmwares_own_words_only(words, left):
    assert scrub(words, ["tranq-pi", "pi"]) == left


def test_anonymise_scrub_takes_out_a_name_that_is_a_common_word():
    assert scrub("the conductor has stopped", ["conductor"]) == "the … has stopped"


def test_anonymise_what_telemetry_says_of_itself_is_left_whole():
    for advice in (*ADVICE.values(), DAMAGED.advice, FULL.advice, UNWRITABLE.advice):
        assert scrub(advice, []) == advice


@given(st.text(max_size=400), st.lists(st.text(min_size=1, max_size=12), max_size=3))
def test_anonymise_scrubbed_advice_always_passes_the_door(words, names):
    found = scrub(words, names)
    assert re.search(r"[\d@\\]", found) is None
    assert len(found) <= 240
    assert all(bare_word(word) in WORDS | {""} for word in found.split())


ADDRESS = st.sampled_from([
    "10.20.30.40", "fe80::dead:beef", "b8:27:eb:12:34:56", "100000003d1d1c36", "tranquillo-pi", "ward-3"])
BANDS = st.sampled_from(list(StressBand))


@given(
    st.lists(st.tuples(st.sampled_from([RUNNING, RUNNING, RUNNING, ENDING, MUTED, IDLE]), BANDS,
                       st.floats(0, 1), st.integers(1, 40)), min_size=1, max_size=12),
    ADDRESS, st.integers(10_000, 2**31 - 1), st.floats(CLOCK_SET_S, 4e9), st.floats(1e3, 1e6))
def test_anonymise_no_session_can_put_more_into_an_outcome(history, address, seed, wall_s, at_s):
    tally, elapsed_s = SessionTally(None), 0.0
    levels = set()
    for phase, band, level, seconds in history:
        for _ in range(seconds):
            at_s += 1.0
            elapsed_s += 1.0
            levels.add(repr(level))
            tally.observe_stress(Stress(at_s=at_s, level=level, confidence=level, band=band, sources=("ppg",),
                                        reason=f"lost at {address}"))
            tally.observe_session(session(phase, elapsed_s, at_s, seed=seed))
    tally.observe_session(session(IDLE, 0.0, at_s + 1))
    tally.finish_silent()
    for draft in tally.take_finished():
        letter = seal(outcome_of(draft, ID, wall_s))
        text = letter.payload.decode()
        said = json.loads(text)
        assert set(said) == set(Outcome.__struct_fields__)
        numbers = {value for value in said.values() if isinstance(value, int)}
        assert numbers <= {1, said["year"]}
        assert (said["stress_first_third"] == "unknown") == (said["stress_last_third"] == "unknown")
        fine = (one for one in levels if len(one) > 3)
        for secret in (address, str(seed), str(int(wall_s)), str(int(at_s)), *fine):
            assert secret not in text.replace(ID, "")
        assert not any(isinstance(value, float) for value in said.values())
