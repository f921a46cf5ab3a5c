"""Install, activate, roll back and remove releases on a unit; needs nothing but Debian's Python.

Each release is a folder of its own under /opt/tranquillo/releases with its packages, its unit files and the
configuration it runs with. The link `current` names the one in force; replacing that link is the only
step that changes anything, so a pulled plug leaves the former or the new one, whole. What is under trial is
written in `pending` first: if the plug is pulled before the unit was found healthy, the next start goes back.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from health import session_runs
from install import install
from store import Releases, prune
from system import Busy, Refused
from trial import activate, check_configuration, recover, rollback

ROOT = Path("/opt/tranquillo")
UNITS = Path("/etc/systemd/system")


def describe(releases: Releases) -> dict[str, Any]:
    """Return what is on this unit."""
    return {"current": releases.linked("current"), "former": releases.linked("former"),
            "pending": releases.trial() is not None, "releases": releases.names()}


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    line = argparse.ArgumentParser(prog="tranquillo-release", description=__doc__.splitlines()[0])
    line.add_argument("--root", type=Path, default=ROOT)
    line.add_argument("--units", type=Path, default=UNITS)
    commands = line.add_subparsers(dest="command", required=True)
    one = commands.add_parser("install", help="install a release beside the others")
    one.add_argument("tar", type=Path)
    one.add_argument("--sha256", default="", help="refuse another file than this")
    one = commands.add_parser("check", help="have a release judge a configuration")
    one.add_argument("release")
    one.add_argument("file", type=Path)
    for word, text in (("activate", "put a release in force"), ("rollback", "put the one before in force")):
        one = commands.add_parser(word, help=text)
        one.add_argument("release", nargs="?" if word == "rollback" else None, default="")
        if word == "activate":
            one.add_argument("file", type=Path, help="the configuration")
        one.add_argument("--deadline", type=float, default=120.0, metavar="S", help="for becoming healthy")
        one.add_argument("--settle", type=float, default=5.0, metavar="S", help="all services up for so long")
        one.add_argument("--force", action="store_true", help="even while a session plays")
    one = commands.add_parser("prune", help="remove old releases")
    one.add_argument("--keep", type=int, default=3)
    commands.add_parser("recover", help="at start: end a trial that a power cut interrupted")
    commands.add_parser("playing", help="exit 75 while a session plays")
    commands.add_parser("list", help="what is on this unit, as JSON")
    return line


def refuse_while_playing(releases: Releases) -> str:
    """Tell by the exit code whether a patient listens."""
    if session_runs(releases):
        raise Busy("a session plays")
    return ""


def check(releases: Releases, options: argparse.Namespace) -> str:
    """Have a release judge a configuration."""
    check_configuration(releases.path(options.release), options.file)
    return ""


COMMANDS: dict[str, Callable[[Releases, argparse.Namespace], str]] = {
    "install": lambda releases, options: install(releases, options.tar, options.sha256),
    "check": check,
    "activate": lambda releases, options: activate(releases, options.release, options.file, options),
    "rollback": lambda releases, options: rollback(releases, options.release, options),
    "prune": lambda releases, options: prune(releases, options.keep),
    "recover": lambda releases, _: recover(releases),
    "playing": lambda releases, _: refuse_while_playing(releases),
}


def main() -> int:
    """Run; print one line of JSON: `changed`, `message`."""
    options = parser().parse_args()
    releases = Releases(options.root, options.units)
    if options.command == "list":
        answer, code = describe(releases), 0
    else:
        try:
            with releases.locked():
                done = COMMANDS[options.command](releases, options)
            answer, code = {"changed": bool(done), "message": done or "nothing to do"}, 0
        except Refused as refused:
            answer, code = {"changed": False, "message": str(refused)}, refused.exit_code
    sys.stdout.write(json.dumps(answer) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
