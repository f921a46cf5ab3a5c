"""The form of a section: what each of its eight phrases does, over which chords, and how it closes.

Phrases come in pairs, a question and its answer. A section states its theme, leaves it and comes back to
it, as in song form; all of it follows from the session's seed and the number of the phrase.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import numpy as np

from device.music.harmony import Cadence

SECTION_PHRASES = 8  # about two minutes at 60 bpm


class Plan(Enum):
    """How a phrase treats its theme of bars A, B and C; the fourth bar is the cadence."""

    STATEMENT = "A B C"
    VARIATION = "A B C, some tones of B and C changed"
    SEQUENCE = "A A-shifted A-shifted twice"
    MIRROR = "A-inverted B-inverted C"
    RETROGRADE = "B A-reversed A"
    AUGMENTATION = "A twice as long, B"
    CALL = "head of A, its answer lower, both together"
    ANSWER = "A B invented"
    FREE = "invented"


class Role(NamedTuple):
    """What one phrase does.

    `chords` numbers the progression of the section that it shares with phrases of the same number;
    `lift` is how many scale steps it lies over the section's middle.
    """

    plan: Plan
    chords: int
    cadence: Cadence
    lift: int = 0

    @property
    def closing(self) -> bool:
        """Whether it answers the phrase before."""
        return self.cadence.closing


_HALF, _FULL, _SOFT, _ASIDE = Cadence.HALF, Cadence.AUTHENTIC, Cadence.PLAGAL, Cadence.DECEPTIVE

FORMS: tuple[tuple[Role, ...], ...] = (
    (  # song form: A A B A, each a question and its answer
        Role(Plan.STATEMENT, 0, _HALF), Role(Plan.STATEMENT, 0, _SOFT),
        Role(Plan.ANSWER, 0, _HALF), Role(Plan.STATEMENT, 0, _FULL),
        Role(Plan.SEQUENCE, 2, _HALF, 2), Role(Plan.SEQUENCE, 2, _ASIDE, 2),
        Role(Plan.STATEMENT, 0, _HALF), Role(Plan.VARIATION, 0, _FULL),
    ),
    (  # an arch: the theme at both ends, its mirror at the top
        Role(Plan.STATEMENT, 0, _HALF), Role(Plan.STATEMENT, 0, _FULL),
        Role(Plan.CALL, 1, _HALF, 1), Role(Plan.CALL, 1, _SOFT, 1),
        Role(Plan.MIRROR, 2, _HALF, 2), Role(Plan.RETROGRADE, 2, _ASIDE, 1),
        Role(Plan.STATEMENT, 0, _HALF), Role(Plan.STATEMENT, 0, _SOFT),
    ),
    (  # a theme with variations that ends broadened
        Role(Plan.STATEMENT, 0, _HALF), Role(Plan.STATEMENT, 0, _FULL),
        Role(Plan.FREE, 1, _HALF, 1), Role(Plan.STATEMENT, 0, _SOFT),
        Role(Plan.SEQUENCE, 2, _HALF, 1), Role(Plan.SEQUENCE, 2, _ASIDE, 1),
        Role(Plan.STATEMENT, 0, _HALF), Role(Plan.AUGMENTATION, 0, _FULL),
    ),
    (  # a dialogue
        Role(Plan.STATEMENT, 0, _HALF), Role(Plan.MIRROR, 0, _SOFT),
        Role(Plan.STATEMENT, 0, _HALF), Role(Plan.STATEMENT, 0, _FULL),
        Role(Plan.CALL, 1, _HALF, 2), Role(Plan.CALL, 1, _ASIDE, 1),
        Role(Plan.ANSWER, 0, _HALF), Role(Plan.STATEMENT, 0, _FULL),
    ),
)  # fmt: skip

# Degrees on which each progression of a section begins, the most wanted first.
OPENINGS: tuple[tuple[int, ...], ...] = ((0,), (5, 2, 3), (3, 1, 6))

_FORM_STREAM = 6


def role_of(seed: int, phrase_id: int) -> Role:
    """Return what a phrase of a session does.

    Args:
        seed: of the session.
        phrase_id: counted from 0.
    """
    section, place = divmod(phrase_id, SECTION_PHRASES)
    first = int(np.random.default_rng([seed, _FORM_STREAM]).integers(len(FORMS)))
    return FORMS[(first + section * 3) % len(FORMS)][place]  # every form comes, in turn
