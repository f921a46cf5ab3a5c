"""The simulated board answers as the documentation says and sends frames as the real one does."""

from __future__ import annotations

import time

import numpy as np
import pytest
import serial

from device.clock import ManualClock, SystemClock
from drivers.sim.cyton import OFFSET_UV, CytonPty, SimulatedCyton
from drivers.sim.faults import FaultWindow, Schedule
from drivers.sim.patient import SimulatedPatient

COUNT_UV = 4.5e6 / 24 / (2**23 - 1)
DEADLINE_S = 5.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def board(clock: ManualClock) -> SimulatedCyton:
    return SimulatedCyton(SimulatedPatient(1, clock.monotonic()), clock, seed=2)


def said(board: SimulatedCyton) -> bytes:
    return board.read(board.in_waiting)


def frames(board: SimulatedCyton) -> np.ndarray:
    return np.frombuffer(said(board), np.uint8).reshape(-1, 33)


def counts(rows: np.ndarray) -> np.ndarray:
    return np.array([[int.from_bytes(bytes(row[2 + 3 * c : 5 + 3 * c]), "big", signed=True) for c in range(8)]
                     for row in rows])


def test_a_soft_reset_introduces_the_board(board):
    assert board.write(b"v") == 1
    text = said(board)
    assert text.startswith(b"OpenBCI V3 8-16 channel\n")
    assert b"Firmware: v3." in text
    assert text.endswith(b"$$$")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (b"d", b"updating channel settings to default$$$"),
        (b"D", b"060110$$$"),
        (b"s", b""),
        (b"1", b""),
        (b"!", b""),
        (b"x3020000X", b"Success: Channel set for 3$$$"),
        (b"x1060110Xx8160110X", b"Success: Channel set for 1$$$Success: Channel set for 8$$$"),
        (b"x102000X", b"Failure: too few chars$$$"),
        (b"x1020000V", b"Failure: 9th char not X$$$"),
        (b"x9020000X", b"Failure: Err: too many chars$$$"),
        (b"x102", b""),
        (b"\n\r", b""),
    ],
)
def test_commands_are_answered_as_documented(board, command, answer):
    board.write(command)
    assert said(board) == answer


def test_a_channel_setting_may_arrive_in_pieces(board):
    board.write(b"x302")
    board.write(b"0000")
    assert said(board) == b""
    board.write(b"Xd")
    assert said(board) == b"Success: Channel set for 3$$$updating channel settings to default$$$"


def test_nothing_is_sent_before_begin_and_after_stop(board, clock):
    clock.sleep(1.0)
    assert board.in_waiting == 0
    board.write(b"b")
    clock.sleep(0.1)
    board.write(b"s")
    board.reset_input_buffer()
    clock.sleep(1.0)
    assert board.in_waiting == 0


def test_frames_have_the_documented_layout_and_rate(board, clock):
    board.write(b"b")
    clock.sleep(10.0)
    rows = frames(board)
    assert len(rows) == 2501  # the first at once, then one every 4 ms
    assert (rows[:, 0] == 0xA0).all()
    assert (rows[:, 32] == 0xC0).all()
    assert (rows[:, 1] == np.arange(2501) % 256).all()


def test_frames_carry_the_body_and_the_offset_of_the_electrodes(board, clock):
    start_s = clock.monotonic()
    board.write(b"b")
    clock.sleep(2.0)
    microvolts = counts(frames(board)) * COUNT_UV
    body = SimulatedPatient(1, start_s).eeg_uv(start_s, 501, 250)
    offset = (microvolts - body).mean(axis=0)
    np.testing.assert_allclose(microvolts - offset, body, atol=COUNT_UV)
    assert np.abs(offset).max() <= OFFSET_UV
    assert np.abs(offset).max() > 1000


def test_frames_do_not_depend_on_how_often_they_are_read(clock):
    streams = []
    for every_s in (0.004, 0.037, 2.0):
        own = ManualClock()
        schedule = Schedule([FaultWindow(at_s=0.5, duration_s=0.7, kind="cyton_lost_bytes")])
        board = SimulatedCyton(SimulatedPatient(1, own.monotonic()), own, seed=2, faults=schedule)
        board.write(b"b")
        data = b""
        while own.monotonic() < clock.monotonic() + 2.0:
            own.advance_to(min(own.monotonic() + every_s, clock.monotonic() + 2.0))
            data += said(board)
        streams.append(data)
    assert streams[0] == streams[1] == streams[2]
    assert 0 < 501 * 33 - len(streams[0]) < 60


