"""Where the session is, and what a finger on the button or the end of the arc does to it.

| phase | press | tap (up before 2 s) | hold (2 s) | release of a hold | time |
|---|---|---|---|---|---|
| `IDLE` | `RUNNING` | | `MUTED` | | |
| `RUNNING` | | `ENDING` (not by the press that started it) | `MUTED` | | `ENDING` at the arc's end |
| `ENDING` | `RUNNING` | | `MUTED` | | `IDLE` after the fade |
| `MUTED` | | | | `IDLE` | |

A press during the ending is a new session: the music that fades leads into it. A press within 1.5 s of
a start or of the beginning of an ending is taken for its echo and changes nothing: who presses twice to
start wants music, who presses twice to stop wants none. Where a clinic asks for a rating, presses in the
first minute of `IDLE` are counted instead (`device.control.rating`).
"""

from __future__ import annotations

import random

import msgspec

from device.config import Program
from device.control.rating import MIN_PLAYED_S, SelfRating
from device.messages import Session, SessionPhase

SEED_LIMIT = 2**31
ECHO_S = 1.5  # double clicks come within 0.5 s (the default of desktops), impatient ones a little later


class SessionState(msgspec.Struct, frozen=True, kw_only=True):
    """A session in progress; times are monotonic seconds of this boot.

    `ending_s` is when the ending began, None before; `silent_s` when it was muted.
    """

    phase: SessionPhase
    seed: int
    started_s: float
    duration_s: float
    ending_s: float | None = None
    silent_s: float | None = None


class SessionMachine:
    """The state machine of `SessionPhase`.

    Args:
        program: length, fade and seed of the sessions.
        generator: draws a fresh seed for every session when the program names none.
        state: a session in progress to go on with, or None.
    """

    def __init__(self, program: Program, generator: random.Random, state: SessionState | None = None) -> None:
        self._program = program
        self._generator = generator
        self._state = state
        self._press_started = False
        self._rating = SelfRating()

    @property
    def asking(self) -> bool:
        """Tell whether taps are counted as a rating now."""
        return self._rating.asking

    @property
    def phase(self) -> SessionPhase:
        """Return where the session is."""
        return self._state.phase if self._state else SessionPhase.IDLE

    @property
    def state(self) -> SessionState | None:
        """Return the session in progress, None when idle."""
        return self._state

    @property
    def playing(self) -> bool:
        """Tell whether music should sound: running or ending."""
        return self.phase in {SessionPhase.RUNNING, SessionPhase.ENDING}

    def press(self, at_s: float) -> None:
        """The button went down: start, unless a session runs or this is an echo of the press before."""
        if self._rating.press(at_s):
            return
        echo = self._is_echo(at_s)
        self._press_started = echo or self.phase in {SessionPhase.IDLE, SessionPhase.ENDING}
        if self._press_started and not echo:
            self._start(at_s)

    def tap(self, at_s: float) -> None:
        """The button came up before it was a hold: end gently, unless this press was a start or an echo."""
        if self._rating.tap(at_s):
            return
        if self.phase is SessionPhase.RUNNING and not self._press_started:
            self._end(at_s)
        self._press_started = False

    def hold(self, at_s: float) -> None:
        """The button has been down for 2 s: silence at once."""
        self._press_started = False
        self._rating.forget()
        state = self._state or SessionState(
            phase=SessionPhase.IDLE, seed=0, started_s=at_s, duration_s=self._program.minutes * 60.0)
        self._state = msgspec.structs.replace(state, phase=SessionPhase.MUTED, silent_s=at_s)

    def release(self) -> None:
        """The hold is over: ready again."""
        self._rating.release()
        if self.phase is SessionPhase.MUTED:
            self._state = None

    def update(self, at_s: float) -> None:
        """Let time pass: the arc's end begins the ending, the fade's end makes idle."""
        if self._rating.update(at_s):
            self._press_started = True
            self._start(at_s)
        state = self._state
        if state is None:
            return
        if state.phase is SessionPhase.RUNNING and at_s >= state.started_s + state.duration_s:
            self._end(at_s)
        elif state.phase is SessionPhase.ENDING and state.ending_s is not None \
                and at_s >= state.ending_s + self._program.fade_out_s:
            self._state = None
            if self._program.self_rating and state.ending_s - state.started_s >= MIN_PLAYED_S:
                self._rating.ask(at_s)

    def resume(self, state: SessionState) -> None:
        """Go on with a session, unless one is in progress."""
        if self._state is None:
            self._rating.forget()
            self._state = state

    def message(self, at_s: float) -> Session:
        """Return the session as the others see it; `elapsed_s` stops at the arc's end and when muted."""
        state = self._state
        if state is None:
            return Session(at_s=at_s, phase=SessionPhase.IDLE, seed=0, elapsed_s=0.0,
                           duration_s=self._program.minutes * 60.0, fade_s=self._program.fade_out_s,
                           rating=self._rating.rating)
        until_s = at_s if state.silent_s is None else state.silent_s
        elapsed_s = min(max(until_s - state.started_s, 0.0), state.duration_s)
        return Session(at_s=at_s, phase=state.phase, seed=state.seed, elapsed_s=elapsed_s,
                       duration_s=state.duration_s, fade_s=self._program.fade_out_s)

    def _start(self, at_s: float) -> None:
        """Begin a new session."""
        self._rating.forget()
        self._state = SessionState(
            phase=SessionPhase.RUNNING, started_s=at_s, duration_s=self._program.minutes * 60.0,
            seed=self._program.seed or self._generator.randrange(1, SEED_LIMIT))

    def _is_echo(self, at_s: float) -> bool:
        """Tell whether the session began or began to end a moment ago."""
        state = self._state
        if state is None or state.phase is SessionPhase.MUTED:
            return False
        changed_s = state.started_s if state.ending_s is None else state.ending_s
        return at_s - changed_s < ECHO_S

    def _end(self, at_s: float) -> None:
        """Begin the gentle ending."""
        if self._state is not None:
            self._state = msgspec.structs.replace(self._state, phase=SessionPhase.ENDING, ending_s=at_s)
