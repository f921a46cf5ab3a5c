"""Fault scenarios: what goes wrong with the simulated parts, when, and for how long."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, get_args

import msgspec
from msgspec import Meta

from drivers.errors import DeviceConfigError

Kind = Literal[
    "adc_nack",  # the converter acknowledges its address but no transfer; MCP3008: the line floats
    "adc_stuck",  # a conversion never ends; MCP3008: the line floats
    "adc_frozen",  # the converter repeats its last value on every channel
    "adc_absent",  # nothing at all answers
    "samples_dropped",  # transfers to the converter are held up now and then
    "gsr_open", "gsr_short",
    "gsr_flat",  # the sensor's output stays where it is; so ppg_flat
    "gsr_motion",  # the electrodes slide and are pressed
    "gsr_saturated",  # sweat or gel joins the electrodes
    "ppg_off",
    "ppg_flat",
    "ppg_motion",  # the finger moves under the sensor
    "ppg_tapping",  # the finger taps, as regular as a heart
    "ppg_saturated",  # light falls on the sensor
    "temperature_off",
    "hum_50hz", "hum_60hz",  # mains on all wires of the body
    "cyton_unplugged",  # the dongle is pulled
    "cyton_lost_bytes",  # radio noise: bytes are missing
    "cyton_silent",  # the board's battery is empty, the dongle stays
    "lead_off",  # EEG electrodes fell off
    "eeg_flat",  # the electrodes are joined
    "eeg_blinks", "eeg_jaw", "eeg_motion",
]  # fmt: skip
KINDS: tuple[str, ...] = get_args(Kind)


class Faults(Protocol):
    """What goes wrong when; `Schedule` is one."""

    def active(self, kind: str, at_s: float) -> bool:
        """Tell whether a fault is active, `at_s` seconds after the world's start."""


class FaultWindow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fault: seconds after the world's start, how long (TOML's `inf` is for ever), and its kind."""

    at_s: Annotated[float, Meta(ge=0)]
    duration_s: Annotated[float, Meta(gt=0)]
    kind: Kind


class _Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    fault: tuple[FaultWindow, ...] = ()


class Schedule:
    """Which faults are active when; more can be added while the world turns."""

    def __init__(self, windows: Iterable[FaultWindow] = ()) -> None:
        self._windows: dict[str, tuple[tuple[float, float], ...]] = {}
        for window in windows:
            self.add(window)

    def add(self, window: FaultWindow) -> None:
        """Let one more fault happen."""
        span = (window.at_s, window.at_s + window.duration_s)
        self._windows[window.kind] = (*self._windows.get(window.kind, ()), span)

    def active(self, kind: str, at_s: float) -> bool:
        """Tell whether a fault is active, `at_s` seconds after the world's start."""
        windows = self._windows.get(kind)
        return windows is not None and any(start_s <= at_s < end_s for start_s, end_s in windows)


def load_faults(path: Path) -> Schedule:
    """Read a scenario: a TOML file of `[[fault]]` tables with `at_s`, `duration_s` and `kind`.

    Raises:
        DeviceConfigError: the file cannot be read, or a key or value is none of these; one line.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeviceConfigError(f"{path}: cannot be read ({error.strerror}); create it, or leave "
                                "simulator.faults empty") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeviceConfigError(f"{path}: is not valid TOML: {error}") from error
    try:
        return Schedule(msgspec.convert(raw, _Scenario).fault)
    except msgspec.ValidationError as error:
        raise DeviceConfigError(f"{path}: {_explain(raw, error)}") from error


def _explain(raw: dict[str, Any], error: msgspec.ValidationError) -> str:
    """Name the fault, its key and what is allowed; msgspec alone does not say which list entry it was."""
    tables = raw.get("fault")
    for number, table in enumerate(tables if isinstance(tables, list) else (), start=1):
        try:
            msgspec.convert(table, FaultWindow)
        except msgspec.ValidationError as found:
            allowed = f"; kinds are {', '.join(KINDS)}" if "enum" in str(found) else ""
            return f"fault number {number}: {found}{allowed}".replace("`", "'")
    return f"{error}; only [[fault]] tables with at_s, duration_s and kind may stand here".replace("`", "'")
