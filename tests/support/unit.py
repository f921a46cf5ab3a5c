"""A Tranquillo unit in a container: what a nurse does to it, what it says, and what befalls its services."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from support.clinic import Broker
from support.container import Container, wait_for
from support.ears import Ears

from device.desk import keyboard
from device.messages import LightPattern, Panel, PlayerState

SIX = ("sensors", "headset", "estimator", "conductor", "player", "telemetry")
RUN_DIR = "/run/tranquillo"
READY_S = 60.0


class Unit:
    """One machine with the services on it; its bus is heard from outside through the sockets' paths.

    Processes in the container and the test share the kernel's monotonic clock, so `at_s` of a message can
    be compared with `time.monotonic()` here.
    """

    def __init__(self, machine: Container, broker: Broker) -> None:
        self.machine = machine
        self.broker = broker
        self.ears: Ears | None = None

    @property
    def run_dir(self) -> Path:
        """The folder of the sockets as this machine sees it; another one after each boot."""
        return self.machine.path(RUN_DIR)

    def hear(self) -> Ears:
        """Connect to the bus of the present boot."""
        self.deafen()
        wait_for(self._bus_exists, READY_S, f"the bus of {self.machine.name}")
        self.ears = Ears(self.run_dir, self.machine.journal)
        return self.ears

    @property
    def boot_began_s(self) -> float:
        """When the present PID 1 began, in seconds of the monotonic clock: its start time in proc(5)."""
        fields = Path(f"/proc/{self.machine.init_pid()}/stat").read_text(encoding="ascii").rpartition(")")[2]
        return int(fields.split()[19]) / os.sysconf("SC_CLK_TCK")

    def deafen(self) -> None:
        """Let go of the bus."""
        if self.ears is not None:
            self.ears.close()
            self.ears = None

    def ready(self, seconds: float = READY_S) -> Panel:
        """Wait for the green light and return the first message that says so."""
        return self._ears().until(Panel, lambda panel: panel.light is LightPattern.READY, seconds)

    def press(self, seconds: float = keyboard.PRESS_S) -> None:
        """Push the simulated button."""
        keyboard.press(self.run_dir, seconds)

    def play(self) -> PlayerState:
        """Press the button and wait for sound."""
        self.press()
        return self._ears().until(PlayerState, lambda state: state.sounding, 10.0)

    def silence(self) -> None:
        """Hold the button until nothing sounds."""
        self.press(keyboard.HOLD_S)
        self._ears().until(PlayerState, lambda state: not state.sounding, 10.0)

    def pids(self) -> dict[str, int]:
        """Return the process ids of the six as the machine counts them; 0: not running."""
        names = " ".join(f"tranquillo-{name}" for name in SIX)
        lines = self.machine.run(f"systemctl show -p MainPID --value {names}").split()
        return dict(zip(SIX, map(int, lines), strict=True))

    def signal(self, name: str, *services: str) -> float:
        """Send a signal to the main processes of services; return the monotonic time just before."""
        pids = self.pids()
        targets = " ".join(str(pids[service]) for service in services)
        assert "0" not in targets.split(), f"not all of {services} run: {pids}"
        began = time.monotonic()
        self.machine.run(f"kill -{name} {targets}")
        return began

    def back(self, service: str, old: int, seconds: float) -> float:
        """Wait until another process of a service is up (READY was said); return how long that took."""
        began = time.monotonic()
        unit = f"tranquillo-{service}"

        def up() -> bool:
            """Look once."""
            shown = self.machine.show(unit, "MainPID", "ActiveState")
            return shown["ActiveState"] == "active" and int(shown["MainPID"]) not in {0, old}

        wait_for(up, seconds, lambda: f"return of {unit}\n{self.machine.journal(unit)}", 0.2)
        return time.monotonic() - began

    def states(self) -> dict[str, str]:
        """Return ActiveState of the target and the six."""
        units = ["tranquillo.target", *(f"tranquillo-{name}.service" for name in SIX)]
        lines = self.machine.run(f"systemctl show -p ActiveState --value {' '.join(units)}").split()
        return dict(zip(units, lines, strict=True))

    def releases(self) -> dict[str, Any]:
        """Return what the unit says of its releases."""
        found: dict[str, Any] = json.loads(self.machine.run("tranquillo-release list"))
        return found

    def doctor(self) -> tuple[int, dict[str, Any]]:
        """Return the exit status of `tranquillo doctor` and what it found."""
        done = self.machine.attempt('tranquillo doctor --json; echo "exit $?"')
        text, _, status = done.stdout.rpartition("exit ")
        return int(status), json.loads(text)

    def _ears(self) -> Ears:
        """Return the ears."""
        assert self.ears is not None, "call hear() first"
        return self.ears

    def _bus_exists(self) -> bool:
        """Tell whether there is a socket to connect to."""
        try:
            return any(self.run_dir.glob("*.sock"))
        except OSError:
            return False
