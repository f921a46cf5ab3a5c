"""Power cuts mid-session: a guest with a kernel and a disk of its own is killed at random moments.

Each boot inspects what the one before has left, starts a session by a press, and runs a second telemetry
that stores an outcome many times a second; then the guest is killed with everything it had in memory.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support import timings
from support.timings import PATH
from support.uml import Guest, make_disk

REPOSITORY = Path(__file__).resolve().parents[2]
CUTS = 5
RESUME = ["resume"]
MAX_HUNG = 1  # seen once in 65 boots of a busy machine
FSCK_GOOD = {0, 1}  # e2fsck(8): clean, or corrected (the journal was replayed)
BOOT_S, SESSION_S = 60.0, 120.0
PROGRAM = ["/usr/bin/env", f"PYTHONPATH={REPOSITORY}:{REPOSITORY}/tests", "OMP_NUM_THREADS=1",
           sys.executable, "-m", "support.power_cut_guest"]

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]


class Cycle:
    """What one boot told, from its fsck to the cut."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self.events = events

    def one(self, event: str) -> dict[str, Any]:
        """Return the event of a name that comes once."""
        (found,) = (told for told in self.events if told["event"] == event)
        return found

    def found(self, box: str) -> dict[str, Any]:
        """Return what was in an outbox at the start of this boot."""
        (box_found,) = (told for told in self.events if told["event"] == "found" and told["box"] == box)
        return box_found

    def stored(self) -> set[str]:
        """Return the outcomes that were committed during this boot."""
        return {one for told in self.events if told["event"] == "stored" for one in told["ids"]}


@pytest.fixture(scope="module")
def cycles(common: Path) -> list[Cycle]:
    """Five boots that end in a power cut, and a last one that only looks and waits.

    The last two units are configured to go on after a power cut; the clock is right in both.
    """
    folder = Path(tempfile.mkdtemp(prefix="power-", dir=common))
    disk = folder / "disk.img"
    make_disk(disk)
    done: list[Cycle] = []
    hung = 0
    while len(done) <= CUTS:
        boot = len(done)
        began = time.monotonic()
        guest = Guest(folder / f"boot{boot}-{hung}", disk, PROGRAM + RESUME * (boot >= CUTS - 1), REPOSITORY)
        try:
            well = _run_until_cut(guest, to_the_end=boot == CUTS)
        finally:
            guest.close()
        if well:
            timings.record(f"power cut: cycle {boot + 1}, s", time.monotonic() - began)
            done.append(Cycle(guest.events))
        else:
            hung += 1
            assert hung <= MAX_HUNG, guest.log()
            (PATH.parent / "power_cut_hung.log").write_text(guest.log())
    timings.record("power cut: boots repeated, a process hung at its start", hung)
    return done


def _run_until_cut(guest: Guest, *, to_the_end: bool) -> bool:
    """Let a boot go on to a random moment of its session, or until it waits; False: a process did not start.

    There is no systemd in the guest that would start a hung process again, as a unit's does after a minute.
    """
    guest.until(BOOT_S, "fsck")
    if guest.until(SESSION_S, "waiting", "late")["event"] == "late":
        return False
    if to_the_end:
        return True
    if guest.until(SESSION_S, "playing", "late")["event"] == "late":
        return False
    guest.until(SESSION_S, "stored")
    guest.listen(random.Random(os.urandom(8)).uniform(0.0, 2.5))
    return True


def test_power_cut_loses_what_was_never_flushed(cycles):
    """The probe: a cut that kept everything would prove nothing."""
    for cycle in cycles[1:]:
        forgotten = cycle.one("forgotten")
        assert forgotten["bytes"] < forgotten["of"]


def test_power_cut_leaves_a_disk_that_fsck_can_set_right(cycles):
    assert {cycle.one("fsck")["code"] for cycle in cycles} <= FSCK_GOOD


def test_power_cut_leaves_outboxes_that_are_whole(cycles):
    for cycle in cycles[1:]:
        for box in ("unit", "ward"):
            assert cycle.found(box)["integrity"] == "ok"
            assert cycle.found(box)["damaged"] == 0


def test_power_cut_loses_no_acknowledged_outcome(cycles):
    promised: set[str] = set()
    for before, after in pairwise(cycles):
        assert before.stored()
        promised |= before.stored()
        lost = promised - set(after.found("ward")["ids"])
        assert not lost
    timings.record("power cut: outcomes acknowledged over five cuts", len(promised))


def test_power_cut_keeps_the_outcome_of_the_session_that_it_interrupted(cycles):
    """A session's draft becomes an outcome in the next boot, as soon as a new session begins there."""
    for boot, cycle in enumerate(cycles[1:]):
        assert len(cycle.found("unit")["ids"]) >= boot


def test_power_cut_is_followed_by_silence_until_a_press(cycles):
    for cycle in cycles[:-1]:
        waiting = cycle.one("waiting")
        assert waiting["phases"] == ["idle"]
        assert waiting["states"] >= 2
        assert waiting["sounding"] is False


def test_power_cut_is_followed_by_the_same_session_where_a_site_asks_for_it(cycles):
    playing, resumed = cycles[-2].one("playing"), cycles[-1].one("waiting")
    assert playing["kept"]
    assert "running" in resumed["phases"]
    assert resumed["seed"] == playing["seed"]
