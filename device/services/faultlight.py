"""`tranquillo-light`: amber in the conductor's place while it is down, so that no dead unit looks ready.

systemd starts it when the conductor has failed for good or for a while, and ends it before the conductor
starts again. It says nothing on the bus and reads of the configuration only where the light is wired; where
even that cannot be read, it takes the default lines: a wrong configuration has to be seen as well.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from systemd import daemon

from device.clock import Clock, SystemClock
from device.config import DEFAULT_PATH, PanelPins, load_wiring
from device.errors import EXIT_CONFIG, EXIT_OK, DeviceConfigError, DeviceLost
from device.messages import Fault, LightPattern, Severity
from device.panel.lights import Light
from device.reopen import Reopener
from device.runtime import PRIVATE, FaultLog, Pacer, configure_logging
from drivers.open import Parts, default_parts
from drivers.panel import Panel

NAME = "light"
PERIOD_S = 0.25
LIGHT_LOST = Fault(code="panel_lost", severity=Severity.ATTENTION,
                   advice="the conductor is down and the light cannot say so")


class FaultLight:
    """Holds the light at amber; looks for a lost one again.

    Args:
        pins: where button and light are wired.
        clock: paces the attempts to open them.
        parts: opens them.
    """

    def __init__(self, pins: PanelPins, clock: Clock, parts: Parts) -> None:
        def open_panel() -> Panel:
            """Open the panel where it is wired."""
            return parts.panel(pins.pins, button=pins.button, red=pins.red, green=pins.green, blue=pins.blue)

        self._clock = clock
        self._light = Light()
        self._panel = Reopener(open_panel, clock, LIGHT_LOST)

    def step(self) -> None:
        """Show amber, softly at first.

        Raises:
            DeviceConfigError: the lines cannot be what the configuration says.
        """
        rgb = self._light.update(LightPattern.ATTENTION, self._clock.monotonic())
        panel = self._panel.part()
        if panel is None:
            return
        try:
            panel.light(rgb)
            self._panel.working()
        except DeviceLost as error:
            self._panel.lost(error)

    def faults(self) -> tuple[Fault, ...]:
        """Return `panel_lost` while the light does not answer."""
        return self._panel.faults()

    def close(self) -> None:
        """Let go of the lines; the light is dark."""
        self._panel.close()


def show(light: FaultLight, clock: Clock, stop: threading.Event) -> None:
    """Show amber until told to stop; READY and WATCHDOG after each completed step.

    Raises:
        DeviceConfigError: as `FaultLight.step`.
    """
    pacer = Pacer(clock, PERIOD_S)
    log = FaultLog(logging.getLogger(NAME))
    while not stop.is_set():
        light.step()
        log.update(light.faults())
        daemon.notify("READY=1\nWATCHDOG=1")
        stop.wait(pacer.remaining_s())


def main() -> int:
    """Run the process and return its exit code."""
    parser = argparse.ArgumentParser(prog="device.services.faultlight")
    parser.add_argument("--config", type=Path, default=DEFAULT_PATH)
    options = parser.parse_args()
    os.umask(PRIVATE)
    configure_logging(NAME)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    clock = SystemClock()
    wiring = load_wiring(options.config)
    light = FaultLight(wiring.panel, clock, default_parts(Path(wiring.run_dir)))
    try:
        show(light, clock, stop)
    except DeviceConfigError as error:
        logging.getLogger(NAME).error("%s", error)  # noqa: TRY400 - one line for the operator
        return EXIT_CONFIG
    finally:
        light.close()
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
