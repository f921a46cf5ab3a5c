"""The same suite for the real driver over two lines: an in-process board, and a pty with pyserial."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
import serial

from device.clock import Clock, ManualClock, SystemClock
from drivers.cyton import LOST_AFTER_S, RESTART_AFTER_S, Cyton, CytonSamples
from drivers.errors import DeviceLost
from drivers.sim.body import BodyTruth
from drivers.sim.cyton import CytonPty, SimulatedCyton

DEADLINE_S = 15.0


class Switches:
    """Faults that a test turns on and off."""

    def __init__(self) -> None:
        self.on: set[str] = set()

    def active(self, kind: str, at_s: float) -> bool:
        assert at_s >= -0.1
        return kind in self.on


class SineBody:
    """An EEG of known values: channel c is 20 uV times (c + 1) at 7 Hz; channel 7 touches nobody."""

    def eeg_uv(self, start_s: float, count: int, rate_hz: float) -> np.ndarray:
        times = start_s + np.arange(count) / rate_hz
        values = self.value_uv(times)[:, None] * np.arange(1, 9)
        values[:, 7] = np.nan
        return values

    @staticmethod
    def value_uv(times: np.ndarray) -> np.ndarray:
        return 20.0 * np.sin(2 * np.pi * 7.0 * times)

    def skin_us(self, at_s: float) -> float:
        return at_s * 0 + 5.0

    def pulse_v(self, at_s: float) -> float:
        return at_s * 0 + 1.65

    def skin_c(self, at_s: float) -> float:
        return at_s * 0 + 33.0

    def hear(self, at_s: float, heard: object) -> None:
        del at_s, heard

    def truth(self, at_s: float) -> BodyTruth:
        return BodyTruth(None, "", self.skin_us(at_s), None, None)


@dataclass
class Line:
    """A board and the way to it."""

    clock: Clock
    board: SimulatedCyton
    faults: Switches
    pty: CytonPty | None = None
    opened: list[Cyton] = field(default_factory=list)

    def open(self) -> Cyton:
        if self.pty is None:
            cyton = Cyton(self.board, self.clock)
        else:
            try:
                port = serial.Serial(
                    str(self.pty.path), 115200, timeout=0.2, write_timeout=0.2, exclusive=True)
            except serial.SerialException as error:
                raise DeviceLost(str(error)) from error
            cyton = Cyton(port, self.clock)
        self.opened.append(cyton)
        return cyton

    def collect(self, cyton: Cyton, samples: int, *, every_s: float = 0.04) -> list[CytonSamples]:
        """Read until that many samples are there."""
        blocks: list[CytonSamples] = []
        deadline_s = self.clock.monotonic() + DEADLINE_S
        while sum(len(block.microvolts) for block in blocks) < samples:
            assert self.clock.monotonic() < deadline_s, "the headset is too slow"
            self.clock.sleep(every_s)
            while (block := cyton.read()) is not None:
                blocks.append(block)
        return blocks

    def read_until_lost(self, cyton: Cyton) -> tuple[DeviceLost, float]:
        """Read on until the driver gives up; return its word and how long it took."""
        start_s = self.clock.monotonic()
        while self.clock.monotonic() < start_s + DEADLINE_S:
            self.clock.sleep(0.05)
            try:
                while cyton.read() is not None:
                    pass
            except DeviceLost as error:
                return error, self.clock.monotonic() - start_s
        raise AssertionError("the driver never gave up")


@pytest.fixture(params=["in process", "pty"])
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    faults = Switches()
    clock: Clock = ManualClock() if request.param == "in process" else SystemClock()
    board = SimulatedCyton(SineBody(), clock, seed=4, faults=faults)
    pty = CytonPty(board) if request.param == "pty" else None
    line = Line(clock, board, faults, pty)
    yield line
    for cyton in line.opened:
        with contextlib.suppress(DeviceLost, OSError):
            cyton.close()
    if pty is not None:
        pty.close()


def test_opening_reads_the_firmware_and_is_quick(line):
    start_s = line.clock.monotonic()
    assert line.open().firmware == "v3.1.2"
    assert line.clock.monotonic() - start_s < (0.3 if line.pty is None else 2.0)


def test_samples_are_the_body_s_own_at_the_time_they_claim(line):
    cyton = line.open()
    blocks = line.collect(cyton, 200)
    times = np.concatenate([b.start_s + np.arange(len(b.microvolts)) * 0.004 for b in blocks])
    values = np.concatenate([b.microvolts for b in blocks])
    assert values.shape[1] == 8
    offsets = values[:, :7].mean(axis=0)
    assert (np.abs(offsets) < 31_000).all()
    # The offset of the electrodes is constant; the rest must be the sine. Its zero crossings tell the delay.
    expected = SineBody.value_uv(times - _lag_s(times, values[:, 0]))
    for channel in range(7):
        wave = values[:, channel] - (values[:, channel] - (channel + 1) * expected).mean()
        np.testing.assert_allclose(wave, (channel + 1) * expected, atol=0.7 * (channel + 1))
    assert abs(_lag_s(times, values[:, 0])) < (0.006 if line.pty is None else 0.15)


def _lag_s(times: np.ndarray, values: np.ndarray) -> float:
    """Return by how much times are late, from the phase of the 7 Hz sine."""
    design = np.stack([np.sin(2 * np.pi * 7 * times), np.cos(2 * np.pi * 7 * times), np.ones_like(times)], 1)
    sine, cosine, _ = np.linalg.lstsq(design, values, rcond=None)[0]
    return float(-np.arctan2(cosine, sine) / (2 * np.pi * 7))


def test_an_electrode_that_touches_nobody_is_nan_and_the_others_are_not(line):
    values = np.concatenate([b.microvolts for b in line.collect(line.open(), 50)])
    assert np.isnan(values[:, 7]).all()
    assert np.isfinite(values[:, :7]).all()


def test_the_rate_is_250_and_nothing_is_lost(line):
    cyton = line.open()
    line.collect(cyton, 10)
    start_s = line.clock.monotonic()
    blocks = line.collect(cyton, 500)
    rate_hz = sum(len(b.microvolts) for b in blocks) / (line.clock.monotonic() - start_s)
    assert rate_hz == pytest.approx(250, rel=0.03 if line.pty is None else 0.1)
    assert sum(b.lost for b in blocks) == 0


def test_blocks_follow_each_other_without_gap_or_overlap(line):
    blocks = line.collect(line.open(), 400)
    for before, after in pairwise(blocks):
        gap_s = after.start_s - (before.start_s + len(before.microvolts) * 0.004)
        assert abs(gap_s) <= 0.005 * 0.004 * (len(after.microvolts) + len(before.microvolts)) + 1e-9


def test_a_slow_reader_loses_nothing_within_the_line_s_buffer(line):
    cyton = line.open()
    line.collect(cyton, 10)
    blocks = line.collect(cyton, 150, every_s=0.2)  # 1.7 kB at a time, the line holds 4 kB
    assert sum(b.lost for b in blocks) == 0


def test_lead_off_turns_every_channel_to_nan(line):
    cyton = line.open()
    line.collect(cyton, 20)
    line.faults.on.add("lead_off")
    line.collect(cyton, 40)
    values = np.concatenate([b.microvolts for b in line.collect(cyton, 20)])
    assert np.isnan(values).all()
    line.faults.on.clear()
    line.collect(cyton, 40)
    assert np.isfinite(np.concatenate([b.microvolts for b in line.collect(cyton, 20)])[:, :7]).all()


def test_lost_bytes_are_counted_and_no_sample_is_made_up(line):
    cyton = line.open()
    line.collect(cyton, 10)
    line.faults.on.add("cyton_lost_bytes")
    blocks = line.collect(cyton, 750)
    values = np.concatenate([b.microvolts for b in blocks])[:, :7]
    lost = sum(b.lost for b in blocks)
    share = lost / (lost + len(values))
    # One byte in 500 is lost, so 1 - 0.998^33 = 6.4 % of the frames.
    assert 0.03 < share < 0.13
    assert np.abs(values - values.mean(axis=0)).max() < 7 * 20 * 1.3
    for before, after in pairwise(blocks):
        gap_s = after.start_s - (before.start_s + len(before.microvolts) * 0.004)
        assert gap_s == pytest.approx(after.lost * 0.004, abs=0.0015)


def test_a_board_that_is_off_is_told_from_an_absent_dongle(line):
    line.board.powered = False
    with pytest.raises(DeviceLost, match="switch to PC"):
        line.open()


def test_a_board_that_loses_power_is_given_up_after_three_seconds(line):
    cyton = line.open()
    line.collect(cyton, 25)
    line.faults.on.add("cyton_silent")
    error, took_s = line.read_until_lost(cyton)
    assert "battery" in str(error)
    assert LOST_AFTER_S - 0.2 <= took_s < LOST_AFTER_S + 2.0


def test_a_stream_that_stopped_is_restarted_and_time_goes_on(line):
    cyton = line.open()
    before = line.collect(cyton, 25)
    line.board.write(b"s")  # it stalls
    stalled_s = line.clock.monotonic()
    after = line.collect(cyton, 25)
    assert RESTART_AFTER_S - 0.2 < line.clock.monotonic() - stalled_s < RESTART_AFTER_S + 1.0
    starts = [block.start_s for block in (*before, *after)]
    assert starts == sorted(starts)
    assert 0.8 < max(np.diff(starts)) < 2.0
    # And a second stall is restarted as well.
    line.board.write(b"s")
    assert len(line.collect(cyton, 25)) > 0


def test_a_pulled_dongle_is_lost_at_once_and_found_again(line):
    cyton = line.open()
    line.collect(cyton, 25)
    line.faults.on.add("cyton_unplugged")
    error, took_s = line.read_until_lost(cyton)
    assert "plug it in again" in str(error)
    assert took_s < 2.0
    cyton.close()
    with pytest.raises(DeviceLost):
        line.open()
    line.faults.on.clear()
    deadline_s = time.monotonic() + DEADLINE_S
    while line.pty is not None and not line.pty.path.exists():
        assert time.monotonic() < deadline_s
        line.clock.sleep(0.01)
    assert len(line.collect(line.open(), 50)) > 0


def test_silence_is_measured(line):
    cyton = line.open()
    line.collect(cyton, 25)
    assert cyton.silent_s < 0.3
    stopped_s = line.clock.monotonic()
    line.board.write(b"s")
    line.clock.sleep(0.5)
    with contextlib.suppress(DeviceLost):
        while cyton.read() is not None:
            pass
    line.clock.sleep(0.3)
    silent_s = cyton.silent_s
    assert 0.25 < silent_s < line.clock.monotonic() - stopped_s + 0.3


def test_closing_stops_the_stream_and_the_board_can_be_opened_again(line):
    cyton = line.open()
    line.collect(cyton, 25)
    cyton.close()
    again = line.open()
    blocks = line.collect(again, 50)
    assert sum(b.lost for b in blocks) == 0


class Mute:
    """A serial port on which nobody answers, or somebody else does."""

    def __init__(self, answer: bytes = b"") -> None:
        self._answer = answer
        self._out = b""
        self.closed = False

    @property
    def in_waiting(self) -> int:
        return len(self._out)

    def read(self, size: int = 1) -> bytes:
        data, self._out = self._out[:size], self._out[size:]
        return data

    def write(self, data: bytes) -> int:
        self._out += self._answer
        return len(data)

    def reset_input_buffer(self) -> None:
        self._out = b""

    def close(self) -> None:
        self.closed = True


def test_nothing_on_the_port_is_lost_within_four_seconds_and_closes_it():
    clock = ManualClock()
    port = Mute()
    with pytest.raises(DeviceLost, match=r"headset\.port"):
        Cyton(port, clock)
    assert port.closed
    assert clock.monotonic() - 1000.0 < 4.0


def test_something_else_on_the_port_is_refused():
    port = Mute(b"Marlin 2.1 ready$$$")
    with pytest.raises(DeviceLost, match="no OpenBCI board"):
        Cyton(port, ManualClock())
    assert port.closed


def test_a_reader_far_behind_loses_the_oldest_and_is_told():
    clock = ManualClock()
    faults = Switches()
    cyton = Cyton(SimulatedCyton(SineBody(), clock, seed=4, faults=faults), clock)
    faults.on.add("cyton_lost_bytes")
    clock.sleep(58.0)  # some 900 runs at once, 256 are kept
    blocks = []
    while (block := cyton.read()) is not None:
        blocks.append(block)
    assert len(blocks) == 256
    received = sum(len(block.microvolts) for block in blocks)
    assert received + sum(block.lost for block in blocks) == pytest.approx(58.0 * 250, abs=30)


@pytest.mark.hardware
def test_a_real_cyton_streams():
    clock = SystemClock()
    port = serial.Serial("/dev/ttyUSB0", 115200, timeout=0.2, write_timeout=0.2, exclusive=True)
    cyton = Cyton(port, clock)
    deadline_s = clock.monotonic() + 5.0
    received = 0
    while clock.monotonic() < deadline_s:
        clock.sleep(0.04)
        block = cyton.read()
        received += 0 if block is None else len(block.microvolts)
    cyton.close()
    assert received == pytest.approx(1250, rel=0.03)
