"""All services in one process on the manual clock: hours in minutes, and every run the same.

The workers are those that the six processes run; only the clock, the bus and the pacing differ. A
session played so is repeatable: the same seed gives the same notes, byte for byte.
"""

from __future__ import annotations

import argparse
import heapq
import logging
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Protocol

from device.bus import LocalBus, LocalHub
from device.clock import ManualClock
from device.config import Settings, load
from device.desk.journal import JournalWriter
from device.errors import EXIT_CONFIG, EXIT_OK, ConfigError, DeviceConfigError, RecordingError
from device.messages import MESSAGE_TYPES, EegBlock, Message, Session, SessionPhase
from device.runtime import Heart, Root, Worker, configure_logging
from device.services import conductor, estimator, headset, player, sensors, simulator, telemetry
from drivers.open import Parts
from drivers.sim.world import World

ROOTS: tuple[Root, ...] = (
    sensors.ROOT, headset.ROOT, estimator.ROOT, conductor.ROOT, player.ROOT, telemetry.ROOT,
)
PRESS_AT_S = 2.0
RELEASE_AT_S = 2.2
AFTER_END_S = 8.0  # in real time, so that telemetry gets its last messages through a real broker
JOURNAL_EVERY_S = 0.25  # well before the reader's queue is full
PROGRESS_EVERY_S = 5.0


class Paced(Protocol):
    """Anything that is stepped once a period."""

    period_s: float

    def step(self) -> None:
        """Do what is due."""


class Schedule:
    """Runs jobs at their absolute deadlines, in the order of time and then of registration."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._jobs: list[Paced] = []
        self._due: list[tuple[float, int]] = []

    def add(self, job: Paced) -> None:
        """Let a job step from now on, once a period."""
        heapq.heappush(self._due, (self._clock.monotonic(), len(self._jobs)))
        self._jobs.append(job)

    def step(self) -> None:
        """Move the clock to the next deadline and run what is due then; missed deadlines are dropped."""
        due_s, number = heapq.heappop(self._due)
        self._clock.advance_to(due_s)
        job = self._jobs[number]
        job.step()
        following = max(due_s + job.period_s, self._clock.monotonic())
        heapq.heappush(self._due, (following, number))


class Beating:
    """A worker with its heart, as the runtime joins them in a process of their own."""

    def __init__(self, worker: Worker, heart: Heart) -> None:
        self.period_s = worker.period_s
        self._worker = worker
        self._heart = heart

    def step(self) -> None:
        """Do the worker's step and tell its health when due."""
        self._worker.step()
        self._heart.beat(0)


class Bench:
    """The six services and the simulated world on one manual clock.

    Args:
        settings: the configuration of all of them.
        clock: moved by the bench alone.
        world: the simulated hardware, on the same clock.
        journal: where every message is written down.
        roots: the services to run.
    """

    def __init__(self, settings: Settings, clock: ManualClock, world: World, journal: JournalWriter,
                 roots: tuple[Root, ...] = ROOTS) -> None:
        self.clock = clock
        self._start_s = clock.monotonic()
        self._journal = journal
        self._hub = LocalHub()
        self._reader = self._hub.connect(MESSAGE_TYPES)
        self._schedule = Schedule(self.clock)
        self._world = world
        self._workers: list[Worker] = []
        self.phase: SessionPhase | None = None
        self._start_workers(settings, roots)

    def _start_workers(self, settings: Settings, roots: tuple[Root, ...]) -> None:
        """Build every service from its own composition root."""
        parts = Parts({"sim": lambda: self._world})
        self._adopt(simulator.ROOT, simulator.Ears(self._world, self.clock, self._bus(simulator.ROOT)))
        for root in roots:
            self._adopt(root, root.build(settings, self.clock, self._bus(root), parts))

    def _bus(self, root: Root) -> LocalBus:
        """Return a service's end of the bus."""
        return self._hub.connect(root.reads)

    def _adopt(self, root: Root, worker: Worker) -> None:
        """Give a worker its heart and its place in the schedule."""
        heart = Heart(root.name, worker, self.clock, self._hub.connect(()))
        self._workers.append(worker)
        self._schedule.add(Beating(worker, heart))

    def run_until(self, elapsed_s: float) -> None:
        """Let everything run to a time since the start, writing the journal."""
        end_s = self._start_s + elapsed_s
        while self.clock.monotonic() < end_s:
            slice_end_s = min(end_s, self.clock.monotonic() + JOURNAL_EVERY_S)
            while self.clock.monotonic() < slice_end_s:
                self._schedule.step()
            for message in self._reader.receive():
                self._take(message)

    def _take(self, message: Message) -> None:
        """Write a message down and follow the session."""
        self._journal.write(message)
        if isinstance(message, Session):
            self.phase = message.phase

    def press(self) -> None:
        """Push the virtual button down."""
        self._world.press()

    def release(self) -> None:
        """Let the virtual button go."""
        self._world.release()

    def close(self) -> None:
        """Close all workers, the player's recording included."""
        for worker in self._workers:
            worker.close()


class Pace:
    """Keeps simulated time from `start_s` on at most `speed` times as fast as the world's; 0 lets it run."""

    def __init__(self, speed: float, start_s: float = 0.0) -> None:
        self._speed = speed
        self._start_s = start_s
        self._born_s = time.monotonic()

    def hold(self, elapsed_s: float) -> None:
        """Sleep if the run is ahead."""
        if self._speed > 0:
            ahead_s = (elapsed_s - self._start_s) / self._speed - (time.monotonic() - self._born_s)
            time.sleep(max(0.0, ahead_s))


def play(bench: Bench, settings: Settings, speed: float, stop: threading.Event) -> None:
    """Press the button and let the session play to its end."""
    pace = Pace(speed)
    limit_s = PRESS_AT_S + 60 * settings.program.minutes + 120.0
    elapsed_s, told_s, started, ended_s = 0.0, 0.0, False, 0.0
    while elapsed_s < limit_s and not stop.is_set() and not (ended_s and elapsed_s > ended_s + AFTER_END_S):
        for at_s, act in ((PRESS_AT_S, bench.press), (RELEASE_AT_S, bench.release)):
            if elapsed_s < at_s <= elapsed_s + JOURNAL_EVERY_S:
                bench.run_until(at_s)
                act()
        elapsed_s += JOURNAL_EVERY_S
        bench.run_until(elapsed_s)
        pace.hold(elapsed_s)
        started = started or bench.phase is SessionPhase.RUNNING
        if started and not ended_s and bench.phase is SessionPhase.IDLE:
            ended_s = elapsed_s
            pace = Pace(1.0, elapsed_s)
        if elapsed_s >= told_s:
            told_s += PROGRESS_EVERY_S
            sys.stdout.write(f"{elapsed_s:.1f} playing\n")
            sys.stdout.flush()


def main() -> int:
    """Run one session and return the exit code."""
    parser = argparse.ArgumentParser(prog="device.services.lockstep")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--speed", type=float, default=0.0)
    options = parser.parse_args()
    configure_logging("lockstep")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        settings = load(options.config)
        with JournalWriter(options.journal, leave_out=(EegBlock,)) as journal:
            clock = ManualClock()
            bench = Bench(settings, clock, simulator.make_world(settings, clock), journal)
            try:
                play(bench, settings, options.speed, stop)
            finally:
                bench.close()
    except (ConfigError, DeviceConfigError, RecordingError) as error:
        logging.getLogger("lockstep").error("%s", error)  # noqa: TRY400 - one line for the operator
        return EXIT_CONFIG
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
