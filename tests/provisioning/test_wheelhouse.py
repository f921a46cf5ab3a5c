"""A release: what it holds, that damage is found, and that it installs without a network."""

from __future__ import annotations

import importlib.util
import json
import platform
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import device
from device.config import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
APPLICATION = {
    "device/__init__.py": "",
    "device/cli.py": "def main():\n    print('tranquillo 9.0')\n\nif __name__ == '__main__':\n    main()\n",
    "tranquillo-9.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tranquillo\nVersion: 9.0\n",
    "tranquillo-9.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "tranquillo-9.0.dist-info/entry_points.txt": "[console_scripts]\ntranquillo = device.cli:main\n",
}


def load_wheelhouse():
    """Import provisioning/wheelhouse.py, which is no package."""
    spec = importlib.util.spec_from_file_location("wheelhouse", REPOSITORY / "provisioning/wheelhouse.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


wheelhouse = load_wheelhouse()


def bundled_pip() -> Path:
    """Return the wheel of pip that Python itself brings."""
    import ensurepip

    return next((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A small application as a wheel."""
    path = tmp_path / "wheels" / "tranquillo-9.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in APPLICATION.items():
            archive.writestr(name, text)
        archive.writestr("tranquillo-9.0.dist-info/RECORD", "".join(f"{name},,\n" for name in APPLICATION))
    return path


@pytest.fixture
def folder(tmp_path: Path, wheel: Path) -> Path:
    """A release of that wheel, not packed yet."""
    folder = tmp_path / "release"
    (folder / "wheels").mkdir(parents=True)
    for one in (wheel, bundled_pip()):
        (folder / "wheels" / one.name).write_bytes(one.read_bytes())
    (folder / "systemd").mkdir()
    (folder / "systemd/tranquillo.target").write_text("[Unit]\n")
    (folder / "requirements.txt").write_text("\n".join(wheelhouse.requirement_lines([wheel])) + "\n")
    (folder / "manifest.json").write_text(json.dumps({
        "release": "9.0", "version": "9.0", "python": PYTHON, "machine": platform.machine(),
        "system_site_packages": False, "debian_packages": []}))
    wheelhouse.write_sums(folder)
    return folder


@pytest.fixture
def tar(tmp_path: Path, folder: Path) -> Path:
    """The release as it travels."""
    wheelhouse.pack(folder, tmp_path / "release.tar")
    return tmp_path / "release.tar"


def test_release_installs_without_a_network_and_only_once(unit, tar):
    (unit.root / "releases/9.0/venv").mkdir(parents=True)  # left by a pulled plug: no release yet
    answer = unit.tool("install", str(tar), "--sha256", wheelhouse.sha256(tar))
    assert answer.said == {"changed": True, "message": "release 9.0 installed"}
    release = unit.root / "releases/9.0"
    said = subprocess.run([release / "venv/bin/tranquillo"], capture_output=True, text=True, check=True)
    assert said.stdout == "tranquillo 9.0\n"
    assert (release / "systemd/tranquillo.target").is_file()
    assert not (unit.root / "incoming/unpacked").exists()
    assert unit.tool("install", str(tar)).said["changed"] is False


def test_other_file_than_meant_is_refused(unit, tar):
    answer = unit.tool("install", str(tar), "--sha256", "0" * 64)
    assert answer.code == 1
    assert "SHA-256 is not" in answer.said["message"]
    assert "9.0" not in unit.tool("list").said["releases"]


@pytest.mark.parametrize(("damage", "words"), [
    (lambda folder: (folder / "systemd/tranquillo.target").write_text("#"), "tranquillo.target is damaged"),
    (lambda folder: (folder / "systemd/tranquillo.target").unlink(), "tranquillo.target"),
    (lambda folder: (folder / "systemd/more.service").touch(), "more.service"),
])
def test_damaged_release_is_refused(unit, folder, tmp_path, damage, words):
    damage(folder)
    wheelhouse.pack(folder, tmp_path / "release.tar")
    answer = unit.tool("install", str(tmp_path / "release.tar"))
    assert answer.code == 1
    assert words in answer.said["message"]
    assert "copy" in answer.said["message"]


def test_release_for_another_python_is_refused(unit, folder, tmp_path):
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "python": "3.9"}))
    wheelhouse.write_sums(folder)
    wheelhouse.pack(folder, tmp_path / "release.tar")
    answer = unit.tool("install", str(tmp_path / "release.tar"))
    assert answer.code == 1
    assert f"is for Python 3.9 on {platform.machine()}, this unit has" in answer.said["message"]


def test_same_contents_give_the_same_bytes(folder, tmp_path):
    wheelhouse.pack(folder, tmp_path / "one.tar")
    (folder / "requirements.txt").touch()
    wheelhouse.pack(folder, tmp_path / "two.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as archive:
        assert {member.uid for member in archive} == {0}


def test_release_name_changes_with_the_contents_only(wheel):
    first = wheelhouse.content_digest(wheel, [("systemd/a.service", b"1")])
    assert wheelhouse.content_digest(wheel, [("systemd/a.service", b"1")]) == first
    assert wheelhouse.content_digest(wheel, [("systemd/a.service", b"2")]) != first
    assert len(first) == 8


def test_application_wheel_carries_the_models():
    """What `models_dir` names by default lies beside the package, wherever it is installed."""
    settings = Settings(unit_id="a")
    needed = {settings.estimator.stress_model, settings.estimator.eeg_model, settings.program.melody_model,
              "melody/known_runs.npy", "melody/card.json", "stress/card.json", "stress/eeg/card.json"}
    setuptools = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["setuptools"]
    carried = {path for package, patterns in setuptools["package-data"].items() for pattern in patterns
               for path in (REPOSITORY / package.replace(".", "/")).glob(pattern)}
    assert {REPOSITORY / "models" / name for name in needed} <= carried
    included = setuptools["packages"]["find"]["include"]
    assert {"models", "models.melody", "models.stress", "models.stress.eeg"} <= set(included)
    assert Path(settings.models_dir).parent == Path(device.__file__).parent.parent


def test_wheels_that_were_compiled_name_their_debian_packages(tmp_path):
    import _ctypes

    native = tmp_path / "thing-1.0-cp311-cp311-linux_x86_64.whl"
    with zipfile.ZipFile(native, "w") as archive:
        archive.write(getattr(_ctypes, "__file__", sys.executable), "thing.so")
    found = wheelhouse.needed_debian_packages([native, tmp_path / "other-1.0-manylinux_2_28_x86_64.whl"])
    assert all(name.startswith("lib") for name in found)
    assert "libc6" not in found
