"""The journal of a run: every message on the bus, in the order of arrival, in one append-only file.

The file is `MAGIC` and then records of `uint32` little-endian length, topic, zero byte and the body as
on the bus (MessagePack, so NaN survives). A record is written in one piece, so a process that is killed
loses at most the record it was writing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec

from device.bus import decode, encode
from device.errors import RecordingError
from device.messages import EegBlock, Message, SampleBlock

NAME = "journal.bin"
MAGIC = b"TRANQJ1\n"
RAW_SAMPLES: tuple[type[Message], ...] = (SampleBlock, EegBlock)
MAX_RECORD_BYTES = 16 * 1024 * 1024  # a longer one is damage, not a message

_log = logging.getLogger("journal")


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal file holds.

    `cut_bytes` counts the bytes of an unfinished last record (0 after an orderly end) and `unreadable`
    the whole records that fit no message of this version.
    """

    messages: tuple[Message, ...]
    cut_bytes: int
    unreadable: int


class JournalWriter:
    """Appends messages to a new journal file.

    Args:
        path: the file; one that exists is replaced.
        leave_out: messages not worth keeping, such as `RAW_SAMPLES`.

    Raises:
        OSError: the file cannot be written.
    """

    def __init__(self, path: Path, leave_out: tuple[type[Message], ...] = ()) -> None:
        self._leave_out = leave_out
        self._file: BinaryIO = path.open("wb")
        self._file.write(MAGIC)
        self._file.flush()

    def write(self, message: Message) -> None:
        """Append one message; it survives this process from then on."""
        if isinstance(message, self._leave_out):
            return
        topic, body = encode(message)
        record = topic + b"\0" + body
        self._file.write(len(record).to_bytes(4, "little") + record)
        self._file.flush()

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_journal(path: Path, leave_out: tuple[type[Message], ...] = ()) -> list[Message]:
    """Return the messages of a journal in order of arrival; damage is logged and left out.

    Args:
        path: the journal file.
        leave_out: messages to pass over without decoding them.

    Raises:
        RecordingError: the file is absent or not a journal.
    """
    journal = load_journal(path, leave_out)
    if journal.cut_bytes:
        _log.warning("%s ends within a record (%d bytes left out): the recorder was killed; "
                     "the run is shown up to there", path.name, journal.cut_bytes)
    if journal.unreadable:
        _log.warning("%s holds %d records that this version cannot read; they are left out",
                     path.name, journal.unreadable)
    return list(journal.messages)


def load_journal(path: Path, leave_out: tuple[type[Message], ...] = ()) -> Journal:
    """Return the messages of a journal together with what could not be read.

    Args:
        path: the journal file.
        leave_out: messages to pass over without decoding them.

    Raises:
        RecordingError: the file is absent or not a journal.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read ({error.strerror}); run `tranquillo run` to make "
                             "one") from error
    if not data.startswith(MAGIC):
        raise RecordingError(f"{path}: is not a journal of a run; name the folder that `tranquillo run` "
                             "wrote")
    passed_over = {kind.topic.encode() for kind in leave_out}
    messages: list[Message] = []
    unreadable = 0
    end = len(MAGIC)
    for start, end in _records(data):
        topic, _, body = data[start:end].partition(b"\0")
        if topic in passed_over:
            continue
        try:
            messages.append(decode(topic, body))
        except (KeyError, UnicodeDecodeError, msgspec.DecodeError):
            unreadable += 1
    return Journal(messages=tuple(messages), cut_bytes=len(data) - end, unreadable=unreadable)


def _records(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield start and end of every whole record; stop at the first that is cut or absurdly long."""
    at = len(MAGIC)
    while at + 4 <= len(data):
        length = int.from_bytes(data[at:at + 4], "little")
        if not 0 < length <= MAX_RECORD_BYTES or at + 4 + length > len(data):
            return
        yield at + 4, at + 4 + length
        at += 4 + length
