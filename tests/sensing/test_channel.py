"""One channel's grid and blocks."""

from __future__ import annotations

import math

import pytest

from device.messages import Quality
from device.sensing.channel import Channel
from drivers.adc import Reading, ReadingQuality


def reading(volts=1.0, quality=ReadingQuality.GOOD):
    return Reading(0.0, volts, quality)


def channel(rate_hz=10.0, convert=lambda volts: (volts, Quality.GOOD)):
    return Channel("eda", 0, rate_hz, convert, 100.0)


def test_channel_is_due_at_the_origin_and_then_once_a_period():
    one = channel()
    assert one.due_s == 100.0
    one.take(reading(), 100.0, stuck=False)
    assert one.due_s == pytest.approx(100.1)


def test_channel_closes_a_block_when_it_is_full():
    one = channel()
    assert one.take(reading(1.0), 100.0, stuck=False) is None
    block = one.take(reading(2.0), 100.1, stuck=False)
    assert (block.start_s, block.values, block.quality) == (100.0, (1.0, 2.0), Quality.GOOD)
    assert block.at_s == 100.1


def test_channel_of_one_sample_a_second_makes_blocks_of_one():
    block = channel(rate_hz=1.0).take(reading(33.0), 100.0, stuck=False)
    assert block.values == (33.0,)


def test_channel_gives_out_what_it_has_before_a_gap():
    one = channel()
    one.take(reading(1.0), 100.0, stuck=False)
    early = one.move_to(100.75)
    assert (early.start_s, early.values) == (100.0, (1.0,))
    one.take(reading(2.0), 100.75, stuck=False)
    block = one.take(reading(3.0), 100.8, stuck=False)
    assert block.start_s == pytest.approx(100.7)
    assert block.values == (2.0, 3.0)


def test_channel_skips_nothing_while_it_is_on_time():
    one = channel()
    for k in range(50):
        assert one.move_to(100.0 + 0.1 * k) is None
        one.take(reading(), 100.0 + 0.1 * k, stuck=False)


@pytest.mark.parametrize(("quality", "stuck", "expected"), [
    (ReadingQuality.GOOD, False, Quality.GOOD), (ReadingQuality.CLIPPED, False, Quality.CLIPPED),
    (ReadingQuality.GOOD, True, Quality.STUCK), (ReadingQuality.CLIPPED, True, Quality.STUCK),
])
def test_channel_turns_a_doubtful_reading_into_nan(quality, stuck, expected):
    block = channel(rate_hz=1.0).take(reading(1.0, quality), 100.0, stuck=stuck)
    assert block.quality is expected
    assert math.isnan(block.values[0]) == (expected is not Quality.GOOD)


def test_channel_says_contact_before_all_else():
    one = channel(rate_hz=1.0, convert=lambda _: (math.nan, Quality.OPEN))
    block = one.take(reading(0.0, ReadingQuality.CLIPPED), 100.0, stuck=True)
    assert block.quality is Quality.OPEN


def test_channel_block_carries_its_worst_quality_and_the_next_starts_clean():
    one = channel()
    one.take(reading(1.0, ReadingQuality.CLIPPED), 100.0, stuck=False)
    assert one.take(reading(), 100.1, stuck=False).quality is Quality.CLIPPED
    one.take(reading(), 100.2, stuck=False)
    assert one.take(reading(), 100.3, stuck=False).quality is Quality.GOOD
