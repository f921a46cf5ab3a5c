"""IT's own machine: releases, the clinic's CA, and the playbooks, run against a container over ssh."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from support.container import ADDRESS, OPTIONS, Container
from support.debian_root import cache_folder

REPOSITORY = Path(__file__).resolve().parents[2]
PROVISIONING = REPOSITORY / "provisioning"
KEPT = "-o ControlMaster=auto -o ControlPersist=5s"
RECAP = re.compile(r"^(\S+)\s*: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


class Played(NamedTuple):
    """How a playbook ended for its one machine."""

    failed: bool
    changed: int
    seconds: float
    output: str


def make_release(source: Path, name: str) -> Path:
    """Build a release of a source tree as `make wheelhouse` does; the packages are kept between runs."""
    out = cache_folder() / "wheelhouse"
    out.mkdir(exist_ok=True)
    with (cache_folder() / "wheelhouse.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            [sys.executable, str(PROVISIONING / "wheelhouse.py"), "--source", str(source), "--out", str(out),
             "--release", name], capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 0, done.stderr[-3000:]
    (tar,) = out.glob(f"tranquillo-{name}-cp*.tar")
    return tar


class Controller:
    """Runs the playbooks against one machine.

    Args:
        machine: reached as root with its key.
        folder: for the inventory.
        variables: of the machine.
    """

    def __init__(self, machine: Container, folder: Path, variables: dict[str, Any]) -> None:
        self.machine = machine
        self.variables = variables
        self._inventory = folder / f"{machine.name}.json"

    def play(self, playbook: str, *words: str, seconds: float = 400.0, **more: Any) -> Played:
        """Run a playbook; `more` are variables of this run only."""
        host = {
            "ansible_host": ADDRESS, "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.machine.key),
            "ansible_ssh_common_args": " ".join(OPTIONS), **self.variables, **more,
        }
        inventory = {"tranquillo": {"hosts": {self.machine.name: host}}}
        self._inventory.write_text(json.dumps(inventory, indent=2), encoding="utf-8")
        ansible = str(Path(sys.executable).parent / "ansible-playbook")
        command = [*self.machine.from_ward, ansible, "-i", str(self._inventory),
                   str(PROVISIONING / f"{playbook}.yml"), *words]
        began = time.monotonic()
        # All machines have one address: a connection that Ansible keeps must not serve another machine.
        with tempfile.TemporaryDirectory(prefix="tq-ssh-") as connections:
            environment = {**os.environ, "ANSIBLE_SSH_ARGS": KEPT,
                           "ANSIBLE_SSH_CONTROL_PATH_DIR": connections}
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds,
                                  cwd=PROVISIONING, stdin=subprocess.DEVNULL, env=environment)
        took = time.monotonic() - began
        output = done.stdout + done.stderr
        recap = RECAP.search(done.stdout)
        return Played(failed=done.returncode != 0, changed=int(recap.group(3)) if recap else -1, seconds=took,
                      output=output[-6000:])
