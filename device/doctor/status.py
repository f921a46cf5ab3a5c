"""What a unit does at this moment, on one screen; nothing in it tells of the patient but contact."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path

import msgspec

from device.config import Settings
from device.doctor.heard import Heard
from device.doctor.outbox import outbox_path, read_depth
from device.doctor.owners import Owner, owner_of
from device.doctor.scene import Unit
from device.doctor.services import expected
from device.messages import (
    EegBlock,
    Fault,
    Features,
    Panel,
    PlayerState,
    Quality,
    Service,
    Session,
    SessionPhase,
    Stress,
)

LISTEN_S = 1.5
CURRENT = "/opt/tranquillo/current"


class ServiceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One service: `state` is running, silent, stopped or systemd's word; `uptime_s` None unless heard."""

    name: Service
    state: str
    uptime_s: int | None = None
    restarts: int | None = None
    faults: tuple[Fault, ...] = ()


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """Which sensors say something of the patient now."""

    skin: bool
    pulse: bool
    temperature: bool
    eeg: bool


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The unit now; None where nobody says so.

    `minute` of `minutes` is where the session is; `stress_known` whether the music can follow; `sends`
    whether a broker is configured, `outbox_*` are letters that wait for it; `release` is the active folder.
    """

    format: int = 1
    unit: str
    version: str
    release: str | None
    phase: SessionPhase | None
    minute: int | None
    minutes: int | None
    light: str | None
    sounding: bool | None
    contact: Contact
    stress_known: bool | None
    sends: bool
    outbox_fleet: int | None
    outbox_outcomes: int | None
    services: tuple[ServiceStatus, ...]


def status_of(settings: Settings, heard: Heard, units: Mapping[str, Unit], root: Path = Path("/")) -> Status:
    """Put together what the services said, what systemd says of them, and what waits on disk."""
    session, player = heard.newest(Session), heard.newest(PlayerState)
    panel, stress = heard.newest(Panel), heard.newest(Stress)
    runs = session is not None and session.phase in {SessionPhase.RUNNING, SessionPhase.ENDING}
    depth = read_depth(root / str(outbox_path(settings.state_dir)).lstrip("/"))
    return Status(
        unit=settings.unit_id, version=importlib.metadata.version("tranquillo"), release=_release(root),
        phase=None if session is None else session.phase,
        minute=int(session.elapsed_s // 60) if session is not None and runs else None,
        minutes=round(session.duration_s / 60) if session is not None and runs else None,
        light=None if panel is None else panel.light.value,
        sounding=None if player is None else player.sounding,
        contact=_contact(heard),
        stress_known=None if stress is None else stress.level is not None,
        sends=bool(settings.telemetry.broker_host),
        outbox_fleet=None if depth is None else depth.fleet,
        outbox_outcomes=None if depth is None else depth.outcomes,
        services=tuple(_service(name, settings, heard, units.get(name)) for name in expected(settings)),
    )


def _release(root: Path) -> str | None:
    """Return the name of the active release's folder, None where there are no releases."""
    link = root / CURRENT.lstrip("/")
    return link.resolve().name if link.is_symlink() else None


def _contact(heard: Heard) -> Contact:
    """Return which signals are good: samples that may be trusted, and for the pulse one that was found."""
    features = heard.newest(Features)

    def good(signal: str) -> bool:
        """Tell whether the newest block of a signal may be trusted."""
        blocks = heard.blocks(signal)
        return bool(blocks) and blocks[-1].quality is Quality.GOOD

    return Contact(
        skin=good("eda"), pulse=features is not None and features.ppg is not None,
        temperature=good("temperature"),
        eeg=bool(heard.all(EegBlock)) and features is not None and features.eeg is not None)


def _service(name: Service, settings: Settings, heard: Heard, unit: Unit | None) -> ServiceStatus:
    """Return one service's line."""
    restarts = None if unit is None else int(unit.get("NRestarts") or 0)
    health = heard.health.get(name)
    if health is not None:
        return ServiceStatus(name=name, state="running", uptime_s=round(health.uptime_s), restarts=restarts,
                             faults=health.faults)
    if unit is not None and unit.get("ActiveState") != "active":
        return ServiceStatus(name=name, state=unit.get("ActiveState", "unknown"), restarts=restarts)
    owner = owner_of(Path(settings.run_dir), name)
    words = {Owner.SERVICE: "silent", Owner.NOBODY: "stopped", Owner.UNKNOWN: "unknown (not root)"}
    return ServiceStatus(name=name, state=words[owner], restarts=restarts)


def screen(status: Status) -> str:
    """Return the status as lines for a person."""
    release = f", release {status.release}" if status.release else ""
    lines = [f"{status.unit}, version {status.version}{release}", "", f"session    {_session(status)}",
             f"light      {status.light or 'unknown'}", f"sensors    {_sensors(status)}",
             f"outbox     {_outbox(status)}", ""]
    for one in status.services:
        uptime = "" if one.uptime_s is None else f"  up {_time(one.uptime_s)}"
        restarts = f"  restarted {one.restarts} times" if one.restarts else ""
        lines.append(f"{one.name:<10} {one.state:<8}{uptime}{restarts}".rstrip())
        lines += [f"{'':<10} {fault.code} ({fault.severity.value}): {fault.advice}" for fault in one.faults]
    return "\n".join(lines)


def _session(status: Status) -> str:
    """Say where the session is."""
    if status.phase is None:
        return "unknown: the conductor says nothing"
    if status.minute is None:
        return str(status.phase.value)
    heard = "sounding" if status.sounding else "silent"
    return f"{status.phase.value}, minute {status.minute} of {status.minutes}, {heard}"


def _sensors(status: Status) -> str:
    """Say what is in contact, and whether the music can follow."""
    touching = [name for name in Contact.__struct_fields__ if getattr(status.contact, name)]
    known = {None: "unknown whether stress is known", True: "stress is known", False: "stress is not known"}
    return f"{', '.join(touching) or 'none'} in contact; {known[status.stress_known]}"


def _outbox(status: Status) -> str:
    """Say what waits for the broker."""
    if not status.sends:
        return "none: no broker is configured, nothing is sent"
    if status.outbox_fleet is None:
        return "unknown: it is not made yet, or not this user's to read"
    return f"{status.outbox_fleet} reports and {status.outbox_outcomes} outcomes wait"


def _time(seconds: int) -> str:
    """Return a duration in its two largest units."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
