"""Known runs are found exactly; windows of eight bars are never forgotten."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.errors import ModelError
from device.music.memory import RUN_INTERVALS, KnownRuns, SessionMemory, bars_of, checksum, run_codes
from device.music.tokens import Tone

SCALE_UP = [2, 2, 1, 2, 2, 2, 1, 2, 2, 1, 2]
PATH = Path("known_runs.npy")


runs = st.lists(st.integers(-13, 13), min_size=RUN_INTERVALS, max_size=RUN_INTERVALS)


def stored(codes: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, codes)
    return buffer.getvalue()


def phrase(*pitches: int) -> tuple[Tone, ...]:
    """Tones on each beat."""
    return tuple(Tone(pitch, float(beat), 1.0) for beat, pitch in enumerate(pitches))


def test_run_codes_of_eleven_intervals_is_one_number() -> None:
    assert len(run_codes(SCALE_UP)) == 1
    assert len(run_codes(SCALE_UP[1:])) == 0
    assert len(run_codes([*SCALE_UP, 2, -2])) == 3


def test_run_codes_stay_exact_in_64_bits() -> None:
    top = run_codes([13] * RUN_INTERVALS)[0]
    assert top == 27**11 - 1
    assert top < 2**63


@given(runs, runs)
def test_run_codes_tell_different_runs_apart(one: list[int], other: list[int]) -> None:
    assert (run_codes(one) == run_codes(other)) == (one == other)


def test_known_runs_find_a_run_anywhere_inside() -> None:
    known = KnownRuns(np.array(run_codes(SCALE_UP), np.int64))
    assert len(known) == 1
    assert known.contain(SCALE_UP)
    assert known.contain([5, -7, *SCALE_UP, 0])
    assert not known.contain(SCALE_UP[:-1])
    assert not known.contain([*SCALE_UP[:-1], 1])


def test_known_runs_are_read_from_their_file() -> None:
    codes = np.array(run_codes(SCALE_UP), np.int64)
    assert KnownRuns.read(PATH, stored(codes)).contain(SCALE_UP)


@pytest.mark.parametrize("content", [
    b"", b"not numpy", stored(np.zeros((2, 2), np.int64)), stored(np.zeros(3))])
def test_known_runs_refuse_what_is_no_row_of_integers(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"known_runs\.npy: not a .* reinstall the model"):
        KnownRuns.read(PATH, content)


def test_bars_of_puts_each_tone_into_the_bar_where_it_starts() -> None:
    tones = (Tone(60, 0.0, 1.0), Tone(62, 3.5, 2.0), Tone(64, 8.0, 1.0))
    assert bars_of(tones, 4) == (((60, 0.0), (62, 3.5)), (), ((64, 0.0),), ())


def test_memory_starts_without_a_last_pitch() -> None:
    assert SessionMemory().last_pitch is None


def test_memory_knows_the_last_pitch_and_leads_into_the_next_phrase() -> None:
    memory = SessionMemory()
    memory.keep(phrase(60, 62, 64), 4)
    assert memory.last_pitch == 64
    assert memory.intervals_with(phrase(65, 60)) == [2, 2, 1, -5]


def test_memory_keeps_only_the_pitches_that_a_run_can_reach() -> None:
    memory = SessionMemory()
    memory.keep(phrase(*range(50, 66)), 4)
    assert len(memory.intervals_with(phrase(70))) == RUN_INTERVALS


def test_memory_refuses_the_window_it_has_heard() -> None:
    one, other = phrase(60, 62, 64, 65), phrase(67, 65, 64, 62)
    memory = SessionMemory()
    memory.keep(one, 4)
    assert memory.fresh(one, 4)  # four bars twice are no window of eight that came before
    memory.keep(other, 4)
    memory.keep(one, 4)
    assert not memory.fresh(other, 4)  # the eight bars (one, other) again
    assert memory.fresh(phrase(67, 65, 64, 61), 4)


def test_memory_refuses_a_window_that_repeats_shifted_by_bars() -> None:
    bar = [60, 62, 64, 65]
    memory = SessionMemory()
    memory.keep(phrase(*bar * 4), 4)
    memory.keep(phrase(*bar * 4), 4)
    assert not memory.fresh(phrase(*bar, 67, 67, 67, 67), 4)  # bars 1 to 8 of the three are bars 0 to 7


def test_memory_refuses_a_phrase_that_repeats_within_itself() -> None:
    bar = [60, 62, 64, 65]
    assert not SessionMemory().fresh(phrase(*bar * 9), 9)  # bars 0 to 7 equal bars 1 to 8


def test_memory_does_not_count_silence_as_a_window() -> None:
    memory = SessionMemory()
    for _ in range(4):
        memory.keep((), 4)
    assert memory.fresh((), 4)


def test_memory_calls_a_window_the_same_whatever_its_lengths() -> None:
    memory = SessionMemory()
    one, other = phrase(60, 62, 64, 65), phrase(67, 65, 64, 62)
    for tones in (one, other, one):
        memory.keep(tones, 4)
    shorter = tuple(tone._replace(beats=0.5) for tone in other)
    assert not memory.fresh(shorter, 4)


def test_memory_recalls_every_window_from_its_trace() -> None:
    one, other = phrase(60, 62, 64, 65), phrase(67, 65, 64, 62)
    memory = SessionMemory()
    for tones in (one, other, one):
        memory.keep(tones, 4)
    assert len(memory.trace) == 4 * 12
    recalled = SessionMemory(memory.trace)
    assert not recalled.fresh(other, 4)
    assert recalled.fresh(phrase(67, 65, 64, 61), 4)
    assert recalled.last_pitch is None
    recalled.lead(one)
    assert recalled.last_pitch == 65
    assert recalled.trace == memory.trace


@pytest.mark.parametrize("trace", [b"1", b"12345"])
def test_memory_refuses_a_trace_that_is_cut_short(trace: bytes) -> None:
    with pytest.raises(ValueError, match="cut short; start without it"):
        SessionMemory(trace)


def test_checksum_tells_bars_apart_and_silence_from_all() -> None:
    bars = [((pitch, beat / 2),) for pitch in range(55, 85) for beat in range(8)]
    assert len({checksum(bar) for bar in bars}) == len(bars)
    assert 0 not in {checksum(bar) for bar in bars}
    assert checksum(()) == 0
    assert checksum(((60, 0.0), (62, 1.0))) == checksum(((60, 0.0), (62, 1.0)))
