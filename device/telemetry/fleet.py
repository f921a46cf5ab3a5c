"""How the unit is, put together from what its processes say of themselves; no physiology passes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from device.messages import Features, Health, Message, PlayerState, Service, Session, SessionPhase
from device.telemetry.anonymise import minute_of, scrub
from device.telemetry.records import Contact, FleetFaults, FleetState, SentFault, ServiceState

CODE = re.compile(r"[a-z][a-z0-9_-]{0,63}")  # as `records.Code`; a stranger becomes `other`
SILENT_S = 10.0  # a service not heard of for this long is down
STALE_S = 5.0  # state topics come once a second; older ones say nothing about now


class FleetView:
    """Keeps the latest word of each process, and nothing that was measured.

    Args:
        unit_id: the stable name under which the unit reports.
        names: words that must not leave in a fault's advice, such as the host name.
        version: of the firmware.
    """

    def __init__(self, unit_id: str, names: Sequence[str], version: str) -> None:
        self._unit_id = unit_id
        self._names = (*names, unit_id)
        self._version = version
        self._health: dict[Service, Health] = {}
        self._restarts: dict[Service, int] = {}
        self._contact = Contact()
        self._contact_at_s = self._session_at_s = self._player_at_s = float("-inf")
        self._running = False
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
            self._running = message.phase in {SessionPhase.RUNNING, SessionPhase.ENDING}
        elif isinstance(message, PlayerState):
            self._player_at_s = message.at_s
            self._sounding = message.sounding

    def faults(self, now_s: float) -> tuple[SentFault, ...]:
        """Return the present faults of all processes that still speak, sorted, with scrubbed advice."""
        found = {
            (health.service, fault.code): SentFault(
                service=health.service, severity=fault.severity,
                code=fault.code if CODE.fullmatch(fault.code) else "other",
                advice=scrub(fault.advice, self._names))
            for health in self._health.values() if now_s - health.at_s <= SILENT_S
            for fault in health.faults
        }
        return tuple(found[key] for key in sorted(found))

    def state(
        self, *, identifier: str, epoch: str, number: int, now_s: float, wall_s: float, uptime_s: float,
        outbox_rows: int, outbox_dropped: int,
    ) -> FleetState:
        """Return the heartbeat; what has not been heard of lately counts as absent."""
        return FleetState(
            id=identifier, unit=self._unit_id, epoch=epoch, number=number, at=minute_of(wall_s),
            phase="running" if self._running and now_s - self._session_at_s <= STALE_S else "idle",
            sounding=self._sounding and now_s - self._player_at_s <= STALE_S,
            contact=self._contact if now_s - self._contact_at_s <= STALE_S else Contact(),
            services=tuple(self._service(health, now_s) for _, health in sorted(self._health.items())),
            faults=self.faults(now_s), version=self._version, uptime_s=int(uptime_s),
            outbox_rows=outbox_rows, outbox_dropped=outbox_dropped)

    def fault_report(
        self, faults: tuple[SentFault, ...], *, identifier: str, epoch: str, number: int, wall_s: float,
    ) -> FleetFaults:
        """Return the letter that tells of a change of faults."""
        return FleetFaults(
            id=identifier, unit=self._unit_id, epoch=epoch, number=number, at=minute_of(wall_s),
            faults=faults)

    def _service(self, health: Health, now_s: float) -> ServiceState:
        """Return how one process is."""
        return ServiceState(
            name=health.service, up=now_s - health.at_s <= SILENT_S, uptime_s=int(health.uptime_s),
            restarts=self._restarts.get(health.service, 0), late_steps=health.late_steps)
