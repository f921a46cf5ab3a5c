"""Arms of simulated sessions: paired by person, different by the music alone."""

from __future__ import annotations

import numpy as np
import pytest

from device.control.arc import arc_target
from device.control.policy import ControlPolicy
from device.evaluation.efficacy.arms import ARMS, follow, hear, heard, heart_rate, paced, run_sessions, unled
from device.evaluation.efficacy.estimate import NoisyEstimate
from device.evaluation.efficacy.listeners import Listener, donors, draw_listeners, of_kind

SEED = 4  # as the fixture's
MINUTES = 10.0
SECONDS = round(60 * MINUTES)


def test_arms_begin_alike_and_have_a_value_a_second(sessions):
    for arm in ARMS:
        assert sessions.arousal[arm].shape == (40, SECONDS + 1)
        np.testing.assert_array_equal(sessions.arousal[arm][:, 0], sessions.arousal["silence"][:, 0])


def test_arms_do_not_differ_for_those_whom_music_does_not_reach(sessions):
    deaf = of_kind(sessions.listeners, "non-responder")
    for arm in ARMS:
        np.testing.assert_array_equal(sessions.arousal[arm][deaf], sessions.arousal["silence"][deaf])


def test_arms_of_a_responder_are_calmer_than_silence_in_the_end(sessions):
    chosen = of_kind(sessions.listeners, "responder")
    silence = sessions.arousal["silence"][chosen, -60:].mean()
    for arm in ("closed", "open", "sham"):
        assert sessions.arousal[arm][chosen, -60:].mean() < silence - 0.01


def test_arms_of_the_irritated_are_tenser_than_silence(sessions):
    chosen = of_kind(sessions.listeners, "irritated")
    silence = sessions.arousal["silence"][chosen].mean(axis=1)
    for arm in ("closed", "open", "sham"):
        assert (sessions.arousal[arm][chosen].mean(axis=1) > silence).all()


def test_sham_is_the_music_of_another(sessions):
    chosen = donors(40, SEED)
    for place in (0, 7, 39):
        again = hear(sessions.listeners[place], sessions.music[chosen[place]])
        np.testing.assert_array_equal(again, sessions.arousal["sham"][place])


def test_open_loop_is_the_program_alone():
    for second, now in enumerate(unled(300, None)):
        assert now == pytest.approx(heard(arc_target(float(second), 300.0)))


def test_paced_program_begins_at_the_listeners_own_rate():
    one = Listener(seed=5, kind="responder", responsiveness=1.0, irritation=0.0, pace_bpm=70.0)
    arrival = hear(one, [])[0]
    assert paced(one, 300)[0].tempo_bpm == pytest.approx(heart_rate(one, arrival))
    assert heart_rate(one, 0.36) == pytest.approx(70.0)


def test_closed_loop_of_a_deaf_listener_follows_their_own_estimate():
    """The loop's music is what the policy makes of the same estimates of the same undisturbed person."""
    one = Listener(seed=11, kind="non-responder", responsiveness=0.0, irritation=0.0, pace_bpm=76.0)
    course, music = follow(one, 240)
    silent = hear(one, [None] * 240)
    np.testing.assert_array_equal(course, silent)
    estimate, policy = NoisyEstimate(np.random.default_rng([one.seed, 3])), ControlPolicy()
    for second in range(240):
        stress = estimate.update(second, silent[second])
        target = policy.update(float(second), float(second), 240.0, stress, None).target
        assert music[second].intensity == pytest.approx(target.intensity)


def test_sessions_repeat(sessions):
    again = run_sessions(draw_listeners(40, SEED)[:6], minutes=MINUTES, seed=SEED)
    np.testing.assert_array_equal(again.arousal["closed"], sessions.arousal["closed"][:6])
    np.testing.assert_array_equal(again.checks["stuck"], sessions.checks["stuck"][:6])
