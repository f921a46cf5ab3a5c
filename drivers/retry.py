"""The one way a driver repeats what failed: three times, a moment apart, then the part is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from drivers.adc import Timer
from drivers.errors import DeviceLost

RETRIES = 3
PAUSE_S = 0.001

Result = TypeVar("Result")


def retrying(
    action: Callable[[], Result], timer: Timer, lost: Callable[[Exception], DeviceLost],
    transient: tuple[type[Exception], ...] = (OSError,),
) -> Result:
    """Return what `action` returns, repeating it at most `RETRIES` times after a transient error.

    Raises:
        DeviceLost: made by `lost` from the last error.
    """
    for _ in range(RETRIES):
        try:
            return action()
        except transient:
            timer.sleep(PAUSE_S)
    try:
        return action()
    except transient as error:
        raise lost(error) from error
