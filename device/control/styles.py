"""Which style plays: the site's own, or one that the unit tries and learns to choose.

Learning is Thompson sampling for Bernoulli bandits (Thompson 1933; Chapelle & Li 2011): every style has a
Beta distribution over how often stress falls while it plays, one number is drawn from each, and the style
of the largest plays. What helps is played more often; what is little known still gets its turns.

What is learned, at the end of a section of eight phrases (about two minutes): the change of the smoothed
stress level while a style played. A fall of 0.15 counts as help, a rise of 0.15 as none, between them a
coin weighed in proportion decides (Agrawal & Goyal 2012 reduce rewards of 0 to 1 so), and whether it is
counted at all is drawn by the confidence of the estimate. Levels that are unknown teach nothing. Stress
falls by itself in many sessions; that speaks for all styles alike, since which one plays is drawn.

Bounds, so that trying never disturbs: a change only between two sections, at most two a session, not in
the first three minutes, not in the return, not while stress rises or the skin has just jumped, and not
while the level is unknown.
"""

from __future__ import annotations

import math
import random
from typing import Final, NamedTuple, Protocol

import msgspec

from device.control.arc import RETURN_SHARE
from device.control.reading import FULL_CONFIDENCE, MIN_CONFIDENCE, STALE_S
from device.control.tally import Tally
from device.messages import Reason, Stress, Style

SECTION_PHRASES: Final = 8  # the composer changes key and theme here as well
MAX_CHANGES: Final = 2
QUIET_START_S: Final = 180.0
FULL_CHANGE: Final = 0.15  # of the level over a section: help or harm without a doubt
RISING: Final = 0.06  # fast above slow level
KNOWN_S: Final = 60.0  # a section with less than a minute of known levels teaches nothing
SETTLE_S: Final = 15.0  # of known levels before the section's first level is taken

_FAST_S, _SLOW_S = 15.0, 60.0
_GAP_S = 5.0  # between two estimates: time beyond it is not known time


class StyleChoice(NamedTuple):
    """What plays from a phrase on, and why if that is a change."""

    style: Style
    reason: Reason | None = None


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the stress level, and what it did since the section began.

    `fast` and `slow` are smoothed levels; `start` is the section's first fast one; `confidence_s` is the
    integral of the confidence over the `known_s` seconds in which the level was known.
    """

    fast: float | None = None
    slow: float | None = None
    start: float | None = None
    known_s: float = 0.0
    confidence_s: float = 0.0


class StyleState(msgspec.Struct, frozen=True, kw_only=True):
    """What a successor needs to go on with the same style."""

    style: Style
    changes: int = 0
    section: Section = Section()


class Stylist(Protocol):
    """Chooses the style of every phrase."""

    def hear(self, at_s: float, stress: Stress | None) -> None:
        """Take the last estimate, however old."""

    def choose(self, phrase_id: int, elapsed_s: float, duration_s: float) -> StyleChoice:
        """Return the style of the next phrase.

        Args:
            phrase_id: counted from 0 within the session.
            elapsed_s: seconds since the session began.
            duration_s: length of the program.
        """

    def state(self) -> StyleState:
        """Return what a successor needs."""


class FixedStylist:
    """Plays the site's style, or after a restart what played before."""

    def __init__(self, style: Style) -> None:
        self._style = style

    def hear(self, at_s: float, stress: Stress | None) -> None:
        """Take nothing from it."""

    def choose(self, phrase_id: int, elapsed_s: float,  # noqa: ARG002 - the interface
               duration_s: float) -> StyleChoice:  # noqa: ARG002 - the interface
        """Return the one style."""
        return StyleChoice(self._style)

    def state(self) -> StyleState:
        """Return what a successor needs."""
        return StyleState(style=self._style)


