"""The units as systemd will read them: every key of a file and of the drop-in that all services share."""

from __future__ import annotations

from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "systemd"


class Unit:
    """A unit file, with the drop-in that all services share: every key with all its values in order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._values: dict[str, list[str]] = {}
        files = [SOURCE / name]
        if name.endswith(".service"):
            files += sorted((SOURCE / "tranquillo-.service.d").iterdir())
        for file in files:
            for line in file.read_text(encoding="utf-8").splitlines():
                if "=" in line and not line.startswith("#"):
                    key, _, value = line.partition("=")
                    self._values.setdefault(key, []).append(value)

    def all(self, key: str) -> list[str]:
        """Return the words of all lines of a key."""
        return " ".join(self._values.get(key, [])).split()

    def one(self, key: str) -> str:
        """Return the value of a key that is set once."""
        (value,) = self._values[key]
        return value

    def seconds(self, key: str) -> float:
        """Return a span of time; only ms, s and plain seconds are used here."""
        value = self.one(key)
        return float(value[:-2]) / 1000.0 if value.endswith("ms") else float(value.removesuffix("s"))

    def __contains__(self, key: str) -> bool:
        return key in self._values


def names(pattern: str) -> list[str]:
    """Return the unit files that fit a pattern."""
    return sorted(path.name for path in SOURCE.glob(pattern))
