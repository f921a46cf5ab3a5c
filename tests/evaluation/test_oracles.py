"""What the two libraries say, told in our units; the libraries themselves are not needed here."""

from __future__ import annotations

import math
import sys
from types import ModuleType

import numpy as np
import pytest

from device.evaluation.oracles import HeartPy, NeuroKit, Said

WAVE = np.zeros(6000)


class Column:
    """A column of one number, as a data frame gives it."""

    def __init__(self, value: float) -> None:
        self.iloc = [value]


class BadSignalWarning(UserWarning):
    """As HeartPy names what it raises."""


@pytest.fixture
def kit(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("neurokit2")
    module.ppg_process = lambda _, sampling_rate: ("signals", {"PPG_Peaks": [50, 150, 250, 350]})
    module.hrv_time = lambda signals, sampling_rate: {"HRV_RMSSD": Column(31.0)}
    module.eda_process = lambda _, sampling_rate: (None, {"SCR_Amplitude": [0.2, 0.009, math.nan, 0.01]})
    monkeypatch.setitem(sys.modules, "neurokit2", module)
    return module


@pytest.fixture
def heart(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module, exceptions = ModuleType("heartpy"), ModuleType("heartpy.exceptions")
    module.process = lambda wave, rate_hz: ({}, {"bpm": 72.5, "rmssd": 40.0})
    exceptions.BadSignalWarning = BadSignalWarning
    monkeypatch.setitem(sys.modules, "heartpy", module)
    monkeypatch.setitem(sys.modules, "heartpy.exceptions", exceptions)
    return module


def refuse(error: Exception):
    def process(*_: object, **__: object) -> None:
        raise error

    return process


def test_said_is_nothing_unless_it_is_said():
    assert all(math.isnan(value) for value in Said())


def test_neurokit_says_the_rate_of_its_mean_interval_and_rmssd(kit):
    assert NeuroKit().pulse(WAVE, 100.0) == (pytest.approx(60.0), 31.0)


def test_neurokit_counts_the_responses_above_the_device_s_own_criterion(kit):
    assert NeuroKit().responses(np.zeros(600), 10.0) == 2.0


@pytest.mark.parametrize("error", [ValueError("cannot convert"), IndexError("no peaks"), ZeroDivisionError()])
def test_neurokit_that_gives_up_says_nothing(kit, error):
    kit.ppg_process = kit.eda_process = refuse(error)
    assert all(math.isnan(value) for value in NeuroKit().pulse(WAVE, 100.0))
    assert math.isnan(NeuroKit().responses(np.zeros(600), 10.0))


def test_neurokit_with_one_peak_has_no_rate(kit):
    kit.ppg_process = lambda _, sampling_rate: ("signals", {"PPG_Peaks": [50]})
    assert math.isnan(NeuroKit().pulse(WAVE, 100.0)[0])


def test_neurokit_is_timed_with_nothing_but_its_processing(kit):
    calls = []
    kit.ppg_process = lambda wave, sampling_rate: calls.append((len(wave), sampling_rate))
    kit.hrv_time = refuse(AssertionError("the variability is not timed"))
    NeuroKit().ppg_process(WAVE, 100.0)
    assert calls == [(6000, 100.0)]


def test_heartpy_says_rate_and_rmssd(heart):
    assert HeartPy().pulse(WAVE, 100.0) == (72.5, 40.0)


@pytest.mark.parametrize("error", [BadSignalWarning("rejected"), ValueError("empty")])
def test_heartpy_that_gives_up_says_nothing(heart, error):
    heart.process = refuse(error)
    assert all(math.isnan(value) for value in HeartPy().pulse(WAVE, 100.0))