def test_no_replies_disturb_a_stream(board, clock):
    board.write(b"b")
    clock.sleep(0.1)
    board.write(b"d")
    board.write(b"x3020000X")
    clock.sleep(0.1)
    assert len(frames(board)) == 51


def test_a_soft_reset_ends_the_stream(board, clock):
    board.write(b"b")
    clock.sleep(0.1)
    board.reset_input_buffer()
    board.write(b"v")
    clock.sleep(0.1)
    assert said(board).startswith(b"OpenBCI")


def test_a_channel_that_is_off_reads_zero(board, clock):
    board.write(b"3x5160110X")
    board.reset_input_buffer()
    board.write(b"b")
    clock.sleep(0.1)
    values = counts(frames(board))
    assert (values[:, 2] == 0).all()
    assert (values[:, 4] == 0).all()
    assert (values[:, [0, 1, 3, 5, 6, 7]] != 0).any(axis=0).all()
    board.write(b"sd")
    board.reset_input_buffer()
    board.write(b"b")
    clock.sleep(0.1)
    assert (counts(frames(board))[:, [2, 4]] != 0).any()


def test_a_lower_gain_gives_smaller_counts(board, clock):
    board.write(b"b")
    clock.sleep(0.1)
    high = counts(frames(board))[:, 0].mean()
    board.write(b"sx1050110X")
    board.reset_input_buffer()
    board.write(b"b")
    clock.sleep(0.1)
    assert counts(frames(board))[:, 0].mean() == pytest.approx(high / 2, rel=0.02)


def test_a_board_without_power_lets_the_dongle_speak(board, clock):
    board.powered = False
    board.write(b"v")
    assert said(board) == b"Failure: Communications timeout - Device failed to poll Host$$$"
    board.powered = True
    board.write(b"v")
    assert said(board).startswith(b"OpenBCI")


def test_what_nobody_reads_for_a_minute_is_lost_by_whole_frames(board, clock):
    board.write(b"b")
    clock.sleep(600.0)
    rows = frames(board)
    assert len(rows) == pytest.approx(15_000, abs=12)
    assert (rows[:, 0] == 0xA0).all()
    assert rows[-1, 1] == 150_000 % 256


def faulty(clock: ManualClock, kind: str, at_s: float, duration_s: float) -> SimulatedCyton:
    schedule = Schedule([FaultWindow(at_s=at_s, duration_s=duration_s, kind=kind)])
    board = SimulatedCyton(SimulatedPatient(1, clock.monotonic()), clock, seed=2, faults=schedule)
    board.write(b"b")
    return board


def test_fault_unplugged_fails_like_a_device_that_is_gone(clock):
    board = faulty(clock, "cyton_unplugged", 1.0, 2.0)
    clock.sleep(1.5)
    assert board.unplugged
    with pytest.raises(OSError, match="Input/output"):
        board.read(10)
    with pytest.raises(OSError, match="Input/output"):
        board.write(b"v")
    with pytest.raises(OSError, match="Input/output"):
        _ = board.in_waiting
    with pytest.raises(OSError, match="Input/output"):
        board.reset_input_buffer()
    clock.sleep(2.0)
    assert not board.unplugged
    board.write(b"s")
    board.reset_input_buffer()
    board.write(b"v")
    assert said(board).startswith(b"OpenBCI")


def test_fault_silent_stops_the_stream_until_it_is_begun_again(clock):
    board = faulty(clock, "cyton_silent", 1.0, 2.0)
    clock.sleep(2.0)
    assert len(frames(board)) == pytest.approx(250, abs=10)
    board.write(b"b")
    assert said(board).startswith(b"Failure")
    clock.sleep(2.0)
    assert board.in_waiting == 0
    board.write(b"b")
    clock.sleep(0.1)
    assert len(frames(board)) == 26


def test_fault_lost_bytes_drops_bytes_and_only_then(clock):
    board = faulty(clock, "cyton_lost_bytes", 10.0, 10.0)
    clock.sleep(9.9)
    assert board.in_waiting % 33 == 0
    board.reset_input_buffer()
    clock.sleep(10.1)
    lost = 2525 * 33 - board.in_waiting
    assert 0.0014 < lost / (2500 * 33) < 0.0026
    board.reset_input_buffer()
    clock.sleep(5.0)
    assert board.in_waiting == 1250 * 33


