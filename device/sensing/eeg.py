"""The headset's samples as blocks for the bus."""

from __future__ import annotations

from device.messages import EegBlock
from drivers.cyton import RATE_HZ, Cyton


class EegSensing:
    """Turns what the Cyton has sent into EEG blocks.

    Args:
        cyton: the opened headset, closed by `close`.
    """

    def __init__(self, cyton: Cyton) -> None:
        self._cyton = cyton

    def update(self) -> list[EegBlock]:
        """Return what has arrived since the last call, one block for every unbroken run.

        Raises:
            DeviceLost: the stream was silent for 3 s, or the dongle is gone.
        """
        blocks: list[EegBlock] = []
        while (samples := self._cyton.read()) is not None:
            blocks.append(EegBlock(
                at_s=samples.start_s + len(samples.microvolts) / RATE_HZ,
                start_s=samples.start_s,
                rate_hz=RATE_HZ,
                microvolts=tuple(map(tuple, samples.microvolts.tolist())),
                lost_samples=samples.lost,
            ))
        return blocks

    def close(self) -> None:
        """Release the serial port."""
        self._cyton.close()
