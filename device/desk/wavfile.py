"""WAV files, mapped into memory and read block by block, finished or not."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.errors import RecordingError

Floats = NDArray[np.float64]

# Format tags and layout: Microsoft, Multimedia Data Standards Update, 1994, and WAVEFORMATEXTENSIBLE.
PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
RIFF_BYTES = 12  # "RIFF", size, "WAVE"
FORMAT_BYTES = 40  # of the extensible format chunk; the subtype's tag is at byte 24
PACKED_BYTES = 3  # 24 bit samples have no type of their own


class WavFile:
    """A RIFF WAVE file of 16, 24 or 32 bit integers or 32 bit floats, mapped instead of read.

    A file whose writer was killed has no valid sizes in its headers; what is there is used.

    Raises:
        RecordingError: the file is absent, no WAV file, or in another format.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._data = np.memmap(path, np.uint8, mode="r")
        except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
            raise RecordingError(f"{path}: cannot be read as sound ({error})") from error
        if (bytes(self._data[:4]), bytes(self._data[8:RIFF_BYTES])) != (b"RIFF", b"WAVE"):
            raise RecordingError(f"{path}: is not a WAV file")
        chunks = dict(self._chunks())
        if b"fmt " not in chunks or b"data" not in chunks:
            raise RecordingError(f"{path}: has no sound in it")
        begin, end = chunks[b"fmt "]
        header = bytes(self._data[begin:end]).ljust(FORMAT_BYTES, b"\0")
        tag, self.channels, self.rate_hz, bits, subtype = struct.unpack_from("<HHI6xH8xH", header)
        if tag == EXTENSIBLE:
            tag = subtype
        self._sample_bytes = bits // 8
        self._is_float = tag == FLOAT
        known = {(PCM, 2), (PCM, PACKED_BYTES), (PCM, 4), (FLOAT, 4)}
        if (tag, self._sample_bytes) not in known or not self.channels or not self.rate_hz:
            raise RecordingError(f"{path}: format {tag} with {self._sample_bytes * 8} bits is not supported; "
                                 "write 16, 24 or 32 bit integers or 32 bit floats")
        self._begin, end = chunks[b"data"]
        self.frames = (end - self._begin) // (self._sample_bytes * self.channels)

    def blocks(self, frames: int) -> Iterator[Floats]:
        """Yield blocks of up to `frames` x channels, full scale 1."""
        width = self._sample_bytes * self.channels
        for first in range(0, self.frames, frames):
            last = min(first + frames, self.frames)
            raw = np.asarray(self._data[self._begin + first * width:self._begin + last * width])
            yield self._decode(raw).reshape(-1, self.channels)

    def _chunks(self) -> Iterator[tuple[bytes, tuple[int, int]]]:
        """Yield the name and the extent of each chunk; sound runs to the end where its size is not set."""
        at = RIFF_BYTES
        while at + 8 <= len(self._data):
            name = bytes(self._data[at:at + 4])
            size = int.from_bytes(bytes(self._data[at + 4:at + 8]), "little")
            end = at + 8 + size
            if end > len(self._data) or (name == b"data" and size == 0):
                end = len(self._data)
            yield name, (at + 8, end)
            at = end + size % 2

    def _decode(self, raw: NDArray[np.uint8]) -> Floats:
        """Return samples of full scale 1 from their little-endian bytes."""
        if self._is_float:
            return raw.view("<f4").astype(np.float64)
        if self._sample_bytes == PACKED_BYTES:
            wide = np.zeros((raw.size // 3, 4), np.uint8)
            wide[:, 1:] = raw.reshape(-1, 3)
            samples: Floats = np.divide(wide.reshape(-1).view("<i4"), 2.0**31)
        else:
            samples = np.divide(raw.view(f"<i{self._sample_bytes}"), 2.0 ** (8 * self._sample_bytes - 1))
        return samples
