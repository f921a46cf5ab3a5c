"""A unit from boot to sound, without a network, and what befalls it: killed, hung and hopeless services."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from support import timings
from support.container import wait_for
from support.unit import SIX, Unit

from device.messages import Health, LightPattern, Panel, Phrase, PlayerState, Session, SessionPhase

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

READY_S = 30.0
BACK_S = 30.0
LISTEN_S = 2.0
GAP_S = 2.0  # of the sound, when the player is killed
STATE_GAP_S = 1.0  # states come ten times a second while music sounds; a busy test machine delays some
AMBER = {LightPattern.ATTENTION, LightPattern.PLAYING_ATTENTION}
HUNG = tuple(name for name in SIX if name != "telemetry")  # its watchdog takes half a minute: shown by `show`


@pytest.fixture(scope="module")
def unit(booted: Callable[..., Unit]) -> Unit:
    """A provisioned unit, booted while its network cable is out."""
    return booted("down")


def sounding(unit: Unit, since_s: float) -> list[PlayerState]:
    """Return the player's states since a time, having checked that music sounded in every one of them."""
    states = unit.ears.heard(PlayerState, since_s)
    assert len(states) >= 10
    assert all(state.sounding for state in states)
    return states


def position_lag_s(states: list[PlayerState]) -> float:
    """Return by how much less sound was played than time has passed."""
    first, last = states[0], states[-1]
    return (last.at_s - first.at_s) - (last.position_s - first.position_s)


def test_unit_is_ready_soon_after_boot_without_a_network(unit):
    """The cable is out from before the boot: nothing waits for a network, an address or the time."""
    panel = unit.ready(READY_S)
    manager = unit.boot_began_s
    timings.record("boot to the green light, no network, s", panel.at_s - manager)
    assert panel.at_s - manager < READY_S
    unit.machine.link("up")
    unit.machine.answer()
    wait_for(lambda: set(unit.states().values()) == {"active"}, READY_S, "all units being active")
    shown = unit.machine.show("tranquillo.target", "ActiveEnterTimestampMonotonic")
    timings.record("boot to tranquillo.target, no network, s",
                   int(shown["ActiveEnterTimestampMonotonic"]) / 1e6 - manager)


def test_unit_is_silent_until_a_press(unit):
    unit.ears.until(Session, lambda _: True, 10.0)
    unit.ears.listen(LISTEN_S)
    states = unit.ears.heard(PlayerState)
    assert states
    assert not any(state.sounding for state in states)
    assert {session.phase for session in unit.ears.heard(Session)} == {SessionPhase.IDLE}


def test_press_starts_music(unit):
    pressed = time.monotonic()
    state = unit.play()
    timings.record("press to sounding, s", state.at_s - pressed)
    assert state.at_s - pressed < 2.0
    unit.ears.until(Panel, lambda panel: panel.light is LightPattern.PLAYING, 30.0)


@pytest.mark.parametrize("service", ["sensors", "headset", "estimator", "telemetry", "conductor"])
def test_killed_service_comes_back_while_music_goes_on(unit, service):
    old = unit.pids()[service]
    killed = unit.signal("KILL", service)
    health = unit.ears.until(
        Health, lambda one: one.service == service and one.uptime_s < one.at_s - killed, BACK_S)
    unit.back(service, old, BACK_S)
    timings.record(f"killed {service}: heard again after, s", health.at_s - killed)
    unit.ears.listen(LISTEN_S)
    states = sounding(unit, killed)
    assert max(b.at_s - a.at_s for a, b in pairwise(states)) < STATE_GAP_S
    assert abs(position_lag_s(states)) < 0.3


def test_killed_conductor_goes_on_with_the_same_session_and_writes_new_music(unit):
    running = [one for one in unit.ears.heard(Session) if one.phase is SessionPhase.RUNNING]
    assert len({session.seed for session in running}) == 1
    unit.ears.until(Phrase, lambda one: one.start_s > time.monotonic() - 1.0, 60.0)