class StyleBandit:
    """Draws styles from what the unit has learned, and learns from what they do.

    Args:
        tally: of the unit.
        seed: of the session; with the same samples and tally the choices are the same.
        state: where a predecessor left off, or None at the beginning of a session.
    """

    def __init__(self, tally: Tally, seed: int, state: StyleState | None = None) -> None:
        self._tally = tally
        self._seed = seed
        first = StyleChoice(state.style) if state else self._drawn(0)
        self._style, self._untold = first.style, first.reason
        self._changes = state.changes if state else 0
        self._section = state.section if state else Section()
        self._heard: Stress | None = None
        self._known = False
        self._jumped = False

    def hear(self, at_s: float, stress: Stress | None) -> None:
        """Follow the level; a repeated estimate changes nothing."""
        self._known = is_known(stress, at_s)
        self._jumped = stress is not None and at_s - stress.at_s <= STALE_S and stress.reaction > 0.0
        if stress is None or stress.level is None or not self._known:
            return
        before = self._heard.at_s if self._heard else stress.at_s
        self._heard = stress
        if stress.at_s > before:
            self._section = followed(self._section, stress.level, stress.confidence,
                                     min(stress.at_s - before, _GAP_S))

    def choose(self, phrase_id: int, elapsed_s: float, duration_s: float) -> StyleChoice:
        """Return the style of the next phrase; learns where a section ends."""
        told, self._untold = self._untold, None
        if phrase_id % SECTION_PHRASES or not phrase_id:
            return StyleChoice(self._style, told)
        self._learn(phrase_id)
        drawn = self._drawn(phrase_id)
        if drawn.style is self._style or not self._may_change(elapsed_s, duration_s):
            return StyleChoice(self._style, told)
        self._changes += 1
        self._style = drawn.style
        return drawn

    def state(self) -> StyleState:
        """Return what a successor needs."""
        return StyleState(style=self._style, changes=self._changes, section=self._section)

    def _drawn(self, phrase_id: int) -> StyleChoice:
        """Return the style that a draw from every distribution favours, and whether it is the known best."""
        chances = self._chances("draw", phrase_id)
        draws = {style: chances.betavariate(1 + self._tally.counts(style).helped,
                                            1 + self._tally.counts(style).failed) for style in Style}
        drawn = max(draws, key=draws.__getitem__)
        best = all(self._mean(other) < self._mean(drawn) for other in Style if other is not drawn)
        return StyleChoice(drawn, Reason.STYLE if best else Reason.EXPLORE)

    def _chances(self, stream: str, phrase_id: int) -> random.Random:
        """Return the generator of one decision, so that a restart changes none of the later ones."""
        return random.Random(f"style/{stream}/{self._seed}/{phrase_id}")

    def _mean(self, style: Style) -> float:
        """Return how often a style is expected to help, 0 to 1."""
        counts = self._tally.counts(style)
        return (1 + counts.helped) / (2 + counts.helped + counts.failed)

    def _learn(self, phrase_id: int) -> None:
        """Count what the section's style did, and begin the next section."""
        section, self._section = self._section, next_section(self._section)
        if section.fast is None or section.start is None or not self._known:
            return
        chances = self._chances("learn", phrase_id)
        counted = chances.random() < confidence_of(section)
        helped = chances.random() < reward(section.fast - section.start)
        if section.known_s >= KNOWN_S and counted:
            self._tally.add(self._style, helped=helped)

    def _may_change(self, elapsed_s: float, duration_s: float) -> bool:
        """Tell whether a change would disturb nobody now."""
        fast, slow = self._section.fast, self._section.slow
        if not self._known or self._jumped or fast is None or slow is None or fast - slow > RISING:
            return False
        in_time = QUIET_START_S <= elapsed_s < (1.0 - RETURN_SHARE) * duration_s
        return in_time and self._changes < MAX_CHANGES


def is_known(stress: Stress | None, at_s: float) -> bool:
    """Tell whether an estimate names a level, is confident and at most 5 s old."""
    if stress is None or stress.level is None or at_s - stress.at_s > STALE_S:
        return False
    return math.isfinite(stress.level) and stress.confidence >= MIN_CONFIDENCE


def reward(change: float) -> float:
    """Return how far a change of the level is help: 1 at -0.15 and less, 0 at 0.15 and more."""
    return min(max(0.5 - 0.5 * change / FULL_CHANGE, 0.0), 1.0)


def confidence_of(section: Section) -> float:
    """Return how far a section's levels may be believed, 0 to 1."""
    if section.known_s <= 0.0:
        return 0.0
    return min(section.confidence_s / section.known_s / FULL_CONFIDENCE, 1.0)


def next_section(section: Section) -> Section:
    """Return the section that follows: it begins at the level of now."""
    return Section(fast=section.fast, slow=section.slow, start=section.fast)


def followed(section: Section, level: float, confidence: float, elapsed_s: float) -> Section:
    """Return a section after one more known level, `elapsed_s` seconds (above 0) after the last."""
    fast = _smoothed(section.fast, level, elapsed_s / _FAST_S)
    known_s = section.known_s + elapsed_s
    start = fast if section.start is None and known_s >= SETTLE_S else section.start
    return Section(fast=fast, slow=_smoothed(section.slow, level, elapsed_s / _SLOW_S), start=start,
                   known_s=known_s, confidence_s=section.confidence_s + elapsed_s * confidence)


def _smoothed(before: float | None, level: float, turns: float) -> float:
    """Move toward a level, `turns` time constants long."""
    return level if before is None else before + (level - before) * -math.expm1(-turns)
