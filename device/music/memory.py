"""What must not come again: windows of this session, and long runs of the training corpus."""

from __future__ import annotations

import io
import itertools
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.errors import ModelError
from device.music.tokens import INTERVALS, Tone, interval_class

RUN_INTERVALS = 11  # 12 notes: the longest match with the corpus stays under that (NUMBERS, Music)
BAR_BYTES = 4  # of a trace
WINDOW_BARS = 8  # no identical window of 8 bars within a session (NUMBERS, Music)

Bar = tuple[tuple[int, float], ...]


class KnownRuns:
    """Every run of 11 intervals of the corpus, exactly: each is one number in base 27.

    27 ** 11 is below 2 ** 53, so nothing is hashed and nothing is found that is not there.
    """

    def __init__(self, codes: NDArray[np.int64]) -> None:
        self._codes = frozenset(int(code) for code in codes)

    def __len__(self) -> int:
        return len(self._codes)

    @classmethod
    def read(cls, path: Path, content: bytes) -> KnownRuns:
        """Return the runs from the bytes of a .npy file.

        Raises:
            ModelError: the content is no row of 64-bit integers.
        """
        try:
            codes = np.load(io.BytesIO(content), allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise ModelError(f"{path}: not a .npy file; reinstall the model") from error
        if codes.dtype != np.int64 or codes.ndim != 1:
            raise ModelError(f"{path}: not a row of 64-bit integers; reinstall the model")
        return cls(codes)

    def contain(self, intervals: Sequence[int]) -> bool:
        """Return whether any 11 consecutive intervals (semitones) are a run of the corpus."""
        return any(code in self._codes for code in run_codes(intervals))

    def share(self, intervals: Sequence[int]) -> float:
        """Return the share of the runs of 11 intervals (semitones) that are the corpus's, 0 without any."""
        codes = run_codes(intervals)
        return sum(code in self._codes for code in codes) / len(codes) if codes else 0.0


def run_codes(intervals: Sequence[int]) -> list[int]:
    """Return one number for each run of 11 consecutive intervals (semitones)."""
    classes = [interval_class(interval) for interval in intervals]
    codes = []
    for start in range(len(classes) - RUN_INTERVALS + 1):
        code = 0
        for found in classes[start : start + RUN_INTERVALS]:
            code = code * INTERVALS + found
        codes.append(code)
    return codes


class SessionMemory:
    """Every 8-bar window of the melody so far, and what is needed to go on from the last phrase.

    A bar is kept as a 32-bit checksum. Equal bars have equal checksums, so no repetition is missed; two
    different windows are taken for one less than once in 2 ** 200 pairs, and cost no more than a new draft.
    A session of 90 minutes at 90 bpm has 2,025 bars.

    Args:
        trace: what `trace` of a predecessor returned; empty at the start.

    Raises:
        ValueError: the trace is no row of 32-bit numbers.
    """

    def __init__(self, trace: bytes = b"") -> None:
        if len(trace) % BAR_BYTES:
            raise ValueError(f"a trace of {len(trace)} bytes is cut short; start without it")
        self._bars = list(struct.unpack(f"<{len(trace) // BAR_BYTES}I", trace))
        self._windows = set(self._windows_from(self._bars, 0))
        self._pitches: tuple[int, ...] = ()

    @property
    def last_pitch(self) -> int | None:
        """MIDI pitch of the last melody tone, None before the first."""
        return self._pitches[-1] if self._pitches else None

    @property
    def trace(self) -> bytes:
        """Four bytes for each bar so far, for a successor after a restart."""
        return struct.pack(f"<{len(self._bars)}I", *self._bars)

    def fresh(self, tones: Sequence[Tone], bars: int) -> bool:
        """Return whether a phrase of that many bars would repeat no window, itself included."""
        found = self._windows_with(tones, bars)
        return len(set(found)) == len(found) and not any(window in self._windows for window in found)

    def intervals_with(self, tones: Sequence[Tone]) -> list[int]:
        """Return the intervals of a phrase and those that lead into it from the phrase before."""
        pitches = [*self._pitches, *(tone.pitch for tone in tones)]
        return [after - before for before, after in itertools.pairwise(pitches)]

    def keep(self, tones: Sequence[Tone], bars: int) -> None:
        """Remember a phrase that is being sent."""
        self._windows.update(self._windows_with(tones, bars))
        self._bars += [checksum(row) for row in bars_of(tones, bars)]
        self.lead(tones)

    def lead(self, tones: Sequence[Tone]) -> None:
        """Remember only the pitches of a phrase whose bars the trace holds already."""
        self._pitches = (*self._pitches, *(tone.pitch for tone in tones))[-RUN_INTERVALS:]

    def _windows_with(self, tones: Sequence[Tone], bars: int) -> list[tuple[int, ...]]:
        """Return the windows that end in the new bars."""
        recent = self._bars[-(WINDOW_BARS - 1):]
        joined = [*recent, *(checksum(row) for row in bars_of(tones, bars))]
        return self._windows_from(joined, len(recent))

    @staticmethod
    def _windows_from(rows: list[int], known: int) -> list[tuple[int, ...]]:
        """Return the windows that end after the known bars; one without any tone does not count."""
        ends = range(max(WINDOW_BARS, known + 1), len(rows) + 1)
        windows = [tuple(rows[end - WINDOW_BARS : end]) for end in ends]
        return [window for window in windows if any(window)]


def checksum(bar: Bar) -> int:
    """Return 32 bits that stand for a bar; 0 only for one without a tone."""
    return zlib.crc32(repr(bar).encode()) or 1 if bar else 0


def bars_of(tones: Sequence[Tone], bars: int) -> tuple[Bar, ...]:
    """Return, for each bar of 4 beats, its tones as (pitch, beat in the bar); their lengths do not count."""
    rows: list[list[tuple[int, float]]] = [[] for _ in range(bars)]
    for tone in tones:
        rows[int(tone.start_beat // 4)].append((tone.pitch, tone.start_beat % 4))
    return tuple(tuple(row) for row in rows)
