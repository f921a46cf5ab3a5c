"""The shipped pulse tracker against the reference beats of a recording."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from device.config import Estimator
from device.errors import RecordingError
from device.features.ppg import WINDOW_S, PulseTracker

FloatArray = NDArray[np.float64]

SHORT_S = 10.0  # the second window, as the PhysioNet/CinC Challenge 2015 judges heart rate
MATCH_S = 0.15
DELAY_S = (-0.2, 0.8)  # where the pulse may lie after the reference beat
JUDGED_S = 3.0  # a beat is counted when it is this old, as a running device knows it
GAP = 1.8  # of the median interval: the reference missed a beat
REFERENCE_SHARE = 0.5  # of a window that the reference must cover
LOWEST_HZ, HIGHEST_HZ = 20.0, 2000.0


class PulseResult(msgspec.Struct, frozen=True, kw_only=True):
    """Agreement with the reference; None where there was nothing to compare.

    Clean windows have at least the estimator's minimum quality. Sensitivity and positive predictive
    value are of trusted beats within 150 ms after the constant delay is taken out.
    """

    hr_mae_bpm: float | None
    clean_share: float
    windows: int  # one a second that ends inside the recording
    window_s: float
    sensitivity: float | None
    ppv: float | None
    delay_s: float | None
    rmssd_mae_ms: float | None
    sdnn_mae_ms: float | None
    hr_short_mae_bpm: float | None  # windows of 10 s
    clean_short_share: float


class _Found(NamedTuple):
    """What the tracker said of one window."""

    end_s: float
    hr_bpm: float
    rmssd_ms: float | None
    sdnn_ms: float | None


def evaluate_pulse(signal: Path, rate_hz: float, beats: Path) -> PulseResult:
    """Run a recording through the device's tracker, second by second, and compare it with its reference.

    Args:
        signal: CSV or CSV.gz, the pulse in the last column, peaks upward, any unit; a header or none.
        rate_hz: its sample rate; 20 to 2000.
        beats: CSV or CSV.gz with one beat a line, in seconds or sample numbers.

    Raises:
        RecordingError: a file is missing or malformed, or the rate is out of range.
    """
    if not LOWEST_HZ <= rate_hz <= HIGHEST_HZ:
        raise RecordingError(f"{signal}: the rate is {rate_hz:g} Hz; it must be {LOWEST_HZ:g} to "
                             f"{HIGHEST_HZ:g}")
    values = read_pulse(signal)
    seconds = int(values.size / rate_hz)
    if seconds < SHORT_S:
        raise RecordingError(f"{signal}: holds {seconds} s at {rate_hz:g} Hz; {SHORT_S:g} s are needed")
    reference_s = read_beats(beats, rate_hz)
    window_s = min(WINDOW_S, float(seconds))
    long, short, found_s = _run(values, rate_hz, seconds, window_s)
    sensitivity, ppv, delay_s = match_beats(found_s, reference_s)
    errors = np.array([_errors(one, reference_s, window_s) for one in long]).reshape(-1, 3)
    brief = np.array([_errors(one, reference_s, SHORT_S) for one in short]).reshape(-1, 3)
    windows = seconds - int(window_s) + 1
    return PulseResult(
        hr_mae_bpm=_mean_size(errors[:, 0]), clean_share=len(long) / windows, windows=windows,
        window_s=window_s, sensitivity=sensitivity, ppv=ppv, delay_s=delay_s,
        rmssd_mae_ms=_mean_size(errors[:, 1]), sdnn_mae_ms=_mean_size(errors[:, 2]),
        hr_short_mae_bpm=_mean_size(brief[:, 0]),
        clean_short_share=len(short) / (seconds - int(SHORT_S) + 1),
    )


def table(result: PulseResult) -> str:
    """Return the result as a few lines for a person."""
    rows = (
        (f"windows of {result.window_s:g} s", str(result.windows)),
        ("clean", f"{result.clean_share:.0%}"),
        ("heart-rate error", _text(result.hr_mae_bpm, "bpm", 2)),
        ("RMSSD error", _text(result.rmssd_mae_ms, "ms", 1)),
        ("SDNN error", _text(result.sdnn_mae_ms, "ms", 1)),
        ("clean windows of 10 s", f"{result.clean_short_share:.0%}"),
        ("heart-rate error, 10 s", _text(result.hr_short_mae_bpm, "bpm", 2)),
        ("beats found", _text(result.sensitivity, "of the reference", 3)),
        ("beats right", _text(result.ppv, "of the trusted", 3)),
        ("delay of the pulse", _text(result.delay_s, "s", 3)),
    )
    return "\n".join(f"{name:<24}{value}" for name, value in rows)


def read_pulse(path: Path) -> FloatArray:
    """Return the last column of a recording.

    Raises:
        RecordingError: it is missing or malformed.
    """
    return _column(path, -1)[1]


def read_beats(path: Path, rate_hz: float) -> FloatArray:
    """Return the times of reference beats in seconds, ascending.

    A header that ends in `_s` means seconds, one with `sample` or `index` sample numbers; otherwise whole
    numbers are sample numbers.

    Raises:
        RecordingError: the file is missing or malformed, or its times do not ascend.
    """
    header, beats = _column(path, 0)
    if header.endswith("_s"):
        samples = False
    elif "sample" in header or "index" in header:
        samples = True
    else:
        samples = bool((beats == np.round(beats)).all())
    steps = np.diff(beats)
    if (steps <= 0).any():
        line = int(np.flatnonzero(steps <= 0)[0]) + 2 + bool(header)
        raise RecordingError(f"{path}: line {line}: the beat is not after the one before; sort the file")
    return beats / rate_hz if samples else beats


def match_beats(
    found_s: FloatArray, reference_s: FloatArray,
) -> tuple[float | None, float | None, float | None]:
    """Return sensitivity, positive predictive value and the constant delay in seconds.

    Only the stretch that the reference covers counts: its holes are left out.
    """
    if reference_s.size < 3 or found_s.size == 0:  # noqa: PLR2004 - two intervals
        return None, None, None
    delay_s = _delay(found_s, reference_s)
    moved = found_s - delay_s
    hit = np.abs(_nearest(moved, reference_s) - reference_s) <= MATCH_S
    step = np.diff(reference_s)
    after = reference_s.searchsorted(moved)
    inside = (after > 0) & (after < reference_s.size)
    inside[inside] = step[after[inside] - 1] <= GAP * float(np.median(step))
    right = np.abs(_nearest(reference_s, moved) - moved) <= MATCH_S
    ppv = float(right[inside].mean()) if inside.any() else None
    return float(hit.mean()), ppv, delay_s


def _run(
    values: FloatArray, rate_hz: float, seconds: int, window_s: float,
) -> tuple[list[_Found], list[_Found], FloatArray]:
    """Return the clean long windows, the clean short windows, and the trusted beats in seconds."""
    tracker = PulseTracker(rate_hz, smallest=0.0)  # the unit of a file is not known
    minimum = Estimator().minimum_quality
    long: list[_Found] = []
    short: list[_Found] = []
    found: list[FloatArray] = []
    for second in range(1, seconds + 1):
        first, end = round((second - 1) * rate_hz), round(second * rate_hz)
        tracker.push(first / rate_hz, values[first:end].tolist())
        for kept, span_s in ((long, window_s), (short, SHORT_S)):
            told = tracker.features(float(second), span_s) if second >= span_s else None
            if told is not None and told.quality >= minimum:
                kept.append(_Found(float(second), told.hr_bpm, told.rmssd_ms, told.sdnn_ms))
        beats = tracker.beats(float(second))
        newest = second - JUDGED_S if second < seconds else np.inf
        due = beats.good & (beats.at_s > second - JUDGED_S - 1.0) & (beats.at_s <= newest)
        found.append(beats.at_s[due])
    return long, short, np.concatenate(found)


def _errors(found: _Found, reference_s: FloatArray, window_s: float) -> tuple[float, float, float]:
    """Return the errors of heart rate, RMSSD and SDNN in a window, NaN where there is no comparison."""
    low, high = reference_s.searchsorted((found.end_s - window_s, found.end_s), side="right").tolist()
    step = np.diff(reference_s[low:high])
    if step.size < 2:  # noqa: PLR2004 - a difference needs two
        return np.nan, np.nan, np.nan
    sound = step <= GAP * float(np.median(step))
    if step[sound].sum() < REFERENCE_SHARE * window_s:
        return np.nan, np.nan, np.nan
    change = np.diff(step)[sound[1:] & sound[:-1]]
    rmssd_ms = 1000.0 * float(np.sqrt(np.mean(change**2))) if change.size else np.nan
    return (
        found.hr_bpm - 60.0 / float(step[sound].mean()),
        np.nan if found.rmssd_ms is None else found.rmssd_ms - rmssd_ms,
        np.nan if found.sdnn_ms is None else found.sdnn_ms - 1000.0 * float(step[sound].std(ddof=1)),
    )


def _delay(found_s: FloatArray, reference_s: FloatArray) -> float:
    """Return the delay at which most beats match, refined to the median of those that do."""
    trials = np.arange(DELAY_S[0], DELAY_S[1], 0.02)
    hits = [np.count_nonzero(np.abs(_nearest(found_s - trial, reference_s) - reference_s) <= MATCH_S / 3.0)
            for trial in trials]
    best = float(trials[int(np.argmax(hits))])
    apart = _nearest(found_s - best, reference_s) - reference_s
    near = apart[np.abs(apart) <= MATCH_S]
    return best + (float(np.median(near)) if near.size else 0.0)


def _nearest(of: FloatArray, to: FloatArray) -> FloatArray:
    """Return for each time in `to` the nearest one in `of`, which ascends."""
    after = of.searchsorted(to).clip(0, of.size - 1)
    before = (after - 1).clip(0)
    return np.where(np.abs(of[before] - to) < np.abs(of[after] - to), of[before], of[after])


def _mean_size(errors: FloatArray) -> float | None:
    """Return the mean absolute error over the windows that were compared, None without any."""
    sizes = np.abs(errors[np.isfinite(errors)])
    return float(sizes.mean()) if sizes.size else None


def _text(value: float | None, unit: str, digits: int) -> str:
    """Return a figure with its unit, or that there is none."""
    return "not known" if value is None else f"{value:.{digits}f} {unit}"


def _column(path: Path, index: int) -> tuple[str, FloatArray]:
    """Return the header of a column (empty without one) and its numbers."""
    try:
        raw = path.read_bytes()
        lines = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8").rstrip().splitlines()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise RecordingError(f"{path}: cannot be read ({error}); copy it again from its source") from error
    fields = [line.split(",")[index].strip() for line in lines]
    header = ""
    if fields and not _is_number(fields[0]):
        header, fields = fields[0].lower(), fields[1:]
    first = 2 if header else 1
    if not fields:
        raise RecordingError(f"{path}: holds no numbers; copy it again from its source")
    columns = lines[-1].count(",")
    for number, (line, field) in enumerate(zip(lines[first - 1:], fields, strict=True), start=first):
        if line.count(",") != columns or not _is_number(field):
            raise RecordingError(f"{path}: line {number}: {line[:60]!r} does not end in a number like the "
                                 "others; repair or remove it")
    return header, np.array(fields, dtype=np.float64)


def _is_number(text: str) -> bool:
    """Tell whether a field is a finite number."""
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False
