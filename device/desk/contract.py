"""The JSON Schemas of what a unit publishes, written from the types that pass the door.

`device/telemetry/records.py` is the one source: `make contract` writes the files beside the AsyncAPI
document, and a test fails when they are not what this module would write. It writes the words that an
advice may hold (`device.desk.vocabulary`) as well.
"""

from __future__ import annotations

import argparse
import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from device.desk import vocabulary
from device.telemetry.records import Availability, FleetFaults, FleetState, Outcome, Record

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "telemetry" / "schemas"
DIALECT: Final = "http://json-schema.org/draft-07/schema#"  # the newest that AsyncAPI 3.0 tools must read
KINDS: Final[Mapping[str, type[Record]]] = {
    "availability": Availability, "state": FleetState, "faults": FleetFaults, "outcome": Outcome}


def schema_of(kind: type[Record]) -> dict[str, Any]:
    """Return the JSON Schema (draft 07) of one type of message.

    It names every field and leaves others open, because a later firmware may add some. A field without a
    default is required; so is `v`, which every message carries.
    """
    _, found = msgspec.json.schema_components([kind], ref_template="#/definitions/{name}")
    parts = {name: _tidy(part) for name, part in found.items()}
    own = parts.pop(kind.__name__)
    properties = own["properties"]
    properties["v"] = {"const": properties["v"]["default"]}
    own["required"] = [name for name in properties if name == "v" or name in own["required"]]
    return {"$schema": DIALECT, **own, **({"definitions": parts} if parts else {})}


def text_of(kind: type[Record]) -> str:
    """Return the text of a schema's file."""
    return json.dumps(schema_of(kind), indent=1, ensure_ascii=False) + "\n"


def write(folder: Path) -> None:
    """Write every schema into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, kind in KINDS.items():
        (folder / f"{name}.json").write_text(text_of(kind), encoding="utf-8")


def _tidy(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part of a schema with its description in flowing lines."""
    words = inspect.cleandoc(part.get("description", "")).replace("None", "null")
    return {**part, "description": " ".join(words.split())}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the schemas")
    write(parser.parse_args().out)
    vocabulary.write()
