"""The Cyton's 33-byte frames: finding them in a byte stream, and turning them into microvolts.

    byte   0      1        2 .. 25              26 .. 31     32
           0xA0   counter  8 x 24 bit, signed,  auxiliary    0xC0 .. 0xCF
                           big-endian

(OpenBCI documentation, "Cyton Data Format".) There is no checksum and any payload byte may look like a
header. So a position counts as a frame only if its header and footer are right, the byte behind it (if
it has arrived) is a header again, and it either carries the counter that must come next, or is followed
by a whole second frame whose counter is one more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FRAME_BYTES = 33
CHANNELS = 8
HEADER = 0xA0
FOOTER_MASK, FOOTER = 0xF0, 0xC0
PAYLOAD = slice(2, 26)
COUNTERS = 256
FULL_SCALE = 2**23 - 1
MICROVOLTS_PER_COUNT = 4.5e6 / 24 / FULL_SCALE  # 4.5 V reference, gain 24: 0.02235174 uV


class Frame(NamedTuple):
    """One frame: its counter, 0 to 255, and its 24 payload bytes."""

    counter: int
    payload: bytes


class FrameFinder:
    """Finds frames in a stream of bytes that may be cut, damaged or joined in the middle."""

    def __init__(self) -> None:
        self._held = b""
        self._next: int | None = None

    def reset(self) -> None:
        """Forget everything, as when the stream is started anew."""
        self._held = b""
        self._next = None

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that these bytes complete; at most 65 bytes wait for the next call."""
        held = self._held + data
        frames = []
        at = 0
        while (at := held.find(HEADER, at)) >= 0:
            if len(held) - at < FRAME_BYTES:
                break
            if not _is_frame(held, at):
                at += 1
                continue
            counter = held[at + 1]
            if counter != self._next:
                if len(held) - at < 2 * FRAME_BYTES:
                    break
                if not _followed(held, at):
                    at += 1
                    continue
            frames.append(Frame(counter, held[at + PAYLOAD.start : at + PAYLOAD.stop]))
            self._next = (counter + 1) % COUNTERS
            at += FRAME_BYTES
        self._held = held[at:] if at >= 0 else b""
        return frames


def decode(frames: Sequence[Frame]) -> NDArray[np.float64]:
    """Return the samples of frames as (n, 8) in microvolts; a channel at the converter's end is NaN.

    An open input runs into the rail: -187500 uV is what OpenBCI recordings show then.
    """
    raw = np.frombuffer(b"".join(frame.payload for frame in frames), np.uint8).reshape(-1, CHANNELS, 3)
    # The three bytes go on top of a big-endian 32-bit word; the arithmetic shift brings the sign down.
    words = np.zeros((len(raw), CHANNELS, 4), np.uint8)
    words[..., :3] = raw
    counts = words.view(">i4")[..., 0].astype(np.int32) >> 8
    microvolts: NDArray[np.float64] = np.where(
        np.abs(counts) >= FULL_SCALE, np.nan, counts * MICROVOLTS_PER_COUNT)
    return microvolts


def _is_frame(held: bytes, at: int) -> bool:
    """Tell whether the footer, and the next header if it is here, stand where they must for this header."""
    after = at + FRAME_BYTES
    return held[after - 1] & FOOTER_MASK == FOOTER and (after == len(held) or held[after] == HEADER)


def _followed(held: bytes, at: int) -> bool:
    """Tell whether the next frame stands right behind, with the next counter."""
    after = at + FRAME_BYTES
    right_header = held[after] == HEADER and held[after + 1] == (held[at + 1] + 1) % COUNTERS
    return right_header and _is_frame(held, after)
