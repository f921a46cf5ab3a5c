"""What the headset's driver promises, simulated or real.

With `--hardware`: a switched-on Cyton behind the dongle that the unit's configuration names.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest

from drivers.cyton import Cyton, CytonSamples

if TYPE_CHECKING:
    from tests.contract.conftest import Machine

RATE_HZ = 250


@pytest.fixture
def cyton(machine: Machine) -> Iterator[Cyton]:
    machine.needs("headset")
    cyton = machine.parts.cyton(machine.settings.headset.port, machine.clock)
    yield cyton
    cyton.close()


def _collect(cyton: Cyton, machine: Machine, rows: int) -> list[CytonSamples]:
    """Read until there are that many rows, at most 10 s."""
    runs: list[CytonSamples] = []
    deadline_s = machine.clock.monotonic() + 10.0
    while sum(len(run.microvolts) for run in runs) < rows:
        assert machine.clock.monotonic() < deadline_s
        run = cyton.read()
        if run is None:
            time.sleep(0.01)
        else:
            runs.append(run)
    return runs


def test_headset_gives_eight_channels_of_plausible_microvolts(cyton: Cyton, machine: Machine) -> None:
    rows = np.concatenate([run.microvolts for run in _collect(cyton, machine, RATE_HZ)])
    assert rows.shape[1] == 8
    assert np.nanmax(np.abs(rows)) <= 187_500.0  # 4.5 V / gain 24
    assert np.isfinite(rows).any()


def test_headset_runs_at_its_rate_without_going_back(cyton: Cyton, machine: Machine) -> None:
    _collect(cyton, machine, 25)  # the line may have held some already
    start_s = machine.clock.monotonic()
    runs = _collect(cyton, machine, 2 * RATE_HZ)
    rate_hz = sum(len(run.microvolts) + run.lost for run in runs) / (machine.clock.monotonic() - start_s)
    assert rate_hz == pytest.approx(RATE_HZ, rel=0.1)
    starts_s = [run.start_s for run in runs]
    assert starts_s == sorted(starts_s)


def test_headset_stamps_are_of_the_past_second(cyton: Cyton, machine: Machine) -> None:
    for run in _collect(cyton, machine, RATE_HZ):
        age_s = machine.clock.monotonic() - run.start_s - len(run.microvolts) / RATE_HZ
        assert -0.1 < age_s < 1.0


def test_headset_closed_can_be_opened_again(machine: Machine) -> None:
    machine.needs("headset")
    for _ in range(2):
        cyton = machine.parts.cyton(machine.settings.headset.port, machine.clock)
        _collect(cyton, machine, 50)
        cyton.close()
