"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--hardware` (contract tests on real parts as well) and `--system` (system tests as well)."""
    parser.addoption("--hardware", action="store_true", help="also test the real parts of this machine")
    parser.addoption("--system", action="store_true",
                     help="also boot whole machines: needs root and what `make test-system` installs")
    bench = parser.getgroup("bench", "what is on the bench for the contract tests (docs/bring-up.md)")
    bench.addoption("--unit-config", type=Path, default=Path("/etc/tranquillo/tranquillo.toml"),
                    help="names the real parts; without the file the defaults of the configuration")
    bench.addoption("--gsr-ohm", type=float, help="a resistor of so many ohms is between the electrodes")
    bench.addoption("--celsius", type=float, help="the thermistor lies at this temperature")
    bench.addoption("--finger", action="store_true", help="a still finger is on the pulse sensor")
    bench.addoption("--eyes", action="store_true", help="a person watches the light and presses as told")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a real part, or a machine to boot, unless it was asked for."""
    if not config.getoption("--system"):
        config.hook.pytest_deselected(items=[item for item in items if "system" in item.keywords])
        items[:] = [item for item in items if "system" not in item.keywords]
    if config.getoption("--hardware"):
        return
    skip = pytest.mark.skip(reason="needs the real part wired to this machine; run with --hardware")
    for item in items:
        if "hardware" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The recordings and melodies that lie beside the repository."""
    folder = REPOSITORY.parent / "shared" / "data"
    assert folder.is_dir(), f"{folder} is missing: put the shared data beside the checkout"
    return folder


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The shipped models."""
    return REPOSITORY / "models"
