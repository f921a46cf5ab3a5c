"""The published contract (AsyncAPI document and JSON Schemas), applied to messages as a reader gets them."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from jsonschema import Draft7Validator

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "telemetry"


class Rule(NamedTuple):
    """What the document says of one channel."""

    name: str
    topic: re.Pattern[str]
    retain: bool
    validator: Draft7Validator


@cache
def document() -> dict[str, Any]:
    """Return the AsyncAPI document."""
    return yaml.safe_load((FOLDER / "asyncapi.yaml").read_text(encoding="utf-8"))


def at(pointer: str) -> Any:
    """Return what a reference within the document points at (RFC 6901), following further references."""
    found = document()
    for step in pointer.removeprefix("#/").split("/"):
        found = found[step]
        if isinstance(found, dict) and str(found.get("$ref", "")).startswith("#"):
            found = at(found["$ref"])
    return found


def closed(schema: Any) -> Any:
    """Return the schema as the sender is held to it: nothing beside the named fields."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in schema.items()}
    return {**found, "additionalProperties": False} if "properties" in schema else found


@cache
def rules() -> tuple[Rule, ...]:
    """Return a rule for each operation of the document."""
    found = []
    for operation in document()["operations"].values():
        channel = at(operation["channel"]["$ref"])
        (message,) = operation["messages"]
        payload = at(message["$ref"])["payload"]
        schema = json.loads((FOLDER / payload["schema"]["$ref"]).read_text(encoding="utf-8"))
        address = re.sub(r"\{\w+\}", "[^/]+", channel["address"])
        found.append(Rule(message["$ref"].rpartition("/")[2], re.compile(address),
                          operation["bindings"]["mqtt"]["retain"], Draft7Validator(closed(schema))))
    return tuple(found)


def rule_of(topic: str) -> Rule | None:
    """Return the rule for a topic, or None when the contract knows no such topic."""
    matching = [rule for rule in rules() if rule.topic.fullmatch(topic)]
    assert len(matching) <= 1, f"{topic} is two channels at once"
    return matching[0] if matching else None


def violations(topic: str, payload: Any) -> list[str]:
    """Say in what a message departs from the contract."""
    rule = rule_of(topic)
    if rule is None:
        return [f"{topic} is no topic of the contract"]
    found = [f"{topic} {error.json_path}: {error.message}" for error in rule.validator.iter_errors(payload)]
    level = topic.split("/")[3]
    owner = payload.get("id" if rule.name == "outcome" else "unit") if isinstance(payload, dict) else None
    return found if owner == level else [*found, f"{topic} carries a message of {owner}"]
