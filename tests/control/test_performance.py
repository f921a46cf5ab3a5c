"""A session's music: targets at least once a second, phrases in time, each written for its target."""

from itertools import pairwise

import pytest

from device.control.modes import ClosedEar
from device.control.performance import Performance
from device.control.policy import ControlPolicy
from device.control.styles import FixedStylist
from device.messages import Note, Phrase, PlayerState, Reason, Session, SessionPhase, Style, Target

BEATS = 16.0


class Scale:
    """A composer of one note per beat that remembers what it was asked."""

    def __init__(self):
        self.asked = []

    trace = b"bars so far."

    def follow(self, phrase, trace=b""):
        self.followed, self.known = phrase, trace

    def compose(self, target, *, phrase_id, start_s, at_s, style):
        self.asked.append(target)
        notes = tuple(Note(voice="melody", pitch=60 + beat, start_beat=float(beat), beats=1.0, velocity=0.5)
                      for beat in range(int(BEATS)))
        return Phrase(at_s=at_s, phrase_id=phrase_id, start_s=start_s, beats=BEATS, notes=notes,
                      target=target, style=style)


def perform(composer, state=None, reason=Reason.MEET, ear=None, stylist=None):
    """Begin or go on with a performance of the default program."""
    policy = ControlPolicy(state.policy if state else None, reason)
    return Performance(composer, policy, stylist or FixedStylist(Style.WARM_PADS), ear or ClosedEar(),
                       state=state, reason=reason)


def running(at_s, phase=SessionPhase.RUNNING):
    return Session(at_s=at_s, phase=phase, seed=7, elapsed_s=at_s - 1000.0, duration_s=600.0, fade_s=12.0)


def play(performance, seconds, start_s=1000.0, stress=None, phase=SessionPhase.RUNNING):
    """Step every 20 ms; return (time, message) pairs."""
    sent = []
    for tick in range(round(seconds * 50)):
        at_s = start_s + tick * 0.02
        estimate = stress(float(int(at_s)), 0.8) if stress else None
        sent += [(at_s, message) for message in performance.step(at_s, running(at_s, phase), estimate, None)]
    return sent


def phrases(sent):
    return [message for _, message in sent if isinstance(message, Phrase)]


def targets(sent):
    return [message for _, message in sent if isinstance(message, Target)]


def test_performance_first_step_sends_a_target_and_the_first_phrase():
    messages = perform(Scale()).step(1000.0, running(1000.0), None, None)
    assert [type(message) for message in messages] == [Target, Phrase]
    target, phrase = messages
    assert phrase.start_s == pytest.approx(1000.25)
    assert phrase.phrase_id == 0
    assert phrase.target == target.values
    assert target.reasons == (Reason.MEET,)


def test_performance_phrases_are_contiguous_numbered_and_early():
    sent = play(perform(Scale()), 120.0)
    written = phrases(sent)
    assert [phrase.phrase_id for phrase in written] == list(range(len(written)))
    assert len(written) >= 8
    for before, after in pairwise(written):
        assert after.start_s == pytest.approx(before.start_s + before.duration_s)
    for at_s, message in sent:
        if isinstance(message, Phrase) and message.phrase_id:
            assert 1.5 <= message.start_s - at_s <= 2.0


def test_performance_targets_come_at_least_once_a_second():
    times = [at_s for at_s, message in play(perform(Scale()), 30.0) if isinstance(message, Target)]
    assert max(b - a for a, b in pairwise(times)) <= 1.0 + 1e-6
    assert len(times) < 40


def test_performance_fresh_stress_brings_a_target_at_once(stress):
    performance = perform(Scale())
    performance.step(1000.0, running(1000.0), None, None)
    assert performance.step(1000.1, running(1000.1), None, None) == []
    (target,) = performance.step(1000.12, running(1000.12), stress(1000.11, 0.9), None)
    assert target.loop == "closed"


def test_performance_closed_loop_reaches_the_phrases(stress):
    calm = phrases(play(perform(Scale()), 60.0))
    tense = phrases(play(perform(Scale()), 60.0, stress=stress))
    assert tense[-1].target.tempo_bpm > calm[-1].target.tempo_bpm + 2.0


