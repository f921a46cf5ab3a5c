"""What the control tests are fed with: messages, and a session that plays."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from support.rest import Rest

from device.config import Program
from device.control.modes import ClosedEar
from device.control.performance import Performance
from device.control.policy import ControlPolicy
from device.control.session import SessionMachine
from device.control.styles import FixedStylist
from device.messages import Features, Stress, StressBand, Style
from device.vitals import PpgFeatures


@pytest.fixture
def stress() -> Callable[..., Stress]:
    """Make an estimate; a level of None is an honest unknown."""
    def make(at_s: float, level: float | None, confidence: float = 0.9) -> Stress:
        return Stress(at_s=at_s, level=level, confidence=confidence, sources=("eda", "ppg"), reason="",
                      band=StressBand.UNKNOWN if level is None else StressBand.MEDIUM)
    return make


@pytest.fixture
def heart() -> Callable[..., Features]:
    """Make features with a heart rate only."""
    def make(at_s: float, hr_bpm: float, quality: float = 0.9) -> Features:
        ppg = PpgFeatures(hr_bpm=hr_bpm, rmssd_ms=40.0, sdnn_ms=50.0, pulse_amplitude_v=0.3, quality=quality)
        return Features(at_s=at_s, window_s=60.0, eda=None, ppg=ppg, temperature=None, eeg=None)
    return make


@pytest.fixture
def machine() -> SessionMachine:
    """A session of ten minutes, begun at 1000 s."""
    machine = SessionMachine(Program(minutes=10.0), random.Random(5))
    machine.press(1000.0)
    return machine


@pytest.fixture
def performance(machine: SessionMachine) -> Performance:
    """Its music, which is silence, one step on."""
    performance = Performance(Rest(), ControlPolicy(), FixedStylist(Style.NATURE), ClosedEar())
    performance.step(1000.0, machine.message(1000.0), None, None)
    return performance
