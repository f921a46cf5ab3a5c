"""The whole examination: listen, then every family of checks in turn, within a bounded time."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterable
from pathlib import Path

from device.clock import Clock, SystemClock
from device.config import Settings
from device.doctor.broker import check_broker
from device.doctor.converter import check_converter
from device.doctor.headset import check_headset
from device.doctor.heard import NOTHING, listen
from device.doctor.machine import check_clock, check_machine, kernel_clock
from device.doctor.models import check_models
from device.doctor.owners import Owner, owner_of
from device.doctor.result import Report, Result, skipped, worst
from device.doctor.scene import Ask, Scene, ask_system
from device.doctor.services import SERVICES, check_services, units_of
from device.doctor.sound import check_sound
from device.doctor.storage import check_storage
from drivers.open import default_parts

LISTEN_S = 2.5  # everything that is said is said again within a second
BOUND_S = 15.0  # what has not begun by then less its own length is left out
Check = Callable[[Scene], list[Result]]

# What each family takes at most, in seconds; those without a wait of their own are not worth leaving out.
FAMILIES: tuple[tuple[str, float, Check], ...] = (
    ("services", 4.0, check_services),
    ("models", 0.5, check_models),
    ("storage", 0.1, check_storage),
    ("machine", 2.0, check_machine),
    ("clock", 0.1, lambda scene: check_clock(scene, kernel_clock())),
    ("broker", 7.0, lambda scene: check_broker(scene, scene.clock.wall())),
    ("sound", 5.0, check_sound),
    ("adc", 4.0, check_converter),
    ("headset", 6.0, check_headset),
)
NAMES = tuple(name for name, _, _ in FAMILIES)


def look(settings: Settings, root: Path = Path("/"), ask: Ask = ask_system,
         clock: Clock | None = None) -> Scene:
    """Return the scene of this machine, after listening to the services that run."""
    run_dir = Path(settings.run_dir)
    runs = any(owner_of(run_dir, name) is not Owner.NOBODY for name in SERVICES)
    return Scene(settings=settings, root=root, clock=clock or SystemClock(), parts=default_parts(run_dir),
                 heard=listen(run_dir, LISTEN_S) if runs else NOTHING, ask=ask,
                 units=units_of(settings, root, ask))


def examine(scene: Scene, families: Iterable[str] = NAMES) -> Report:
    """Run the families of checks that are asked for and return all answers.

    One that could last beyond the bound is left out and says so.
    """
    wanted = frozenset(families)
    begun_s = scene.clock.monotonic() - scene.heard.lasted_s
    results: list[Result] = []
    for name, most_s, check in FAMILIES:
        if name not in wanted:
            continue
        if scene.clock.monotonic() - begun_s + most_s > BOUND_S:
            results.append(skipped(f"{name}.time", "no time was left", f"tranquillo doctor --only {name}"))
        else:
            results += check(scene)
    took_s = round(scene.clock.monotonic() - begun_s, 1)
    return Report(unit=scene.settings.unit_id, version=importlib.metadata.version("tranquillo"),
                  outcome=worst(results), took_s=took_s, results=tuple(results))
