"""Build the release that a unit installs without a network: every wheel, its SHA-256, the unit files.

One tar file holds a release for one Python version and one kind of machine:

    manifest.json      release, version, python, machine, Debian packages it needs
    requirements.txt   every package with version and SHA-256, for `pip --require-hashes`
    SHA256SUMS         every other file
    wheels/            the packages, pip among them
    systemd/, docs/    unit files and the pages for people, as in the repository

It is built for the interpreter and the machine that run this file. Packages without a wheel (spidev,
systemd-python; pyo on aarch64) are compiled, so a release for a Raspberry Pi is built on a Raspberry Pi with
the same Debian, or without them (`--from-debian`), when the unit takes them from Debian's own packages.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import click

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "device", "drivers", "models")
RELEASE_NAME = re.compile(r"^[0-9A-Za-z][0-9A-Za-z.-]{0,63}$")
DEBIAN_NAMES = {"spidev": "python3-spidev", "systemd-python": "python3-systemd", "pyo": "python3-pyo"}


class WheelhouseError(click.ClickException):
    """The release cannot be built; says what to do."""


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def wheel_identity(wheel: Path) -> tuple[str, str]:
    """Return name (normalised as in PEP 503) and version that a wheel's file name states."""
    name, version = wheel.name.split("-")[:2]
    return re.sub(r"[-_.]+", "-", name).lower(), version


def requirement_lines(wheels: Iterable[Path]) -> list[str]:
    """Return one `name==version --hash` line a wheel, in order of name."""
    lines = []
    for wheel in wheels:
        name, version = wheel_identity(wheel)
        lines.append(f"{name}=={version} --hash=sha256:{sha256(wheel)}")
    return sorted(lines)


def content_digest(wheel: Path, files: Iterable[tuple[str, bytes]]) -> str:
    """Return eight digits that change with what a wheel and some files hold, not with when it was built."""
    digest = hashlib.sha256()
    with zipfile.ZipFile(wheel) as archive:
        members = [(name, archive.read(name)) for name in sorted(archive.namelist())
                   if not name.endswith("/RECORD")]
    for name, data in (*members, *sorted(files)):
        digest.update(f"{name} {len(data)}\n".encode() + data)
    return digest.hexdigest()[:8]


def pip(*arguments: str) -> None:
    """Run this interpreter's pip; a failure ends the build with pip's own words above."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    if subprocess.run(command, check=False).returncode:
        raise WheelhouseError("pip failed, see above. Packages without a wheel need a compiler: on Debian "
                              "python3-dev gcc libc6-dev pkg-config libsystemd-dev")


def build_application(source: Path, folder: Path) -> Path:
    """Build the application's own wheel from a copy of the sources; return its path."""
    with tempfile.TemporaryDirectory() as copy:   # setuptools leaves a build/ that would go into the next
        for name in SOURCES:
            origin, target = source / name, Path(copy) / name
            if origin.is_dir():
                shutil.copytree(origin, target, ignore=shutil.ignore_patterns("__pycache__", "training"))
            else:
                shutil.copy2(origin, target)
        pip("wheel", "--no-deps", "--wheel-dir", str(folder), copy)
    return next(folder.glob("tranquillo-*.whl"))


def collect_wheels(application: Path, cache: Path, left_out: set[str]) -> list[Path]:
    """Return the wheels of the application's dependencies and of pip, downloaded or compiled into `cache`.

    Args:
        application: the application's wheel.
        cache: a folder where wheels stay between builds.
        left_out: normalised names that the unit takes from Debian instead.
    """
    cache.mkdir(parents=True, exist_ok=True)
    known = cache / f"{dependency_digest(application, left_out)}.txt"
    if known.exists():
        return [cache / name for name in known.read_text(encoding="ascii").split()]
    wanted = [str(application)]
    if left_out:
        wanted = ["--no-deps", *(line for line in resolve(application, cache)
                                 if re.sub(r"[-_.]+", "-", line.split("==")[0]).lower() not in left_out)]
    with tempfile.TemporaryDirectory() as folder:
        pip("wheel", "--find-links", str(cache), "--wheel-dir", folder, *wanted, "pip")
        found = []
        for wheel in sorted(Path(folder).glob("*.whl")):
            if wheel_identity(wheel)[0] == "tranquillo":
                continue
            kept = cache / wheel.name
            if not kept.exists():
                shutil.move(wheel, kept)
            found.append(kept)
    known.write_text("\n".join(path.name for path in found), encoding="ascii")
    return found


def dependency_digest(application: Path, left_out: set[str]) -> str:
    """Return digits that change with what the application's wheel depends on."""
    with zipfile.ZipFile(application) as archive:
        metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = [line for line in archive.read(metadata).decode().splitlines()
                 if line.startswith("Requires-Dist:") and "extra ==" not in line]
    return hashlib.sha256("\n".join([*sorted(lines), *sorted(left_out)]).encode()).hexdigest()[:16]


def resolve(application: Path, cache: Path) -> list[str]:
    """Return `name==version` of everything the application needs, without building it."""
    report = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--dry-run",
         "--ignore-installed", "--find-links", str(cache), "--report", "-", str(application)],
        check=False, capture_output=True, text=True)
    if report.returncode:
        raise WheelhouseError(f"pip cannot resolve the packages: {report.stderr.strip()}")
    found = json.loads(report.stdout)["install"]
    return [f"{item['metadata']['name']}=={item['metadata']['version']}" for item in found
            if item["metadata"]["name"] != "tranquillo"]


