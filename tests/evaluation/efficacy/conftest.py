"""One small population that several files look at."""

from __future__ import annotations

import pytest

from device.evaluation.efficacy.arms import Sessions, run_sessions
from device.evaluation.efficacy.listeners import draw_listeners

SEED = 4
MINUTES = 10.0


@pytest.fixture(scope="session")
def sessions() -> Sessions:
    """Forty listeners through all arms."""
    return run_sessions(draw_listeners(40, SEED), minutes=MINUTES, seed=SEED)
