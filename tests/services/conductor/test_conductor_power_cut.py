"""Power comes back: idle unless a site asked for more, and then from silence, where the session was."""

import msgspec
import pytest

from device.clock import ManualClock
from device.config import Program, Settings
from device.messages import Phrase, Reason, Session, SessionPhase, Target

RESUMING = Settings(unit_id="ward-3", program=Program(minutes=20.0, resume_after_power_cut=True))
RUNNING, IDLE = SessionPhase.RUNNING, SessionPhase.IDLE
PLAYED_S = 60.0


@pytest.fixture
def cut(new_ward, tmp_path):
    """Return what makes the unit after a cut, `off_s` later, and what the last session was before it."""
    def power_off(settings=RESUMING):
        (tmp_path / "run").mkdir()
        first = new_ward(tmp_path / "run", settings)
        first.run(2.0)
        first.finger(0.2)
        first.run(PLAYED_S)
        wall_s, session = first.clock.wall(), first.of(Session)[-1]

        def power_on(off_s, settings=settings):
            (tmp_path / "run/session.json").unlink(missing_ok=True)  # /run is empty after a boot
            clock = ManualClock(start_s=10.0)
            clock.set_wall(wall_s + off_s)
            return new_ward(tmp_path / "run", settings, clock, boot_id="boot-2")

        return power_on, session

    return power_off


def test_conductor_after_a_power_cut_is_idle_by_default(cut):
    off = msgspec.structs.replace(RESUMING, program=Program(minutes=20.0))
    power_on, _ = cut(off)
    ward = power_on(30.0)
    ward.run(20.0)
    assert {session.phase for session in ward.of(Session)} == {IDLE}
    assert ward.of(Phrase) == []
    assert not (ward.run_dir.parent / "state").exists(), "nothing is written to the medium for it"


def test_conductor_after_a_power_cut_goes_on_where_it_was_if_asked_to(cut):
    power_on, session = cut()
    ward = power_on(30.0)
    ward.run(20.0)
    after = next(said for said in ward.of(Session) if said.phase is RUNNING)
    assert after.seed == session.seed
    assert session.elapsed_s - 21.0 <= after.elapsed_s <= session.elapsed_s + 1.0
    assert after.duration_s == session.duration_s
    assert Reason.RESUMED in ward.of(Target)[0].reasons
    assert ward.of(Phrase)[0].phrase_id > 0
    assert ward.of(Phrase)[0].start_s >= 10.0


def test_conductor_after_a_power_cut_waits_for_the_clock_and_a_press_ends_the_waiting(cut):
    power_on, session = cut()
    ward = power_on(30.0)
    ward.synchronised = False
    ward.run(20.0)
    assert {said.phase for said in ward.of(Session)} == {IDLE}
    ward.finger(0.2)
    ward.synchronised = True
    ward.run(10.0)
    assert ward.phase is RUNNING
    assert ward.of(Session)[-1].elapsed_s < 11.0 < session.elapsed_s, "the session that was asked for by hand"


def test_conductor_after_a_longer_power_cut_is_idle(cut):
    power_on, _ = cut()
    ward = power_on(900.0)
    ward.run(20.0)
    assert {said.phase for said in ward.of(Session)} == {IDLE}
    assert not (ward.run_dir.parent / "state/session.json").exists()


def test_conductor_after_a_power_cut_in_silence_is_idle(cut, new_ward):
    power_on, _ = cut()
    first = power_on(30.0)
    first.run(1.0)
    assert first.phase is RUNNING
    first.finger(2.5)
    assert not (first.run_dir.parent / "state/session.json").exists(), "while the finger is still there"
    again = new_ward(first.run_dir, RESUMING, first.clock, boot_id="boot-3")
    again.run(5.0)
    assert {said.phase for said in again.of(Session)} == {IDLE}
