"""Headset samples to blocks."""

from __future__ import annotations

from collections import deque

import msgspec
import numpy as np
import pytest

from device.errors import DeviceLost
from device.messages import EegBlock
from device.sensing.eeg import EegSensing
from drivers.cyton import CytonSamples


class BenchCyton:
    """Hands out prepared runs of samples."""

    def __init__(self, *runs: CytonSamples) -> None:
        self.closed = False
        self._runs = deque(runs)

    def read(self) -> CytonSamples | None:
        return self._runs.popleft() if self._runs else None

    def close(self) -> None:
        self.closed = True


def test_eeg_sensing_gives_one_block_for_each_unbroken_run():
    first = CytonSamples(100.0, np.arange(80.0).reshape(10, 8), 0)
    second = CytonSamples(100.06, np.arange(16.0).reshape(2, 8), 5)
    sensing = EegSensing(BenchCyton(first, second))
    blocks = sensing.update()
    assert [block.start_s for block in blocks] == [100.0, 100.06]
    assert [block.lost_samples for block in blocks] == [0, 5]
    assert blocks[0].rate_hz == 250.0
    assert blocks[0].at_s == pytest.approx(100.04)
    assert blocks[0].microvolts[9] == tuple(np.arange(72.0, 80.0))
    assert sensing.update() == []


def test_eeg_blocks_survive_the_bus_with_their_gaps_in_contact():
    values = np.ones((3, 8))
    values[1, 4] = np.nan
    block = EegSensing(BenchCyton(CytonSamples(1.0, values, 0))).update()[0]
    back = msgspec.msgpack.decode(msgspec.msgpack.encode(block), type=EegBlock)
    assert np.array_equal(np.array(back.microvolts), values, equal_nan=True)


def test_eeg_sensing_passes_on_that_the_headset_is_lost():
    class Gone(BenchCyton):
        def read(self) -> CytonSamples | None:
            raise DeviceLost("the dongle is gone")

    with pytest.raises(DeviceLost, match="dongle"):
        EegSensing(Gone()).update()


def test_eeg_sensing_closes_the_headset():
    cyton = BenchCyton()
    EegSensing(cyton).close()
    assert cyton.closed
