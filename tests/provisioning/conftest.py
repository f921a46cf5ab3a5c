"""A unit's folders without a unit: releases made by hand, and a systemctl that says what a test wants."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

TOOL = Path(__file__).resolve().parents[2] / "provisioning/roles/tranquillo/files/release"
UNIT_FILES = ("tranquillo.target", "tranquillo-player.service", "tranquillo-simulator.service",
              "tranquillo-.service.d/sandbox.conf")
# The `tranquillo` of a release: judges a configuration, and says what a test has written down for it.
COMMAND = """#!/bin/sh
here=$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")
case $1 in
  config) if grep -q refused "$4"; then echo "$4: program.minutes is 1000" >&2; exit 78; fi ;;
  doctor) cat "$here/doctor.json" ;;
  status) cat "$here/status.json" ;;
esac
"""
# What the tool asks of systemd; a release with a file `down` has a player that does not start, and a file
# `plug` ends the tool when it stops the services, as a pulled plug would.
SYSTEMCTL = """#!/bin/sh
echo "$*" >> {root}/asked
case "$*" in
  *Wants*) echo "tranquillo-player.service" ;;
  show*)
    shift 2
    for unit; do
      state=active
      if test "$unit" = tranquillo-player.service && test -e {root}/current/down; then state=activating; fi
      printf 'Id=%s\\nActiveState=%s\\n\\n' "$unit" "$state"
    done ;;
  stop*) if test -e {root}/current/plug; then rm {root}/current/plug; kill -KILL $PPID; fi ;;
esac
"""


class Answer(NamedTuple):
    """How the tool ended and what it said."""

    code: int
    said: dict[str, Any]


class FakeUnit:
    """The folders of a unit; `tool` runs the real program on them."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "opt"
        self.units = folder / "units"
        self.programs = folder / "bin"
        for made in (self.root / "releases", self.units, self.programs):
            made.mkdir(parents=True)
        script = self.programs / "systemctl"
        script.write_text(SYSTEMCTL.format(root=self.root), encoding="ascii")
        script.chmod(0o755)

    def add(self, name: str) -> Path:
        """Put a complete release beside the others."""
        release = self.root / "releases" / name
        command = release / "venv/bin/tranquillo"
        command.parent.mkdir(parents=True)
        command.write_text(COMMAND, encoding="ascii")
        command.chmod(0o755)
        for unit in UNIT_FILES:
            path = release / "systemd" / unit
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        self.say(name, "doctor", {"results": []})
        self.say(name, "status", {"phase": "idle"})
        (release / "manifest.json").write_text("{}", encoding="ascii")
        return release

    def say(self, name: str, what: str, answer: dict[str, Any]) -> None:
        """Let a release's command print this."""
        path = self.root / "releases" / name / f"{what}.json"
        path.write_text(json.dumps(answer), encoding="utf-8")

    def file(self, text: str) -> Path:
        """Write a configuration as the playbook does."""
        path = self.root.parent / "candidate.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def activate(self, name: str, text: str = 'unit_id = "a"\n', *words: str) -> Answer:
        """Put a release with a configuration in force, with no patience."""
        return self.tool("activate", name, str(self.file(text)), "--deadline", "0.3", "--settle", "0", *words)

    def tool(self, *words: str) -> Answer:
        """Run `tranquillo-release`."""
        done = subprocess.run(
            [sys.executable, "-B", str(TOOL), "--root", str(self.root), "--units", str(self.units), *words],
            capture_output=True, text=True, check=False, timeout=60,
            env={**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}"})
        assert done.stderr == "", done.stderr
        return Answer(done.returncode, json.loads(done.stdout) if done.stdout else {})

    @property
    def current(self) -> str:
        """The release in force."""
        return (self.root / "current").readlink().name

    @property
    def configuration(self) -> str:
        """The configuration in force."""
        return (self.root / "current/tranquillo.toml").read_text(encoding="utf-8")


@pytest.fixture
def unit(tmp_path: Path) -> FakeUnit:
    """A unit with two releases, none of them in force yet."""
    made = FakeUnit(tmp_path)
    made.add("1.0")
    made.add("1.1")
    return made
