"""Runs the services under one process manager (supervisor), as systemd does on the device."""

from __future__ import annotations

import contextlib
import getpass
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from device.config import Settings
from device.errors import EXIT_CONFIG, EXIT_OK, ConfigError

SERVICES = ("sensors", "headset", "estimator", "conductor", "player", "telemetry")
STOP_WAIT_S = 8


def services_of(settings: Settings) -> tuple[str, ...]:
    """Return the processes to run: the six services, and the simulator where a part is simulated."""
    schemes = (settings.sensors.adc, settings.headset.port, settings.panel.pins)
    if any(scheme.startswith("sim:") for scheme in schemes):
        return ("simulator", *SERVICES)
    return SERVICES


def supervisor_config(config: Path, services: tuple[str, ...], logs: Path | None, pid_file: Path) -> str:
    """Return the text of a supervisord configuration.

    A process that exits is started again, but for the exit codes 0 (asked to stop) and 78 (bad
    configuration, where a restart cannot help): the rule that the systemd units keep as well.

    Args:
        config: the device's configuration file.
        services: names under `device.services`.
        logs: folder for one log a service; None sends all to standard error.
        pid_file: where supervisord writes its process id.
    """
    lines = [
        "[supervisord]", "nodaemon=true", f"user={getpass.getuser()}", "logfile=/dev/null",
        "logfile_maxbytes=0", f"pidfile={pid_file}", "loglevel=warn",
    ]
    python, file = shlex.quote(sys.executable), shlex.quote(str(config))
    for name in services:
        log = "/dev/stderr" if logs is None else str(logs / f"{name}.log")
        lines += [
            f"[program:{name}]",
            f"command={python} -m device.services.{name} --config {file}",
            "autorestart=unexpected", f"exitcodes={EXIT_OK},{EXIT_CONFIG}",
            # Started in order, stopped in reverse: the simulated hardware outlives what uses it.
            f"priority={services.index(name) + 1}",
            "startsecs=1", "startretries=1000000", f"stopwaitsecs={STOP_WAIT_S}",
            "redirect_stderr=true", f"stdout_logfile={log}", "stdout_logfile_maxbytes=0",
        ]
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt as Ctrl-C does, so that what was started is stopped."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Supervisor:
    """All services of one configuration, running.

    Args:
        config: the device's configuration file.
        settings: its content; supervisor's own files go into its `run_dir`.
        logs: folder for one log a service; None sends all to standard error.

    Raises:
        ConfigError: the folders of the configuration cannot be made, or a path holds a percent sign.
    """

    def __init__(self, config: Path, settings: Settings, logs: Path | None = None) -> None:
        for folder in (settings.run_dir, settings.state_dir):
            try:
                Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigError(f"{config}: the folder {folder} cannot be made ({error.strerror}); change "
                                  "run_dir and state_dir") from error
        if "%" in f"{config}{logs}{settings.run_dir}":
            raise ConfigError(f"{config}: no path may hold a %, which means something else to the process "
                              "manager; choose other folders")
        if logs is not None:
            logs.mkdir(parents=True, exist_ok=True)
        run_dir = Path(settings.run_dir)
        path = run_dir / "supervisor.conf"
        text = supervisor_config(config, services_of(settings), logs, run_dir / "supervisor.pid")
        path.write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(path)]
        with contextlib.ExitStack() as opened:
            own_log = None if logs is None else opened.enter_context((logs / "supervisor.log").open("wb"))
            self._process = subprocess.Popen(command, stdout=own_log)  # noqa: S603 - our own interpreter

    @property
    def pid(self) -> int:
        """Process id of the process manager."""
        return self._process.pid

    def running(self) -> bool:
        """Tell whether the process manager is alive."""
        return self._process.poll() is None

    def wait(self) -> int:
        """Block until the process manager ends and return its exit code."""
        return self._process.wait()

    def stop(self) -> None:
        """Ask all services to stop and wait for them; after a deadline, kill."""
        if not self.running():
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_WAIT_S + 4)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
