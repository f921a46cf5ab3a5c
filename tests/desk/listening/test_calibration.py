"""The known signals are measured as they should be; those for librosa where it is installed."""

from __future__ import annotations

import pytest

from device.desk.listening import calibration
from device.desk.listening.calibration import CHECKS, Check, calibrate

WITH_LIBROSA = ("centroid", "onsets", "tempo", "clarity", "roughness of")


@pytest.mark.parametrize("check", CHECKS, ids=[check.name for check in CHECKS])
def test_calibration_known_signal(check):
    if check.name.startswith(WITH_LIBROSA):
        pytest.importorskip("librosa", reason="needs the `listen` extra", exc_type=ImportError)
    value = check.value()
    assert value is not None
    assert check.low <= value <= check.high


def test_calibration_names_what_is_measured_wrongly(monkeypatch):
    checks = (Check("right", lambda: 1.0, 0.5, 1.5), Check("wrong", lambda: 2.0, 0.5, 1.5),
              Check("unknown", lambda: None, 0.5, 1.5))
    monkeypatch.setattr(calibration, "CHECKS", checks)
    assert [(each.figure, each.value) for each in calibrate()] == [("wrong", 2.0), ("unknown", None)]
