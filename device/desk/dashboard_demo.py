"""`make dashboard-demo`: the clinic's broker, simulated units and the page, to look at in a browser."""

from __future__ import annotations

import argparse
import functools
import http.server
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

import click

from device.desk.broker import free_port
from device.desk.clinic import SHIPPED, ClinicAuthority, ClinicBroker
from device.desk.fleet_crew import Crew
from device.desk.fleet_unit import Plan, Size

PASSWORDS = {"dashboard-fleet": "demo", "dashboard-outcomes": "demo"}
PLAN = Plan(minute_s=5.0, fault_share=0.01)  # so that something happens while one looks
HEARTBEAT_S = 5.0
MOST_UNITS = 500


class PageHandler(http.server.SimpleHTTPRequestHandler):
    """Serves the page and logs nothing."""

    def log_message(self, *words: object) -> None:
        """Say nothing: each file of the page would be a line."""
        del words


def serve_page(folder: Path, broker: str, port: int) -> http.server.ThreadingHTTPServer:
    """Install the page for a broker's address and serve it on the loopback; the caller shuts it down."""
    subprocess.run(["sh", SHIPPED / "dashboard" / "install.sh", folder, broker], check=True)  # noqa: S603, S607
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", port), functools.partial(PageHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, name="page", daemon=True).start()
    return server


def show(folder: Path, units: int, port: int, stop: threading.Event) -> None:
    """Run until told to stop; everything it starts has ended when it returns."""
    authority = ClinicAuthority(folder / "ca")
    plain = free_port()  # a browser would not trust the authority of this run, so the page's way is plain
    etc = folder / "broker" / "etc"
    broker = ClinicBroker(folder / "broker", authority, PASSWORDS, lines=(
        f"listener {plain} 127.0.0.1", "protocol websockets", "allow_anonymous false",
        f"password_file {etc / 'dashboard.passwords'}", f"acl_file {etc / 'dashboard.acl'}"))
    broker.start()
    crew = Crew(folder, authority, broker.ports["units"],
                Size(units=units, processes=1, heartbeat_s=HEARTBEAT_S), PLAN)
    server = serve_page(folder / "page", f"ws://localhost:{plain}", port)
    try:
        crew.start()
        click.echo(f"Open http://localhost:{server.server_port}/ as dashboard-fleet, password demo.")
        click.echo(f"{units} simulated units; a minute of theirs takes {PLAN.minute_s:g} s. Ctrl-C ends it.")
        stop.wait()
    finally:
        crew.end()
        server.shutdown()
        server.server_close()
        broker.stop()


def main() -> None:
    """Read the options and show it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=40)
    parser.add_argument("--port", type=int, default=8090, help="of the page; 0 for any")
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with tempfile.TemporaryDirectory(prefix="tq-demo-") as folder:
        show(Path(folder), min(options.units, MOST_UNITS), options.port, stop)


if __name__ == "__main__":
    main()
