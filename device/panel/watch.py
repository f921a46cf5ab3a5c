"""What the one light has to say, from what the services say of themselves and what is heard.

In order: silenced → dark; no sound can be made → fault; ending; starting until sound is heard; then
playing, asking for a rating, or ready; amber where something needs attention (but not while a rating
is asked for, which takes a minute at most: what a tap does then must be plain to see).

Few patterns, slow to cry (alarm fatigue): a service is missing only after 5 s, and nothing is missing
in the first 10 s of this process.
"""

from __future__ import annotations

from device.messages import Fault, Health, LightPattern, PlayerState, Service, SessionPhase, Severity

MISSING_S = 5.0
GRACE_S = 10.0
SILENCE_S = 6.0  # a running session that is not heard for this long: the player's restart takes under 2 s
NO_CONTACT_S = 90.0

NO_CONTACT = Fault(
    code="no_contact", severity=Severity.ATTENTION,
    advice="no sensor has said anything of the patient for 90 s: check finger clip and electrodes; the "
           "program plays on without them",
)

_ROLLBACK_S = 0.5


class Watch:
    """Hears the other services and chooses the light's pattern.

    Args:
        expected: the services that this unit is configured to have.
        born_s: monotonic start of this process.
    """

    def __init__(self, expected: tuple[Service, ...], born_s: float) -> None:
        self._expected = expected
        self._born_s = born_s
        self._heard: dict[Service, Health] = {}
        self._player: PlayerState | None = None
        self._sounding_s = float("-inf")
        self._known_s = float("-inf")
        self._started_s = float("-inf")

    def hear_health(self, health: Health) -> None:
        """Take one service's word on itself."""
        self._heard[health.service] = health

    def hear_player(self, state: PlayerState) -> bool:
        """Take the player's state; tell whether this is a new player that knows no session yet.

        Sound counts only with a measured loudness: an open player whose back-end or patch gives nothing
        is silent, whatever it believes.
        """
        before, self._player = self._player, state
        if state.sounding and state.loudness_lufs is not None:
            self._sounding_s = state.at_s
        if before is None:
            return state.phrase_id is None
        return state.position_s < before.position_s - _ROLLBACK_S

    def hear_contact(self, at_s: float) -> None:
        """Take note that the sensors say something of the patient now."""
        self._known_s = at_s

    def start(self, at_s: float) -> None:
        """Take note that a session began."""
        self._started_s = at_s

    def missing(self, at_s: float) -> tuple[Service, ...]:
        """Return the expected services that have not been heard for more than 5 s."""
        return tuple(name for name in self._expected if self._absent(name, at_s))

    def faults(self, phase: SessionPhase, at_s: float) -> tuple[Fault, ...]:
        """Return that a running session has no contact with the patient, if so."""
        alone_s = at_s - max(self._known_s, self._started_s)
        return (NO_CONTACT,) if phase is SessionPhase.RUNNING and alone_s > NO_CONTACT_S else ()

    def pattern(self, phase: SessionPhase, own_faults: tuple[Fault, ...], at_s: float, *,
                asking: bool = False) -> LightPattern:
        """Return what the light has to say.

        Args:
            phase: where the session is.
            own_faults: of the service that owns the light.
            at_s: monotonic seconds.
            asking: taps are counted as a rating now.
        """
        if phase is SessionPhase.MUTED:
            return LightPattern.OFF
        severities = self._severities((*own_faults, *self.faults(phase, at_s)), at_s)
        if Severity.ACT_NOW in severities or self._no_sound(phase, at_s):
            return LightPattern.FAULT
        if phase is SessionPhase.ENDING:
            return LightPattern.ENDING
        if phase is SessionPhase.RUNNING:
            return self._running(severities)
        return LightPattern.RATING if asking else self._idle(severities)

    def _idle(self, severities: set[Severity]) -> LightPattern:
        """Return the pattern of a unit that waits for a press."""
        if Severity.ATTENTION in severities:
            return LightPattern.ATTENTION
        return LightPattern.READY if self._player_heard() else LightPattern.OFF

    def _running(self, severities: set[Severity]) -> LightPattern:
        """Return the pattern of a running session."""
        if self._sounding_s < self._started_s:
            return LightPattern.STARTING
        if Severity.ATTENTION in severities:
            return LightPattern.PLAYING_ATTENTION
        return LightPattern.PLAYING

    def _no_sound(self, phase: SessionPhase, at_s: float) -> bool:
        """Tell whether the player is missing, or silent although a session runs."""
        silent_s = at_s - max(self._sounding_s, self._started_s)
        return self._absent("player", at_s) or (phase is SessionPhase.RUNNING and silent_s > SILENCE_S)

    def _severities(self, own_faults: tuple[Fault, ...], at_s: float) -> set[Severity]:
        """Return the severities of all present faults; a missing service needs attention."""
        present = {fault.severity for fault in own_faults}
        missing = self.missing(at_s)
        for name in self._expected:
            if name not in missing and name in self._heard:
                present.update(fault.severity for fault in self._heard[name].faults)
        return present | ({Severity.ATTENTION} if missing else set())

    def _absent(self, name: Service, at_s: float) -> bool:
        """Tell whether a service has been silent for too long."""
        if at_s - self._born_s <= GRACE_S:
            return False
        health = self._heard.get(name)
        return health is None or at_s - health.at_s > MISSING_S

    def _player_heard(self) -> bool:
        """Tell whether the player has ever been heard."""
        return self._player is not None or "player" in self._heard
