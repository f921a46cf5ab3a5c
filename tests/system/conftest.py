"""Whole machines for the system tests: a Debian, the unit that the playbook makes of it, and its broker."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest
import yaml
from support import timings
from support.clinic import Authority, Broker
from support.container import Container, tool
from support.controller import PROVISIONING, REPOSITORY, Controller, make_release
from support.debian_root import debian_root, new_run
from support.files import list_files
from support.unit import Unit

NEEDED = ("systemd-nspawn", "mmdebstrap", "linux.uml", "ssh", "ip", "mkfs.ext4", "mosquitto")
RELEASE = "system-1"
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "device", "drivers", "models", "systemd")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "training")
DEADLINE_S = 30
FOLDER = "TRANQUILLO_SYSTEM_FOLDER"
LOCK = pytest.StashKey[TextIO]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin the figures anew, and make the folder that the workers of this run share.

    It does not lie with pytest's own: those are cleaned by any other run of pytest on this machine.
    """
    config = session.config
    if config.getoption("--system") and not (hasattr(config, "workerinput") or config.option.collectonly):
        timings.forget()
        folder = new_run()
        os.environ[FOLDER] = str(folder)
        lock = config.stash[LOCK] = (folder / "lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove that folder; the workers have ended."""
    if lock := config.stash.get(LOCK, None):
        shutil.rmtree(os.environ[FOLDER], ignore_errors=True)
        lock.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    text = timings.table()
    if terminalreporter.config.getoption("--system") and text:
        terminalreporter.section("measured (out/system.json)")
        terminalreporter.write_line(text)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Add the unit's journal to a failure."""
    outcome = yield
    report = outcome.get_result()
    units = [one for one in getattr(item, "funcargs", {}).values() if isinstance(one, Unit)]
    for unit in units if report.failed else ():
        report.sections.append(("journal of the unit", unit.machine.journal()))


@pytest.fixture(scope="session", autouse=True)
def able() -> None:
    """Say at once what this machine lacks."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [name for name in NEEDED if shutil.which(name, path=path) is None]
    if os.geteuid() != 0 or missing:
        pytest.fail(f"the system tests need root and {', '.join(missing) or 'nothing more'}; "
                    "run `sudo make test-system`")


@pytest.fixture(scope="session")
def name(worker_id: str) -> str:
    """What this worker's machines are called."""
    return "tqsys" if worker_id == "master" else f"tqsys-{worker_id}"


@pytest.fixture(scope="session")
def common() -> Path:
    """A folder that all workers of this run share."""
    return Path(os.environ[FOLDER])


@pytest.fixture(scope="session")
def debian() -> Path:
    """The Debian of a blank machine, with the packages that the role would install from the network."""
    defaults = yaml.safe_load((PROVISIONING / "roles/tranquillo/defaults/main.yml").read_text())
    return debian_root((*defaults["tranquillo_packages"], "libsystemd0", "python3-venv"))


@pytest.fixture(scope="session")
def authority(common: Path) -> Authority:
    """The clinic's CA."""
    with locked(common / "authority.lock"):
        return Authority(common / "authority")


@pytest.fixture(scope="session")
def key(common: Path) -> Path:
    """IT's own key."""
    path = common / "it_key"
    with locked(common / "it_key.lock"):
        if not path.exists():
            tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path)
    return path


@pytest.fixture(scope="session")
def variables(authority: Authority, key: Path) -> dict[str, Any]:
    """What the inventory says of a unit with simulated hardware."""
    return {
        "tranquillo_unit_id": "ward-7",
        "tranquillo_admin_keys": [key.with_suffix(".pub").read_text().strip()],
        "tranquillo_full_scale_dba": 85.0,
        "tranquillo_apt": "none",
        "tranquillo_settings": {
            "sensors": {"adc": "sim:ads1115", "temperature": {"channel": 2}},
            "headset": {"port": "sim:cyton"}, "panel": {"pins": "sim:gpio"}, "player": {"backend": "file"},
            "telemetry": {"heartbeat_s": 2.0, "outcome_delay_min_s": 0.0, "outcome_delay_max_s": 0.0},
        },
        **authority.variables(),
    }


