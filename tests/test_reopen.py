"""A lost part is reopened with backoff and its loss is told."""

from itertools import pairwise

import pytest

from device.clock import ManualClock
from device.errors import DeviceLost
from device.messages import Fault, Severity
from device.reopen import BACKOFF_LAST_S, Reopener

FAULT = Fault(code="part_lost", severity=Severity.ATTENTION, advice="the music goes on")


class Part:
    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


class Socket:
    """A place where a part may or may not be plugged in."""

    def __init__(self) -> None:
        self.plugged = True
        self.attempts = 0

    def open(self) -> Part:
        self.attempts += 1
        if not self.plugged:
            raise DeviceLost("nothing answers; check the cable")
        return Part()


@pytest.fixture
def clock():
    return ManualClock()


def test_reopen_opens_at_once_and_only_once(clock):
    socket = Socket()
    link = Reopener(socket.open, clock, FAULT)
    part = link.part()
    assert part is not None
    assert link.part() is part
    assert socket.attempts == 1
    assert link.faults() == ()


def test_reopen_backs_off_from_one_to_thirty_seconds(clock):
    socket = Socket()
    socket.plugged = False
    link = Reopener(socket.open, clock, FAULT)
    attempts_at = []
    for _ in range(20_000):
        before = socket.attempts
        link.part()
        if socket.attempts > before:
            attempts_at.append(clock.monotonic())
        clock.sleep(0.01)
    gaps = [after - before for before, after in pairwise(attempts_at)]
    assert gaps[:5] == pytest.approx([1, 2, 4, 8, 16], abs=0.02)
    assert gaps[5:] == pytest.approx([BACKOFF_LAST_S] * len(gaps[5:]), abs=0.02)


def test_reopen_tells_the_drivers_words_and_what_follows(clock):
    socket = Socket()
    socket.plugged = False
    link = Reopener(socket.open, clock, FAULT)
    link.part()
    (fault,) = link.faults()
    assert fault.code == "part_lost"
    assert fault.severity is Severity.ATTENTION
    assert fault.advice == "nothing answers; check the cable; the music goes on"


def test_reopen_closes_what_was_lost_and_comes_back(clock):
    socket = Socket()
    link = Reopener(socket.open, clock, FAULT)
    first = link.part()
    link.lost(DeviceLost("gone"))
    assert first.closed
    assert link.part() is None
    clock.sleep(1.0)
    assert link.part() is not None
    assert link.faults(), "an opened part has not worked yet"
    link.working()
    assert link.faults() == ()


def test_reopen_waits_shortly_again_after_good_work(clock):
    socket = Socket()
    link = Reopener(socket.open, clock, FAULT)
    for _ in range(4):
        link.part()
        link.lost(DeviceLost("gone"))
        clock.sleep(60.0)
    link.part()
    link.working()
    link.lost(DeviceLost("gone"))
    clock.sleep(1.0)
    assert link.part() is not None


def test_reopen_close_releases_the_part(clock):
    link = Reopener(Socket().open, clock, FAULT)
    part = link.part()
    link.close()
    assert part.closed
