"""The music of one session: the policy decides, the composer writes, phrase after phrase in time."""

from __future__ import annotations

from collections import deque
from typing import Protocol

import msgspec

from device.control.modes import Ear, Heard
from device.control.policy import ControlPolicy, Decision, PolicyState
from device.control.schedule import PhraseSchedule
from device.control.styles import StyleChoice, StyleState, Stylist
from device.messages import (
    Features,
    MusicalTarget,
    Phrase,
    PlayerState,
    Reason,
    Session,
    SessionPhase,
    Stress,
    Style,
    Target,
)

UPDATE_S = 0.9  # so that polling still gives a target a second; a fresh stress estimate brings one at once
LOST_S = 1.0  # a player that is open and does not play a phrase this long after its start has lost it


class Composer(Protocol):
    """Who writes the phrases."""

    def compose(self, target: MusicalTarget, *, phrase_id: int, start_s: float, at_s: float,
                style: Style) -> Phrase:
        """Write the next phrase for a target in a style."""

    @property
    def trace(self) -> bytes:
        """What a successor has to know of the music so far."""

    def follow(self, phrase: Phrase, trace: bytes = b"") -> None:
        """Go on from the last phrase that a predecessor wrote, and from its trace."""


class PerformanceState(msgspec.Struct, frozen=True, kw_only=True):
    """What a successor needs to go on: policy, style, the next phrase's number, the written music's end.

    `last_phrase` lets the next one follow it without a leap, `trace` lets no music before it come again.
    """

    policy: PolicyState
    next_phrase_id: int
    music_end_s: float | None
    last_phrase: Phrase | None = None
    trace: bytes = b""
    style: StyleState | None = None


class Performance:
    """Turns a running session into `Target` and `Phrase` messages.

    Args:
        composer: writes this session's phrases.
        policy: decides the target; it goes on from the same state.
        stylist: chooses the style; it goes on from the same state.
        ear: what the policy hears of the patient.
        state: of the performance to go on from, or None for a beginning from silence.
        reason: `RESUMED` goes on with the same session after a restart of the process; `MEET` begins
            a new one, whose first phrase follows music that is still fading.
    """

    def __init__(self, composer: Composer, policy: ControlPolicy, stylist: Stylist, ear: Ear, *,
                 state: PerformanceState | None = None, reason: Reason = Reason.MEET) -> None:
        self._composer = composer
        self._policy = policy
        self._stylist = stylist
        self._ear = ear
        self._schedule = PhraseSchedule(state.music_end_s if state else None)
        self._next_phrase_id = state.next_phrase_id if state and reason is Reason.RESUMED else 0
        self._decision: Decision | None = None
        self._due_s = 0.0
        self._written: deque[Phrase] = deque(maxlen=2)
        self._stress_at_s: float | None = None
        self._last_phrase = state.last_phrase if state else None
        if self._last_phrase is not None and reason is Reason.RESUMED:
            composer.follow(self._last_phrase, state.trace if state else b"")

    def step(self, at_s: float, session: Session, stress: Stress | None,
             features: Features | None) -> list[Target | Phrase]:
        """Return what has to be published now; a phrase is always preceded by its target.

        Args:
            at_s: monotonic seconds.
            session: running or ending.
            stress: the last estimate, however old.
            features: the last features, however old.
        """
        messages: list[Target | Phrase] = []
        start_s = self._schedule.due(at_s)
        stress_at_s = stress.at_s if stress else None
        news = start_s is not None or stress_at_s != self._stress_at_s
        if self._decision is None or news or at_s >= self._due_s:
            self._due_s = at_s + UPDATE_S
            self._stress_at_s = stress_at_s
            heard = self._ear.hear(at_s, session.elapsed_s, Heard(stress, features))
            self._decision = self._policy.update(
                at_s, session.elapsed_s, session.duration_s, heard.stress, heard.features)
            self._stylist.hear(at_s, heard.stress)
            choice = self._choose(session, writing=start_s is not None)
            messages.append(self._target(self._decision, choice, at_s, session))
        if start_s is not None:
            messages.append(self._write(start_s, at_s, self._decision.target))
        return messages

    def hear(self, player: PlayerState) -> None:
        """Notice a player that is open but does not play the phrase that has begun."""
        begun = [phrase for phrase in self._written if phrase.start_s <= player.at_s - LOST_S]
        if player.sounding and begun:
            played = {phrase.phrase_id for phrase in self._written if phrase not in begun[:-1]}
            if player.phrase_id not in played:
                self.lose()

    def lose(self) -> None:
        """Note that the player forgot what was sent: the next step writes a phrase at once."""
        self._schedule.lose()
        self._written.clear()

    def state(self) -> PerformanceState | None:
        """Return what a successor needs; None before the first step."""
        policy = self._policy.state()
        if policy is None:
            return None
        return PerformanceState(policy=policy, next_phrase_id=self._next_phrase_id,
                                music_end_s=self._schedule.end_s, last_phrase=self._last_phrase,
                                trace=self._composer.trace, style=self._stylist.state())

    @property
    def style(self) -> Style:
        """Return the style of the phrase written last."""
        return self._stylist.state().style

    def _choose(self, session: Session, *, writing: bool) -> StyleChoice:
        """Return the style of the phrase that is to be written now, or the one that plays."""
        if not writing:
            return StyleChoice(self.style)
        return self._stylist.choose(self._next_phrase_id, session.elapsed_s, session.duration_s)

    def _write(self, start_s: float, at_s: float, target: MusicalTarget) -> Phrase:
        """Write the next phrase and take note of its end."""
        phrase = self._composer.compose(
            target, phrase_id=self._next_phrase_id, start_s=start_s, at_s=at_s, style=self.style)
        self._next_phrase_id += 1
        self._schedule.written(phrase.start_s, phrase.duration_s)
        self._written.append(phrase)
        self._last_phrase = phrase
        return phrase

    def _target(self, decision: Decision, choice: StyleChoice, at_s: float, session: Session) -> Target:
        """Return the message of a decision; an ending, a change of style and a sham say so."""
        ending = Reason.ENDING if session.phase is SessionPhase.ENDING else None
        others = (choice.reason, self._ear.reason, ending)
        return Target(
            at_s=at_s, values=decision.target, elapsed_s=session.elapsed_s, style=choice.style,
            reasons=(*decision.reasons, *(reason for reason in others if reason)),
            loop=self._ear.following if decision.loop == "closed" else "open")
