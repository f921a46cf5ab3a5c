"""The unit files of the release in force, as systemd sees them."""

from __future__ import annotations

import tomllib
from pathlib import Path

from health import TARGET, expected_units
from store import Releases
from system import point, run

SIMULATOR = "tranquillo-simulator.service"
UNIT_KINDS = (".service", ".target", ".socket", ".timer", ".path", ".slice")


def is_simulated(file: Path) -> bool:
    """Tell whether a configuration has simulated parts, which need the simulator's service."""
    with file.open("rb") as opened:
        raw = tomllib.load(opened)
    parts = (("sensors", "adc"), ("headset", "port"), ("panel", "pins"))
    return any(str(raw.get(table, {}).get(key)).startswith("sim:") for table, key in parts)


def link_units(releases: Releases, name: str) -> bool:
    """Let systemd see the unit files of the release in force, through `current`; tell what changed."""
    wanted = wanted_links(releases, name)
    changed = False
    for link in [*releases.units.glob("tranquillo*"), *releases.units.glob("tranquillo*.d/*")]:
        if link.is_symlink() and str(link.readlink()).startswith(f"{releases.root}/") and link not in wanted:
            run("systemctl", "stop", link.name, check=False)
            run("systemctl", "disable", link.name, check=False)
            link.unlink(missing_ok=True)
            changed = True
    for link, target in wanted.items():
        if not link.is_symlink() or str(link.readlink()) != target:
            link.parent.mkdir(exist_ok=True)
            point(link, target)
            changed = True
    if changed:
        run("systemctl", "daemon-reload")
        simulated = [SIMULATOR] if releases.units / SIMULATOR in wanted else []
        run("systemctl", "enable", TARGET, *simulated)
    return changed


def wanted_links(releases: Releases, name: str) -> dict[Path, str]:
    """Return which links below /etc/systemd/system a release needs, and what they name.

    Unit files lie in its systemd/, drop-ins in folders below it; the simulator's only where parts are
    simulated.
    """
    source = releases.folder / name / "systemd"
    found = [*(path for path in source.glob("tranquillo*") if path.suffix in UNIT_KINDS),
             *source.glob("tranquillo*.d/*.conf")]
    if not is_simulated(releases.configuration(name)):
        found = [path for path in found if path.name != SIMULATOR]
    below = [path.relative_to(source) for path in found]
    return {releases.units / path: f"{releases.root}/current/systemd/{path}" for path in below}


def restart() -> None:
    """Stop every service, let systemd read the unit files again, and start the target without waiting."""
    run("systemctl", "stop", *expected_units(), check=False)
    run("systemctl", "daemon-reload")
    run("systemctl", "reset-failed", "tranquillo*", check=False)
    run("systemctl", "start", "--no-block", TARGET)
