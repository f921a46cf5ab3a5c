"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--hardware`: run the contract tests on the real parts as well."""
    parser.addoption("--hardware", action="store_true", help="also test the real parts of this machine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a real part unless it was asked for."""
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