def test_performance_ending_says_so():
    performance = perform(Scale())
    play(performance, 5.0)
    ended = targets(play(performance, 5.0, 1005.0, phase=SessionPhase.ENDING))
    assert ended
    assert all(Reason.ENDING in target.reasons for target in ended)


def test_performance_lost_by_the_player_is_written_anew_at_once():
    performance = perform(Scale())
    play(performance, 5.0)
    performance.lose()
    (phrase,) = phrases(play(performance, 0.02, 1005.0))
    assert phrase.start_s == pytest.approx(1005.25)
    assert phrase.phrase_id == 1


def player(at_s, *, sounding=True, phrase_id=None):
    return PlayerState(at_s=at_s, backend="alsa", sounding=sounding, gain_db=-20.0, loudness_lufs=None,
                       position_s=1.0, phrase_id=phrase_id, audible=None, notes_played=0)


@pytest.mark.parametrize(("state", "rewritten"), [
    (player(1005.0), True), (player(1005.0, phrase_id=0), False), (player(1005.0, sounding=False), False),
    (player(1001.2), False), (player(1005.0, phrase_id=7), True),
])
def test_performance_hears_whether_the_player_has_music(state, rewritten):
    performance = perform(Scale())
    play(performance, 5.0)
    performance.hear(state)
    assert bool(phrases(play(performance, 0.1, 1005.0))) == rewritten


@pytest.mark.parametrize(("after_s", "phrase_id", "rewritten"), [
    (0.9, 0, False), (0.9, 1, False), (1.1, 1, False), (1.1, 0, True), (1.1, None, True),
])
def test_performance_hears_whether_the_player_went_on_to_the_next_phrase(after_s, phrase_id, rewritten):
    performance = perform(Scale())
    _, second = phrases(play(performance, 14.0))
    at_s = second.start_s + after_s
    performance.hear(player(at_s, phrase_id=phrase_id))
    assert bool(phrases(play(performance, 0.1, at_s))) == rewritten


def test_performance_is_not_rewritten_twice_before_the_player_can_have_begun():
    performance = perform(Scale())
    play(performance, 5.0)
    performance.hear(player(1005.0))
    play(performance, 0.1, 1005.0)
    performance.hear(player(1006.2))
    assert phrases(play(performance, 0.1, 1006.2)) == []


def test_performance_successor_goes_on_where_it_was():
    first = perform(Scale())
    before = phrases(play(first, 20.0))
    second = perform(Scale(), first.state(), Reason.RESUMED)
    sent = play(second, 20.0, 1022.0)
    after = phrases(sent)
    assert targets(sent)[0].reasons[0] is Reason.RESUMED
    assert after[0].phrase_id == before[-1].phrase_id + 1
    assert after[0].start_s == pytest.approx(before[-1].start_s + before[-1].duration_s)
    assert abs(after[0].target.tempo_bpm - before[-1].target.tempo_bpm) < 1.0


def test_performance_of_a_new_session_follows_the_fading_music():
    first = perform(Scale())
    before = phrases(play(first, 20.0))
    second = perform(Scale(), first.state())
    sent = play(second, 20.0, 1022.0)
    after = phrases(sent)
    assert targets(sent)[0].reasons[0] is Reason.MEET
    assert after[0].phrase_id == 0
    assert after[0].start_s == pytest.approx(before[-1].start_s + before[-1].duration_s)


def test_performance_has_no_state_before_the_first_step():
    assert perform(Scale()).state() is None


def test_performance_composer_is_asked_for_bounded_targets(stress):
    composer = Scale()
    play(perform(composer), 120.0, stress=stress)
    assert all(50.0 <= target.tempo_bpm <= 90.0 for target in composer.asked)


def test_performance_a_resumed_one_lets_its_composer_follow_the_last_phrase():
    first = perform(Scale())
    sent = phrases(play(first, 20.0))
    heir = Scale()
    perform(heir, first.state(), Reason.RESUMED)
    assert heir.followed == sent[-1]
    assert heir.known == Scale.trace


def test_performance_a_new_session_does_not_follow_the_old_one():
    first = perform(Scale())
    play(first, 5.0)
    fresh = Scale()
    perform(fresh, first.state(), Reason.MEET)
    assert not hasattr(fresh, "followed")
