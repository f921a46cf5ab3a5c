"""After a power cut a session goes on only where that was asked for, and its age is known and small."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.control.power_cut import MAX_CUT_S, SAVE_EVERY_S, PowerCutKeeper, PowerCutStore
from device.messages import SessionPhase

WALL_S = 1.7e9
CUT_AT_S = 1100.0  # monotonic, of the first boot
BACK_S = 20.0  # monotonic, of the second


class TimeServer:
    """Sets the clock, or does not."""

    def __init__(self, answers=True):
        self.answers = answers

    def __call__(self):
        return self.answers


def keeper_of(folder, boot="second", server=None, at_s=BACK_S):
    return PowerCutKeeper(PowerCutStore(folder), boot, server or TimeServer(), at_s)


def update(keeper, machine, performance, at_s=CUT_AT_S, hurried=False):
    keeper.update(at_s, WALL_S + at_s - CUT_AT_S, machine.state, performance, hurried=hurried)


@pytest.fixture
def cut(tmp_path, machine, performance):
    """The folder that a first boot left when its power was cut 100 s into a session."""
    update(keeper_of(tmp_path, "first", at_s=900.0), machine, performance)
    return tmp_path


def test_power_cut_session_goes_on_where_it_was(cut, machine, performance):
    saved = keeper_of(cut).take(BACK_S, WALL_S + 60.0)
    assert BACK_S - saved.session.started_s == pytest.approx(100.0)
    assert (saved.session.seed, saved.session.duration_s) == (machine.state.seed, 600.0)
    assert saved.performance.music_end_s is None, "a phrase is due at once"
    assert saved.performance.next_phrase_id == 1
    phrase = performance.state().last_phrase
    assert saved.performance.last_phrase.start_s - BACK_S == pytest.approx(phrase.start_s - CUT_AT_S)


@pytest.mark.parametrize(("off_s", "goes_on"), [
    (0.0, True), (MAX_CUT_S, True), (MAX_CUT_S + 1.0, False), (-1.0, False), (7e8, False)])
def test_power_cut_only_within_five_minutes_and_never_from_the_future(cut, off_s, goes_on):
    assert (keeper_of(cut).take(BACK_S, WALL_S + off_s) is not None) == goes_on


def test_power_cut_age_counts_only_when_the_clock_has_been_set(cut):
    server = TimeServer(answers=False)
    keeper = keeper_of(cut, server=server)
    assert keeper.take(BACK_S, WALL_S + 1.0) is None, "so it would say whatever the file of the clock says"
    server.answers = True
    assert keeper.take(BACK_S + 90.0, WALL_S + 200.0) is not None
    assert keeper.take(BACK_S + 90.1, WALL_S + 200.1) is None, "once"


def test_power_cut_waiting_ends_after_five_minutes(cut):
    server = TimeServer(answers=False)
    keeper = keeper_of(cut, server=server)
    assert keeper.take(BACK_S + MAX_CUT_S + 0.1, WALL_S) is None
    server.answers = True
    assert keeper.take(BACK_S + MAX_CUT_S + 0.2, WALL_S + 1.0) is None


def test_power_cut_waiting_ends_with_a_press(cut):
    keeper = keeper_of(cut)
    keeper.forget()
    assert keeper.take(BACK_S, WALL_S + 1.0) is None


def test_power_cut_session_that_is_waited_for_is_kept_until_then_and_cleared_after(cut):
    keeper = keeper_of(cut, server=TimeServer(answers=False))
    keeper.update(BACK_S, WALL_S, None, None, hurried=False)
    assert (cut / "session.json").exists(), "another cut while waiting loses nothing"
    keeper.forget()
    keeper.update(BACK_S, WALL_S, None, None, hurried=False)
    assert list(cut.iterdir()) == []


def test_power_cut_without_a_time_server_nothing_is_kept(tmp_path, machine, performance):
    update(keeper_of(tmp_path, server=TimeServer(answers=False)), machine, performance)
    assert list(tmp_path.iterdir()) == []


def test_power_cut_a_restart_in_the_same_boot_is_not_one(cut):
    keeper = keeper_of(cut, "first")
    assert keeper.take(BACK_S, WALL_S + 1.0) is None
    keeper.update(BACK_S, WALL_S, None, None, hurried=False)
    assert list(cut.iterdir()) == []


def test_power_cut_session_that_ends_or_is_silenced_is_forgotten_at_once(tmp_path, machine, performance):
    keeper = keeper_of(tmp_path, "first")
    update(keeper, machine, performance)
    assert (tmp_path / "session.json").exists()
    machine.hold(1101.0)
    update(keeper, machine, None, at_s=1101.0, hurried=True)
    assert list(tmp_path.iterdir()) == [], "although a finger is on the button"
    machine.release()
    machine.press(1110.0)
    machine.tap(1110.2)
    update(keeper, machine, performance, at_s=1111.0)
    machine.press(1120.0)
    machine.tap(1120.2)
    assert machine.phase is SessionPhase.ENDING
    update(keeper, machine, performance, at_s=1121.0)
    assert list(tmp_path.iterdir()) == []


def test_power_cut_saves_at_the_start_and_every_20_s_but_never_under_a_finger(tmp_path, machine, performance):
    keeper, saved_at = keeper_of(tmp_path, "first"), set()
    for tick in range(450):
        at_s = 1000.0 + 0.1 * tick
        update(keeper, machine, performance, at_s=at_s, hurried=at_s < 1000.45)
        if (tmp_path / "session.json").exists():
            saved_at.add(round(json.loads((tmp_path / "session.json").read_text())["saved"]["saved_s"], 1))
    expected = [1000.5 + number * SAVE_EVERY_S for number in range(3)]
    assert sorted(saved_at) == pytest.approx(expected, abs=0.11)


@given(garbage=st.binary(max_size=200))
def test_power_cut_damage_is_set_aside_and_told_and_never_guessed(tmp_path_factory, garbage):
    folder = tmp_path_factory.mktemp("state")
    (folder / "session.json").write_bytes(garbage)
    keeper = keeper_of(folder)
    assert keeper.take(BACK_S, WALL_S) is None
    assert [fault.code for fault in keeper.faults()] == ["session_damaged"]
    assert (folder / "session.json.aside").read_bytes() == garbage


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_power_cut_torn_file_is_set_aside(cut, share):
    whole = (cut / "session.json").read_bytes()
    (cut / "session.json").write_bytes(whole[:int(len(whole) * share)])
    keeper = keeper_of(cut)
    assert keeper.take(BACK_S, WALL_S + 1.0) is None
    assert [fault.code for fault in keeper.faults()] == ["session_damaged"]


def test_power_cut_half_written_file_beside_is_of_no_account(cut):
    (cut / "session.json.new").write_bytes(b'{"wall')
    assert keeper_of(cut).take(BACK_S, WALL_S + 1.0) is not None


def test_power_cut_full_medium_is_a_fault_and_no_stop(tmp_path, machine, performance):
    folder = tmp_path / "state"
    folder.write_bytes(b"")
    keeper = keeper_of(folder, "first", at_s=900.0)
    update(keeper, machine, performance)
    assert [fault.code for fault in keeper.faults()] == ["session_store"]
    folder.unlink()
    update(keeper, machine, performance, at_s=CUT_AT_S + SAVE_EVERY_S)
    assert keeper.faults() == ()
    assert (folder / "session.json").exists()
