"""The lockstep run: who steps when, how fast, when the button is pressed, and when it is over."""

from __future__ import annotations

import logging
import sys
import threading
from itertools import pairwise

import msgspec
import pytest

from device.clock import ManualClock
from device.config import Program, Settings
from device.desk.journal import JournalWriter, read_journal
from device.errors import EXIT_CONFIG
from device.messages import (
    Features,
    Health,
    Panel,
    PlayerState,
    SampleBlock,
    Session,
    SessionPhase,
    Stress,
    Truth,
)
from device.services import lockstep
from device.services.lockstep import Bench, Pace, Schedule, play
from device.services.simulator import make_world


class Job:
    """Writes down when it is stepped; a step may take time on the manual clock."""

    def __init__(self, name: str, period_s: float, clock: ManualClock, log: list,
                 takes_s: float = 0.0) -> None:
        self.name = name
        self.period_s = period_s
        self._clock = clock
        self._log = log
        self._takes_s = takes_s

    def step(self) -> None:
        self._log.append((round(self._clock.monotonic(), 6), self.name))
        self._clock.sleep(self._takes_s)


def run_schedule(steps: int, *jobs: tuple[str, float, float]) -> list[tuple[float, str]]:
    clock, log = ManualClock(start_s=0.0), []
    schedule = Schedule(clock)
    for name, period_s, takes_s in jobs:
        schedule.add(Job(name, period_s, clock, log, takes_s))
    for _ in range(steps):
        schedule.step()
    return log


def test_schedule_steps_in_order_of_time_then_of_registration():
    log = run_schedule(8, ("slow", 0.2, 0.0), ("fast", 0.1, 0.0))
    assert log == [(0.0, "slow"), (0.0, "fast"), (0.1, "fast"), (0.2, "slow"), (0.2, "fast"), (0.3, "fast"),
                   (0.4, "slow"), (0.4, "fast")]


def test_schedule_keeps_absolute_deadlines_while_steps_take_time():
    log = run_schedule(5, ("one", 0.1, 0.03))
    assert [at_s for at_s, _ in log] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


def test_schedule_drops_the_deadlines_that_a_long_step_missed():
    log = run_schedule(6, ("long", 1.0, 0.35), ("fast", 0.1, 0.0))
    # The long step ends at 0.35: the fast one's deadline at 0.0 is served late, those of 0.1 to 0.3 never.
    assert log == [(0.0, "long"), (0.35, "fast"), (0.35, "fast"), (0.45, "fast"), (0.55, "fast"),
                   (0.65, "fast")]


def test_schedule_never_turns_the_clock_back():
    log = run_schedule(40, ("one", 0.1, 0.13), ("two", 0.07, 0.01), ("three", 0.5, 0.2))
    times_s = [at_s for at_s, _ in log]
    assert times_s == sorted(times_s)
    assert {name for _, name in log} == {"one", "two", "three"}


