"""The headset service: EEG blocks of a Cyton, none where none is worn, and a dongle that goes and comes."""

from __future__ import annotations

from itertools import groupby, pairwise

import msgspec
import numpy as np
import pytest

from device.config import Headset
from device.messages import EegBlock, Severity
from device.services.headset import ROOT

RATE_HZ = 250.0


def microvolts(blocks: list[EegBlock]) -> np.ndarray:
    return np.array([row for block in blocks for row in block.microvolts])


def codes(bench) -> list[tuple[str, ...]]:
    """The faults of the run, each spell once."""
    told = (tuple(fault.code for fault in faults) for _, faults in bench.faults_at)
    return [code for code, _ in groupby(told)]


def test_headset_none_configured_does_nothing(rig, desk):
    bench = rig(ROOT, msgspec.structs.replace(desk, headset=Headset(port="none")))
    assert bench.run(5.0) == []
    assert bench.opened_s == []
    assert bench.worker.faults() == ()


def test_headset_sends_every_sample_of_eight_channels(rig):
    bench = rig(ROOT)
    bench.run(5.0)
    blocks = bench.of(EegBlock)
    samples = microvolts(blocks)
    assert samples.shape[1] == 8
    # Opening takes up to about half a second of the five.
    assert 4.0 * RATE_HZ < len(samples) <= 5.0 * RATE_HZ
    assert {block.rate_hz for block in blocks} == {RATE_HZ}
    assert sum(block.lost_samples for block in blocks) == 0
    assert bench.worker.faults() == ()


def test_headset_blocks_follow_one_another_in_time(rig):
    bench = rig(ROOT)
    bench.run(5.0)
    blocks = bench.of(EegBlock)
    for before, after in pairwise(blocks):
        assert after.start_s - before.start_s == pytest.approx(len(before.microvolts) / RATE_HZ, abs=1e-3)
    for block in blocks:
        assert block.at_s == pytest.approx(block.start_s + len(block.microvolts) / RATE_HZ, abs=1e-6)
        assert block.at_s <= bench.clock.monotonic() + 0.01


def test_headset_values_are_the_bodys_own_around_electrode_offsets(rig):
    bench = rig(ROOT)
    bench.run(8.0)
    samples = microvolts(bench.of(EegBlock))[-1000:]  # four seconds, forty waves of alpha
    moving = samples - samples.mean(axis=0)
    assert np.abs(moving).max(axis=0) == pytest.approx(10.0, abs=0.2)
    power = np.abs(np.fft.rfft(moving, axis=0)) ** 2
    assert np.fft.rfftfreq(len(moving), 1 / RATE_HZ)[power.argmax(axis=0)] == pytest.approx(10.0, abs=0.3)


def test_headset_unplugged_dongle_is_told_without_alarm_and_its_end_as_well(rig):
    bench = rig(ROOT)
    bench.run(3.0)
    bench.world.inject("cyton_unplugged", 5.0)
    assert bench.run(1.0) == []
    (fault,) = bench.worker.faults()
    assert (fault.code, fault.severity) == ("headset_lost", Severity.INFO)
    assert "plug it in again" in fault.advice
    assert fault.advice.endswith("the estimate goes on without EEG until the headset streams")
    bench.run(12.0)
    assert bench.worker.faults() == ()
    assert codes(bench) == [(), ("headset_lost",), ()]
    assert bench.of(EegBlock)[-1].at_s > bench.clock.monotonic() - 0.2


def test_headset_absent_at_the_start_is_opened_again_with_backoff(rig):
    bench = rig(ROOT)
    bench.world.inject("cyton_unplugged", 20.0)
    assert bench.run(19.0) == []
    waits = [after - before for before, after in pairwise(bench.opened_s)]
    assert waits == pytest.approx([1.0, 2.0, 4.0, 8.0], abs=0.1)
    bench.run(20.0)
    assert bench.worker.faults() == ()
    assert bench.of(EegBlock)


def test_headset_empty_battery_is_lost_after_three_seconds(rig):
    bench = rig(ROOT)
    bench.run(3.0)
    bench.world.inject("cyton_silent", 20.0)
    bench.run(2.5)
    assert bench.worker.faults() == ()
    bench.run(4.0)
    (fault,) = bench.worker.faults()
    assert fault.code == "headset_lost"
    assert "battery" in fault.advice
    bench.run(45.0)
    assert bench.worker.faults() == ()
    assert bench.of(EegBlock)[-1].at_s > bench.clock.monotonic() - 0.2


def test_headset_lost_bytes_are_counted_as_lost_samples(rig):
    bench = rig(ROOT)
    bench.run(2.0)
    bench.world.inject("cyton_lost_bytes", 10.0)
    bench.run(12.0)
    blocks = bench.of(EegBlock)
    lost = sum(block.lost_samples for block in blocks)
    assert lost > 20
    first_s, last = blocks[0].start_s, blocks[-1]
    whole = (last.start_s - first_s) * RATE_HZ + len(last.microvolts)
    assert len(microvolts(blocks)) + lost == pytest.approx(whole, abs=3)
    assert bench.worker.faults() == ()


def test_headset_electrodes_that_fell_off_are_nan_and_no_fault(rig):
    bench = rig(ROOT)
    bench.run(2.0)
    bench.world.inject("lead_off", 3.0)
    off = microvolts([m for m in bench.run(2.5) if isinstance(m, EegBlock)])
    assert np.isnan(off[-250:]).all()
    on = microvolts([m for m in bench.run(3.0) if isinstance(m, EegBlock)])
    assert np.isfinite(on[-250:]).all()
    assert bench.worker.faults() == ()


def test_headset_backoff_starts_short_again_after_streaming(rig):
    bench = rig(ROOT)
    bench.world.inject("cyton_unplugged", 6.0)
    bench.run(12.0)
    attempts = len(bench.opened_s)
    bench.world.inject("cyton_unplugged", 1.5)
    bench.run(6.0)
    assert bench.opened_s[attempts] - bench.start_s - 12.0 == pytest.approx(1.0, abs=0.15)
    assert bench.worker.faults() == ()
