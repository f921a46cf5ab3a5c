"""`tranquillo run`: the whole appliance on simulated hardware, the button pressed, a report left."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from device.bus import ZmqBus
from device.config import Settings
from device.desk import journal, keyboard
from device.desk.broker import DeskBroker
from device.desk.journal import JournalWriter, read_journal
from device.desk.report import write_report
from device.desk.score import write_midi
from device.desk.setup import RunOptions, check_inputs, write_config
from device.desk.up import Supervisor, services_of, termination_as_interrupt
from device.errors import EXIT_CONFIG, ConfigError, TranquilloError
from device.messages import MESSAGE_TYPES, EegBlock, Health, Message, Phrase, Session, SessionPhase

READY_DEADLINE_S = 60.0
ENDING_DEADLINE_S = 60.0
AFTER_END_S = 6.0  # the outcome of a session follows 3 s after its end
DRAIN_S = 0.5
RESULTS = ("session.wav", "session.mid", "mqtt.jsonl", "report.html", "figures.json", journal.NAME)

Progress = Callable[[float, str], None]


class RunError(TranquilloError, RuntimeError):
    """The services did not come up or did not finish."""


def run_session(options: RunOptions, progress: Progress) -> Path:
    """Run one session and return the path of its report.

    Args:
        options: what was asked for.
        progress: called with the session's elapsed seconds and a word on what happens.

    Raises:
        TranquilloError: something is missing or wrong; the text says what to do.
    """
    check_inputs(options)
    _clear(options.out)
    with termination_as_interrupt(), tempfile.TemporaryDirectory(prefix="tranquillo-") as folder:
        run_dir = Path(folder)
        broker = DeskBroker(run_dir, options.out / "mqtt.jsonl")
        try:
            config, settings = write_config(options, run_dir, broker.port)
            if options.speed == 1.0:
                _RealTime(options, settings, config, progress).run()
            else:
                _run_lockstep(options, config, progress)
            time.sleep(DRAIN_S)
        finally:
            broker.close()
    messages = read_journal(options.out / journal.NAME, leave_out=journal.RAW_SAMPLES)
    phrases = [message for message in messages if isinstance(message, Phrase)]
    if phrases:
        write_midi(options.out / "session.mid", phrases)
    progress(60 * options.minutes, "writing the report")
    return write_report(options.out)


def _clear(out: Path) -> None:
    """Make the folder of the results, without those of an earlier run.

    Raises:
        RunError: it cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        for stale in RESULTS:
            (out / stale).unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"{error.filename}: cannot be written ({error.strerror}); name another folder with "
                       "--out") from error


def _run_lockstep(options: RunOptions, config: Path, progress: Progress) -> None:
    """Run all services in one process on the manual clock.

    Raises:
        ConfigError: the process refused its configuration; its own line says why.
        RunError: the process ended early.
    """
    command = [
        sys.executable, "-m", "device.services.lockstep", "--config", str(config),
        "--journal", str(options.out / journal.NAME), "--speed", str(options.speed),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        for line in process.stdout or ():
            elapsed_s, _, word = line.strip().partition(" ")
            progress(float(elapsed_s), word)
    if process.returncode == EXIT_CONFIG:
        raise ConfigError("the run was refused; see the line above")
    if process.returncode != 0:
        raise RunError(f"the run ended early with exit code {process.returncode}; see the lines above")


class _RealTime:
    """One session by six real processes on the machine's own clock."""

    def __init__(self, options: RunOptions, settings: Settings, config: Path, progress: Progress) -> None:
        self._options = options
        self._settings = settings
        self._progress = progress
        run_dir = Path(settings.run_dir)
        self._supervisor = Supervisor(config, settings, options.out / "logs")
        self._bus = ZmqBus(run_dir, "", MESSAGE_TYPES)
        self._journal = JournalWriter(options.out / journal.NAME, leave_out=(EegBlock,))
        self._waiting = set(services_of(settings))
        self._session: Session | None = None

    def run(self) -> None:
        """Wait for all services, press, record until the session has ended, and stop everything."""
        try:
            self._until(lambda: not self._waiting, READY_DEADLINE_S, "starting")
            run_dir = Path(self._settings.run_dir)
            if self._options.interactive:
                keyboard.listen(run_dir)
            else:
                keyboard.press(run_dir, keyboard.PRESS_S)
            limit_s = READY_DEADLINE_S + 60 * self._options.minutes + ENDING_DEADLINE_S
            self._until(lambda: self._phase() is SessionPhase.RUNNING, limit_s, "press Enter to start")
            self._until(lambda: self._phase() is SessionPhase.IDLE, limit_s, "playing")
            self._record_for(AFTER_END_S)
        finally:
            self._supervisor.stop()
            self._journal.close()
            self._bus.close()

    def _phase(self) -> SessionPhase | None:
        return self._session.phase if self._session is not None else None

    def _until(self, done: Callable[[], bool], limit_s: float, word: str) -> None:
        """Record until something is so.

        Raises:
            RunError: it did not become so in time, or the process manager died.
        """
        deadline = time.monotonic() + limit_s
        while not done():
            if time.monotonic() > deadline or not self._supervisor.running():
                missing = f" (no word from {', '.join(sorted(self._waiting))})" if self._waiting else ""
                raise RunError(f"gave up while {word}{missing}; see {self._options.out / 'logs'}")
            self._record_for(0.2)
            self._progress(self._session.elapsed_s if self._session is not None else 0.0, word)

    def _record_for(self, seconds: float) -> None:
        """Write down what is on the bus for that long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._bus.wait(left)
            for message in self._bus.receive():
                self._take(message)

    def _take(self, message: Message) -> None:
        """Write one message down and note what it tells of the run."""
        self._journal.write(message)
        if isinstance(message, Health):
            self._waiting.discard(message.service)
        elif isinstance(message, Session):
            self._session = message
