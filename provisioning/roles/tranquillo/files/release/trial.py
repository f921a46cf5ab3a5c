"""Put a release in force on trial, and go back when the unit does not become healthy."""

from __future__ import annotations

import argparse
import contextlib
import grp
import json
from pathlib import Path

from health import expected_units, failed_checks, session_runs, unit_states, wait_until_healthy
from store import Releases
from system import Busy, Refused, point, remove, run, write
from units import link_units, restart


def check_configuration(release: Path, file: Path) -> None:
    """Have a release judge a configuration.

    Raises:
        Refused: it would not start with it; carries the release's own words.
    """
    run(release / "venv" / "bin" / "tranquillo", "config", "check", "--config", file)


def group_id() -> int:
    """Return the id of the services' group; root's where there is none."""
    try:
        return grp.getgrnam("tranquillo").gr_gid
    except KeyError:
        return 0


def activate(releases: Releases, name: str, file: Path, options: argparse.Namespace) -> str:
    """Put a release with a configuration in force; go back by itself when the unit does not become healthy.

    Returns:
        What was done; empty when nothing had to be.

    Raises:
        Refused: the configuration is refused, or the unit went back; the former release runs as before.
        Busy: a session plays.
    """
    release, current = releases.path(name), releases.linked("current")
    data, own = file.read_bytes(), releases.configuration(name)
    check_configuration(release, file)
    same = current == name and own.is_file() and own.read_bytes() == data and not releases.trial()
    if same and not link_units(releases, name) and set(unit_states(expected_units()).values()) == {"active"}:
        return ""
    if not options.force and session_runs(releases):
        raise Busy("a session plays; try again after it, or say --force (the music ends)")
    before = set(failed_checks(releases)) if current else set()
    kept = own.with_name("tranquillo.toml.former")
    if current == name and not same:
        write(kept, own.read_bytes(), 0o640, group_id())
    write(releases.pending, json.dumps({"former": current, "release": name,
                                        "configuration": current == name and not same}).encode())
    write(own, data, 0o640, group_id())
    releases.switch(name)
    trouble = start_and_judge(releases, name, options, before if current else None)
    if trouble:
        raise Refused(go_back(releases, options, trouble))
    if current and current != name:
        point(releases.root / "former", f"releases/{current}")
    remove(releases.pending)
    return f"release {name} in force"


def start_and_judge(releases: Releases, name: str, options: argparse.Namespace, before: set[str] | None
                    ) -> str:
    """Start what is in force and return what is wrong with it; `before` None: the doctor is not asked.

    On the first installation the electrodes may lie in a drawer and the broker may not know the unit yet, so
    the services alone are judged.
    """
    try:
        link_units(releases, name)
        restart()
    except Refused as refused:
        return str(refused)
    if before is None:
        before = set(failed_checks(releases))
    return wait_until_healthy(releases, options.deadline, options.settle, before)


def go_back(releases: Releases, options: argparse.Namespace, trouble: str) -> str:
    """Restore release and configuration as `pending` remembers them, and start them; return what happened."""
    former = undo(releases)
    if not former:
        remove(releases.pending)
        return f"{trouble}. There is no former release to go back to; see journalctl -u 'tranquillo-*'"
    again = start_and_judge(releases, former, options, None)
    remove(releases.pending)
    state = f"it runs again: {former}" if not again else f"it does not start either ({again}): {former}"
    return f"{trouble}. Went back to the former release and configuration, {state}"


def undo(releases: Releases) -> str:
    """Put the former release and configuration in place without starting them; return its name or nothing."""
    trial = releases.trial() or {}
    former = str(trial.get("former", ""))
    if not former:
        return ""
    kept = releases.configuration(former).with_name("tranquillo.toml.former")
    if trial.get("configuration") and kept.is_file():
        write(releases.configuration(former), kept.read_bytes(), 0o640, group_id())
    releases.switch(former)
    return former


def recover(releases: Releases) -> str:
    """At start: if the plug was pulled during a trial, go back before the services start."""
    if releases.trial() is None:
        return ""
    former = undo(releases)
    if former:
        with contextlib.suppress(Refused):
            link_units(releases, former)
            run("systemctl", "daemon-reload")
    remove(releases.pending)
    return f"the power failed during an update: back to {former}" if former else ""


def rollback(releases: Releases, name: str, options: argparse.Namespace) -> str:
    """Go back to the release before, or to a named one, with the configuration it ran with."""
    name = name or releases.linked("former")
    if not name:
        raise Refused("there is no former release on this unit; name one that is (tranquillo-release list)")
    own = releases.path(name) / "tranquillo.toml"
    if not own.is_file():
        raise Refused(f"{name} has never run on this unit; use the update playbook")
    return activate(releases, name, own, options)
