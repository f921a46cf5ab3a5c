"""Changes two numbers in a configuration file and nothing else: comments and order stay."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

from device.config import Gsr, load
from device.errors import ConfigError

TABLE = "[sensors.gsr]"
_HEADER = re.compile(r"^\s*\[")


def toml_lines(gsr: Gsr) -> str:
    """Return the calibrated keys as they stand in the configuration."""
    return "\n".join((TABLE, *(f"{key} = {value}" for key, value in _values(gsr).items())))


def with_calibration(text: str, gsr: Gsr) -> str:
    """Return a configuration's text with the calibrated values in place of the old ones.

    Raises:
        ConfigError: the text is written in a way that cannot be changed line by line.
    """
    lines = text.splitlines()
    start = next((place for place, line in enumerate(lines) if line.split("#")[0].strip() == TABLE), None)
    if start is None:
        lines += ["", TABLE] if lines else [TABLE]
        start = len(lines) - 1
    end = next((place for place in range(start + 1, len(lines)) if _HEADER.match(lines[place])), len(lines))
    for key, value in _values(gsr).items():
        pattern = re.compile(rf"^(\s*{key}\s*=\s*)[^#\s]+(.*)$")
        place = next((place for place in range(start + 1, end) if pattern.match(lines[place])), None)
        if place is None:
            lines.insert(start + 1, f"{key} = {value}")
            end += 1
        else:
            lines[place] = pattern.sub(rf"\g<1>{value}\g<2>", lines[place])
    changed = "\n".join(lines) + "\n"
    _refuse_other_changes(text, changed, gsr)
    return changed


def write_calibration(path: Path, gsr: Gsr) -> None:
    """Put the calibrated values into a configuration file, at once or not at all; owner and mode stay.

    Raises:
        ConfigError: the file cannot be written, or not be changed line by line; it is as it was then.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        text = path.read_text(encoding="utf-8")
        now = path.stat()
        beside.unlink(missing_ok=True)
        number = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(with_calibration(text, gsr))
            file.flush()
            os.fchown(number, now.st_uid, now.st_gid)
            os.fchmod(number, now.st_mode & 0o777)
            os.fsync(number)
        load(beside)
        beside.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}); put the lines in by hand, or run "
                          "this as root") from error
    finally:
        beside.unlink(missing_ok=True)


def _values(gsr: Gsr) -> dict[str, str]:
    """Return the calibrated keys and their TOML values."""
    values = {"supply_v": f"{gsr.supply_v:.4f}"}
    if gsr.circuit == "divider":
        values["reference_ohm"] = f"{gsr.reference_ohm:.0f}.0"
    return values


def _refuse_other_changes(before: str, after: str, gsr: Gsr) -> None:
    """Compare both texts as TOML reads them.

    Raises:
        ConfigError: they differ in anything else.
    """
    wanted = tomllib.loads(before)
    table = wanted.setdefault("sensors", {}).setdefault("gsr", {})
    table.update({key: float(value) for key, value in _values(gsr).items()})
    try:
        if tomllib.loads(after) == wanted:
            return
    except tomllib.TOMLDecodeError:
        pass
    raise ConfigError("the configuration writes sensors.gsr in a way that cannot be changed line by line; "
                      "put the lines in by hand")
