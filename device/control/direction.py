"""Makes the music of each session as the configured program wants it: style, mood and mode."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from device.config import Program
from device.control.modes import ClosedEar, Ear, OpenEar, ShamEar
from device.control.moods import Mood
from device.control.performance import Composer, Performance, PerformanceState
from device.control.policy import ControlPolicy
from device.control.sham import Moment, YokedCourse, drawn_course, drawn_heart_rate, read_moments
from device.control.styles import FixedStylist, StyleBandit, Stylist
from device.control.tally import ScratchTally, SiteTally
from device.messages import Fault, Rating, Reason, Style

AUTO = "auto"


class Director:
    """Begins and resumes performances.

    Args:
        program: of the unit.
        compose: makes the composer of a session from its seed.
        state_dir: of the conductor, for what the unit learns of the styles; used with `auto` only.

    Raises:
        ConfigError: the file of the sham mode is of no use.
    """

    def __init__(self, program: Program, compose: Callable[[int], Composer], state_dir: Path) -> None:
        self._program = program
        self._compose = compose
        self._tally = SiteTally(state_dir) if program.style == AUTO else None
        self._moments: tuple[Moment, ...] = ()
        if program.sham_levels:
            self._moments = read_moments(Path(program.sham_levels))

    def perform(self, seed: int, state: PerformanceState | None = None,
                reason: Reason = Reason.MEET) -> Performance:
        """Return the music of a session.

        Args:
            seed: of the session.
            state: of the performance to go on from, or None for a beginning from silence.
            reason: `RESUMED` goes on with the same session, `MEET` begins a new one.
        """
        resumed = state if reason is Reason.RESUMED else None
        policy = ControlPolicy(
            state.policy if state else None, reason, mood=Mood(self._program.mood),
            meet_mood=self._program.entry == AUTO)
        return Performance(self._compose(seed), policy, self._stylist(seed, resumed), self._ear(seed),
                           state=state, reason=reason)

    def rate(self, rating: Rating, style: Style) -> None:
        """Learn from what somebody said after a session in which a style played last.

        Words count once for a whole session, where the stress level counts once a section: they are a weak
        reward. A study's control group teaches nothing.
        """
        if self._tally and self._program.mode != "sham" and rating is not Rating.SAME:
            self._tally.add(style, helped=rating is Rating.BETTER)

    def faults(self) -> tuple[Fault, ...]:
        """Return what is wrong with the counts of the styles."""
        return self._tally.faults() if self._tally else ()

    def _stylist(self, seed: int, resumed: PerformanceState | None) -> Stylist:
        """Return who chooses the style."""
        state = resumed.style if resumed else None
        if self._tally is None:
            return FixedStylist(state.style if state else Style(self._program.style))
        tally = ScratchTally(self._tally) if self._program.mode == "sham" else self._tally
        return StyleBandit(tally, seed, state)

    def _ear(self, seed: int) -> Ear:
        """Return what the program hears of the patient."""
        if self._program.mode == "closed":
            return ClosedEar()
        if self._program.mode == "open":
            return OpenEar()
        if self._moments:
            return ShamEar(YokedCourse(self._moments, drawn_heart_rate(seed)))
        return ShamEar(drawn_course(seed, math.ceil(self._program.minutes * 60.0) + 1))