def test_fault_lead_off_runs_every_input_into_the_rail(clock):
    board = faulty(clock, "lead_off", 1.0, 1.0)
    clock.sleep(3.0)
    railed = (counts(frames(board)) == -(2**23)).all(axis=1)
    assert railed.sum() == 250
    assert railed[250:500].all()


def test_faults_count_from_the_world_s_start():
    clock = ManualClock(start_s=500.0)
    schedule = Schedule([FaultWindow(at_s=100.0, duration_s=5.0, kind="cyton_unplugged")])
    board = SimulatedCyton(SimulatedPatient(1, 400.0), clock, faults=schedule, start_s=400.0)
    assert board.unplugged


def wait_for(condition) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.005)


def test_the_pty_is_a_serial_device_that_answers():
    clock = SystemClock()
    pty = CytonPty(SimulatedCyton(SimulatedPatient(1, clock.monotonic()), clock))
    assert str(pty.path.readlink()).startswith("/dev/pts/")
    assert pty.path.stat().st_mode & 0o777 == 0o666, "the headset's service is another user"
    assert pty.path.parent.stat().st_mode & 0o777 == 0o710
    with serial.Serial(str(pty.path), 115200, timeout=DEADLINE_S, exclusive=True) as port:
        port.write(b"v")
        assert port.read_until(b"$$$").startswith(b"OpenBCI")
        port.write(b"b")
        data = port.read(33 * 20)
    assert data[::33] == b"\xa0" * 20  # raw: no byte was translated or swallowed
    pty.close()
    assert not pty.path.exists()


def test_the_pty_passes_every_byte_value_unchanged():
    clock = SystemClock()

    class Everything(SimulatedCyton):
        """A line on which all byte values come."""

        def read(self, size: int = 1) -> bytes:
            data, self.all = self.all[:size], self.all[size:]
            return data

        @property
        def in_waiting(self) -> int:
            return len(self.all)

    board = Everything(SimulatedPatient(1, clock.monotonic()), clock)
    board.all = bytes(range(256)) * 4
    pty = CytonPty(board)
    with serial.Serial(str(pty.path), 115200, timeout=DEADLINE_S) as port:
        # What came before the port was opened is flushed by pyserial, so everything is sent once more.
        wait_for(lambda: not board.all)
        port.reset_input_buffer()
        board.all = bytes(range(256)) * 4
        assert port.read(1024) == bytes(range(256)) * 4
    pty.close()


def test_the_pty_can_be_stepped_without_a_thread():
    clock = ManualClock()
    pty = CytonPty(SimulatedCyton(SimulatedPatient(1, clock.monotonic()), clock), threaded=False)
    with serial.Serial(str(pty.path), 115200, timeout=DEADLINE_S) as port:
        port.write(b"b")
        pty.step()
        clock.sleep(0.1)
        pty.step()
        assert len(port.read(26 * 33)) == 26 * 33
    pty.close()


def test_a_full_line_loses_the_newest_bytes_and_does_not_block():
    clock = ManualClock()
    pty = CytonPty(SimulatedCyton(SimulatedPatient(1, clock.monotonic()), clock), threaded=False)
    with serial.Serial(str(pty.path), 115200, timeout=0.1) as port:
        port.write(b"b")
        for _ in range(100):
            pty.step()
            clock.sleep(0.1)
        held = len(port.read(100_000))
        assert 4096 <= held < 30_000
    pty.close()


def test_pulling_the_dongle_hangs_up_and_takes_the_device_away():
    clock = ManualClock()
    schedule = Schedule([FaultWindow(at_s=1.0, duration_s=1.0, kind="cyton_unplugged")])
    board = SimulatedCyton(SimulatedPatient(1, clock.monotonic()), clock, faults=schedule)
    pty = CytonPty(board, threaded=False)
    with serial.Serial(str(pty.path), 115200, timeout=0.5) as port:
        clock.sleep(1.5)
        pty.step()
        assert not pty.path.exists()
        with pytest.raises(OSError, match=r"Input/output|returned no data"):
            _ = port.in_waiting or port.read(1)
    clock.sleep(1.0)
    pty.step()
    assert pty.path.exists()
    with serial.Serial(str(pty.path), 115200, timeout=DEADLINE_S) as port:
        port.write(b"v")
        pty.step()
        assert port.read(7) == b"OpenBCI"
    pty.close()
