"""The one door out: only the listed types pass, and only with values as declared."""

from __future__ import annotations

import enum
from typing import Literal, get_args, get_origin, get_type_hints

import msgspec
import pytest

from device import messages, vitals
from device.messages import MESSAGE_TYPES, Rating, Severity, StressBand
from device.telemetry.records import (
    OUTGOING,
    Availability,
    FaultName,
    FleetFaults,
    Kind,
    Outcome,
    Record,
    SentFault,
    seal,
)

ID = "0123456789abcdef0123456789abcdef"


def leaves(kind: object, path: str = "") -> dict[str, object]:
    """Return every value that a type can carry, by its path, down to what is not a struct."""
    found: dict[str, object] = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        inner = [hint, *get_args(hint)]
        structs = [one for one in inner if isinstance(one, type) and issubclass(one, msgspec.Struct)]
        if structs:
            found |= leaves(structs[0], f"{path}{name}.")
        else:
            found[path + name] = hint
    return found


def is_closed(hint: object) -> bool:
    """Tell whether a type has few, or bounded, or patterned values: free text and bare numbers are not."""
    if hint in {bool, type(None)} or get_origin(hint) is Literal:
        return True
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return True
    if meta := getattr(hint, "__metadata__", ()):
        return any(m.pattern is not None or m.ge is not None for m in meta)
    arguments = get_args(hint)
    return bool(arguments) and all(is_closed(one) for one in arguments)


def outcome(**changes) -> Outcome:
    values = {"id": ID, "year": 2026, "stress_first_third": StressBand.HIGH,
              "stress_last_third": StressBand.LOW, "rating": Rating.BETTER}
    return Outcome(**(values | changes))


@pytest.mark.parametrize("kind", OUTGOING)
def test_records_have_no_open_ended_field(kind):
    found = leaves(kind)
    assert found
    assert [name for name, hint in found.items() if not is_closed(hint)] == []


def test_records_outcome_carries_exactly_this():
    assert set(leaves(Outcome)) == {
        "id", "v", "year", "stress_first_third", "stress_last_third", "rating"}


def test_records_fleet_stream_names_nothing_measured():
    physiology = {field for kind in (vitals.EdaFeatures, vitals.PpgFeatures, vitals.EegFeatures,
                                     vitals.TemperatureFeatures, messages.Stress)
                  for field in kind.__struct_fields__} - {"at_s"}
    for kind in OUTGOING[:3]:
        assert not {name.rpartition(".")[2] for name in leaves(kind)} & physiology


def test_records_streams_share_no_field_but_version_and_random_id():
    fleet = set().union(*(leaves(kind) for kind in OUTGOING[:3]))
    assert fleet & set(leaves(Outcome)) == {"id", "v"}


@pytest.mark.parametrize("kind", MESSAGE_TYPES)
def test_records_door_is_shut_to_every_bus_message(kind):
    message = kind(**dict.fromkeys(kind.__struct_fields__))
    with pytest.raises(TypeError, match="may not leave the device"):
        seal(message)


def test_records_door_is_shut_to_a_subclass_with_one_more_field():
    class Chatty(Outcome, frozen=True, kw_only=True):
        hr_bpm: float = 61.0

    with pytest.raises(TypeError, match="Chatty may not leave"):
        seal(Chatty(**{name: getattr(outcome(), name) for name in Outcome.__struct_fields__}))


@pytest.mark.parametrize(("field", "value"), [
    ("year", 1970), ("year", 2026.5), ("id", "ward-3"), ("id", ID + "0"), ("stress_last_third", "0.731"),
])
def test_records_door_is_shut_to_finer_values(field, value):
    with pytest.raises(msgspec.ValidationError):
        seal(outcome(**{field: value}))


def test_records_outcome_letter_is_addressed_by_its_random_id_alone():
    letter = seal(outcome())
    assert (letter.kind, letter.topic, letter.retain, letter.number) == (
        Kind.OUTCOME, f"tranquillo/v1/outcomes/{ID}", False, 0)
    assert msgspec.json.decode(letter.payload, type=Outcome) == outcome()


def test_records_only_a_letter_that_nothing_is_and_was_wrong_may_be_dropped():
    fault = SentFault(service="sensors", code="adc_lost", severity=Severity.INFO, advice="")
    name = FaultName(service="sensors", code="adc_lost")
    kinds = [seal(FleetFaults(id=ID, unit="ward-3", epoch=ID, number=1, at=None, faults=faults, began=(),
                              ended=ended)).kind
             for faults, ended in (((), ()), ((fault,), ()), ((), (name,)))]
    assert kinds == [Kind.HEALTH, Kind.FAULT, Kind.FAULT]


def test_records_availability_is_retained_under_the_unit():
    letter = seal(Availability(id=ID, unit="ward-3", online=False, why="lost"))
    assert (letter.topic, letter.retain) == ("tranquillo/v1/fleet/ward-3/availability", True)


@pytest.mark.parametrize("unit", ["", "Ward", "a/b", "+", "#", "x" * 33])
def test_records_unit_id_cannot_bend_the_topic(unit):
    with pytest.raises(msgspec.ValidationError):
        seal(Availability(id=ID, unit=unit, online=True, why="connected"))


@pytest.mark.parametrize("advice", ["heart rate 93", "write to a@b", "see C:\\x", "x" * 241])
def test_records_advice_may_not_hold_numbers_or_addresses(advice):
    fault = SentFault(service="sensors", code="adc_lost", severity=Severity.INFO, advice=advice)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(fault), type=SentFault)


def test_records_all_kinds_are_listed():
    def below(kind):
        return {kind, *(one for child in kind.__subclasses__() for one in below(child))}
    shipped = {kind for kind in below(Record) if kind.__module__ == "device.telemetry.records"}
    assert {kind.__name__ for kind in shipped} - {"Record", "FleetRecord"} == {
        kind.__name__ for kind in OUTGOING if issubclass(kind, Record)}
