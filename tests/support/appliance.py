"""The whole appliance as real processes, for tests: started, pressed, listened to, killed."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from support.ears import Ears

from device.desk import keyboard
from device.desk.bench import find_processes
from device.desk.setup import RunOptions, write_config
from device.desk.up import Supervisor, services_of
from device.messages import Health


class Appliance(Ears):
    """Six processes and the simulator under the process manager, with every message kept."""

    def __init__(self, folder: Path, run_dir: Path, broker_port: int, minutes: float = 10.0) -> None:
        self.folder = folder
        options = RunOptions(patient="sim", minutes=minutes, speed=1.0, seed=3, interactive=False, out=folder)
        self.config, self.settings = write_config(options, run_dir, broker_port)
        self.run_dir = run_dir
        self._supervisor = Supervisor(self.config, self.settings, folder / "logs")
        super().__init__(run_dir, lambda: f"logs:\n{self.logs()}")

    def ready(self, seconds: float = 60.0) -> None:
        """Wait for a word from every process."""
        waiting = set(services_of(self.settings))
        deadline = time.monotonic() + seconds
        while waiting and time.monotonic() < deadline:
            waiting -= {m.service for m in self.listen(0.1) if isinstance(m, Health)}
        assert not waiting, f"no word from {waiting}; logs:\n{self.logs()}"

    def press(self, seconds: float = keyboard.PRESS_S) -> None:
        """Push the virtual button for that long."""
        keyboard.press(self.run_dir, seconds)

    def pid(self, service: str) -> int:
        """Return the process id of a service."""
        return find_processes(self.config)[service]

    def kill(self, service: str) -> int:
        """Kill a service without warning and return the process id it had."""
        pid = self.pid(service)
        os.kill(pid, signal.SIGKILL)
        return pid

    def logs(self) -> str:
        """Return the last lines of every service's log."""
        return "\n".join(
            f"== {path.name}\n" + "\n".join(path.read_text(encoding="utf-8").splitlines()[-5:])
            for path in sorted((self.folder / "logs").glob("*.log"))
        )

    def close(self) -> None:
        """Stop everything."""
        self._supervisor.stop()
        super().close()
