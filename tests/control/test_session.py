"""What a press, a tap, a hold, a release and time do to the session, in every phase."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.config import Program
from device.control.session import SessionMachine
from device.messages import SessionPhase

PROGRAM = Program(minutes=10.0, fade_out_s=12.0)
IDLE, RUNNING, ENDING, MUTED = (
    SessionPhase.IDLE, SessionPhase.RUNNING, SessionPhase.ENDING, SessionPhase.MUTED)


def machine_in(phase):
    """Return a machine that was led into a phase by 1000 s."""
    machine = SessionMachine(PROGRAM, random.Random(5))
    if phase in {RUNNING, ENDING}:
        machine.press(900.0)
        machine.tap(900.2)
    if phase is ENDING:
        machine.press(995.0)
        machine.tap(995.2)
    if phase is MUTED:
        machine.hold(999.0)
    assert machine.phase is phase
    return machine


@pytest.mark.parametrize(("phase", "event", "after"), [
    (IDLE, "press", RUNNING), (IDLE, "tap", IDLE), (IDLE, "hold", MUTED), (IDLE, "release", IDLE),
    (RUNNING, "press", RUNNING), (RUNNING, "tap", ENDING), (RUNNING, "hold", MUTED),
    (RUNNING, "release", RUNNING),
    (ENDING, "press", RUNNING), (ENDING, "tap", ENDING), (ENDING, "hold", MUTED), (ENDING, "release", ENDING),
    (MUTED, "press", MUTED), (MUTED, "tap", MUTED), (MUTED, "hold", MUTED), (MUTED, "release", IDLE),
])
def test_session_transition_table(phase, event, after):
    machine = machine_in(phase)
    arguments = () if event == "release" else (1000.0,)
    getattr(machine, event)(*arguments)
    assert machine.phase is after


def test_session_the_press_that_starts_does_not_end():
    machine = machine_in(IDLE)
    machine.press(1000.0)
    machine.tap(1000.3)
    assert machine.phase is RUNNING
    machine.press(1010.0)
    assert machine.phase is RUNNING
    machine.tap(1010.3)
    assert machine.phase is ENDING


def test_session_a_press_that_restarts_during_the_ending_does_not_end_it_again():
    machine = machine_in(ENDING)
    seed = machine.state.seed
    machine.press(1000.0)
    machine.tap(1000.3)
    message = machine.message(1001.0)
    assert message.phase is RUNNING
    assert message.elapsed_s == pytest.approx(1.0)
    assert message.seed != seed


def test_session_hold_takes_back_the_start():
    machine = machine_in(IDLE)
    machine.press(1000.0)
    machine.hold(1002.0)
    assert machine.phase is MUTED
    machine.release()
    assert machine.message(1003.0).phase is IDLE


def test_session_arc_end_begins_the_ending_and_the_fade_makes_idle():
    machine = machine_in(IDLE)
    machine.press(1000.0)
    machine.tap(1000.2)
    for at_s, phase in ((1599.9, RUNNING), (1600.0, ENDING), (1611.9, ENDING), (1612.0, IDLE)):
        machine.update(at_s)
        assert machine.phase is phase
    assert machine.state is None


def test_session_elapsed_counts_and_stops():
    machine = machine_in(IDLE)
    machine.press(1000.0)
    assert machine.message(1090.0).elapsed_s == pytest.approx(90.0)
    machine.update(1600.0)
    assert machine.message(1606.0).elapsed_s == pytest.approx(600.0)


def test_session_muted_keeps_the_moment_of_silence():
    machine = machine_in(RUNNING)
    machine.hold(1000.0)
    assert machine.message(1005.0).elapsed_s == pytest.approx(100.0)


def test_session_idle_message_describes_what_a_press_would_start():
    message = machine_in(IDLE).message(1000.0)
    assert (message.seed, message.elapsed_s, message.duration_s, message.fade_s) == (0, 0.0, 600.0, 12.0)


def test_session_seed_comes_from_the_program_when_it_names_one():
    machine = SessionMachine(Program(seed=42), random.Random(5))
    machine.press(1000.0)
    assert machine.message(1000.0).seed == 42


def test_session_fresh_seeds_differ_and_repeat_with_the_generator():
    def seeds(generator):
        machine = SessionMachine(PROGRAM, generator)
        drawn = []
        for _ in range(5):
            machine.press(1000.0)
            drawn.append(machine.state.seed)
            machine.hold(1002.0)
            machine.release()
        return drawn

    first = seeds(random.Random(5))
    assert len(set(first)) == 5
    assert all(0 < seed < 2**31 for seed in first)
    assert seeds(random.Random(5)) == first


def test_session_goes_on_from_a_saved_state():
    running = machine_in(RUNNING)
    machine = SessionMachine(PROGRAM, random.Random(5), running.state)
    assert machine.message(1000.0) == running.message(1000.0)
    machine.press(1000.0)
    machine.tap(1000.2)
    assert machine.phase is ENDING


@given(events=st.lists(st.tuples(st.sampled_from(["press", "tap", "hold", "release", "wait"]),
                                 st.floats(0.0, 700.0)), max_size=40))
def test_session_is_always_in_a_sane_state(events):
    machine = SessionMachine(PROGRAM, random.Random(1))
    at_s = 1000.0
    for event, passed_s in events:
        at_s += passed_s
        machine.update(at_s)
        if event == "release":
            machine.release()
        elif event != "wait":
            getattr(machine, event)(at_s)
        message = machine.message(at_s)
        assert message.phase is machine.phase
        assert 0.0 <= message.elapsed_s <= message.duration_s
        assert machine.playing == (message.phase in {RUNNING, ENDING})
        assert (machine.state is None) == (message.phase is IDLE)
        if event == "hold":
            assert message.phase is MUTED


def test_session_two_quick_presses_start_once():
    machine = machine_in(IDLE)
    for at_s in (1000.0, 1000.3, 1000.6):
        machine.press(at_s)
        machine.tap(at_s + 0.1)
    assert machine.phase is RUNNING
    assert machine.state.started_s == 1000.0


def test_session_two_quick_presses_end_and_do_not_start_again():
    machine = machine_in(RUNNING)
    for at_s in (1000.0, 1000.3, 1001.2):
        machine.press(at_s)
        machine.tap(at_s + 0.1)
    assert machine.phase is ENDING
    machine.update(1012.2)
    assert machine.phase is IDLE


def test_session_a_press_at_the_very_end_of_the_program_does_not_start_another():
    machine = SessionMachine(PROGRAM, random.Random(5))
    machine.press(1000.0)
    machine.tap(1000.1)
    machine.update(1600.0)
    machine.press(1600.2)
    machine.tap(1600.4)
    assert machine.phase is ENDING


def test_session_an_echo_can_still_become_a_hold():
    machine = machine_in(IDLE)
    machine.press(1000.0)
    machine.tap(1000.1)
    machine.press(1000.3)
    machine.hold(1002.3)
    assert machine.phase is MUTED
