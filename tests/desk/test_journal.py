"""The journal: what goes in comes out, whatever happens to its end."""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path

import pytest

from device.desk.journal import MAGIC, RAW_SAMPLES, JournalWriter, load_journal, read_journal
from device.errors import RecordingError
from device.messages import (
    MESSAGE_TYPES,
    EegBlock,
    Message,
    Quality,
    SampleBlock,
    Session,
    SessionPhase,
    Stress,
    StressBand,
)


def stress(second: float) -> Stress:
    return Stress(at_s=second, level=0.25, confidence=0.5, band=StressBand.LOW, sources=("eda",), reason="")


def write(path: Path, *messages: Message) -> Path:
    with JournalWriter(path) as journal:
        for message in messages:
            journal.write(message)
    return path


def test_journal_returns_every_kind_of_message_unchanged(tmp_path: Path, messages: list[Message]) -> None:
    path = write(tmp_path / "journal.bin", *messages)

    assert read_journal(path) == messages
    assert {type(message) for message in messages} == set(MESSAGE_TYPES)


def test_journal_keeps_nan_and_infinity(tmp_path: Path) -> None:
    block = SampleBlock(at_s=1.0, signal="eda", start_s=0.5, rate_hz=10.0, quality=Quality.OPEN,
                        values=(1.5, math.nan, math.inf))

    (read,) = read_journal(write(tmp_path / "journal.bin", block))

    assert isinstance(read, SampleBlock)
    assert read.values[0] == 1.5
    assert math.isnan(read.values[1])
    assert read.values[2] == math.inf


def test_journal_keeps_the_order_of_arrival(tmp_path: Path) -> None:
    path = write(tmp_path / "journal.bin", stress(3.0), stress(1.0), stress(2.0))

    assert [message.at_s for message in read_journal(path)] == [3.0, 1.0, 2.0]


def test_journal_leaves_raw_samples_out_when_writing(tmp_path: Path, messages: list[Message]) -> None:
    path = tmp_path / "journal.bin"
    with JournalWriter(path, leave_out=RAW_SAMPLES) as journal:
        for message in messages:
            journal.write(message)

    read = read_journal(path)

    assert read == [message for message in messages if not isinstance(message, RAW_SAMPLES)]
    assert len(read) < len(messages)


def test_journal_leaves_kinds_out_when_reading(tmp_path: Path, messages: list[Message]) -> None:
    path = write(tmp_path / "journal.bin", *messages)

    read = read_journal(path, leave_out=(EegBlock,))

    assert read == [message for message in messages if not isinstance(message, EegBlock)]


def test_journal_is_readable_before_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "journal.bin"
    journal = JournalWriter(path)
    journal.write(stress(1.0))

    assert read_journal(path) == [stress(1.0)]

    journal.close()
    journal.close()


def test_journal_replaces_an_older_one(tmp_path: Path) -> None:
    path = write(tmp_path / "journal.bin", stress(1.0), stress(2.0))

    write(path, stress(3.0))

    assert read_journal(path) == [stress(3.0)]


@pytest.mark.parametrize("missing_bytes", [1, 3, 20])
def test_journal_cut_within_its_last_record_gives_the_others_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, missing_bytes: int
) -> None:
    path = write(tmp_path / "journal.bin", stress(1.0), stress(2.0), stress(3.0))
    whole = path.read_bytes()
    record = (len(whole) - len(MAGIC)) // 3
    path.write_bytes(whole[:-missing_bytes])

    journal = load_journal(path)

    assert journal.messages == (stress(1.0), stress(2.0))
    assert journal.cut_bytes == record - missing_bytes
    with caplog.at_level(logging.WARNING):
        assert read_journal(path) == [stress(1.0), stress(2.0)]
    assert "ends within a record" in caplog.text


def test_journal_cut_at_every_byte_never_fails(tmp_path: Path) -> None:
    path = write(tmp_path / "journal.bin", stress(1.0), stress(2.0))
    whole = path.read_bytes()
    for length in range(len(MAGIC), len(whole)):
        path.write_bytes(whole[:length])

        read = load_journal(path)

        used = length - len(MAGIC) - read.cut_bytes
        assert len(read.messages) == used // ((len(whole) - len(MAGIC)) // 2)


def test_journal_that_ends_in_zeros_after_a_power_cut_is_read_up_to_them(tmp_path: Path) -> None:
    path = write(tmp_path / "journal.bin", stress(1.0))
    path.write_bytes(path.read_bytes() + bytes(4096))

    journal = load_journal(path)

    assert journal.messages == (stress(1.0),)
    assert journal.cut_bytes == 4096


def test_journal_counts_records_of_another_version(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path / "journal.bin", stress(1.0))
    strange = b"weather\0\x80", b"stress\0\x80", b"\xff\xfe\0\x80"
    with path.open("ab") as file:
        for record in strange:
            file.write(len(record).to_bytes(4, "little") + record)
    with path.open("ab") as file:
        file.write(path.read_bytes()[len(MAGIC):len(MAGIC) + 4])

    journal = load_journal(path)

    assert journal.messages == (stress(1.0),)
    assert journal.unreadable == 3
    with caplog.at_level(logging.WARNING):
        read_journal(path)
    assert "3 records" in caplog.text


def test_journal_absent_or_foreign_is_an_error_with_advice(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"journal\.bin: cannot be read .*tranquillo run"):
        read_journal(tmp_path / "journal.bin")
    (tmp_path / "photo.bin").write_bytes(b"\x89PNG")
    with pytest.raises(RecordingError, match=r"photo\.bin: is not a journal"):
        read_journal(tmp_path / "photo.bin")


def test_journal_of_an_hour_stays_small_and_is_read_quickly(tmp_path: Path) -> None:
    """A tenth of an hour of all samples of eight EEG channels, at the sizes of the real blocks."""
    rows = tuple(tuple(float(row * 8 + column) / 3 for column in range(8)) for row in range(50))
    eeg = EegBlock(at_s=1.0, start_s=1.0, rate_hz=250.0, lost_samples=0, microvolts=rows)
    blocks = [
        SampleBlock(at_s=1.0, signal=signal, start_s=1.0, rate_hz=rate_hz, quality=Quality.GOOD,
                    values=tuple(index / 3 for index in range(count)))
        for signal, rate_hz, count in (("eda", 10.0, 2), ("ppg", 100.0, 20))
    ]
    state = Session(at_s=1.0, phase=SessionPhase.RUNNING, seed=1, elapsed_s=1.0, duration_s=60.0, fade_s=8.0)
    path = tmp_path / "journal.bin"
    with JournalWriter(path) as journal:
        for _ in range(5 * 360):
            for message in (eeg, *blocks, state, state, state, state):
                journal.write(message)

    began_s = time.perf_counter()
    read = read_journal(path, leave_out=(EegBlock,))
    took_s = time.perf_counter() - began_s

    assert path.stat().st_size * 10 < 100e6
    assert len(read) == 5 * 360 * 6
    assert took_s < 1.0
