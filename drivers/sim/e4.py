"""The files of an Empatica E4 recording.

`BVP`, `EDA` and `TEMP` as `.csv` or `.csv.gz`: line 1 the Unix start time, line 2 the rate in Hz, then
one value a line. Optional: `intervals.csv` (`task,start_s,end_s,source`, seconds since the earliest
signal), and `IBI.csv[.gz]` (a header line with its start time, then seconds since that start and the
interval). Every error is one line that names the file and, where there is one, the line.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivers.errors import RecordingError

_LABELS = {
    "stroop": "stress", "interview": "stress", "hyperventilation": "stress",
    "baseline": "rest", "rest": "rest",
}  # fmt: skip
_PROTOCOL_HEADER = "task,start_s,end_s"


class Interval(NamedTuple):
    """One stretch of a protocol: seconds since the start of the recording, and its label or empty."""

    task: str
    start_s: float
    end_s: float
    label: str


class Signal(NamedTuple):
    """Equally spaced values; `start_s` is Unix time."""

    start_s: float
    rate_hz: float
    values: NDArray[np.float64]

    @property
    def end_s(self) -> float:
        """Unix time of the last value."""
        return self.start_s + (len(self.values) - 1) / self.rate_hz


def read_signal(folder: Path, name: str) -> Signal:
    """Read one of the three signals: `BVP` (arbitrary units), `EDA` (microsiemens), `TEMP` (Celsius).

    Raises:
        RecordingError: it is missing or malformed.
    """
    path = _find(folder, name)
    if path is None:
        raise RecordingError(f"{folder}: {name}.csv and {name}.csv.gz are both missing; an E4 folder has "
                             "BVP, EDA and TEMP")
    lines = _read_lines(path)
    numbers = _numbers(path, lines)
    if len(numbers) < 4:  # noqa: PLR2004 - two header lines and two values
        raise RecordingError(f"{path}: holds {len(numbers)} lines; needs start time, rate and two values "
                             "at least")
    if not numbers[1] > 0:
        raise RecordingError(f"{path}: line 2: the rate is {numbers[1]:g} Hz; it must be above 0")
    return Signal(float(numbers[0]), float(numbers[1]), numbers[2:])


def read_intervals(folder: Path) -> list[Interval]:
    """Read the protocol, if the folder has one; stress tasks and rest get their label.

    Raises:
        RecordingError: it is malformed.
    """
    path = folder / "intervals.csv"
    if not path.is_file():
        return []
    spans: list[Interval] = []
    header, *lines = _read_lines(path)
    if not header.startswith(_PROTOCOL_HEADER):
        raise RecordingError(f"{path}: line 1: {header!r} is no header; it must begin {_PROTOCOL_HEADER}")
    for number, line in enumerate(lines, start=2):
        task, *times = line.split(",")[:3]
        start_s, end_s = _fields(path, number, times, 2)
        before_s = spans[-1].end_s if spans else 0.0
        if not before_s <= start_s < end_s:
            raise RecordingError(f"{path}: line {number}: {start_s:g} to {end_s:g} s is no interval after "
                                 f"{before_s:g} s; intervals stand in order and do not overlap")
        spans.append(Interval(task, start_s, end_s, _LABELS.get(task, "")))
    return spans


def read_beats(folder: Path, unix_s: float) -> list[tuple[float, float]]:
    """Read the beats the device found, if it did: (end of the beat, interval), in seconds, in order of time.

    `unix_s` is the start of the recording, from which the ends count.

    Raises:
        RecordingError: they are malformed.
    """
    path = _find(folder, "IBI")
    if path is None:
        return []
    header, *lines = _read_lines(path)
    offset_s = _fields(path, 1, header.split(",")[:1], 1)[0] - unix_s
    beats = []
    for number, line in enumerate(lines, start=2):
        since_s, interval_s = _fields(path, number, line.split(","), 2)
        if not interval_s > 0:
            raise RecordingError(f"{path}: line {number}: the interval is {interval_s:g} s; it must be "
                                 "above 0")
        beats.append((since_s + offset_s, interval_s))
    return sorted(beats)


def _find(folder: Path, name: str) -> Path | None:
    """Return the plain or the compressed file of that name."""
    paths = (folder / f"{name}.csv", folder / f"{name}.csv.gz")
    return next((path for path in paths if path.is_file()), None)


def _read_lines(path: Path) -> list[str]:
    """Return the lines of a plain or compressed text file without trailing empty ones."""
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("ascii")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise RecordingError(f"{path}: cannot be read ({error}); copy it again from its source") from error
    lines = text.rstrip().splitlines()
    if not lines:
        raise RecordingError(f"{path}: is empty; copy it again from its source")
    return lines


def _numbers(path: Path, lines: list[str]) -> NDArray[np.float64]:
    """Return one finite number a line."""
    try:
        numbers = np.array(lines, dtype=np.float64)
    except ValueError:
        numbers = np.empty(0)
    if len(numbers) == len(lines) and np.isfinite(numbers).all():
        return numbers
    return np.array([_fields(path, number, [line], 1)[0] for number, line in enumerate(lines, start=1)])


def _fields(path: Path, number: int, fields: list[str], count: int) -> list[float]:
    """Return so many finite numbers of one line."""
    try:
        values = [float(field) for field in fields]
    except ValueError:
        values = []
    if len(values) != count or not all(map(math.isfinite, values)):
        what = "a number" if count == 1 else f"{count} numbers"
        raise RecordingError(f"{path}: line {number}: {','.join(fields)!r} is not {what}; repair or "
                             "remove it")
    return values
