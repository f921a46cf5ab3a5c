"""What both sampling services share: blocks are published, a lost part is told, closed and opened again."""

from __future__ import annotations

import pytest

from device.bus import LocalHub
from device.clock import ManualClock
from device.errors import DeviceLost
from device.messages import Fault, Quality, SampleBlock, Severity
from device.services.sampling import Sampler

LOST = Fault(code="part_lost", severity=Severity.INFO, advice="all goes on without it")


class Part:
    """A part that gives one numbered block a step until it is pulled; `quiet` gives none."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.pulled = False
        self.quiet = False
        self.closed = 0
        self.count = 0

    def update(self) -> list[SampleBlock]:
        if self.pulled:
            raise DeviceLost("the part is gone; plug it in")
        if self.quiet:
            return []
        self.count += 1
        at_s = self._clock.monotonic()
        return [SampleBlock(at_s=at_s, signal="eda", start_s=at_s, rate_hz=10.0, values=(float(self.count),),
                            quality=Quality.GOOD)]

    def close(self) -> None:
        self.closed += 1


class Socket:
    """Where the part is plugged in; may be empty."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.part = Part(self.clock)
        self.empty = False
        self.opened = 0
        hub = LocalHub()
        self._ear = hub.connect((SampleBlock,))
        self.sampler = Sampler(self._open, self.clock, hub.connect(()), LOST)

    def _open(self) -> Part:
        self.opened += 1
        if self.empty:
            raise DeviceLost("nothing is plugged in; plug it in")
        return self.part

    def step(self, seconds: float = 0.0) -> list[float]:
        """Let time pass, step, and return the values that were published."""
        self.clock.sleep(seconds)
        self.sampler.step()
        return [message.values[0] for message in self._ear.receive()]

    @property
    def advice(self) -> list[str]:
        return [fault.advice for fault in self.sampler.faults()]


@pytest.fixture
def socket() -> Socket:
    return Socket()


def test_sampler_opens_at_the_first_step_and_publishes_all(socket):
    assert socket.opened == 0
    assert [value for _ in range(3) for value in socket.step(0.1)] == [1.0, 2.0, 3.0]
    assert socket.opened == 1
    assert socket.sampler.faults() == ()


def test_sampler_tells_of_a_loss_with_the_drivers_advice_first(socket):
    socket.step()
    socket.part.pulled = True
    assert socket.step(0.1) == []
    (fault,) = socket.sampler.faults()
    assert (fault.code, fault.severity) == ("part_lost", Severity.INFO)
    assert fault.advice == "the part is gone; plug it in; all goes on without it"
    assert socket.part.closed == 1


def test_sampler_waits_before_it_opens_again(socket):
    socket.step()
    socket.part.pulled = True
    socket.step(0.1)
    socket.part.pulled = False
    assert socket.step(0.9) == []
    assert socket.step(0.2) == [2.0]
    assert socket.opened == 2


def test_sampler_fault_lasts_until_samples_flow_again(socket):
    socket.step()
    socket.part.pulled = True
    socket.step(0.1)
    socket.part.pulled, socket.part.quiet = False, True
    assert socket.step(1.1) == []
    assert socket.opened == 2
    assert len(socket.advice) == 1  # open, but nothing has come from it yet
    socket.part.quiet = False
    assert socket.step(0.1) == [2.0]
    assert socket.advice == []


def test_sampler_a_part_that_opens_but_never_works_is_asked_ever_less(socket):
    socket.part.pulled = True
    for _ in range(600):
        socket.step(0.1)
    assert socket.opened == 6  # at 0, 1, 3, 7, 15 and 31 s
    assert socket.part.closed == 6


def test_sampler_an_empty_socket_is_a_loss_from_the_start(socket):
    socket.empty = True
    assert socket.step() == []
    assert socket.advice == ["nothing is plugged in; plug it in; all goes on without it"]
    socket.empty = False
    assert socket.step(1.0) == [1.0]
    assert socket.advice == []


def test_sampler_close_releases_an_open_part_and_nothing_else(socket):
    socket.sampler.close()
    assert socket.part.closed == 0
    socket.step()
    socket.sampler.close()
    assert socket.part.closed == 1


def test_sampler_passes_on_what_is_no_loss(socket):
    socket.step()
    socket.part.update = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        socket.step()