def needed_debian_packages(wheels: Iterable[Path]) -> list[str]:
    """Return the Debian packages whose libraries the wheels compiled here are linked with."""
    packages: set[str] = set()
    for wheel in wheels:
        if "-linux_" not in wheel.name:   # manylinux wheels bring their libraries
            continue
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)  # noqa: S202 - a wheel that was built here
            for library in Path(folder).rglob("*.so"):
                packages |= packages_of(library)
    return sorted(packages - {"libc6", "libgcc-s1"})


def packages_of(library: Path) -> set[str]:
    """Return the Debian packages that hold what a shared library is linked with."""
    linked = subprocess.run(["ldd", str(library)], check=True, capture_output=True, text=True).stdout
    found = set()
    for path in re.findall(r"=> (/\S+)", linked):
        for candidate in (path, str(Path(path).resolve()), path.removeprefix("/usr")):
            owner = subprocess.run(["dpkg-query", "-S", candidate], check=False, capture_output=True,
                                   text=True)
            if owner.returncode == 0:
                found.add(owner.stdout.split(":")[0])
                break
    return found


def pack(folder: Path, target: Path) -> None:
    """Write a folder as a tar file whose bytes depend on its contents only; replaces it in one step."""
    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        """Drop times and owners."""
        member.mtime, member.uid, member.gid, member.uname, member.gname = 0, 0, 0, "root", "root"
        member.mode = 0o755 if member.isdir() else 0o644
        return member

    partial = target.with_suffix(".partial")
    with tarfile.open(partial, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.add(path, str(path.relative_to(folder)), recursive=False, filter=plain)
    partial.replace(target)


def write_sums(folder: Path) -> None:
    """Write SHA256SUMS over every file of the folder, as `sha256sum --check` reads it."""
    lines = io.StringIO()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "SHA256SUMS":
            lines.write(f"{sha256(path)}  {path.relative_to(folder)}\n")
    (folder / "SHA256SUMS").write_text(lines.getvalue(), encoding="ascii")


def system_files(source: Path) -> list[tuple[str, bytes]]:
    """Return name below the repository and bytes of every file of systemd/ and of the pages for people."""
    paths = [*(source / "systemd").rglob("*"), *(source / "docs").glob("*.md")]
    return [(str(path.relative_to(source)), path.read_bytes()) for path in sorted(paths) if path.is_file()]


def build(source: Path, out: Path, name: str, from_debian: set[str]) -> Path:
    """Build the release of a source tree; return the tar file.

    Args:
        source: the repository.
        out: where the tar file and the cache of wheels go.
        name: the release's name; empty for the version and a digest of the contents.
        from_debian: normalised names of packages that the unit takes from Debian.
    """
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    target = f"cp{python.replace('.', '')}-{platform.machine()}"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "release"
        wheels = folder / "wheels"
        wheels.mkdir(parents=True)
        application = build_application(source, wheels)
        files = system_files(source)
        release = name or f"{wheel_identity(application)[1]}-{content_digest(application, files)}"
        if not RELEASE_NAME.match(release):
            raise WheelhouseError(f"{release!r} is no name of a release; letters, digits, '.' and '-' only")
        parts = collect_wheels(application, out / "wheels" / target, from_debian)
        for wheel in parts:
            shutil.copy2(wheel, wheels)
        for path, data in files:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        lines = requirement_lines(path for path in wheels.glob("*.whl") if not path.name.startswith("pip-"))
        (folder / "requirements.txt").write_text("\n".join(lines) + "\n", encoding="ascii")
        manifest = {
            "release": release, "version": wheel_identity(application)[1], "python": python,
            "machine": platform.machine(), "system_site_packages": bool(from_debian),
            "debian_packages": sorted({*needed_debian_packages(parts),
                                       *(DEBIAN_NAMES[part] for part in from_debian)}),
        }
        text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
        (folder / "manifest.json").write_text(text, encoding="ascii")
        write_sums(folder)
        tar = out / f"tranquillo-{release}-{target}.tar"
        pack(folder, tar)
    (out / f"{tar.name}.json").write_text(
        json.dumps({**manifest, "sha256": sha256(tar)}, indent=2, sort_keys=True) + "\n", encoding="ascii")
    latest = out / f"latest-{target}"
    latest.unlink(missing_ok=True)
    latest.symlink_to(tar.name)
    return tar


@click.command()
@click.option("--source", type=click.Path(path_type=Path, exists=True, file_okay=False), default=REPOSITORY,
              help="The repository [default: this one].")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("build/wheelhouse"),
              show_default=True, help="Where the release and the cache of wheels go.")
@click.option("--release", default="", metavar="NAME",
              help="Name of the release [default: version and a digest of the contents].")
@click.option("--from-debian", "from_debian", multiple=True, type=click.Choice(sorted(DEBIAN_NAMES)),
              help="Leave this package out: the unit takes Debian's.")
def main(source: Path, out: Path, release: str, from_debian: tuple[str, ...]) -> None:
    """Build a release for this interpreter and this kind of machine."""
    out.mkdir(parents=True, exist_ok=True)
    tar = build(source.resolve(), out.resolve(), release, set(from_debian))
    click.echo(f"{tar} ({tar.stat().st_size / 1e6:.0f} MB)")


if __name__ == "__main__":
    main()
