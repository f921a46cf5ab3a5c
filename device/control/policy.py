"""The control policy: stress bends the program arc, within limits, and says why.

Per update: the arc at this moment, bent by the smoothed stress level, softened after a jump of skin
conductance (`device.control.reaction`), less full when it has met stress in vain for minutes
(`device.control.guard`), held back by the slew limits, and last of all cut at the safety
bounds (`device.control.limits`). Without a known level the bend goes back to zero within a minute and
the arc plays alone. Where the arc begins and leads is a mood's (`device.control.moods`).
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import msgspec

from device.control.arc import ENTRY_DEFAULT_BPM, arc_target, entry_tempo
from device.control.guard import Guard
from device.control.limits import bound, differ, slew
from device.control.moods import Mood, course_of, entry_mood
from device.control.reaction import ReactionReading, answer, known_reaction
from device.control.reading import NEUTRAL, STALE_S, StressReading, bend_share, known_level
from device.messages import Features, MusicalTarget, Reason, Stress, StressBand

MEET_WINDOW_S = 90.0  # a heart rate or state that arrives later no longer moves the entry
TELL_RESUMED_S = 3.0  # readers reconnect within a second of a restart, and shall hear of it
MIN_PPG_QUALITY = 0.4
HR_MIN_BPM, HR_MAX_BPM = 35.0, 200.0  # outside, the pulse was not counted but noise

_STILL = 1e-6  # of a bend: less is no movement


class Decision(NamedTuple):
    """One target, why it moved (never empty), and whether the patient is in the loop."""

    target: MusicalTarget
    reasons: tuple[Reason, ...]
    loop: Literal["closed", "open"]


class PolicyState(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy has to know to go on after a restart."""

    target: MusicalTarget
    entry_bpm: float
    met: bool
    level: float
    in_vain_s: float = 0.0
    entry: Mood | None = None


