"""What `tranquillo efficacy` found, as a table for the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from device.evaluation.efficacy.arms import ARMS, Sessions
from device.evaluation.efficacy.chain import ChainCourse, ChainFigures, chain_figures
from device.evaluation.efficacy.figures import (
    CALM,
    CALM_FOR_S,
    COMPARED,
    NOTICED,
    ArmFigures,
    Gate,
    Group,
    Value,
    gates_of,
    groups_of,
)

STATEMENT = (
    "This is a simulation. The listeners were written by the people who wrote the loop, so it shows only "
    "whether the loop does what it should to such listeners. It shows no medical effect.")
_ROWS = {"time_to_calm_min": "minutes to calm", "area_min": "area under arousal, min",
         "calmed": "share calmed", "harmed": "share harmed"}
_WIDTH = 24


class Efficacy(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is shown and written."""

    statement: str
    seed: int
    minutes: float
    definitions: dict[str, str]
    groups: dict[str, Group]
    gates: list[Gate]
    chain: list[ChainFigures]

    @property
    def passed(self) -> bool:
        """Tell whether every bound is kept."""
        return all(gate.passed for gate in self.gates)


def efficacy_of(sessions: Sessions, courses: Sequence[ChainCourse], *, minutes: float, seed: int) -> Efficacy:
    """Return all figures of the sessions and of the check by the real chain."""
    return Efficacy(
        statement=STATEMENT, seed=seed, minutes=minutes, groups=groups_of(sessions), gates=gates_of(sessions),
        chain=[chain_figures(course) for course in courses],
        definitions={
            "calm": f"the beginning of the first {CALM_FOR_S} s below an arousal of {CALM}; who never gets "
                    "there counts with the whole session",
            "area": "mean arousal (0 to 1) times minutes",
            "harmed": f"mean arousal above the same person's in silence by more than {NOTICED:.3f} (d "
                      "= 0.15, the effect of music that Adiasto et al. 2022 could not tell from none)",
            "interval": "95 %, bootstrap over people; differences are within persons",
            "paced": "the program from the person's own entry tempo, not bent",
            "stuck": "the loop with an estimate that says full stress all the time",
        })


def json_text(found: Efficacy) -> str:
    """Return everything as indented JSON, each gate with its verdict."""
    plain = msgspec.to_builtins(found)
    for gate, shown in zip(found.gates, plain["gates"], strict=True):
        shown["passed"] = gate.passed
    return msgspec.json.format(msgspec.json.encode(plain), indent=2).decode() + "\n"


def table(found: Efficacy) -> str:
    """Return the figures as a page of text."""
    lines = [found.statement, ""]
    for name, group in found.groups.items():
        lines += [f"{name}, {group.people} people, {found.minutes:g} minutes", _row("", ARMS)]
        lines += [_row(shown, [_text(getattr(group.arms[arm], row)) for arm in ARMS])
                  for row, shown in _ROWS.items()]
        lines += [_difference(f"closed less {arm}", group.closed_minus[arm]) for arm in COMPARED]
        lines += [f"  mean arousal, {check} less open: {_text(one, 4)}"
                  for check, one in group.checks_minus_open.items()]
        lines.append("")
    lines += [f"{name}: {text}." for name, text in found.definitions.items()]
    lines += ["", "Real chain (volts to music) beside the fast sessions, mean arousal:"]
    lines += [_chain_line(one) for one in found.chain]
    lines.append("")
    lines += [_gate_line(gate) for gate in found.gates]
    return "\n".join(lines)


def _row(name: str, cells: Sequence[str]) -> str:
    """Return one line of a table."""
    return f"  {name:<26}" + "".join(f"{cell:<{_WIDTH}}" for cell in cells).rstrip()


def _difference(name: str, one: ArmFigures) -> str:
    """Return one line of paired differences."""
    return (f"  {name}: {_text(one.time_to_calm_min)} min to calm, area {_text(one.area_min, 3)} min, "
            f"harmed {_text(one.harmed, 3)}")


def _gate_line(gate: Gate) -> str:
    """Return one line on one bound."""
    verdict = "passed" if gate.passed else "FAILED"
    return f"{verdict}  {gate.found:+.4f}, at most {gate.bound:.4f}  {gate.name}"


def _chain_line(one: ChainFigures) -> str:
    """Return one line on one person of the check."""
    follows = "unknown" if one.level_correlation is None else f"{one.level_correlation:.2f}"
    return (f"  {one.kind:<14} closed less open {one.real_minus_open:+.4f} real, "
            f"{one.fast_minus_open:+.4f} fast; open less silence {one.open_minus_silence:+.4f}; "
            f"largest gap {one.largest_gap:.4f}; estimate follows arousal r = {follows}")


def _text(one: Value, places: int = 2) -> str:
    """Return a mean with its interval."""
    if one.interval_95 is None:
        return f"{one.mean:z.{places}f}"
    low, high = one.interval_95
    return f"{one.mean:z.{places}f} [{low:z.{places}f}, {high:z.{places}f}]"
