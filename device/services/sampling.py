"""What the two sampling services share: publish what one part gives, and live with its loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from device.bus import Bus
from device.clock import Clock
from device.errors import DeviceLost
from device.messages import Fault, Message
from device.reopen import Reopener


class Sensing(Protocol):
    """A stage that turns one opened part into blocks of samples."""

    def update(self) -> Sequence[Message]:
        """Return the blocks that are full.

        Raises:
            DeviceLost: the part has stopped answering.
        """

    def close(self) -> None:
        """Release the part."""


S = TypeVar("S", bound=Sensing)


class Sampler(Generic[S]):
    """Publishes the blocks of one part, reopened with backoff when it is lost.

    Args:
        open_sensing: opens the part or raises DeviceLost.
        clock: paces the attempts.
        bus: where the blocks go.
        lost: the fault to report meanwhile.
    """

    def __init__(self, open_sensing: Callable[[], S], clock: Clock, bus: Bus, lost: Fault) -> None:
        self._bus = bus
        self._link: Reopener[S] = Reopener(open_sensing, clock, lost)

    def step(self) -> None:
        """Publish the blocks that are full."""
        sensing = self._link.part()
        if sensing is None:
            return
        try:
            blocks = sensing.update()
        except DeviceLost as error:
            self._link.lost(error)
            return
        for block in blocks:
            self._link.working()
            self._bus.publish(block)

    def faults(self) -> tuple[Fault, ...]:
        """Return the loss of the part, if it is lost."""
        return self._link.faults()

    def close(self) -> None:
        """Release the part."""
        self._link.close()
