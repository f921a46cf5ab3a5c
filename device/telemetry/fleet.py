"""How the unit is, put together from what its processes say of themselves; no physiology passes."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence

import msgspec

from device.messages import Features, Health, Message, PlayerState, Service, Session, SessionPhase
from device.telemetry.anonymise import is_clock_set, minute_of, scrub
from device.telemetry.certificate import Days
from device.telemetry.records import (
    LONGEST_SESSION_MIN,
    NO_CONTACT,
    Contact,
    FaultName,
    FleetFaults,
    FleetState,
    SentFault,
    ServiceState,
)
from device.telemetry.words import CODES

SYSTEM = re.compile(r"[a-z][a-z-]{0,15}-[0-9]{1,4}")  # as `records.System`
OTHER = "other"  # what a code becomes that no source of this firmware holds
SILENT_S = 10.0  # a service not heard of for this long is down
STALE_S = 5.0  # state topics come once a second; older ones say nothing about now


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """What the unit runs on: the firmware's version, Python's, and the system's name and release."""

    version: str
    python: str
    system: str | None


def build_here(version: str) -> Build:
    """Return what this machine runs; the system's name and main release are those of os-release(5)."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    system = f"{release.get('ID', '')}-{release.get('VERSION_ID', '').partition('.')[0]}"
    return Build(version=version, python=platform.python_version(),
                 system=system if SYSTEM.fullmatch(system) else None)


class FleetView:
    """Keeps the latest word of each process, and nothing that was measured.

    Args:
        unit_id: the stable name under which the unit reports.
        names: words that must not leave in a fault's advice, such as the host name.
        build: the versions.
    """

    def __init__(self, unit_id: str, names: Sequence[str], build: Build) -> None:
        self._unit_id = unit_id
        self._names = (*names, unit_id)
        self._build = build
        self._health: dict[Service, Health] = {}
        self._restarts: dict[Service, int] = {}
        self._contact = NO_CONTACT
        self._contact_at_s = self._session_at_s = self._player_at_s = float("-inf")
        self._session: Session | None = None
        self._sounding = False

    def observe(self, message: Message) -> None:
        """Take from a message what the fleet stream may say; other messages leave no trace."""
        if isinstance(message, Health):
            before = self._health.get(message.service)
            if before is not None and message.uptime_s < before.uptime_s:
                self._restarts[message.service] = self._restarts.get(message.service, 0) + 1
            self._health[message.service] = message
        elif isinstance(message, Features):
            self._contact_at_s = message.at_s
            self._contact = Contact(
                eda=message.eda is not None, ppg=message.ppg is not None,
                temperature=message.temperature is not None, eeg=message.eeg is not None)
        elif isinstance(message, Session):
            self._session_at_s = message.at_s
            playing = message.phase in {SessionPhase.RUNNING, SessionPhase.ENDING}
            self._session = message if playing else None
        elif isinstance(message, PlayerState):
            self._player_at_s = message.at_s
            self._sounding = message.sounding

    def faults(self, now_s: float) -> tuple[SentFault, ...]:
        """Return the present faults of all processes that still speak, sorted, with scrubbed advice."""
        found = {
            (health.service, fault.code): SentFault(
                service=health.service, severity=fault.severity,
                code=fault.code if fault.code in CODES else OTHER,
                advice=scrub(fault.advice, self._names))
            for health in self._health.values() if now_s - health.at_s <= SILENT_S
            for fault in health.faults
        }
        return tuple(found[key] for key in sorted(found))

    def state(
        self, *, identifier: str, epoch: str, number: int, now_s: float, wall_s: float, uptime_s: float,
        days: Days, outbox_rows: int, outbox_dropped: int,
    ) -> FleetState:
        """Return the heartbeat; what has not been heard of lately counts as absent.

        `now_s` is monotonic time, which Linux counts from the start of the machine; `uptime_s` is of the
        telemetry process.
        """
        session = self._session if now_s - self._session_at_s <= STALE_S else None
        return FleetState(
            id=identifier, unit=self._unit_id, epoch=epoch, number=number, at=minute_of(wall_s),
            phase="running" if session else "idle",
            program_minute=min(LONGEST_SESSION_MIN, int(session.elapsed_s / 60)) if session else None,
            program_minutes=_planned_minutes(session) if session else None,
            sounding=self._sounding and now_s - self._player_at_s <= STALE_S,
            contact=self._contact if now_s - self._contact_at_s <= STALE_S else NO_CONTACT,
            services=tuple(self._service(health, now_s) for _, health in sorted(self._health.items())),
            faults=self.faults(now_s), version=self._build.version, python=self._build.python,
            system=self._build.system, uptime_s=int(uptime_s), machine_uptime_s=int(now_s),
            clock_set=is_clock_set(wall_s), certificate_days=days.certificate,
            authority_days=days.authority, outbox_rows=outbox_rows, outbox_dropped=outbox_dropped)

    def fault_report(
        self, faults: tuple[SentFault, ...], before: tuple[SentFault, ...], *, identifier: str, epoch: str,
        number: int, wall_s: float,
    ) -> FleetFaults:
        """Return the letter that tells of the present faults and of what changed since those before."""
        now, then = {_name(one) for one in faults}, {_name(one) for one in before}
        return FleetFaults(
            id=identifier, unit=self._unit_id, epoch=epoch, number=number, at=minute_of(wall_s),
            faults=faults, began=_named(now - then), ended=_named(then - now))

    def _service(self, health: Health, now_s: float) -> ServiceState:
        """Return how one process is."""
        return ServiceState(
            name=health.service, up=now_s - health.at_s <= SILENT_S, uptime_s=int(health.uptime_s),
            restarts=self._restarts.get(health.service, 0), late_steps=health.late_steps)


def _planned_minutes(session: Session) -> int:
    """Return the length of a session's program in whole minutes, at least one."""
    return max(1, min(LONGEST_SESSION_MIN, round(session.duration_s / 60)))


def _name(fault: SentFault) -> tuple[Service, str]:
    """Return what tells one fault from another."""
    return fault.service, fault.code


def _named(names: set[tuple[Service, str]]) -> tuple[FaultName, ...]:
    """Return names of faults in their order."""
    return tuple(FaultName(service=service, code=code) for service, code in sorted(names))
