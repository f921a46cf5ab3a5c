"""What an evaluation finds, as it is shown and written as JSON."""

from __future__ import annotations

from typing import Literal

import msgspec

# The figures of `mean`, in the order in which they are shown.
KEYS = ("balanced_accuracy", "auc", "f1", "brier", "ece", "unknown_share", "hr_mae_bpm")


class Windows(msgspec.Struct, frozen=True, kw_only=True):
    """How many windows of stress and rest there are, and how many of both are unknown."""

    stress: int
    rest: int
    unknown: int


class Hyperventilation(msgspec.Struct, frozen=True, kw_only=True):
    """Windows of hyperventilation, scored as neither class: mean level, and share above 0.5."""

    windows: int
    unknown: int
    level: float | None
    called_stress: float | None


class Delays(msgspec.Struct, frozen=True, kw_only=True):
    """Median seconds until a change was followed, and how many there were; see `changes_of`."""

    to_stress_s: float | None
    to_rest_s: float | None
    changes: int
    missed: int


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One person's figures; None where one cannot be had (one class only, no beats), never a guess.

    Unknown windows are left out of all but `unknown_share` and `balanced_accuracy_strict`, which counts
    them as wrong. In `brier` and `ece` both classes weigh the same, in `*_plain` every window does.
    """

    balanced_accuracy: float | None
    auc: float | None
    f1: float | None
    brier: float | None
    ece: float | None
    unknown_share: float | None
    hr_mae_bpm: float | None
    trained_on: bool
    balanced_accuracy_strict: float | None
    brier_plain: float | None
    ece_plain: float | None
    windows: Windows
    hyperventilation: Hyperventilation
    delay: Delays
    hr_windows: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Means over people who have the figure, and 95 % intervals by bootstrap over people.

    `ece` is not a mean of each person's but pooled over windows, each person weighing the same; so is
    `ece_plain`. `delay` is the median over all changes of all people.
    """

    people: int
    mean: dict[str, float | None]
    interval_95: dict[str, tuple[float, float] | None]
    more: dict[str, float | None]
    delay: Delays


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the command shows; `others` are the people that the model was not trained on."""

    subjects: dict[str, Person]
    summary: Summary
    others: Summary | None
    path: Literal["adc", "fast"]
    context_s: float
    run_s_per_hour: float