def test_hung_services_are_killed_by_the_watchdog(unit):
    """SIGSTOP hangs them all but telemetry at once; each comes back by itself, as does the music."""
    old = unit.pids()
    stopped = unit.signal("STOP", *HUNG)
    for service in HUNG:
        unit.back(service, old[service], 45.0)
        timings.record(f"hung {service}: back after at most, s", time.monotonic() - stopped)
    journal = unit.machine.run("journalctl -b --no-pager -o cat -u 'tranquillo-*'")
    assert journal.count("Watchdog timeout") >= len(HUNG)
    assert unit.machine.show("tranquillo-telemetry", "WatchdogUSec")["WatchdogUSec"] == "30s"
    unit.ears.until(PlayerState, lambda state: state.sounding and state.at_s > stopped + 1.0, BACK_S)


def test_service_that_always_fails_leaves_amber_light_and_slow_retry(unit):
    """Deaths in a row reach the start limit: amber, a timer for the next attempt, the music goes on."""
    began = time.monotonic()
    pid = unit.pids()["sensors"]
    for _ in range(12):  # five within a minute; the minute may begin anew once
        unit.machine.attempt(f"kill -KILL {pid}")
        before = pid
        pid = wait_for(lambda before=before: _successor(unit, "sensors", before), BACK_S, "sensors' end")
        if pid < 0:
            break
    assert unit.machine.show("tranquillo-sensors", "ActiveState")["ActiveState"] == "failed"
    unit.ears.until(Panel, lambda panel: panel.light in AMBER, 15.0)
    assert unit.machine.show("tranquillo-retry@sensors.timer", "ActiveState")["ActiveState"] == "active"
    sounding(unit, began)


def test_killed_player_sounds_again_within_two_seconds(unit):
    """The median of three: on a machine that runs other tests beside, one of them may meet a busy moment."""
    gaps = sorted(_gap_of_killed_player(unit) for _ in range(3))
    for place, gap_s in enumerate(gaps, 1):
        timings.record(f"killed player: gap of the sound, {place} of 3, s", gap_s)
    assert gaps[1] < GAP_S


def test_held_button_silences_and_the_next_press_plays(unit):
    unit.silence()
    unit.ears.until(Session, lambda session: session.phase is SessionPhase.IDLE, 10.0)
    unit.play()


def test_unit_is_well_again_after_the_slow_retry(unit):
    unit.back("sensors", 0, 75.0)
    unit.ears.until(Panel, lambda panel: panel.light is LightPattern.PLAYING, 30.0)


def _gap_of_killed_player(unit: Unit) -> float:
    """Kill the player and return the longest time between two states that say that something sounds."""
    old = unit.pids()["player"]
    unit.ears.listen(1.0)
    killed = unit.signal("KILL", "player")
    unit.back("player", old, BACK_S)
    unit.ears.until(Health, lambda one: one.service == "player" and one.uptime_s < one.at_s - killed, BACK_S)
    unit.ears.until(PlayerState, lambda one: one.sounding, BACK_S)
    unit.ears.listen(LISTEN_S)
    states = [state for state in unit.ears.heard(PlayerState, killed - 1.0) if state.sounding]
    gap_s, first = max(((b.at_s - a.at_s, b) for a, b in pairwise(states)), key=lambda pair: pair[0])
    assert gap_s > 0.2  # it was noticed at all
    assert first.gain_db < -10.0  # it fades in from silence
    return gap_s


def _successor(unit: Unit, service: str, old: int) -> int:
    """Return the process that has taken an old one's place, 0 while there is none, -1 once there is none."""
    shown = unit.machine.show(f"tranquillo-{service}", "MainPID", "ActiveState")
    if shown["ActiveState"] == "failed":
        return -1
    return int(shown["MainPID"]) if int(shown["MainPID"]) != old else 0
