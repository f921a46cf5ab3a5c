"""The demonstration serves the page beside a broker with simulated units, and leaves nothing running."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def test_dashboard_demo_serves_the_page_until_it_is_stopped():
    process = subprocess.Popen(
        [sys.executable, "-m", "device.desk.dashboard_demo", "--units", "2", "--port", "0"],
        cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    try:
        address = re.search(r"http://localhost:\d+/", process.stdout.readline()).group(0)
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - our own page
            page = answer.read().decode()
        broker = re.search(r'name="tranquillo-broker" content="(ws://localhost:\d+)"', page).group(1)
        assert f"connect-src {broker};" in page
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0
