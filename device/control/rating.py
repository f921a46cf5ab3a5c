"""How was it? One to three taps within a minute after a session; asked only where a clinic wants it.

| while the light asks (60 s after a session faded out) | what it means |
|---|---|
| 1, 2 or 3 taps, then 2 s of nothing | better, the same, worse; the light stops asking |
| 4 taps or more | a mistake: no answer; the light stops asking |
| the button stays down for 1 s | a new session starts, as a press does at other times |
| nothing | no answer |

So no tap starts a session by mistake. Somebody who does not know of the question and taps to start sees
the light turn green and presses again; a start within 10 s of an answer therefore takes the answer back,
before anybody was told of it. Nobody is asked after a session that was silenced or shorter than a minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from device.messages import Rating

ASK_S: Final = 60.0
MIN_PLAYED_S: Final = 60.0
START_HOLD_S: Final = 1.0
PAUSE_S: Final = 2.0  # after the last tap
SETTLE_S: Final = 10.0

ANSWERS: Final[Mapping[int, Rating]] = {1: Rating.BETTER, 2: Rating.SAME, 3: Rating.WORSE}


class SelfRating:
    """Counts the taps of one answer; `rating` is the settled one, None before."""

    def __init__(self) -> None:
        self.rating: Rating | None = None
        self._asked_s: float | None = None
        self._down_s: float | None = None
        self._taps = 0
        self._tapped_s = 0.0
        self._answer: Rating | None = None
        self._answered_s = 0.0

    @property
    def asking(self) -> bool:
        """Tell whether taps are counted now."""
        return self._asked_s is not None

    def ask(self, at_s: float) -> None:
        """Begin to ask."""
        self.forget()
        self._asked_s = at_s

    def forget(self) -> None:
        """Stop asking and take back what was answered: a session starts, or silence is wanted."""
        self.rating = self._answer = None
        self._close()

    def press(self, at_s: float) -> bool:
        """The button went down; tell whether this press belongs to an answer."""
        if not self.asking:
            return False
        self._down_s = at_s
        return True

    def tap(self, at_s: float) -> bool:
        """The button came up; tell whether this was a tap of an answer."""
        if not self.asking or self._down_s is None:
            return False
        self._down_s = None
        self._taps += 1
        self._tapped_s = at_s
        return True

    def release(self) -> None:
        """No finger is on the button any more, and nobody saw it leave."""
        self._down_s = None

    def update(self, at_s: float) -> bool:
        """Let time pass; tell whether the button has been down for so long that a session is wanted."""
        if self._down_s is not None:
            return at_s - self._down_s >= START_HOLD_S
        if self._taps and at_s - self._tapped_s >= PAUSE_S:
            self._answer, self._answered_s = ANSWERS.get(self._taps), at_s
            self._close()
        elif self._asked_s is not None and not self._taps and at_s - self._asked_s >= ASK_S:
            self._close()
        if self._answer is not None and at_s - self._answered_s >= SETTLE_S:
            self.rating, self._answer = self._answer, None
        return False

    def _close(self) -> None:
        """Stop asking."""
        self._asked_s = self._down_s = None
        self._taps = 0