class Watch:
    """Real time that passes only in sleep."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 100.0
        self.slept: list[float] = []
        monkeypatch.setattr(lockstep, "time", self)

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    return Watch(monkeypatch)


@pytest.mark.parametrize(("speed", "elapsed_s", "held_s"), [
    (1.0, 3.0, 3.0), (20.0, 3.0, 0.15), (0.0, 3.0, 0.0),
])
def test_pace_sleeps_as_far_as_the_run_is_ahead(watch, speed, elapsed_s, held_s):
    Pace(speed).hold(elapsed_s)
    assert sum(watch.slept) == pytest.approx(held_s)


def test_pace_counts_from_its_own_beginning(watch):
    pace = Pace(1.0, start_s=60.0)
    pace.hold(61.5)
    assert sum(watch.slept) == pytest.approx(1.5)
    watch.now_s += 10.0
    pace.hold(62.0)
    assert sum(watch.slept) == pytest.approx(1.5)  # behind: no wait, and none of it is caught up


class Script:
    """Stands where the bench is, for the arithmetic of `play` alone: phases by elapsed time."""

    def __init__(self, end_s: float, begins: bool = True) -> None:
        self.elapsed_s = 0.0
        self.pressed_s: list[float] = []
        self.released_s: list[float] = []
        self._end_s = end_s
        self._begins = begins
        self.phase: SessionPhase | None = None

    def run_until(self, elapsed_s: float) -> None:
        assert elapsed_s >= self.elapsed_s
        self.elapsed_s = elapsed_s
        playing = self.pressed_s and self._begins and elapsed_s < self._end_s
        self.phase = SessionPhase.RUNNING if playing else SessionPhase.IDLE

    def press(self) -> None:
        self.pressed_s.append(self.elapsed_s)

    def release(self) -> None:
        self.released_s.append(self.elapsed_s)


def one_minute() -> Settings:
    return Settings(unit_id="desk", program=Program(minutes=1.0))


def test_play_presses_once_and_briefly(watch):
    bench = Script(end_s=30.0)
    play(bench, one_minute(), 0.0, threading.Event())
    assert bench.pressed_s == [lockstep.PRESS_AT_S]
    assert bench.released_s == [lockstep.RELEASE_AT_S]


def test_play_ends_some_real_seconds_after_the_session(watch):
    bench = Script(end_s=30.0)
    play(bench, one_minute(), 0.0, threading.Event())
    assert bench.elapsed_s == pytest.approx(30.0 + lockstep.AFTER_END_S, abs=0.6)
    assert sum(watch.slept) == pytest.approx(lockstep.AFTER_END_S, abs=0.3)


def test_play_holds_the_speed_while_the_session_lasts(watch):
    bench = Script(end_s=42.0)
    play(bench, one_minute(), 4.0, threading.Event())
    assert sum(watch.slept) == pytest.approx(42.0 / 4.0 + lockstep.AFTER_END_S, abs=0.5)


@pytest.mark.parametrize("bench", [Script(end_s=1e9), Script(end_s=1e9, begins=False)])
def test_play_gives_up_two_minutes_after_the_program_should_have_ended(watch, bench):
    play(bench, one_minute(), 0.0, threading.Event())
    assert bench.elapsed_s == pytest.approx(lockstep.PRESS_AT_S + 60.0 + 120.0, abs=0.3)


def test_play_stops_when_told(watch):
    bench, stop = Script(end_s=1e9), threading.Event()
    stop.set()
    play(bench, one_minute(), 0.0, stop)
    assert bench.elapsed_s == 0.0


def test_play_tells_its_progress_every_five_seconds(watch, capsys):
    play(Script(end_s=20.0), one_minute(), 0.0, threading.Event())
    lines = capsys.readouterr().out.splitlines()
    times_s = [float(line.split()[0]) for line in lines]
    assert all(line.endswith(" playing") for line in lines)
    assert [after - before for before, after in pairwise(times_s)] == pytest.approx([5.0] * (len(lines) - 1),
                                                                                    abs=0.3)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory):
    """Twelve seconds of the real bench with a press at two: its journal and its phase."""
    folder = tmp_path_factory.mktemp("bench")
    settings = msgspec.convert({
        "unit_id": "desk", "run_dir": str(folder), "state_dir": str(folder),
        "sensors": {"adc": "sim:ads1115", "temperature": {}}, "headset": {"port": "sim:cyton"},
        "panel": {"pins": "sim:gpio"}, "program": {"minutes": 1.0, "seed": 3},
        "player": {"backend": "file", "record": str(folder / "session.wav")}}, Settings)
    clock = ManualClock()
    phases = []
    with JournalWriter(folder / "journal.bin") as journal:
        bench = Bench(settings, clock, make_world(settings, clock), journal)
        phases.append(bench.phase)
        bench.run_until(2.0)
        phases.append(bench.phase)
        bench.press()
        bench.run_until(2.2)
        bench.release()
        bench.run_until(12.0)
        phases.append(bench.phase)
        bench.close()
    return read_journal(folder / "journal.bin"), phases, clock


def test_bench_runs_every_service_and_the_world(played):
    messages, _, _ = played
    named = {message.service for message in messages if isinstance(message, Health)}
    assert named == {"sensors", "headset", "estimator", "conductor", "player", "telemetry", "simulator"}
    for kind in (SampleBlock, Features, Stress, Session, Panel, PlayerState, Truth):
        assert any(isinstance(message, kind) for message in messages), kind


def test_bench_follows_the_session(played):
    _, phases, clock = played
    assert phases == [None, SessionPhase.IDLE, SessionPhase.RUNNING]
    assert clock.monotonic() == pytest.approx(1012.0, abs=0.02)


def test_bench_journal_holds_all_of_the_run_in_order(played):
    messages, _, _ = played
    for kind in (Health, Stress, PlayerState, Truth):
        times_s = [message.at_s for message in messages if isinstance(message, kind)]
        assert times_s == sorted(times_s)
    beats = [m.at_s for m in messages if isinstance(m, Health) and m.service == "player"]
    # The headset's opening takes simulated time, which all others wait for.
    assert all(0.9 < after - before < 1.7 for before, after in pairwise(beats))
    assert {message.late_steps for message in messages if isinstance(message, Health)} == {0}


def test_bench_world_hears_the_player_in_the_same_run(played):
    messages, _, _ = played
    sounding = next(m.at_s for m in messages if isinstance(m, PlayerState) and m.sounding)
    pressed = next(m.at_s for m in messages if isinstance(m, Panel) and m.button_down)
    assert 0.0 < sounding - pressed < 0.5


def main_with(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["lockstep", *words])
    monkeypatch.setattr(lockstep.signal, "signal", lambda *_: None)
    monkeypatch.setattr(lockstep, "configure_logging", lambda _: None)
    return lockstep.main()


@pytest.mark.parametrize(("text", "said"), [
    (None, "cannot be read"),
    ('unit_id = "a"\nplayer.backend = "file"\n[simulator]\npatient = "NOWHERE"\n', "is no folder"),
    ('unit_id = "a"\nplayer.backend = "file"\n[simulator]\nfaults = "NOWHERE"\n', "NOWHERE: cannot be read"),
    ('unit_id = "desk"\n[program]\nminutes = 0.2\n', "program.minutes is 0.2"),
])
def test_main_refuses_bad_configuration_in_one_line(monkeypatch, tmp_path, caplog, text, said):
    config = tmp_path / "t.toml"
    if text is not None:
        config.write_text(text.replace("NOWHERE", str(tmp_path / "NOWHERE")), encoding="utf-8")
    with caplog.at_level(logging.ERROR):
        code = main_with(monkeypatch, "--config", str(config), "--journal", str(tmp_path / "journal.bin"))
    assert code == EXIT_CONFIG
    (record,) = caplog.records
    assert said in record.getMessage()
    assert "\n" not in record.getMessage()


def test_roots_are_the_six_services_in_the_order_of_the_data():
    assert [root.name for root in lockstep.ROOTS] == [
        "sensors", "headset", "estimator", "conductor", "player", "telemetry"]
    owners = {root.name for root in lockstep.ROOTS} | {"simulator", "*"}
    assert all(kind.owner in owners for root in lockstep.ROOTS for kind in root.reads)
