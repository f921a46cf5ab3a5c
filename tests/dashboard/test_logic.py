"""The page's own tests, by Node's test runner, and what is served with the page."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "provisioning" / "dashboard"


def test_dashboard_logic_passes_its_own_tests():
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed: apt-get install nodejs, as `make test` does")
    files = sorted(map(str, (REPOSITORY / "tests" / "dashboard").glob("*.test.mjs")))
    done = subprocess.run([node, "--test", *files], capture_output=True, text=True, check=False, timeout=60,
                          cwd=REPOSITORY)
    assert done.returncode == 0, done.stdout
    assert "# fail 0" in done.stdout
    assert int(re.search(r"# pass (\d+)", done.stdout).group(1)) >= 21


def test_dashboard_library_is_the_one_its_note_names():
    note = (PAGE / "vendor" / "README.md").read_text(encoding="utf-8")
    digest = hashlib.sha256((PAGE / "vendor" / "mqtt.js").read_bytes()).hexdigest()
    assert digest in note
    assert "MIT" in (PAGE / "vendor" / "LICENSE-mqtt.md").read_text(encoding="utf-8")


def test_dashboard_names_no_other_server():
    for path in [*PAGE.glob("*.js"), *PAGE.glob("*.css"), PAGE / "index.html"]:
        found = set(re.findall(r"https?://[^\s\"'<>]+", path.read_text(encoding="utf-8")))
        assert found <= {"http://www.w3.org/2000/svg"}, path


@pytest.mark.parametrize(("broker", "origin"), [
    ("", "'self'"), ("wss://broker.clinic.example:8084", "wss://broker.clinic.example:8084"),
    ("wss://broker.clinic.example:8084/mqtt", "wss://broker.clinic.example:8084"),
    ("ws://localhost:9001", "ws://localhost:9001")])
def test_dashboard_install_stamps_the_broker_into_page_and_policy(tmp_path, broker, origin):
    install(tmp_path, broker)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert f"connect-src {origin};" in page
    assert f'name="tranquillo-broker" content="{broker}"' in page
    assert {path.name for path in PAGE.glob("*.js")} <= {path.name for path in tmp_path.iterdir()}
    assert not (tmp_path / "package.json").exists()


@pytest.mark.parametrize("broker", [
    "ws://broker.clinic.example:8084", "http://x", 'wss://x"><script>', "wss://a b", "wss://x;script-src *"])
def test_dashboard_install_refuses_what_is_not_secure_or_no_address(tmp_path, broker):
    with pytest.raises(subprocess.CalledProcessError):
        install(tmp_path, broker)
    assert not (tmp_path / "index.html").exists()


def install(folder: Path, broker: str) -> None:
    subprocess.run(["sh", str(PAGE / "install.sh"), str(folder), broker], check=True, timeout=30)