class ControlPolicy:
    """Turns stress into the musical target of one session.

    Args:
        state: where another policy left off; None starts at the arc's entry without a limit on the
            first target, because nothing sounds yet.
        reason: `RESUMED` goes on with the same session after a restart of the process, and says so for
            3 s; `MEET` begins a new one, from the sound of the previous session if its music is still fading.
        mood: where the program leads.
        meet_mood: begin at a mood chosen from the first known state, instead of the program's own beginning.
    """

    def __init__(self, state: PolicyState | None = None, reason: Reason = Reason.MEET, *,
                 mood: Mood = Mood.CALM, meet_mood: bool = False) -> None:
        same = state if reason is Reason.RESUMED else None
        self._before = state.target if state else None
        self._entry_bpm = same.entry_bpm if same else ENTRY_DEFAULT_BPM
        self._met = same.met if same else False
        self._mood = mood
        self._meet_mood = meet_mood
        self._entry = same.entry if same else None
        self._course = course_of(mood, self._entry)
        self._reading = StressReading(state.level if state else NEUTRAL)
        self._reaction = ReactionReading()
        self._guard = Guard(same.in_vain_s if same else 0.0)
        self._first_reason = reason
        self._at_s: float | None = None
        self._first_s = math.inf
        self._arc: MusicalTarget | None = None
        self._was_known = False
        self._lost = False
        self._late = False

    def state(self) -> PolicyState | None:
        """Return what a successor needs; None before the first update."""
        if self._before is None:
            return None
        return PolicyState(target=self._before, entry_bpm=self._entry_bpm, met=self._met,
                           level=self._reading.level, in_vain_s=self._guard.in_vain_s, entry=self._entry)

    def update(self, at_s: float, elapsed_s: float, duration_s: float, stress: Stress | None,
               features: Features | None) -> Decision:
        """Decide where the music should be now.

        Args:
            at_s: monotonic seconds, never less than before.
            elapsed_s: seconds since the session began.
            duration_s: length of the program.
            stress: the last estimate, however old, or None.
            features: the last features, however old, or None; only the heart rate is used.
        """
        passed_s = 0.0 if self._at_s is None else at_s - self._at_s
        first = self._at_s is None
        self._at_s = at_s
        self._first_s = min(self._first_s, at_s)
        told = first or (self._first_reason is Reason.RESUMED and at_s < self._first_s + TELL_RESUMED_S)
        reasons: list[Reason] = [self._first_reason] if told else []
        reasons += self._meet(at_s, elapsed_s, features)
        level = known_level(stress, at_s)
        reasons += self._meet_state(elapsed_s, stress if level is not None else None)
        reasons += self._listen(level, stress.confidence if stress else 0.0, passed_s, first=first)
        arc = arc_target(elapsed_s, duration_s, self._entry_bpm, self._course)
        self._reaction.follow(known_reaction(stress, at_s), passed_s)
        reasons += [self._reaction.reason] if self._reaction.reason else []
        share = bend_share(self._reading.level)
        self._guard.follow(share, passed_s)
        reasons += [Reason.GIVE_WAY] if self._guard.gives_way(share) else []
        wanted = answer(self._guard.bend(arc, share), self._reaction.share, self._before)
        target, held_back = self._limit(wanted, passed_s)
        if not reasons or (self._arc is not None and differ(arc, self._arc)):
            reasons.insert(0, Reason.ARC)
        self._arc = arc
        self._before = target
        return Decision(target, tuple(dict.fromkeys([*reasons, *held_back])),
                        "open" if level is None and not self._reaction.reason else "closed")

    def _meet(self, at_s: float, elapsed_s: float, features: Features | None) -> list[Reason]:
        """Take the first trustworthy heart rate as the entry tempo."""
        if self._met or elapsed_s > MEET_WINDOW_S:
            return []
        hr_bpm = known_heart_rate(features, at_s)
        if hr_bpm is None:
            return []
        self._met = True
        self._entry_bpm = entry_tempo(hr_bpm)
        return [Reason.MEET]

    def _meet_state(self, elapsed_s: float, stress: Stress | None) -> list[Reason]:
        """Take the first known state as the mood at which the arc begins, where the program asks for it."""
        late = self._entry is not None or elapsed_s > MEET_WINDOW_S
        if not self._meet_mood or stress is None or late or stress.band is StressBand.UNKNOWN:
            return []
        self._entry = entry_mood(stress)
        self._course = course_of(self._mood, self._entry)
        return [Reason.MOOD]

    def _listen(self, level: float | None, confidence: float, passed_s: float, *,
                first: bool) -> list[Reason]:
        """Move the smoothed level and say which way."""
        share_before = bend_share(self._reading.level)
        back = level is not None and self._lost
        lost = level is None and self._was_known
        if level is None:
            self._reading.forget(passed_s)
        elif first and self._before is None:
            self._reading.settle(level)
        else:
            self._reading.follow(level, confidence, passed_s)
        self._was_known = level is not None
        self._lost = lost or (self._lost and level is None)
        moved = bend_share(self._reading.level) - share_before
        reasons = [Reason.SENSORS_BACK] if back else []
        if lost or (level is None and abs(moved) > _STILL):
            reasons.append(Reason.STRESS_UNKNOWN)
        elif abs(moved) > _STILL:
            reasons.append(Reason.STRESS_UP if moved > 0 else Reason.STRESS_DOWN)
        return reasons

    def _limit(self, wanted: MusicalTarget, passed_s: float) -> tuple[MusicalTarget, list[Reason]]:
        """Apply slew limits, then the safety bounds."""
        reasons: list[Reason] = []
        slewed = wanted if self._before is None else slew(self._before, wanted, passed_s)
        late, self._late = self._late, differ(slewed, wanted)
        if late or self._late:  # held back now, or catching up
            reasons.append(Reason.SLEW_LIMIT)
        safe = bound(slewed)
        if differ(safe, slewed):
            reasons.append(Reason.BOUND)
        return safe, reasons


def known_heart_rate(features: Features | None, at_s: float) -> float | None:
    """Return the heart rate in bpm if it is clean, plausible and at most 5 s old, else None."""
    if features is None or features.ppg is None or at_s - features.at_s > STALE_S:
        return None
    pulse = features.ppg
    if not (math.isfinite(pulse.hr_bpm) and pulse.quality >= MIN_PPG_QUALITY):
        return None
    return pulse.hr_bpm if HR_MIN_BPM <= pulse.hr_bpm <= HR_MAX_BPM else None
