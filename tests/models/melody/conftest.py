"""The melodies that the network learnt from, read once."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.evaluation.abc import Tune, read_folder


@pytest.fixture(scope="session")
def tunes(shared_data: Path) -> list[Tune]:
    return read_folder(shared_data / "melody").tunes
