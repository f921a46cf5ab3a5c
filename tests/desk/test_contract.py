"""The schemas are what the types say, and a file that lags behind is found."""

from __future__ import annotations

import pytest
from jsonschema import Draft7Validator

from device.desk.contract import FOLDER, KINDS, schema_of, text_of, write
from device.telemetry.records import OUTGOING, Record


@pytest.mark.parametrize("name", KINDS)
def test_contract_schema_on_disk_is_the_types_own(name):
    on_disk = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert on_disk == text_of(KINDS[name]), "stale: run `make contract`"


def test_contract_has_a_schema_for_every_type_that_may_leave_and_no_other():
    assert set(KINDS.values()) == {kind for kind in OUTGOING if issubclass(kind, Record)}
    assert {path.stem for path in FOLDER.iterdir()} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS.values())
def test_contract_schema_is_sound_and_requires_what_is_always_sent(kind):
    schema = schema_of(kind)
    Draft7Validator.check_schema(schema)
    assert set(schema["required"]) == set(kind.__struct_fields__)
    assert schema["properties"]["v"] == {"const": 1}
    assert "additionalProperties" not in schema, "a later firmware may send more"


def test_contract_a_field_with_a_default_came_later_and_may_be_absent():
    class Later(Record, frozen=True, kw_only=True):
        old: bool
        new: bool = False

    assert schema_of(Later)["required"] == ["id", "v", "old"]


def test_contract_is_written_where_asked(tmp_path):
    write(tmp_path / "schemas")
    assert {path.name for path in (tmp_path / "schemas").iterdir()} == {f"{name}.json" for name in KINDS}
