"""What of a tune so far may come back: what followed its longest echo, what stood some bars ago.

Tunes repeat themselves, and a small network forgets exact runs. So it is told where the latest tones
occurred before and what came then; Conklin and Witten ("Multiple viewpoint systems for music
prediction", 1995) call this the short-term model. Nothing later than the last tone is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from device.music.tokens import Place

_GRID = 8  # parts of a beat within which two places are the same


class Echo(NamedTuple):
    """The newest of the longest earlier runs like the last one: its length, 0 for none, and what followed."""

    length: int
    follower: int  # index into the sequence, meaningless when the length is 0


def echo(row: Sequence[int], longest: int) -> Echo:
    """Return where the end of a row occurred before.

    Args:
        row: classes, oldest first.
        longest: run that is looked for; longer ones count as this long.
    """
    last = len(row) - 1
    best = Echo(0, 0)
    for place in range(last - 1, -1, -1):
        length = 0
        while length < longest and length <= place and row[place - length] == row[last - length]:
            length += 1
        if length > best.length:
            best = Echo(length, place + 1)
            if length == longest:
                break
    return best


def bars_ago(starts: Sequence[Place], following: Place, bars: int) -> int | None:
    """Return the index of the tone that began at the same beat some bars before `following`, or None."""
    wanted = following.bar - bars, round(following.beat_in_bar * _GRID)
    for index in range(len(starts) - 1, -1, -1):
        if (starts[index].bar, round(starts[index].beat_in_bar * _GRID)) == wanted:
            return index
        if starts[index].bar < wanted[0]:
            break
    return None
