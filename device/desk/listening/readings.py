"""One number out of a session's figures, or None where it does not apply."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from device.desk.listening.figures import SessionFigures

LONG_MINUTES = 10.0  # of program from which on spectra say something

Reading = Callable[[SessionFigures], float | None]


def score(name: str) -> Reading:
    """Return a figure of the score."""
    def value(session: SessionFigures) -> float | None:
        """Look it up."""
        found: float | None = getattr(session.score, name)
        return found
    return value


def level(name: str) -> Reading:
    """Return one of the levels of the sound."""
    def value(session: SessionFigures) -> float | None:
        """Look it up."""
        found: float | None = None if session.sound is None else getattr(session.sound.levels, name)
        return found
    return value


def heard(name: str) -> Reading:
    """Return the mean of a feature over the windows of the sound, NaN if all of them are silent."""
    def value(session: SessionFigures) -> float | None:
        """Look it up."""
        if session.sound is None:
            return None
        windows = getattr(session.sound.hearing, name)
        known = windows[np.isfinite(windows)]
        return float(known.mean()) if known.size else float("nan")
    return value


def clicks(session: SessionFigures) -> float | None:
    """Return how often the sound clicks."""
    return None if session.sound is None else float(len(session.sound.clicks_s))


def over_ceiling(name: str) -> Reading:
    """Return by how much one of the loudnesses is above the configured ceiling."""
    def value(session: SessionFigures) -> float | None:
        """Look it up."""
        loudness = level(name)(session)
        return None if session.sound is None or loudness is None else loudness - session.sound.ceiling_lufs
    return value


def in_percent(reading: Reading) -> Reading:
    """Return a share as a percentage."""
    def value(session: SessionFigures) -> float | None:
        """Look it up."""
        found = reading(session)
        return None if found is None else 100.0 * found
    return value


def when_long(reading: Reading) -> Reading:
    """Return a figure of sessions of 10 minutes and more."""
    return lambda session: reading(session) if session.case.minutes >= LONG_MINUTES else None


def when_calm(reading: Reading) -> Reading:
    """Return a figure of sessions of the calm patient."""
    return lambda session: reading(session) if session.case.patient == "calm" else None
