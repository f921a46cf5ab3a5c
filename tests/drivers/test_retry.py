"""The one way a driver repeats."""

from __future__ import annotations

import pytest

from device.clock import ManualClock
from drivers.errors import DeviceLost
from drivers.retry import PAUSE_S, RETRIES, retrying


class Failing:
    """Fails a number of times, then answers."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.calls = 0
        self._failures = failures
        self._error = error

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error
        return "value"


def _lost(error: Exception) -> DeviceLost:
    return DeviceLost(f"gone: {error}")


@pytest.mark.parametrize("failures", [0, 1, 2, 3])
def test_retry_survives_three_failures(failures: int, clock: ManualClock) -> None:
    action = Failing(failures, OSError("noise"))
    start_s = clock.monotonic()
    assert retrying(action, clock, _lost) == "value"
    assert action.calls == failures + 1
    assert clock.monotonic() - start_s == pytest.approx(failures * PAUSE_S)


def test_retry_gives_up_after_three_and_says_why(clock: ManualClock) -> None:
    action = Failing(99, OSError("noise"))
    with pytest.raises(DeviceLost, match="gone: noise") as caught:
        retrying(action, clock, _lost)
    assert action.calls == RETRIES + 1
    assert isinstance(caught.value.__cause__, OSError)


def test_retry_lets_a_defect_through_at_once(clock: ManualClock) -> None:
    action = Failing(1, KeyError("defect"))
    with pytest.raises(KeyError):
        retrying(action, clock, _lost)
    assert action.calls == 1


def test_retry_repeats_what_it_is_told_is_transient(clock: ManualClock) -> None:
    assert retrying(Failing(2, ValueError("nobody")), clock, _lost, (OSError, ValueError)) == "value"
