"""A Debian booted with systemd as PID 1 by systemd-nspawn, reached by ssh over a cable of its own.

Both ends of the cable are network namespaces, the machine's and its *ward*'s, where the test runs ssh and the
broker: every machine has the same addresses, and nothing of it is seen on this machine's network. The root
is a read-only folder under an overlay in the container's own mount namespace, so nothing is left mounted
when it ends; it dies with the test process. What nspawn does not enforce here (memory, tasks, scheduling
limits) is read with `systemctl show` instead.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

WARD_ADDRESS, ADDRESS = "10.77.0.1", "10.77.0.2"
CGROUPS = (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup"))
BOOT_S = 60.0
STOP_S = 60.0
OPTIONS = ("-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
           "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=15",
           "-o", "ServerAliveCountMax=8")
# The capabilities let systemd inside use the BPF filters of DeviceAllow= and IPAddressDeny=, and
# PrivateNetwork=; without them all three are silently not enforced.
NSPAWN = ("systemd-nspawn", "--boot", "--register=no", "--keep-unit", "--console=pipe", "--resolv-conf=off",
          "--timezone=off", "--capability=CAP_NET_ADMIN,CAP_BPF,CAP_PERFMON", "--system-call-filter=bpf")


def wait_for(condition: Callable[[], Any], seconds: float, what: str | Callable[[], str],
             every_s: float = 0.1) -> Any:
    """Poll until something is true and return it; fail after the deadline with what was waited for."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what if isinstance(what, str) else what()}: not within {seconds:g} s")
        time.sleep(every_s)
    return found


def tool(*words: str | Path, check: bool = True) -> str:
    """Run a program of this machine and return what it printed."""
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0 or not check, f"{words}: {done.stderr}"
    return done.stdout


