"""An evaluation in words and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from device.evaluation.results import KEYS, Delays, Evaluation, Person, Summary

DECIMALS = 4
COLUMNS = ("bal.acc", "AUC", "F1", "Brier", "ECE", "unknown", "HR err", "up s", "down s")
DEFINITIONS = {
    "scored": "windows wholly inside one interval, every 10 s, the first 300 s not; stress is stroop and "
              "interview, rest is baseline and rest",
    "level": "chance of stress if stress and rest are equally likely; above 0.5 counts as stress",
    "unknown": "left out of every figure but unknown_share and balanced_accuracy_strict (counted as wrong)",
    "brier, ece": "both classes weigh the same, as in the level's definition; *_plain: every window does",
    "mean.ece": "ten equal bins, pooled over windows, each person weighing the same; more.ece_of_each is "
                "the mean of each person's own",
    "mean": "over the people who have the figure; interval_95 by bootstrap over people",
    "delay": "seconds from a change until the level has kept to its side of 0.5 for 10 s; median, a change "
             "never followed being the slowest",
    "hr_mae_bpm": "60 s windows of sufficient pulse quality of which the watch's own beats cover over half",
}


def json_text(found: Evaluation) -> str:
    """Return the evaluation as JSON: `subjects`, `mean` with exactly the seven figures, and the rest."""
    whole: dict[str, Any] = {
        "subjects": found.subjects, "mean": found.summary.mean, "interval_95": found.summary.interval_95,
        "more": found.summary.more, "delay": found.summary.delay, "not_trained_on": found.others,
        "path": found.path, "context_s": found.context_s, "run_s_per_hour": found.run_s_per_hour,
        "definitions": DEFINITIONS,
    }
    return msgspec.json.format(msgspec.json.encode(rounded(msgspec.to_builtins(whole))), indent=1).decode()


def rounded(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value with its numbers to four decimals."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(one) for one in value]
    return round(value, DECIMALS) if isinstance(value, float) else value


def table(found: Evaluation) -> str:
    """Return the evaluation as a table for a terminal, one person a line, and what it means below."""
    width = max(len("not trained on"), *(len(name) + 1 for name in found.subjects))
    lines = [_row(width, "person", COLUMNS)]
    for name, one in found.subjects.items():
        figures = _cells([getattr(one, key) for key in KEYS])
        marked = name + ("*" if one.trained_on else "")
        lines.append(_row(width, marked, [*figures, *_delay_cells(one.delay)]))
    lines += ["", *_summary_rows(width, "mean", found.summary)]
    if found.others is not None:
        lines += _summary_rows(width, "not trained on", found.others)
    lines += ["", _notes(found)]
    return "\n".join(lines)


def _summary_rows(width: int, name: str, summary: Summary) -> list[str]:
    """Return means and their intervals as two lines."""
    means = _cells([summary.mean[key] for key in KEYS])
    rows = [_row(width, name, [*means, *_delay_cells(summary.delay)])]
    for side, bound in (("95 % from", 0), ("to", 1)):
        ends = [None if (one := summary.interval_95[key]) is None else one[bound] for key in KEYS]
        rows.append(_row(width, f"  {side}", _cells(ends)))
    return rows


def _row(width: int, name: str, cells: Sequence[str]) -> str:
    """Return one line of the table."""
    return f"{name:<{width}}" + "".join(f"{cell:>9}" for cell in cells)


def _cells(values: Sequence[float | None]) -> list[str]:
    """Return one line's figures, the last (heart rate) to a hundredth."""
    return [*(_number(value, 3) for value in values[:-1]), _number(values[-1], 2)]


def _delay_cells(delay: Delays) -> list[str]:
    """Return the delays to stress and to rest."""
    return [_number(delay.to_stress_s, 0), _number(delay.to_rest_s, 0)]


def _number(value: float | None, decimals: int) -> str:
    """Return a figure, or a dash where there is none."""
    return "-" if value is None else f"{value:.{decimals}f}"


def _notes(found: Evaluation) -> str:
    """Return what stands below the table."""
    people, more = list(found.subjects.values()), found.summary.more
    stress, rest = (sum(getattr(one.windows, kind) for one in people) for kind in ("stress", "rest"))
    strict, brier, ece, each = (_number(more[key], 3) for key in (
        "balanced_accuracy_strict", "brier_plain", "ece_plain", "ece_of_each"))
    trained = "* the model was trained on this person (by the name of the folder): no test of it.\n"
    return (
        (trained if any(one.trained_on for one in people) else "")
        + f"Windows of {found.context_s:g} s: {stress} stress, {rest} rest. Unknown ones are left out; "
        f"counted as wrong, the balanced accuracy is {strict}.\n"
        "Brier and ECE have both classes weighing the same, and the mean ECE is pooled over windows.\n"
        f"With every window weighing the same they are {brier} and {ece}; mean of each person's ECE {each}.\n"
        f"{_delay_note(found.summary.delay)}\n{_hyperventilation_note(people)}\n"
        "HR err is the mean absolute error in bpm against the watch's own beats (IBI), "
        f"{sum(one.hr_windows for one in people)} windows.\n"
        f"Path: {_path(found)}; {found.run_s_per_hour:g} s of processor time per hour recorded."
    )


def _delay_note(delay: Delays) -> str:
    """Return the delays as a sentence."""
    def words(seconds: float | None) -> str:
        """Return one delay."""
        return "none (half or more never followed)" if seconds is None else f"{seconds:.0f} s"

    return (f"Median delay over all changes: to stress (up) {words(delay.to_stress_s)}, to rest (down) "
            f"{words(delay.to_rest_s)}; {delay.missed} of {delay.changes} never followed.")


def _hyperventilation_note(people: Sequence[Person]) -> str:
    """Return what the level says of hyperventilation, over all its windows."""
    parts = [one.hyperventilation for one in people]
    known = sum(one.windows - one.unknown for one in parts)
    if not known:
        return "Hyperventilation: no window."
    called = sum((one.windows - one.unknown) * (one.called_stress or 0.0) for one in parts) / known
    level = sum((one.windows - one.unknown) * (one.level or 0.0) for one in parts) / known
    return f"Hyperventilation, apart: mean level {level:.2f}, {called:.0%} above 0.5, {known} windows."


def _path(found: Evaluation) -> str:
    """Return which way the samples went."""
    return "straight from the recording" if found.path == "fast" else "through the simulated converter"
