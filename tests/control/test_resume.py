"""A running session survives its process, and nothing else: not a reboot, not damage, not age."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.control.resume import (
    MAX_AGE_S,
    SAVE_EVERY_S,
    SessionKeeper,
    SessionStore,
    read_boot_id,
)
from device.messages import SessionPhase

BOOT = "6ea5d1c5-0a0e-4f53-9d3c-0c2b1a8e7f11"


@pytest.fixture
def store(tmp_path):
    return SessionStore(tmp_path, BOOT)


def test_resume_returns_what_was_saved(store, machine, performance):
    store.save(1010.0, machine.state, performance.state())
    saved = store.load(1012.0)
    assert saved.session == machine.state
    assert saved.performance == performance.state()
    assert saved.saved_s == 1010.0


def test_resume_without_a_file_is_nothing(store, tmp_path):
    assert store.load(1000.0) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("age_s", "usable"), [
    (0.0, True), (MAX_AGE_S, True), (MAX_AGE_S + 0.1, False), (-1.0, False),
])
def test_resume_only_within_30_s(store, machine, performance, tmp_path, age_s, usable):
    store.save(1010.0, machine.state, performance.state())
    assert (store.load(1010.0 + age_s) is not None) == usable
    assert (tmp_path / "session.json").exists() == usable
    assert (tmp_path / "session.json.aside").exists() != usable


def test_resume_never_across_a_reboot(store, machine, performance, tmp_path):
    store.save(1010.0, machine.state, performance.state())
    assert SessionStore(tmp_path, "another-boot").load(1012.0) is None
    assert (tmp_path / "session.json.aside").exists()


def test_resume_never_a_silenced_session(store, machine, performance):
    machine.hold(1009.0)
    store.save(1010.0, machine.state, performance.state())
    assert store.load(1011.0) is None


@given(garbage=st.binary(max_size=200))
def test_resume_sets_damage_aside(tmp_path_factory, garbage):
    folder = tmp_path_factory.mktemp("run")
    (folder / "session.json").write_bytes(garbage)
    assert SessionStore(folder, BOOT).load(1000.0) is None
    assert (folder / "session.json.aside").read_bytes() == garbage
    assert not (folder / "session.json").exists()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_resume_sets_a_truncated_file_aside(store, machine, performance, tmp_path, share):
    store.save(1010.0, machine.state, performance.state())
    path = tmp_path / "session.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:int(len(whole) * share)])
    assert store.load(1011.0) is None


def test_resume_refuses_a_file_of_another_version(store, machine, performance, tmp_path):
    store.save(1010.0, machine.state, performance.state())
    path = tmp_path / "session.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"mood": "calm"}))
    assert store.load(1011.0) is None


def test_resume_writes_leave_no_half_file(store, machine, performance, tmp_path):
    for second in range(20):
        store.save(1010.0 + second, machine.state, performance.state())
    assert [path.name for path in tmp_path.iterdir()] == ["session.json"]


def test_resume_clear_forgets_and_may_be_repeated(store, machine, performance, tmp_path):
    store.save(1010.0, machine.state, performance.state())
    store.clear()
    store.clear()
    assert list(tmp_path.iterdir()) == []


def test_resume_keeper_saves_at_start_at_phrases_and_every_5_s(store, machine, performance):
    keeper = SessionKeeper(store)
    saved_at = set()
    for tick in range(1000):
        at_s = 1000.0 + tick * 0.02
        keeper.update(at_s, machine.state, performance, wrote_phrase=tick == 400)
        saved_at.add(round(store.load(at_s).saved_s, 2))
    assert sorted(saved_at) == pytest.approx([1000.0, 1005.0, 1008.0, 1013.0, 1018.0], abs=0.021)
    assert SAVE_EVERY_S < MAX_AGE_S / 2


def test_resume_keeper_saves_a_change_of_phase_at_once(store, machine, performance):
    keeper = SessionKeeper(store)
    keeper.update(1000.0, machine.state, performance, wrote_phrase=True)
    machine.tap(1000.2)
    machine.press(1003.0)
    machine.tap(1003.2)
    keeper.update(1003.2, machine.state, performance, wrote_phrase=False)
    assert store.load(1003.3).session.phase is SessionPhase.ENDING


def test_resume_keeper_clears_when_the_session_is_over_or_silenced(store, machine, performance, tmp_path):
    keeper = SessionKeeper(store)
    keeper.update(1000.0, machine.state, performance, wrote_phrase=True)
    machine.hold(1002.0)
    keeper.update(1002.0, machine.state, None, wrote_phrase=False)
    assert list(tmp_path.iterdir()) == []


def test_resume_keeper_of_a_successor_clears_what_it_resumed(store, machine, performance, tmp_path):
    SessionKeeper(store).update(1000.0, machine.state, performance, wrote_phrase=True)
    successor = SessionKeeper(store)
    assert successor.resume(1003.0) is not None
    successor.update(1003.0, None, None, wrote_phrase=False)
    assert list(tmp_path.iterdir()) == []


def test_resume_keeper_tells_when_it_cannot_save_and_when_it_can_again(tmp_path, machine, performance):
    folder = tmp_path / "absent"
    keeper = SessionKeeper(SessionStore(folder, BOOT))
    keeper.update(1000.0, machine.state, performance, wrote_phrase=True)
    assert [fault.code for fault in keeper.faults()] == ["session_store"]
    folder.mkdir()
    keeper.update(1006.0, machine.state, performance, wrote_phrase=False)
    assert keeper.faults() == ()


def test_resume_keeper_tells_of_a_file_that_cannot_be_read(tmp_path):
    (tmp_path / "session.json").mkdir()
    keeper = SessionKeeper(SessionStore(tmp_path, BOOT))
    assert keeper.resume(1000.0) is None
    assert [fault.code for fault in keeper.faults()] == ["session_store"]


def test_resume_keeper_tells_of_a_damaged_file(tmp_path):
    (tmp_path / "session.json").write_bytes(b'{"boot_id":')
    keeper = SessionKeeper(SessionStore(tmp_path, BOOT))
    assert keeper.resume(1000.0) is None
    assert [fault.code for fault in keeper.faults()] == ["session_damaged"]


def test_resume_boot_id_is_this_boots():
    assert read_boot_id() == read_boot_id()
    assert len(read_boot_id()) == 36


def test_resume_boot_id_of_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(OSError, match="boot_id"):
        read_boot_id(tmp_path / "boot_id")
