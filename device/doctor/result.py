"""What a check says: a name, an outcome, a measured value with its unit, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

EXIT_WELL, EXIT_FAILED, EXIT_ATTENTION = 0, 1, 2
AS_ROOT = "run it as root: sudo tranquillo doctor"
ADVICE_MARK = "; "  # the project's own errors say what is wrong, then what to do


class Outcome(StrEnum):
    """How a check ended."""

    OK = "ok"
    ATTENTION = "attention"  # works, but a person should see to it
    FAILED = "failed"  # something that this unit is configured to have does not work
    SKIPPED = "skipped"  # not configured here, or not to be told now; `says` says why


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One check's answer.

    `name` is stable and begins with its family (`adc.noise`); `value` is measured, in `unit`; nothing in
    it tells of a patient.
    """

    name: str
    outcome: Outcome
    says: str
    advice: str = ""
    value: float | None = None
    unit: str = ""

    @property
    def family(self) -> str:
        """Return the part of the unit that was looked at."""
        return self.name.partition(".")[0]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All answers of one run; `took_s` is how long it lasted."""

    format: int = 1
    unit: str
    version: str
    outcome: Outcome
    took_s: float
    results: tuple[Result, ...]


def ok(name: str, says: str, value: float | None = None, unit: str = "") -> Result:
    """Return that all is well."""
    return Result(name=name, outcome=Outcome.OK, says=says, value=value, unit=unit)


def attention(name: str, says: str, advice: str, value: float | None = None, unit: str = "") -> Result:
    """Return that a person should see to something."""
    return Result(name=name, outcome=Outcome.ATTENTION, says=says, advice=advice, value=value, unit=unit)


def failed(name: str, says: str, advice: str, value: float | None = None, unit: str = "") -> Result:
    """Return that something does not work."""
    return Result(name=name, outcome=Outcome.FAILED, says=says, advice=advice, value=value, unit=unit)


def skipped(name: str, says: str, advice: str = "") -> Result:
    """Return that nothing was looked at, and why."""
    return Result(name=name, outcome=Outcome.SKIPPED, says=says, advice=advice)


def failed_with(name: str, error: Exception) -> Result:
    """Return the failure that one of the project's errors describes."""
    says, _, advice = str(error).partition(ADVICE_MARK)
    return failed(name, says, advice)


def worst(results: Iterable[Result]) -> Outcome:
    """Return the worst outcome: failed, then attention, then ok (skipped counts as ok)."""
    outcomes = {result.outcome for result in results}
    for outcome in (Outcome.FAILED, Outcome.ATTENTION):
        if outcome in outcomes:
            return outcome
    return Outcome.OK


def exit_status(outcome: Outcome) -> int:
    """Return 0 when all is well, 1 when something failed, 2 when something only needs attention."""
    return {Outcome.FAILED: EXIT_FAILED, Outcome.ATTENTION: EXIT_ATTENTION}.get(outcome, EXIT_WELL)
