"""The simulated MCP3008 against its datasheet."""

from __future__ import annotations

import random

import pytest

from device.clock import ManualClock
from drivers.sim.mcp3008 import SimulatedMcp3008

FAULTS: set[str] = set()


def _chip(
    clock: ManualClock, volts: float = 1.0, faults: set[str] = FAULTS, seed: int = 1,
) -> SimulatedMcp3008:
    return SimulatedMcp3008(clock, lambda channel, _: volts * (channel + 1) / 8, faults.__contains__,
                            reference_v=3.3, rng=random.Random(seed))


def _code(answer: list[int]) -> int:
    return (answer[1] & 3) << 8 | answer[2]


@pytest.mark.parametrize("channel", range(8))
def test_frame_carries_the_channels_code(clock: ManualClock, channel: int) -> None:
    answer = _chip(clock, 3.2).xfer2([1, (8 | channel) << 4, 0])
    assert _code(answer) == int(3.2 * (channel + 1) / 8 / 3.3 * 1024)
    assert not answer[1] & 0x04


def test_codes_end_at_ground_and_reference(clock: ManualClock) -> None:
    assert _code(_chip(clock, -1.0).xfer2([1, 0xF0, 0])) == 0
    assert _code(_chip(clock, 9.0).xfer2([1, 0xF0, 0])) == 1023


def test_undefined_bits_are_noise_and_repeat_with_the_seed(clock: ManualClock) -> None:
    chip, twin, other = _chip(clock), _chip(clock), _chip(clock, seed=2)
    frames = [chip.xfer2([1, 0x80, 0]) for _ in range(64)]
    assert len({(frame[0], frame[1] & 0xF8) for frame in frames}) > 32
    assert all(0 <= byte <= 255 for frame in frames for byte in frame)
    assert frames == [twin.xfer2([1, 0x80, 0]) for _ in range(64)]
    assert frames != [other.xfer2([1, 0x80, 0]) for _ in range(64)]


@pytest.mark.parametrize("question", [[0, 0x80, 0], [1, 0x00, 0], [1, 0x80], [1, 0x80, 0, 0]])
def test_what_is_no_single_ended_frame_floats(clock: ManualClock, question: list[int]) -> None:
    assert _chip(clock).xfer2(question) == [0xFF] * len(question)


@pytest.mark.parametrize("fault", ["adc_absent", "adc_nack", "adc_stuck"])
def test_faulty_line_floats(clock: ManualClock, fault: str) -> None:
    assert _chip(clock, faults={fault}).xfer2([1, 0x80, 0]) == [0xFF, 0xFF, 0xFF]


def test_frozen_chip_repeats_itself(clock: ManualClock) -> None:
    faults: set[str] = set()
    chip = _chip(clock, 3.2, faults)
    before = _code(chip.xfer2([1, 0x80, 0]))
    faults.add("adc_frozen")
    assert _code(chip.xfer2([1, 0xF0, 0])) == before
    faults.clear()
    assert _code(chip.xfer2([1, 0xF0, 0])) != before
