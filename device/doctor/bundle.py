"""A file for whoever helps from outside: what the unit says of itself, without what must not leave."""

from __future__ import annotations

import importlib.metadata
import io
import json
import os
import platform
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import msgspec

from device.doctor.journal import journal_words
from device.doctor.masked import masked
from device.doctor.redact import Redactor
from device.doctor.result import Report
from device.doctor.scene import Scene
from device.doctor.services import expected
from device.doctor.status import CURRENT, Status

JOURNAL_S, JOURNAL_LINES, JOURNAL_SINCE = 10.0, 5000, "-7days"
ASK_S = 5.0
PRIVATE_MODE = 0o600
PACKAGES = ("tranquillo", "numpy", "pyzmq", "msgspec", "paho-mqtt", "pyo", "tflite-runtime", "ai-edge-litert",
            "gpiozero", "lgpio", "adafruit-lgpio", "spidev", "pyserial", "systemd-python",
            "adafruit-circuitpython-ads1x15", "adafruit-blinka", "gpiod", "click")
README = """Support bundle of a Tranquillo unit.

doctor.json         tranquillo doctor --json
status.json         tranquillo status --json
configuration.json  tranquillo config show, with what names the clinic masked as well
units.txt           systemctl show of the units
journal.txt         the units' log of the last seven days, at most 5000 lines
versions.json       of Python, packages, kernel and board
releases.txt        the releases on the unit; -> is the active one

Taken out: keys and certificates, passwords, names of networks, hosts and people, addresses, serials, long
random ids. Nothing here was measured on a patient. Look through it before you send it.
"""


def contents(scene: Scene, report: Report, status: Status, redactor: Redactor) -> dict[str, str]:
    """Return the files of the bundle by name, all redacted."""
    documents = {
        "doctor.json": msgspec.to_builtins(report),
        "status.json": msgspec.to_builtins(status),
        "configuration.json": masked(scene.settings, for_outside=True),
        "versions.json": versions(scene),
    }
    texts = {"units.txt": _units(scene), "journal.txt": _journal(scene), "releases.txt": _releases(scene)}
    return {
        "README.txt": README,
        **{name: _json(redactor.tree(value)) for name, value in documents.items()},
        **{name: redactor.text(text) for name, text in texts.items()},
    }


def write_bundle(path: Path, files: dict[str, str]) -> None:
    """Write a compressed archive that only its owner may read.

    Raises:
        FileExistsError: there is such a file already.
        OSError: it cannot be written.
    """
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
    with os.fdopen(number, "wb") as raw, tarfile.open(fileobj=raw, mode="w:gz") as archive:
        for name, text in files.items():
            content = text.encode()
            entry = tarfile.TarInfo(f"tranquillo-support/{name}")
            entry.size, entry.mode, entry.mtime = len(content), PRIVATE_MODE, int(time.time())
            archive.addfile(entry, io.BytesIO(content))


def versions(scene: Scene) -> dict[str, Any]:
    """Return the versions that matter: board, system, kernel, Python, packages."""
    system = dict(line.split("=", 1) for line in (scene.text("/etc/os-release") or "").splitlines()
                  if "=" in line)
    return {
        "board": scene.text("/proc/device-tree/model") or "unknown",
        "system": system.get("PRETTY_NAME", "unknown").strip('"'),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": sys.version.split()[0],
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
    }


def _version(package: str) -> str | None:
    """Return a package's version, None where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _json(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    """Return readable JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _units(scene: Scene) -> str:
    """Return systemd's word on the target and the services."""
    names = [f"tranquillo-{name}.service" for name in expected(scene.settings)]
    properties = ("Id,LoadState,ActiveState,SubState,Result,NRestarts,ExecMainStatus,UnitFileState,"
                  "MemoryCurrent,CPUUsageNSec,ActiveEnterTimestampMonotonic")
    answer = scene.ask(("systemctl", "show", "tranquillo.target", *names, f"--property={properties}"), ASK_S)
    return "systemd does not run this machine\n" if answer is None or not scene.units else answer.text


def _journal(scene: Scene) -> str:
    """Return the services' log."""
    answer = scene.ask(journal_words("", since=JOURNAL_SINCE, lines=JOURNAL_LINES), JOURNAL_S)
    return "there is no journal\n" if answer is None or answer.code != 0 else answer.text


def _releases(scene: Scene) -> str:
    """Return the folders of the releases, the active one marked."""
    current = scene.path(CURRENT)
    folder = current.parent / "releases"
    active = current.resolve().name if current.is_symlink() else ""
    names = sorted(place.name for place in folder.iterdir()) if folder.is_dir() else []
    return "".join(f"{'->' if name == active else '  '} {name}\n" for name in names) or "no releases\n"
