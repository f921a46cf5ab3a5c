"""Whole machines for the system tests; only root can boot them."""

from __future__ import annotations

import os
import shutil

import pytest
from support import timings

NEEDED = ("systemd-nspawn", "mmdebstrap", "linux.uml", "ssh", "ip", "mkfs.ext4", "mosquitto")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin the figures anew, once a run."""
    if session.config.getoption("--system") and not hasattr(session.config, "workerinput"):
        timings.forget()


@pytest.fixture(scope="session", autouse=True)
def able() -> None:
    """Say at once what this machine lacks."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [name for name in NEEDED if shutil.which(name, path=path) is None]
    if os.geteuid() != 0 or missing:
        pytest.fail(f"the system tests need root and {', '.join(missing) or 'nothing more'}; "
                    "run `sudo make test-system`")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    text = timings.table()
    if terminalreporter.config.getoption("--system") and text:
        terminalreporter.section("measured (out/system.json)")
        terminalreporter.write_line(text)
