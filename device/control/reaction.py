"""What the music does in the seconds after the patient's skin conductance jumps or falls.

A jump means that something startled or upset the patient. The music does not answer it with more: it
meets and softens at once, and hands back to the program and the (slower) stress level within half a
minute. A fast fall means that something let go: the music leaves a little more room and sinks a little.

| parameter | jump, at most | fall, at most | why |
|---|---|---|---|
| percussiveness | -0.06 | 0 | marked onsets raise skin responses (van der Zwaag et al. 2011) |
| timbre | -0.08 | 0 | dark is less alerting than bright |
| density | -0.08 | -0.05 | fewer events to attend to; more room |
| intensity | -0.04 | 0 | softer; and while a jump lasts it never rises, whatever the stress level says |
| pitch | 0 | -0.03 | follows the release downward |
| tempo | 0 | 0 | a pulse that holds is what a startled person can lean on |

The amounts are chosen: below what the stress level may do (`device.control.limits.BEND`) in every
parameter but percussiveness, and heard as a change of manner, not as an event. Slew limits and safety
bounds apply as to everything else.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from device.control.limits import each
from device.messages import MusicalTarget, Reason, Stress

AFTER_JUMP: Final = MusicalTarget(  # added at a full reaction
    pitch=0.0, tempo_bpm=0.0, timbre=-0.08, intensity=-0.04, density=-0.08, percussiveness=-0.06,
)
AFTER_FALL: Final = MusicalTarget(
    pitch=-0.03, tempo_bpm=0.0, timbre=0.0, intensity=0.0, density=-0.05, percussiveness=0.0,
)
FADE_S = 10.0  # time constant: 5 % are left after half a minute
LEAST = 0.05  # of a full reaction: less is over
STALE_S = 5.0


class ReactionReading:
    """Takes the first seconds of each reaction and lets it fade, however long the skin stays up.

    `share` is -1 (a full fall) to 1 (a full jump), 0 when nothing is going on.
    """

    def __init__(self) -> None:
        self.share = 0.0
        self._answered = 0.0

    def follow(self, reaction: float, elapsed_s: float) -> None:
        """Take in a reaction of -1 to 1, `elapsed_s` seconds after the last one."""
        self.share *= math.exp(-elapsed_s / FADE_S)
        if abs(self.share) < LEAST:
            self.share = 0.0
        if reaction * self._answered <= 0.0:  # over, or the other way round
            self._answered = 0.0
        if abs(reaction) > max(abs(self._answered), abs(self.share)):
            self.share = self._answered = reaction

    @property
    def reason(self) -> Reason | None:
        """Return the reason that the music moves for, None without a reaction."""
        if self.share == 0.0:
            return None
        return Reason.SKIN_ROSE if self.share > 0.0 else Reason.SKIN_FELL


def known_reaction(stress: Stress | None, at_s: float) -> float:
    """Return the reaction of an estimate that is at most 5 s old, else 0.

    The level may be unknown: the estimator names a reaction only in good contact.
    """
    if stress is None or at_s - stress.at_s > STALE_S or not math.isfinite(stress.reaction):
        return 0.0
    return min(max(stress.reaction, -1.0), 1.0)


def answer(target: MusicalTarget, share: float, before: MusicalTarget | None) -> MusicalTarget:
    """Return a target moved by a reaction.

    Args:
        target: where the program and the stress level want the music.
        share: of the reaction, -1 to 1.
        before: the last target: while a jump lasts the music gets no louder than that.
    """
    if share == 0.0:
        return target
    amounts = AFTER_JUMP if share > 0.0 else AFTER_FALL
    moved = each(lambda value, most: value + abs(share) * most, target, amounts)
    if share > 0.0 and before is not None and moved.intensity > before.intensity:
        return msgspec.structs.replace(moved, intensity=before.intensity)
    return moved
