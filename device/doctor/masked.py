"""The configuration in force, fit to be shown."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from device.config import Settings

MASK = "(masked)"
SECRET = re.compile(r"(^|_)(key|password|passphrase|secret|token|psk|credentials?)$")
# What a clinic may read on its own unit, and nobody outside: addresses, people's recordings, a study's arm.
OUTSIDE = frozenset({"broker_host", "patient", "faults", "record", "sham_levels", "mode"})


def masked(settings: Settings, *, for_outside: bool = False) -> dict[str, Any]:
    """Return every key with its value in force; secrets masked, and where one's key lies.

    Args:
        settings: the configuration.
        for_outside: also mask what names the clinic's machines, a recording or a study's arm.
    """
    shown: dict[str, Any] = _mask(msgspec.to_builtins(settings), for_outside)
    return shown


def _mask(value: Any, for_outside: bool) -> Any:  # noqa: ANN401 - a configuration's tables and values
    """Return a value with the secret ones below it masked; an empty one hides nothing."""
    if not isinstance(value, dict):
        return value
    return {key: MASK if inner and not isinstance(inner, dict) and (
                SECRET.search(key) or (for_outside and key in OUTSIDE)) else _mask(inner, for_outside)
            for key, inner in value.items()}
