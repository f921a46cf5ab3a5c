"""What may leave the device, by type: the structs of both streams, and the one door they pass.

Nothing else is ever published. `seal` accepts only the types of `OUTGOING` and checks every value
against its declared range or pattern, so a field added to a bus message cannot leak: it would have
to be added here first. The two streams share no identifier.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from device.messages import Rating, Service, Severity, StressBand
from device.telemetry.home_assistant import discovery, topic_of

ROOT = "tranquillo/v1"
LONGEST_SESSION_MIN = 90  # the longest program the configuration allows

Identifier = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]
UnitId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]  # as in the configuration
Code = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Advice = Annotated[str, Meta(max_length=240, pattern=r"^[^\d@\\]*$")]  # no numbers: see `anonymise.scrub`
Minute = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}Z$")]
Version = Annotated[str, Meta(pattern=r"^[0-9a-z][0-9a-z.+-]{0,31}$")]
System = Annotated[str, Meta(pattern=r"^[a-z][a-z-]{0,15}-[0-9]{1,4}$")]  # name and release: debian-12
Count = Annotated[int, Meta(ge=0)]
ProgramMinute = Annotated[int, Meta(ge=0, le=LONGEST_SESSION_MIN)]
ProgramMinutes = Annotated[int, Meta(ge=1, le=LONGEST_SESSION_MIN)]
DaysLeft = Annotated[int, Meta(ge=0, le=3650)]  # ten years or more are ten years
TopicPrefix = Annotated[str, Meta(max_length=64, pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$")]
Expiry = Annotated[int, Meta(ge=1, le=86_400)]
Year = Annotated[int, Meta(ge=2023, le=9999)]


class Kind(StrEnum):
    """What a letter carries; decides what the outbox may drop."""

    HEALTH = "health"  # may be dropped, oldest first
    FAULT = "fault"
    OUTCOME = "outcome"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything that may leave; `id` is random, so that readers can ignore a repetition."""

    id: Identifier
    v: Literal[1] = 1


class SentFault(msgspec.Struct, frozen=True, kw_only=True):
    """One present fault; `advice` is the device's own words with every number taken out."""

    service: Service
    code: Code
    severity: Severity
    advice: Advice


class FaultName(msgspec.Struct, frozen=True, kw_only=True):
    """Which fault, without its words."""

    service: Service
    code: Code


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """Which sensors give a usable signal now; no value of any of them."""

    eda: bool
    ppg: bool
    temperature: bool
    eeg: bool


NO_CONTACT = Contact(eda=False, ppg=False, temperature=False, eeg=False)


class ServiceState(msgspec.Struct, frozen=True, kw_only=True):
    """One process: whether it was heard of in the last seconds, and how it has fared."""

    name: Service
    up: bool
    uptime_s: Count
    restarts: Count  # seen since the telemetry process started
    late_steps: Count


class FleetRecord(Record, frozen=True, kw_only=True):
    """Base of the fleet stream: `number` rises by message within one `epoch` (one outbox file).

    `at` is UTC to the minute, None until the clock has been set.
    """

    unit: UnitId
    epoch: Identifier
    number: Count
    at: Minute | None


class FleetState(FleetRecord, frozen=True, kw_only=True):
    """The heartbeat: is the unit well, is it playing, what is wrong. No physiology.

    `program_minute` of `program_minutes` is where the session is, None while nothing plays: no more than
    the heartbeats' own `phase` tells whoever counts them. `uptime_s` is of the telemetry process,
    `machine_uptime_s` of the unit. Days left are whole days, None where there is no certificate.
    """

    phase: Literal["running", "idle"]
    program_minute: ProgramMinute | None
    program_minutes: ProgramMinutes | None
    sounding: bool
    contact: Contact
    services: tuple[ServiceState, ...]
    faults: tuple[SentFault, ...]
    version: Version
    python: Version
    system: System | None
    uptime_s: Count
    machine_uptime_s: Count
    clock_set: bool
    certificate_days: DaysLeft | None
    authority_days: DaysLeft | None
    outbox_rows: Count
    outbox_dropped: Count


class FleetFaults(FleetRecord, frozen=True, kw_only=True):
    """The present faults, sent when they change, with what began and what ended since the letter before.

    An empty `faults` says that all is well again.
    """

    faults: tuple[SentFault, ...]
    began: tuple[FaultName, ...]
    ended: tuple[FaultName, ...]


class Availability(Record, frozen=True, kw_only=True):
    """Birth, farewell and last will: published on the connection itself, never stored."""

    unit: UnitId
    online: bool
    why: Literal["connected", "stopped", "lost"]


class Outcome(Record, frozen=True, kw_only=True):
    """One session, without unit, patient or time of day, and with nothing that the fleet stream shows too.

    `year` is the finest date that HIPAA Safe Harbor leaves (45 CFR 164.514), None until the clock has
    been set; the bands are the prevailing level of the first and last third, both known or both unknown;
    `rating` is how somebody felt, told by taps, None where nobody was asked or nobody answered.

    Style and mode of the program are left out on purpose: a unit keeps them for weeks, so they would sort
    outcomes by unit, and the mode would tell who is in which arm of a study.
    """

    year: Year | None
    stress_first_third: StressBand
    stress_last_third: StressBand
    rating: Rating | None


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """All that varies in what Home Assistant is told of a unit; the rest of that message is constant.

    `expire_s` is the age from which on a state says nothing about now.
    """

    prefix: TopicPrefix
    unit: UnitId
    version: Version
    expire_s: Expiry


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed record: what the outbox stores and the uplink sends; `number` 0 outside the fleet stream."""

    id: str
    kind: Kind
    topic: str
    payload: bytes
    retain: bool = False
    number: int = 0


Outgoing = FleetState | FleetFaults | Availability | Outcome | Announcement
OUTGOING: tuple[type[Outgoing], ...] = (FleetState, FleetFaults, Availability, Outcome, Announcement)


def seal(record: Outgoing) -> Letter:
    """Check a record against its own type and address it.

    Raises:
        TypeError: the record is not exactly one of `OUTGOING`.
        msgspec.ValidationError: a value is outside its declared range or pattern (a defect).
    """
    kind = type(record)
    if kind not in OUTGOING:
        allowed = ", ".join(one.__name__ for one in OUTGOING)
        raise TypeError(f"{kind.__name__} may not leave the device; use one of {allowed}")
    payload = msgspec.json.encode(record)
    msgspec.json.decode(payload, type=kind, strict=True)
    if isinstance(record, FleetState):
        return Letter(id=record.id, kind=Kind.HEALTH, topic=f"{ROOT}/fleet/{record.unit}/state",
                      payload=payload, retain=True, number=record.number)
    if isinstance(record, FleetFaults):
        news = record.faults or record.ended  # that a unit starts and is well may be forgotten
        return Letter(id=record.id, kind=Kind.FAULT if news else Kind.HEALTH,
                      topic=f"{ROOT}/fleet/{record.unit}/faults", payload=payload, number=record.number)
    if isinstance(record, Availability):
        return Letter(id=record.id, kind=Kind.HEALTH, topic=f"{ROOT}/fleet/{record.unit}/availability",
                      payload=payload, retain=True)
    if isinstance(record, Announcement):
        return Letter(id=f"announcement-{record.unit}", kind=Kind.HEALTH, retain=True,
                      topic=topic_of(record.prefix, record.unit), payload=msgspec.json.encode(
                          discovery(ROOT, record.unit, record.version, record.expire_s)))
    return Letter(id=record.id, kind=Kind.OUTCOME, topic=f"{ROOT}/outcomes/{record.id}", payload=payload)
