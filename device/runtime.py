"""What every process shares: pacing, signals, sd_notify and watchdog, health, logs, exit codes."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec
from systemd import daemon, journal

from device.bus import Bus, ZmqBus
from device.clock import Clock, SystemClock
from device.config import DEFAULT_PATH, Settings, load
from device.errors import (
    EXIT_AUDIO_LOST,
    EXIT_CONFIG,
    EXIT_OK,
    EXIT_SOFTWARE,
    AlreadyRunning,
    AudioLost,
    ConfigError,
    DeviceConfigError,
    ModelError,
    RecordingError,
)
from device.messages import Fault, Health, Message, Service
from drivers.open import Parts, default_parts

HEARTBEAT_S = 1.0
EARLY_S = 1e-4  # a wait that ends so little before its deadline has met it
PRIVATE = 0o077  # files of a service tell of a patient: for its own user's eyes only; sockets see device.bus


class Worker(Protocol):
    """One service, made by its composition root: a bounded step, done again and again."""

    period_s: float

    def step(self) -> None:
        """Do the work that is due and return; never blocks longer than a few periods."""

    def faults(self) -> tuple[Fault, ...]:
        """Return what is wrong now."""

    def close(self) -> None:
        """Release what the worker holds."""


class WaitingBus(Bus, Protocol):
    """A bus that a process can sleep on."""

    def wait(self, timeout_s: float) -> bool:
        """Block until something has arrived or the time is over; tell whether it has."""


class Root(msgspec.Struct, frozen=True, kw_only=True):
    """A composition root: the process's name, what it reads, and how it is built.

    `leave` is what the worker still does when the process is asked to stop; a few seconds at most.
    `prompt` is for a worker that has to act on a message at once, so that it need not look for one often.
    `due` tells the monotonic time of the next step where the worker knows it; None means a period later.
    """

    name: Service
    reads: tuple[type[Message], ...]
    build: Callable[[Settings, Clock, Bus, Parts], Worker]
    leave: Callable[[Worker], None] = lambda _: None
    prompt: bool = False
    due: Callable[[Worker], float | None] = lambda _: None


class FaultLog:
    """Logs each fault once when it starts and once when it ends."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._known: dict[str, Fault] = {}

    def update(self, faults: tuple[Fault, ...]) -> None:
        """Compare the present faults with those of the last call."""
        present = {fault.code: fault for fault in faults}
        for code, fault in present.items():
            if code not in self._known:
                self._log.warning("fault %s (%s): %s", code, fault.severity, fault.advice)
        for code in self._known.keys() - present.keys():
            self._log.info("fault %s has ended", code)
        self._known = present


class Heart:
    """Publishes a worker's health once a second."""

    def __init__(self, name: Service, worker: Worker, clock: Clock, bus: Bus) -> None:
        self._name: Service = name
        self._worker = worker
        self._clock = clock
        self._bus = bus
        self._born_s = clock.monotonic()
        self._due_s = self._born_s
        self._faults = FaultLog(logging.getLogger(name))

    def beat(self, late_steps: int) -> bool:
        """Publish if a second has passed; tell whether it has."""
        now = self._clock.monotonic()
        if now < self._due_s:
            return False
        self._due_s = now + HEARTBEAT_S
        faults = self._worker.faults()
        self._faults.update(faults)
        self._bus.publish(Health(
            at_s=now, service=self._name, uptime_s=now - self._born_s, late_steps=late_steps, faults=faults,
        ))
        return True


class Pacer:
    """Absolute deadlines, a period apart or as told; after an overrun missed ones are dropped and counted."""

    def __init__(self, clock: Clock, period_s: float) -> None:
        self._clock = clock
        self._period_s = period_s
        self._due_s = clock.monotonic()
        self.late_steps = 0

    def remaining_s(self, due_s: float | None = None) -> float:
        """Return the time until the next deadline, 0 when it is past; a deadline that is met is done with.

        A `due_s` is the next deadline, wherever the periods are.
        """
        now_s = self._clock.monotonic()
        if due_s is not None:
            self._due_s = due_s
        elif now_s >= self._due_s - EARLY_S:
            self._due_s += self._period_s
        remaining = self._due_s - now_s
        if remaining < -self._period_s:
            self.late_steps += 1
            self._due_s = now_s
        return max(0.0, remaining)


