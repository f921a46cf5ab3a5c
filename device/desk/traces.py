"""The messages of a run as arrays over the time since the run began."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from device.messages import Health, Message, Panel, PlayerState, SampleBlock, Service, Severity, Truth

Floats = NDArray[np.float64]
Kind = TypeVar("Kind", bound=Message)
STALE_S = 3.0  # state topics come once a second; after three of them are missing nothing is known


class Interval(NamedTuple):
    """A stretch of the run in seconds since its beginning, and what it is called."""

    start_s: float
    end_s: float
    name: str


class FaultSpell(msgspec.Struct, frozen=True):
    """One fault of one service from its first to its last mention, seconds since the run began."""

    service: Service
    code: str
    severity: Severity
    advice: str
    start_s: float
    end_s: float


class Traces:
    """All messages of a run by kind, ordered in time.

    `origin_s` is the monotonic time of the earliest message, `duration_s` the time to the latest;
    every other time that comes out of this class is in seconds since `origin_s`.
    """

    def __init__(self, messages: Iterable[Message]) -> None:
        self._by_kind: dict[type[Message], list[Message]] = {}
        for message in sorted(messages, key=lambda each: each.at_s):
            self._by_kind.setdefault(type(message), []).append(message)
        times = [kind[end].at_s for kind in self._by_kind.values() for end in (0, -1)]
        self.origin_s = min(times, default=0.0)
        self.duration_s = max(times, default=0.0) - self.origin_s

    def of(self, kind: type[Kind]) -> list[Kind]:
        """Return the messages of one kind in order of time."""
        return [message for message in self._by_kind.get(kind, []) if isinstance(message, kind)]

    def times(self, kind: type[Kind]) -> Floats:
        """Return when each message of one kind was made."""
        return np.array([message.at_s for message in self._by_kind.get(kind, [])], float) - self.origin_s

    def column(self, kind: type[Kind], value: Callable[[Kind], float | None]) -> Floats:
        """Return one number per message of a kind, NaN where there is none."""
        numbers = (value(message) for message in self.of(kind))
        return np.array([np.nan if number is None else number for number in numbers], float)

    def at(self, kind: type[Kind], values: Floats, times_s: Floats) -> Floats:
        """Return the values of a state as it stood at some times; NaN before its first and when stale.

        Args:
            kind: the state's message; `values` holds one number per message.
            values: as `column` gives them.
            times_s: when to look, seconds since the run began.
        """
        known_s = self.times(kind)
        if not known_s.size:
            return np.full(times_s.shape, np.nan)
        index = np.searchsorted(known_s, times_s, side="right") - 1
        stale = (index < 0) | (times_s - known_s[index] > STALE_S)
        return np.where(stale, np.nan, values[index])

    def spells(self, kind: type[Kind], name: Callable[[Kind], str]) -> list[Interval]:
        """Return the stretches over which a state kept one name; stretches named '' are left out."""
        return _spells(self.times(kind), [name(message) for message in self.of(kind)])

    def labels(self) -> list[Interval]:
        """Return the labelled intervals of a recording's protocol."""
        return self.spells(Truth, lambda truth: truth.label)

    def samples(self, signal: str) -> tuple[Floats, Floats]:
        """Return times and values of one sampled signal; a NaN stands in every gap."""
        times: list[Floats] = []
        values: list[Floats] = []
        expected_s = np.inf
        for block in self.of(SampleBlock):
            if block.signal != signal or not block.values:
                continue
            start_s = block.start_s - self.origin_s
            if start_s - expected_s > 1.5 / block.rate_hz:
                times.append(np.array([expected_s]))
                values.append(np.array([np.nan]))
            times.append(start_s + np.arange(len(block.values)) / block.rate_hz)
            values.append(np.array(block.values, float))
            expected_s = start_s + len(block.values) / block.rate_hz
        if not times:
            return np.empty(0), np.empty(0)
        return np.concatenate(times), np.concatenate(values)

    def presses(self) -> list[float]:
        """Return when the button went down."""
        held = self.spells(Panel, lambda panel: "down" if panel.button_down else "")
        return [spell.start_s for spell in held]

    def fault_spells(self) -> list[FaultSpell]:
        """Return every fault with its first and last mention, in order of start."""
        spells: list[FaultSpell] = []
        by_service: dict[Service, list[Health]] = {}
        for health in self.of(Health):
            by_service.setdefault(health.service, []).append(health)
        for service, beats in by_service.items():
            times_s = np.array([beat.at_s for beat in beats]) - self.origin_s
            faults = {fault.code: fault for beat in beats for fault in beat.faults}
            for code, fault in faults.items():
                present = [code if any(each.code == code for each in beat.faults) else "" for beat in beats]
                spells.extend(
                    FaultSpell(service, code, fault.severity, fault.advice, spell.start_s, spell.end_s)
                    for spell in _spells(times_s, present)
                )
        return sorted(spells, key=lambda spell: (spell.start_s, spell.service, spell.code))

    def sound_origin_s(self, recorded_s: float) -> float | None:
        """Return when the first sample of a recording of that length was played; None when unknown.

        A player that was restarted counts its samples from 0 again; the life whose length comes closest
        to the recording's is the one that was recorded.
        """
        lives: list[list[PlayerState]] = []
        for state in self.of(PlayerState):
            if not lives or state.position_s < lives[-1][-1].position_s:
                lives.append([])
            lives[-1].append(state)
        if not lives:
            return None
        life = min(lives, key=lambda states: abs(states[-1].position_s - recorded_s))
        return float(np.median([state.at_s - state.position_s for state in life])) - self.origin_s


def _spells(times_s: Floats, names: list[str]) -> list[Interval]:
    """Join equal neighbours into intervals; one lasts until the next name or until it went stale."""
    spells: list[Interval] = []
    open_name, start_s, last_s = "", 0.0, -np.inf
    for at_s, name in zip(times_s.tolist(), names, strict=True):
        stale = at_s - last_s > STALE_S
        if open_name and (stale or name != open_name):
            spells.append(Interval(start_s, last_s if stale else at_s, open_name))
        if stale or name != open_name:
            open_name, start_s = name, at_s
        last_s = at_s
    if open_name:
        spells.append(Interval(start_s, last_s, open_name))
    return spells
