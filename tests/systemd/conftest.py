"""The units installed in a folder that systemd's own tools can read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.systemd_units import SOURCE

TARGETS = ("basic", "multi-user", "shutdown", "sound", "sysinit", "timers")


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the units installed, the targets they name, and programs that do nothing."""
    folder = tmp_path_factory.mktemp("root")
    units = folder / "etc/systemd/system"
    others = shutil.ignore_patterns("*.conf.d", "sysusers.d", "tmpfiles.d", "udev")
    shutil.copytree(SOURCE, units, ignore=others)
    for target in TARGETS:
        (units / f"{target}.target").write_text(f"[Unit]\nDescription={target}\n", encoding="utf-8")
    for program in ("opt/tranquillo/current/venv/bin/python", "bin/sh"):
        path = folder / program
        path.parent.mkdir(parents=True)
        path.write_text("#!/bin/sh\n", encoding="ascii")
        path.chmod(0o755)
    for kind in ("sysusers.d", "tmpfiles.d"):
        shutil.copytree(SOURCE / kind, folder / "usr/lib" / kind)
    return folder