def run(root: Root, worker: Worker, clock: Clock, bus: WaitingBus, stop: threading.Event) -> None:
    """Step a worker until told to stop; READY after the first step, WATCHDOG after completed steps.

    Steps come once a period, or when one is due; where the root is prompt, a message brings one more at once.
    """
    heart = Heart(root.name, worker, clock, bus)
    pacer = Pacer(clock, worker.period_s)
    wait = bus.wait if root.prompt else stop.wait
    ready = False
    while not stop.is_set():
        worker.step()
        if heart.beat(pacer.late_steps):
            daemon.notify("WATCHDOG=1")
        if not ready:
            daemon.notify("READY=1")
            ready = True
        wait(pacer.remaining_s(root.due(worker)))
    daemon.notify("STOPPING=1")
    root.leave(worker)


def main(root: Root) -> None:
    """Run one service as a process and exit with the code that tells systemd what to do next."""
    sys.exit(_run_process(root))


def _run_process(root: Root) -> int:
    """Configure, run and close; turn known errors into one line and an exit code."""
    parser = argparse.ArgumentParser(prog=f"device.services.{root.name}")
    parser.add_argument("--config", type=Path, default=DEFAULT_PATH)
    options = parser.parse_args()
    os.umask(PRIVATE)
    configure_logging(root.name)
    log = logging.getLogger(root.name)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        _serve(root, load(options.config), stop)
    except (ConfigError, DeviceConfigError, ModelError, RecordingError) as error:
        log.error("%s", error)  # noqa: TRY400 - one line for the operator
        return EXIT_CONFIG
    except AudioLost as error:
        log.error("%s", error)  # noqa: TRY400 - one line for the operator
        return EXIT_AUDIO_LOST
    except AlreadyRunning as error:
        log.error("%s", error)  # noqa: TRY400 - one line for the operator
        return EXIT_SOFTWARE
    except Exception:
        log.exception("a defect ended this process; it will be restarted")
        return EXIT_SOFTWARE
    return EXIT_OK


def _serve(root: Root, settings: Settings, stop: threading.Event) -> None:
    """Open the bus, build the worker, run it, and release both."""
    clock = SystemClock()
    run_dir = Path(settings.run_dir)
    with only_one(run_dir, root.name):
        bus = ZmqBus(run_dir, root.name, root.reads)
        try:
            worker = root.build(settings, clock, bus, default_parts(run_dir))
            try:
                run(root, worker, clock, bus, stop)
            finally:
                worker.close()
        finally:
            bus.close()


@contextlib.contextmanager
def only_one(run_dir: Path, name: str) -> Iterator[None]:
    """Hold the right to be the one process of this name; the kernel takes it back however a process ends.

    Raises:
        AlreadyRunning: another process has it.
        ConfigError: the run directory cannot be used; the text says why.
    """
    try:
        held = (run_dir / f"{name}.lock").open("w")
    except OSError as error:
        raise ConfigError(f"run_dir {run_dir} cannot be used ({error.strerror}); create it for this user or "
                          "change run_dir") from error
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(f"another {name} runs already with run_dir {run_dir}; stop one of them"
                                 ) from error
        yield


class JsonLines(logging.Formatter):
    """One JSON object a line, for a desk or CI where no journal listens."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        line = {"service": record.name, "level": record.levelname.lower(), "message": record.getMessage()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure_logging(name: str) -> None:
    """Log to the journal under systemd, as JSON lines on standard error elsewhere."""
    handler: logging.Handler
    if "JOURNAL_STREAM" in os.environ:
        handler = journal.JournalHandler(SYSLOG_IDENTIFIER=f"tranquillo-{name}")
    else:
        handler = logging.StreamHandler()
        handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
