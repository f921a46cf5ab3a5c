"""The doctor's answers for a person: one aligned line a check, the worst last, a sentence to end with."""

from __future__ import annotations

from device.doctor.result import Outcome, Report, Result

WORDS = {Outcome.SKIPPED: "-", Outcome.OK: "ok", Outcome.ATTENTION: "ATTENTION", Outcome.FAILED: "FAILED"}
ORDER = tuple(WORDS)
SENTENCES = {
    Outcome.OK: "All is well.",
    Outcome.ATTENTION: "It works, but see to what is marked ATTENTION.",
    Outcome.FAILED: "Something does not work: see what is marked FAILED.",
}


def text_of(report: Report) -> str:
    """Return the report as lines; what to do stands below what is wrong."""
    results = sorted(report.results, key=lambda result: ORDER.index(result.outcome))
    width = max((len(result.name) for result in results), default=0)
    lines = [line for result in results for line in _lines(result, width)]
    counts = {outcome: sum(result.outcome is outcome for result in results) for outcome in ORDER}
    summary = (f"{report.unit}, version {report.version}: {counts[Outcome.OK]} ok, "
               f"{counts[Outcome.ATTENTION]} need attention, {counts[Outcome.FAILED]} failed, "
               f"{counts[Outcome.SKIPPED]} not looked at, in {report.took_s:g} s.")
    return "\n".join([*lines, "", f"{summary} {SENTENCES[report.outcome]}"])


def _lines(result: Result, width: int) -> list[str]:
    """Return one line, and a second for the advice."""
    value = "" if result.value is None else f" [{_number(result.value)} {result.unit}]"
    head = f"{WORDS[result.outcome]:<9}  {result.name:<{width}}  {result.says}{value}"
    if not result.advice:
        return [head]
    return [head, f"{'':<{11 + width}}  -> {result.advice}"]


def _number(value: float) -> str:
    """Return whole numbers whole, all others with as many digits as they were rounded to."""
    return str(int(value)) if float(value).is_integer() else repr(value)
