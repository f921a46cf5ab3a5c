"""The configured program on the bus: styles, modes and the rating, whole sessions on a manual clock."""

import msgspec
import pytest

from device.config import Program
from device.control.tally import SiteTally
from device.messages import (
    LightPattern,
    Phrase,
    Rating,
    Reason,
    Session,
    SessionPhase,
    Style,
    Target,
)

IDLE, RUNNING = SessionPhase.IDLE, SessionPhase.RUNNING


@pytest.fixture
def ward_of(new_ward, tmp_path):
    """Make a unit with a program, idle and well for 12 s."""
    def make(**program):
        run_dir = tmp_path / "run"
        run_dir.mkdir(exist_ok=True)
        ward = new_ward(run_dir)
        ward.settings = msgspec.structs.replace(ward.settings, program=Program(**program))
        ward.start()
        ward.run(12.0)
        return ward
    return make


def played(ward, seconds):
    """Play a session so long and let it fade out."""
    ward.finger(0.2)
    ward.run(seconds)
    ward.finger(0.2)
    ward.run(12.5)
    assert ward.phase is IDLE


def test_conductor_plays_the_sites_style(ward_of):
    ward = ward_of(style="glass_bells")
    ward.finger(0.2)
    ward.run(30.0)
    assert {phrase.style for phrase in ward.of(Phrase)} == {Style.GLASS_BELLS}


def test_conductor_restarted_keeps_style_and_mode(ward_of):
    ward = ward_of(style="auto", mode="sham", entry="auto", mood="content")
    ward.finger(0.2)
    ward.run(70.0)
    before = ward.of(Target)[-1]
    ward.start()
    ward.log.clear()
    ward.run(10.0)
    after = ward.of(Target)[0]
    assert after.style is before.style
    assert after.loop == before.loop == "sham"
    assert Reason.RESUMED in after.reasons
    assert not {Reason.STYLE, Reason.EXPLORE, Reason.MOOD} & set(after.reasons)


def test_conductor_sham_looks_to_the_ward_like_any_other_session(ward_of):
    def lights(mode):
        ward = ward_of(mode=mode)
        ward.run_dir.joinpath("session.json").unlink(missing_ok=True)
        begun = len(ward.log)
        played(ward, 100.0)
        sessions = [message for message in ward.log[begun:] if isinstance(message, Session)]
        return ward.light, {message.phase for message in sessions}, len(sessions)

    assert lights("closed") == lights("sham") == lights("open")


def test_conductor_the_button_overrides_any_loop_at_once(ward_of):
    for mode in ("closed", "open", "sham"):
        ward = ward_of(mode=mode)
        ward.finger(0.2)
        ward.run(20.0)
        pressed_s = ward.clock.monotonic()
        ward.finger(2.1)
        ward.run(0.2)
        muted_s = next(each.at_s for each in ward.of(Session) if each.phase is SessionPhase.MUTED)
        assert muted_s - pressed_s == pytest.approx(2.0, abs=0.021)
        assert ward.phase is IDLE


def test_conductor_asks_counts_taps_and_tells_the_rating(ward_of):
    ward = ward_of(self_rating=True)
    played(ward, 70.0)
    assert ward.light is LightPattern.RATING
    for _ in range(3):
        ward.finger(0.2)
        ward.run(0.3)
    ward.run(2.5)
    assert (ward.phase, ward.light) == (IDLE, LightPattern.READY)
    assert ward.of(Session)[-1].rating is None
    ward.run(11.0)
    assert ward.of(Session)[-1].rating is Rating.WORSE
    assert all(session.phase is IDLE for session in ward.of(Session) if session.rating)
    ward.finger(0.2)
    ward.run(0.2)
    assert ward.phase is RUNNING
    assert ward.of(Session)[-1].rating is None


def test_conductor_by_default_asks_nothing(ward_of):
    ward = ward_of()
    played(ward, 70.0)
    assert ward.light is LightPattern.READY
    ward.finger(0.2)
    ward.run(0.1)
    assert ward.phase is RUNNING


def test_conductor_a_second_of_press_starts_while_it_asks(ward_of):
    ward = ward_of(self_rating=True)
    played(ward, 70.0)
    ward.finger(1.2)
    ward.run(0.2)
    assert (ward.phase, ward.light) == (RUNNING, LightPattern.STARTING)
    ward.run(3.0)
    assert ward.light is LightPattern.PLAYING


def test_conductor_a_rating_feeds_the_choice_of_style_once(ward_of):
    ward = ward_of(self_rating=True, style="auto")
    ward.level = None
    played(ward, 70.0)
    style = ward.of(Phrase)[-1].style
    ward.finger(0.2)
    ward.run(30.0)
    tally = SiteTally(ward.run_dir.parent / "state")
    assert (tally.counts(style).helped, tally.counts(style).failed) == (1, 0)
    assert sum(tally.counts(each).helped for each in Style) == 1
