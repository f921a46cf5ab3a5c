"""The whole appliance in lockstep: the six workers on a manual clock, over a body of the test's choice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device.clock import ManualClock
from device.config import Settings
from device.desk.journal import JournalWriter, read_journal
from device.desk.setup import RunOptions, write_config
from device.messages import Message
from device.runtime import Root
from device.services import lockstep, simulator
from drivers.sim.body import Body


class LockstepRun:
    """One bench and the journal that it writes."""

    def __init__(self, bench: lockstep.Bench, journal: JournalWriter, folder: Path) -> None:
        self.bench = bench
        self.folder = folder
        self._journal = journal

    def finish(self) -> list[Message]:
        """Close everything and return all messages."""
        self.bench.close()
        self._journal.close()
        return read_journal(self.folder / "journal.bin")


@pytest.fixture
def lockstep_run(tmp_path: Path) -> Iterator[Callable[..., LockstepRun]]:
    """Return a function that builds a bench: `start(minutes, patient=…, body=…, change=…)`."""
    runs: list[LockstepRun] = []

    def start(
        minutes: float = 3.0, patient: str = "sim", seed: int = 1, name: str = "run",
        body: Callable[[float], Body] | None = None, change: Callable[[Settings], Settings] = lambda s: s,
        roots: tuple[Root, ...] = lockstep.ROOTS,
    ) -> LockstepRun:
        folder = tmp_path / name
        folder.mkdir()
        options = RunOptions(
            patient=patient, minutes=minutes, speed=0, seed=seed, interactive=False, out=folder)
        _, settings = write_config(options, folder, broker_port=1)
        settings = change(settings)
        Path(settings.state_dir).mkdir(parents=True, exist_ok=True)
        clock = ManualClock()
        world = simulator.make_world(settings, clock, body(clock.monotonic()) if body else None)
        journal = JournalWriter(folder / "journal.bin")
        run = LockstepRun(lockstep.Bench(settings, clock, world, journal, roots), journal, folder)
        runs.append(run)
        return run

    yield start
    for run in runs:
        run.bench.close()
