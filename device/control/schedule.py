"""When the next phrase has to be written: ahead of time, one after the other without a gap."""

from __future__ import annotations

FIRST_S = 0.25  # from a press to the first note: bus, note queue and one audio buffer fit in
AHEAD_S = 1.75  # before the previous phrase ends; late enough to follow the patient


class PhraseSchedule:
    """Knows until when music has been written.

    Args:
        end_s: monotonic end of music that was sent before (by a predecessor), or None.
    """

    def __init__(self, end_s: float | None = None) -> None:
        self._end_s = end_s

    @property
    def end_s(self) -> float | None:
        """Return the monotonic time at which the written music ends, None when there is none."""
        return self._end_s

    def due(self, at_s: float) -> float | None:
        """Return when the phrase that has to be written now shall start, or None if none is due.

        It starts where the previous one ends; if that is too soon to be sent, 0.25 s from now.
        """
        if self._end_s is None:
            return at_s + FIRST_S
        if at_s < self._end_s - AHEAD_S:
            return None
        return max(self._end_s, at_s + FIRST_S)

    def written(self, start_s: float, duration_s: float) -> None:
        """Note that a phrase was sent."""
        self._end_s = start_s + duration_s

    def lose(self) -> None:
        """Note that the player forgot everything: a phrase is due at once."""
        self._end_s = None