class Container:
    """One machine. `close` removes everything that it had.

    Args:
        name: of the machine, its network namespaces and its cgroup; no other may run with it.
        layers: folders under the machine's own disk, the uppermost first; the last is a Debian with sshd.
        folder: for its disk and console log.
        key: private key that root lets in; `.pub` lies beside it.
    """

    def __init__(self, name: str, layers: list[Path], folder: Path, key: Path) -> None:
        self.name = name
        self.ward = f"{name}-ward"
        self.key = key
        self.disk = folder / "disk"
        self._layers = layers
        self._work = folder / "work"
        self._mount = folder / "mount"
        self._console = folder / "console.log"
        self._process: subprocess.Popen[bytes] | None = None
        for made in (self.disk, self._work, self._mount):
            made.mkdir(parents=True)
        self._personalise()
        self._remove_network()
        self._make_network()

    def boot(self) -> None:
        """Start the machine; returns as soon as its PID 1 runs."""
        assert self._process is None
        script = "\n".join((
            "set -e", *(f"echo $$ > {folder}/cgroup.procs" for folder in self._cgroups()),
            f"mount -t overlay overlay -o {shlex.quote(self._overlay())} {shlex.quote(str(self._mount))}",
            "export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1",
            shlex.join(("exec", *NSPAWN, "-D", str(self._mount), "-M", self.name,
                        f"--network-namespace-path=/run/netns/{self.name}"))))
        command = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private",
                   "sh", "-c", script)
        with self._console.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        wait_for(self.init_pid, BOOT_S, lambda: f"PID 1 of {self.name}\n{self.console()}", 0.02)

    def answer(self) -> None:
        """Wait until ssh works."""
        wait_for(self._answers, BOOT_S, lambda: f"ssh to {self.name}\n{self.console()}")

    def link(self, state: str) -> None:
        """Pull (`down`) or plug in (`up`) the network cable."""
        tool("ip", "-n", self.ward, "link", "set", "cable", state)

    def run(self, command: str, *, seconds: float = 60.0, check: bool = True, text: str = "") -> str:
        """Run a shell command as root over ssh and return what it printed.

        Args:
            command: for the shell.
            seconds: deadline.
            check: fail the test when the command fails.
            text: for its standard input.
        """
        done = self.attempt(command, seconds=seconds, text=text)
        assert done.returncode == 0 or not check, (
            f"{self.name}: {command!r} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def attempt(self, command: str, *, seconds: float = 60.0, text: str = ""
                ) -> subprocess.CompletedProcess[str]:
        """Run a shell command as root over ssh and return how it ended."""
        ssh = ["ssh", *OPTIONS, "-i", str(self.key), f"root@{ADDRESS}", command]
        return subprocess.run([*self.from_ward, *ssh], input=text, capture_output=True, text=True,
                              check=False, timeout=seconds)

    @property
    def from_ward(self) -> tuple[str, ...]:
        """What to put before a program's words so that it runs in the ward's network."""
        return ("nsenter", f"--net=/run/netns/{self.ward}")

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """Return properties of a unit as systemd tells them; none named: all."""
        chosen = f"-p {','.join(properties)}" if properties else ""
        lines = self.run(f"systemctl show {chosen} {unit}").splitlines()
        return dict(line.partition("=")[::2] for line in lines)

    def json(self, command: str, *, seconds: float = 60.0) -> Any:
        """Run a command and return the JSON that it printed, however it ended."""
        return json.loads(self.attempt(command, seconds=seconds).stdout)

    def init_pid(self) -> int:
        """Return the process id of the machine's PID 1 here, 0 when there is none."""
        assert self._process is not None
        assert self._process.poll() is None, f"{self.name} has ended\n{self.console()}"
        for child in _children(self._process.pid):
            if _is_first(child):
                return child
        return 0

    def path(self, inside: str) -> Path:
        """Return where a path of the running machine is seen from here."""
        return Path(f"/proc/{self.init_pid()}/root") / inside.lstrip("/")

    def console(self) -> str:
        """Return the end of what the machine wrote to its console."""
        return self._console.read_text(errors="replace")[-3000:] if self._console.exists() else ""

    def journal(self, pattern: str = "tranquillo*", lines: int = 60) -> str:
        """Return the last journal lines of units, and which of all units have failed."""
        try:
            return self.attempt(f"journalctl --no-pager -o short-monotonic -n {lines} -u {pattern!r}; "
                                "systemctl --no-pager --failed", seconds=20).stdout
        except subprocess.TimeoutExpired:
            return f"ssh does not answer\n{self.console()}"

    def power_off(self) -> None:
        """Shut down in good order."""
        assert self._process is not None
        self.attempt("systemctl poweroff", seconds=20)
        self._process.wait(STOP_S)
        self._process = None

    def reboot(self) -> None:
        """Shut down in good order and boot again; returns as soon as the new PID 1 runs."""
        self.power_off()
        self.boot()

    def cut_power(self) -> None:
        """End the machine at once; its disk stays as it is (the page cache too: this is no test of fsync)."""
        process, self._process = self._process, None
        if process is None:
            return
        for folder in self._cgroups():
            _kill_group(folder)
        process.kill()
        process.wait(20)

    def close(self) -> None:
        """End the machine and remove its network and cgroups."""
        self.cut_power()
        self._remove_network()
        for folder in self._cgroups():
            _remove_group(folder)

    def _answers(self) -> bool:
        """Tell whether ssh works now."""
        try:
            return self.attempt("true", seconds=10).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def _overlay(self) -> str:
        """Return the options of the overlay mount."""
        return f"lowerdir={':'.join(map(str, self._layers))},upperdir={self.disk},workdir={self._work}"

    def _personalise(self) -> None:
        """Give the disk an identity, and let root in with this machine's key and no password."""
        (self.disk / "etc").mkdir()
        (self.disk / "etc/machine-id").write_text(f"{uuid.uuid4().hex}\n", encoding="ascii")
        ssh = self.disk / "root/.ssh"
        ssh.mkdir(parents=True, mode=0o700)
        (self.disk / "root").chmod(0o700)
        keys = ssh / "authorized_keys"
        keys.write_bytes(self.key.with_suffix(".pub").read_bytes())
        keys.chmod(0o600)

    def _make_network(self) -> None:
        """Make both namespaces and the cable between them."""
        for space in (self.name, self.ward):
            tool("ip", "netns", "add", space)
            tool("ip", "-n", space, "link", "set", "lo", "up")
        tool("ip", "-n", self.ward, "link", "add", "cable", "type", "veth",
             "peer", "name", "host0", "netns", self.name)
        for space, end, address in ((self.ward, "cable", WARD_ADDRESS), (self.name, "host0", ADDRESS)):
            tool("ip", "-n", space, "addr", "add", f"{address}/24", "dev", end)
            tool("ip", "-n", space, "link", "set", end, "up")

    def _remove_network(self) -> None:
        """Remove the namespaces, also those that an earlier run may have left."""
        for space in (self.name, self.ward):
            tool("ip", "netns", "del", space, check=False)

    def _cgroups(self) -> list[Path]:
        """Return this machine's cgroups, made when missing: nspawn must not run in a root cgroup."""
        hybrid = [root for root in CGROUPS[:2] if (root / "cgroup.procs").exists()]
        groups = [root / self.name for root in hybrid or CGROUPS[2:]]
        for group in groups:
            group.mkdir(exist_ok=True)
        return groups


def _children(pid: int) -> list[int]:
    """Return the direct children of a process."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(word) for word in text.split()]


def _is_first(pid: int) -> bool:
    """Tell whether a process is PID 1 of a namespace of its own and has become systemd."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    ids = next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
    program = command.split(b"\0")[0].rpartition(b"/")[2]
    return len(ids) > 1 and ids[-1] == "1" and program in {b"systemd", b"init"}


def _kill_group(folder: Path) -> None:
    """Kill every process in a cgroup and those below it."""
    for listed in folder.rglob("cgroup.procs"):
        with contextlib.suppress(OSError):
            for pid in listed.read_text(encoding="ascii").split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)


def _remove_group(folder: Path) -> None:
    """Remove a cgroup and those below it, as soon as the kernel has buried their processes."""
    def gone() -> bool:
        """Try once."""
        _kill_group(folder)
        for below in sorted(folder.rglob("*/"), reverse=True):
            with contextlib.suppress(OSError):
                below.rmdir()
        with contextlib.suppress(OSError):
            folder.rmdir()
        return not folder.exists()

    wait_for(gone, BOOT_S, f"removal of {folder}")
