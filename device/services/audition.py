"""A session for the listening test: the shipped conductor and player, told by a script what is felt.

As the lockstep run, but the estimator is a script (`device.desk.listening.patients`), and there are
no sensors. One process renders one session: pyo's memory is not to be trusted after a second server
(docs/decisions/0004).
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from device.bus import Bus
from device.clock import Clock, ManualClock
from device.config import Settings, load
from device.desk.journal import RAW_SAMPLES, JournalWriter
from device.desk.listening.patients import PATIENTS, messages_of
from device.errors import EXIT_CONFIG, EXIT_OK, ConfigError
from device.messages import Fault, SessionPhase
from device.runtime import Root, Worker, configure_logging
from device.services import conductor, player
from device.services.lockstep import PRESS_AT_S, RELEASE_AT_S, Bench
from device.services.simulator import make_world
from drivers.open import Parts

SLICE_S = 1.0
TAIL_S = 2.0  # after the end, so that a click there is heard
ENDING_LIMIT_S = 120.0


class ScriptedEstimator:
    """Says once a second what the script of a patient holds.

    Args:
        name: of the patient.
        duration_s: length of the session, which begins with the press of the button.
        clock: paces it.
        bus: where it is said.
    """

    period_s = 1.0

    def __init__(self, name: str, duration_s: float, clock: Clock, bus: Bus) -> None:
        self._name = name
        self._duration_s = duration_s
        self._clock = clock
        self._bus = bus
        self._begin_s = clock.monotonic() + PRESS_AT_S

    def step(self) -> None:
        """Publish features and estimate."""
        at_s = self._clock.monotonic()
        for message in messages_of(self._name, at_s - self._begin_s, self._duration_s, at_s):
            self._bus.publish(message)

    def faults(self) -> tuple[Fault, ...]:
        """Have none."""
        return ()

    def close(self) -> None:
        """Hold nothing."""


def scripted(name: str) -> Callable[[Settings, Clock, Bus, Parts], Worker]:
    """Return what builds the scripted estimator of a patient."""
    def build(settings: Settings, clock: Clock, bus: Bus, _parts: Parts) -> Worker:
        """Wire it."""
        return ScriptedEstimator(name, 60.0 * settings.program.minutes, clock, bus)
    return build


def roots_of(patient: str, *, sound: bool) -> tuple[Root, ...]:
    """Return the services of a session, the player only if it shall sound."""
    estimator = Root(name="estimator", reads=(), build=scripted(patient))
    return (estimator, conductor.ROOT, player.ROOT) if sound else (estimator, conductor.ROOT)


def play(bench: Bench, minutes: float) -> None:
    """Press the button and let the session play to its end."""
    limit_s = PRESS_AT_S + 60.0 * minutes + ENDING_LIMIT_S
    bench.run_until(PRESS_AT_S)
    bench.press()
    bench.run_until(RELEASE_AT_S)
    bench.release()
    elapsed_s, started = RELEASE_AT_S, False
    while elapsed_s < limit_s and not (started and bench.phase is SessionPhase.IDLE):
        elapsed_s += SLICE_S
        bench.run_until(elapsed_s)
        started = started or bench.phase is SessionPhase.RUNNING
    bench.run_until(elapsed_s + TAIL_S)


def main() -> int:
    """Render one session and return the exit code."""
    parser = argparse.ArgumentParser(prog="device.services.audition")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--patient", choices=list(PATIENTS), required=True)
    parser.add_argument("--no-sound", action="store_true")
    options = parser.parse_args()
    configure_logging("audition")
    try:
        settings = load(options.config)
    except ConfigError as error:
        logging.getLogger("audition").error("%s", error)  # noqa: TRY400 - one line for the operator
        return EXIT_CONFIG
    clock = ManualClock()
    with JournalWriter(options.journal, leave_out=RAW_SAMPLES) as journal:
        bench = Bench(settings, clock, make_world(settings, clock), journal,
                      roots_of(options.patient, sound=not options.no_sound))
        try:
            play(bench, settings.program.minutes)
        finally:
            bench.close()
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
