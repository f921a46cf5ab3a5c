"""What runs on the unit: a session, the services, what the doctor finds."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

from store import Releases
from system import Refused, run

TARGET = "tranquillo.target"
POLL_S, DOCTOR_S = 1.0, 60.0


def command(releases: Releases) -> Path:
    """Return the `tranquillo` command of the release in force."""
    return releases.root / "current" / "venv" / "bin" / "tranquillo"


def ask(releases: Releases, *words: str) -> dict[str, Any]:
    """Return the JSON that the command in force prints; empty when it cannot be had."""
    try:
        said = json.loads(run(command(releases), *words, seconds=DOCTOR_S, check=False).stdout)
    except (OSError, ValueError, Refused):
        return {}
    return said if isinstance(said, dict) else {}


def session_runs(releases: Releases) -> bool:
    """Tell whether the unit plays for a patient now; a unit that cannot say does not."""
    if not releases.linked("current") or unit_states([TARGET]) != {TARGET: "active"}:
        return False
    return ask(releases, "status", "--json").get("phase") in {"running", "ending", "muted"}


def unit_states(units: list[str]) -> dict[str, str]:
    """Return systemd's ActiveState by unit."""
    said = run("systemctl", "show", "--property=Id,ActiveState", *units, check=False).stdout
    found = re.findall(r"^(Id|ActiveState)=(.*)$", said, flags=re.MULTILINE)
    words = [value for _, value in found]
    pairs = zip(words[::2], words[1::2], strict=False) if found and found[0][0] == "Id" else ()
    return dict(pairs)


def expected_units() -> list[str]:
    """Return the target and the services that it wants on this unit."""
    said = run("systemctl", "show", "--property=Wants", "--value", TARGET, check=False).stdout
    return [TARGET, *sorted(unit for unit in said.split() if unit.startswith("tranquillo-"))]


def failed_checks(releases: Releases) -> dict[str, str]:
    """Return what the doctor finds failed: name of the check, and what it says."""
    results = ask(releases, "doctor", "--json").get("results", [])
    return {one["name"]: f"{one.get('says', '')}; {one.get('advice', '')}" for one in results
            if one.get("outcome") == "failed"}


def wait_until_healthy(releases: Releases, deadline_s: float, settle_s: float, before: set[str]) -> str:
    """Wait until every service has been up for a while and the doctor finds nothing that is new.

    Args:
        releases: the release in force is judged.
        deadline_s: from now.
        settle_s: how long all services must have been active without a gap.
        before: names of checks that had failed under the former release already.

    Returns:
        Empty when healthy in time, otherwise what was wrong last.
    """
    end_s = time.monotonic() + deadline_s
    since_s, trouble = None, "did not start"
    while (now_s := time.monotonic()) < end_s:
        states = unit_states(expected_units())
        down = {unit: state for unit, state in states.items() if state != "active"}
        if down:
            since_s, trouble = None, ", ".join(f"{unit} is {state}" for unit, state in sorted(down.items()))
        else:
            since_s = now_s if since_s is None else since_s
            if now_s - since_s >= settle_s:
                new = {name: says for name, says in failed_checks(releases).items() if name not in before}
                if not new:
                    return ""
                trouble = ", ".join(f"{name}: {says}" for name, says in sorted(new.items()))
        time.sleep(min(POLL_S, max(0.0, end_s - time.monotonic())))
    return f"not healthy within {deadline_s:g} s: {trouble}"