@pytest.fixture(scope="session")
def release(common: Path) -> Path:
    """A release of this repository."""
    done = common / "release.txt"
    with locked(common / "release.lock"):
        if not done.exists():
            done.write_text(str(make_release(REPOSITORY, RELEASE)))
    return Path(done.read_text())


@pytest.fixture(scope="session")
def provisioned(common: Path, debian: Path, name: str, key: Path, release: Path, variables: dict[str, Any]
                ) -> Path:
    """The disk of a blank machine after one run of the playbook, made by one worker for all."""
    folder, done = common / "provisioned", common / "provisioned.done"
    with locked(common / "provisioned.lock"):
        if not done.exists():
            folder.mkdir()
            try:
                _provision(Container(f"{name}-new", [debian], folder, key), folder, release, variables)
                done.write_text("")
            except BaseException:
                done.write_text(traceback.format_exc())
                raise
    if failure := done.read_text():
        pytest.fail(f"the machine could not be provisioned by another worker:\n{failure[-3000:]}")
    return folder


def _provision(machine: Container, folder: Path, release: Path, variables: dict[str, Any]) -> None:
    """Boot a blank Debian, list its files, run the playbook, shut down."""
    try:
        machine.boot()
        machine.answer()
        (folder / "files.txt").write_text("\n".join(sorted(list_files(machine))))
        controller = Controller(machine, folder, variables)
        played = controller.play("provision", tranquillo_release_file=str(release))
        assert not played.failed, f"{played.output}\n{machine.journal()}"
        timings.record("provision a blank machine, s", played.seconds)
        machine.power_off()
    finally:
        machine.close()


@pytest.fixture(scope="module")
def booted(common: Path, provisioned: Path, debian: Path, name: str, authority: Authority, key: Path
           ) -> Iterator[Callable[..., Unit]]:
    """Return a function that boots a provisioned unit and hears it; `link` down: without a network."""
    with contextlib.ExitStack() as stack:
        def boot(link: str = "up") -> Unit:
            """Boot one, with a broker in its ward."""
            folder = Path(tempfile.mkdtemp(prefix="unit-", dir=common))
            machine = Container(name, [provisioned / "disk", debian], folder, key)
            stack.callback(machine.close)
            broker = Broker(machine, authority, folder)
            stack.callback(broker.close)
            unit = Unit(machine, broker)
            stack.callback(unit.deafen)
            machine.link(link)
            machine.boot()
            unit.hear()
            if link == "up":
                machine.answer()
            return unit

        yield boot


@pytest.fixture(scope="module")
def unit(booted: Callable[..., Unit]) -> Unit:
    """A provisioned unit, freshly booted."""
    return booted()


@pytest.fixture(scope="module")
def make(common: Path) -> Callable[[str, Callable[[Path], None]], Path]:
    """Return a function that builds a release of changed sources."""
    def build(name: str, change: Callable[[Path], None]) -> Path:
        """Copy, change, build."""
        source = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=common))
        for part in SOURCES:
            origin = REPOSITORY / part
            if origin.is_dir():
                shutil.copytree(origin, source / part, ignore=LEFT_OUT)
            else:
                shutil.copy2(origin, source / part)
        change(source)
        return make_release(source, name)
    return build


@pytest.fixture(scope="module")
def controller(unit: Unit, variables: dict[str, Any], common: Path) -> Controller:
    """IT, whose patience with an update is short in a test."""
    more = {"tranquillo_health_deadline_s": DEADLINE_S, "tranquillo_settle_s": 3}
    return Controller(unit.machine, Path(tempfile.mkdtemp(prefix="it-", dir=common)), {**variables, **more})


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one worker in at a time."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
