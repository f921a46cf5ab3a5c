"""Unpack a release, compare it with its sums, and build its Python environment beside the others."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

from store import NAME, Releases
from system import Refused, run, write

INSTALL_S = 1800.0
NOT_COMPILED = r"/(scipy|tests?|testing|f2py|examples|distutils)/"  # no service imports these


def verify(folder: Path) -> None:
    """Compare every file of an unpacked release with SHA256SUMS.

    Raises:
        Refused: a file differs, is missing, or is not listed.
    """
    listed = {}
    for line in (folder / "SHA256SUMS").read_text(encoding="ascii").splitlines():
        digest, _, name = line.partition("  ")
        listed[name] = digest
    present = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"SHA256SUMS"}
    if odd := present.symmetric_difference(listed):
        raise Refused(f"the release is not what SHA256SUMS lists: {', '.join(sorted(odd)[:5])}; copy it "
                      "again")
    for name, digest in listed.items():
        with (folder / name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise Refused(f"{name} is damaged (SHA-256 differs); copy the release again")


def check_target(manifest: dict[str, Any]) -> None:
    """Refuse a release that was built for another Python or another machine."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}", platform.machine()
    built = manifest["python"], manifest["machine"]
    if here != built:
        raise Refused(f"the release is for Python {built[0]} on {built[1]}, this unit has Python {here[0]} "
                      f"on {here[1]}; build it on such a machine (make wheelhouse)")


def unpack(tar: Path, sha256: str, folder: Path) -> dict[str, Any]:
    """Unpack a release into an empty folder, verify it and return its manifest.

    Raises:
        Refused: it is not the file that was meant, is damaged, or is for another machine.
    """
    with tar.open("rb") as file:
        if sha256 and hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise Refused(f"{tar}: SHA-256 is not {sha256}; copy the release again")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with tarfile.open(tar) as archive:
            # Debian 12's Python (3.11.2) knows no filter yet; the sum above says that the file is ours.
            safe: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            archive.extractall(folder, **safe)  # noqa: S202
        verify(folder)
        manifest = json.loads((folder / "manifest.json").read_text(encoding="ascii"))
    except (OSError, ValueError, tarfile.TarError) as error:
        raise Refused(f"{tar}: cannot be unpacked ({error}); copy the release again") from error
    if not NAME.match(manifest["release"]):
        raise Refused(f"{manifest['release']!r} is no name of a release")
    check_target(manifest)
    return dict(manifest)


def install(releases: Releases, tar: Path, sha256: str) -> str:
    """Install a release beside the others; it is complete when its manifest.json is there, written last.

    Returns:
        What was done.
    """
    scratch = releases.root / "incoming" / "unpacked"
    manifest = unpack(tar, sha256, scratch)
    name = manifest["release"]
    folder = releases.folder / name
    try:
        if (folder / "manifest.json").is_file():
            same = (folder / "SHA256SUMS").read_bytes() == (scratch / "SHA256SUMS").read_bytes()
            if not same:
                raise Refused(f"a different release is already called {name}; give the new one another name")
            return ""
        shutil.rmtree(folder, ignore_errors=True)  # left by a power cut
        folder.mkdir(parents=True)
        build_environment(folder / "venv", scratch, manifest)
        for part in ("systemd", "docs"):
            if (scratch / part).is_dir():
                shutil.copytree(scratch / part, folder / part)
        shutil.copy2(scratch / "SHA256SUMS", folder)
        os.sync()
        write(folder / "manifest.json", (json.dumps(manifest, indent=2, sort_keys=True) + "\n").encode())
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return f"release {name} installed"


def build_environment(venv: Path, scratch: Path, manifest: dict[str, Any]) -> None:
    """Make the release's Python environment from its own wheels only, each checked by its SHA-256."""
    site = ["--system-site-packages"] if manifest["system_site_packages"] else []
    run(sys.executable, "-m", "venv", "--without-pip", *site, venv)
    pip = next((scratch / "wheels").glob("pip-*.whl"))
    run(venv / "bin" / "python", pip / "pip", "install", "--quiet", "--disable-pip-version-check",
        "--root-user-action=ignore", "--no-cache-dir", "--no-compile", "--no-index", "--no-deps",
        "--require-hashes", "--find-links", scratch / "wheels",
        "--requirement", scratch / "requirements.txt", seconds=INSTALL_S)
    run(venv / "bin" / "python", "-m", "compileall", "-q", "-j", "0", "-x", NOT_COMPILED, venv / "lib",
        seconds=INSTALL_S, check=False)  # what does not compile is not of this Python, and is not imported
    run(venv / "bin" / "tranquillo", "--version")
