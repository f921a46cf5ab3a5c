"""The outbox: order, bounds, delays, damage, a full disk, kill -9 at random moments."""

from __future__ import annotations

import json
import random
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.mosquitto import until

from device.clock import ManualClock
from device.messages import Severity
from device.telemetry.outbox import CHECKPOINT_S, KEEP_S, LONGEST_KEEP_S, MARK_S, RETRY_S, Outbox
from device.telemetry.records import Outcome

REPOSITORY = Path(__file__).resolve().parents[2]


def reopen(box: Outbox, clock, seed: int = 9, rows: int = 1000) -> Outbox:
    """Return what a process finds that starts after this one was killed: nothing is closed in order."""
    return Outbox(box._path, clock, random.Random(seed), rows)


def ids(box: Outbox, stream="fleet", limit=2000) -> list[str]:
    return [letter.id for letter in box.peek(stream, limit)]


def test_outbox_gives_letters_in_order_until_acknowledged(outbox, mint):
    letters = [mint.health(outbox) for _ in range(5)]
    assert all(outbox.enqueue(letter) for letter in letters)
    assert outbox.peek("fleet", 3) == letters[:3]
    outbox.acknowledge("fleet", [letters[0].id, letters[2].id])
    assert outbox.peek("fleet", 10) == [letters[1], letters[3], letters[4]]
    assert outbox.depth("fleet") == 3


def test_outbox_survives_a_process_that_never_closed_it(outbox, clock, mint):
    letters = [mint.health(outbox), mint.fault(outbox)]
    for letter in letters:
        outbox.enqueue(letter)
    again = reopen(outbox, clock)
    assert again.peek("fleet", 10) == letters
    assert again.epoch == outbox.epoch
    assert again.next_number() == 3
    again.close()


def test_outbox_is_durable_by_its_settings(outbox):
    assert outbox._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert outbox._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def soon() -> float:
    """No wait at all, where a wait is drawn."""
    return 0.0


def mark(box: Outbox, name: str) -> None:
    assert box.begin_mark(name)
    box.finish_mark(name)


def stored(box: Outbox) -> list[tuple]:
    return box._db.execute("SELECT id FROM fleet UNION ALL SELECT id FROM outcomes").fetchall()


def test_outbox_repeats_after_a_reconnection_what_no_bookmark_covers(outbox, clock, mint):
    letters = [mint.fault(outbox) for _ in range(3)]
    for letter in letters:
        outbox.enqueue(letter)
    outbox.acknowledge("fleet", [letters[0].id])
    clock.sleep(MARK_S)
    mark(outbox, "a")
    outbox.acknowledge("fleet", [letters[1].id])
    outbox.reconnected(soon)
    assert ids(outbox) == [letters[1].id, letters[2].id]
    assert outbox.question() == "a", "it may be another broker, or one that forgot"


def test_outbox_forgets_what_a_bookmark_found_late_enough_proves(outbox, clock, mint):
    fault, outcome = mint.fault(outbox), mint.outcome()
    outbox.enqueue(fault)
    outbox.enqueue(outcome)
    outbox.tick()
    outbox.acknowledge("fleet", [fault.id])
    outbox.acknowledge("outcomes", [outcome.id])
    mark(outbox, "a")
    assert outbox.question() is None, "the broker may not have saved yet"
    outbox.reconnected(soon)
    outbox.answer("a", known=True, draw_s=soon)
    assert (ids(outbox), len(stored(outbox))) == ([], 2), "still there: found too early to prove anything"
    assert outbox.question() is None
    clock.sleep(KEEP_S)
    assert outbox.question() == "a"
    outbox.answer("a", known=True, draw_s=soon)
    assert stored(outbox) == []
    assert outbox.question() is None


def test_outbox_sends_again_what_the_broker_forgot_and_all_after_it_in_order(outbox, clock, mint):
    letters = [mint.fault(outbox) for _ in range(4)]
    outcome = mint.outcome()
    for letter in (*letters, outcome):
        outbox.enqueue(letter)
    outbox.tick()
    outbox.acknowledge("fleet", [letters[1].id])
    outbox.acknowledge("outcomes", [outcome.id])
    mark(outbox, "a")
    outbox.acknowledge("fleet", [letters[0].id, letters[2].id])
    clock.sleep(KEEP_S)
    outbox.answer("a", known=False, draw_s=lambda: 500.0)
    assert ids(outbox) == [letters[1].id, letters[2].id, letters[3].id]
    outbox.tick()
    assert ids(outbox, "outcomes") == [], "it waits anew"
    clock.sleep(501)
    outbox.tick()
    assert ids(outbox, "outcomes") == [outcome.id]
    assert outbox.question() is None


def test_outbox_bookmark_that_was_never_finished_counts_for_nothing(outbox, clock, mint):
    letter = mint.fault(outbox)
    outbox.enqueue(letter)
    outbox.acknowledge("fleet", [letter.id])
    clock.sleep(MARK_S)
    assert outbox.begin_mark("a")
    again = reopen(outbox, clock)  # killed before the broker's welcome
    again.reconnected(soon)
    assert ids(again) == [letter.id]
    assert again.question() is None
    again.close()


def test_outbox_bookmark_is_due_at_once_for_an_outcome_and_now_and_then_for_health(outbox, clock, mint):
    health, outcome = mint.health(outbox), mint.outcome()
    outbox.enqueue(health)
    outbox.enqueue(outcome)
    assert not outbox.begin_mark("a")
    outbox.acknowledge("fleet", [health.id])
    assert not outbox.begin_mark("a")
    outbox.acknowledge("outcomes", [outcome.id])
    mark(outbox, "a")
    assert not outbox.begin_mark("b")
    clock.sleep(MARK_S + 1)
    assert not outbox.begin_mark("b"), "nothing new"


@pytest.mark.parametrize(("trusting", "kept_s"), [(True, KEEP_S), (False, LONGEST_KEEP_S)])
def test_outbox_without_bookmarks_keeps_letters_for_a_stated_time(outbox, clock, mint, trusting, kept_s):
    letter = mint.fault(outbox)
    outbox.enqueue(letter)
    outbox.acknowledge("fleet", [letter.id])
    if trusting:
        outbox.trust_receipts()
    clock.sleep(kept_s + CHECKPOINT_S)
    outbox.tick()
    assert len(stored(outbox)) == 1, "nothing is forgotten while nobody can be asked"
    outbox.reconnected(soon)
    outbox.connected = True
    outbox.acknowledge("fleet", [letter.id])
    clock.sleep(kept_s - 1)
    outbox.tick()
    assert len(stored(outbox)) == 1
    clock.sleep(CHECKPOINT_S + 1)
    outbox.tick()
    assert stored(outbox) == []


def test_outbox_drops_health_by_age_and_faults_and_outcomes_never(tmp_path, clock, mint):
    box = Outbox(tmp_path / "old.sqlite", clock, random.Random(1), 100_000, max_age_s=30 * 86_400.0)
    fault, outcome = mint.fault(box), mint.outcome()
    for letter in (fault, outcome, mint.health(box)):
        box.enqueue(letter)
    young = []
    for _ in range(12):  # months offline
        clock.sleep(15 * 86_400.0)
        clock.set_wall(0.0)  # and a clock that jumps about
        box.tick()
        young.append(mint.health(box))
        box.enqueue(young[-1])
    box.tick()
    assert ids(box) == [fault.id, young[-2].id, young[-1].id]
    assert ids(box, "outcomes") == [outcome.id]
    assert box.dropped == 11
    box.close()


def test_outbox_file_of_the_first_tables_is_carried_over(tmp_path, clock, mint, outbox):
    path, outcome = tmp_path / "first.sqlite", mint.outcome()
    had, fault = mint.fault(outbox), mint.fault(outbox)
    db = sqlite3.connect(path)
    db.executescript("""
      CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
      INSERT INTO meta VALUES ('epoch', 'e1'), ('running_s', 9e6);
      CREATE TABLE fleet (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL, retain INTEGER NOT NULL,
        sent INTEGER NOT NULL DEFAULT 0, keep_until_s REAL);
      CREATE TABLE outcomes (id TEXT PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL,
        least_s REAL NOT NULL, due_s REAL NOT NULL, place REAL, sent INTEGER NOT NULL DEFAULT 0,
        keep_until_s REAL) WITHOUT ROWID;
      CREATE TABLE draft (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), body BLOB NOT NULL);
      CREATE INDEX fleet_waiting ON fleet (number) WHERE sent = 0;""")
    for letter, sent in ((had, 1), (fault, 0)):
        db.execute("INSERT INTO fleet VALUES (?, ?, ?, ?, ?, 0, ?, NULL)",
                   (letter.number, letter.id, letter.kind, letter.topic, letter.payload, sent))
    db.execute("INSERT INTO outcomes VALUES (?, ?, ?, 9e6, 9000100.0, NULL, 0, NULL)",
               (outcome.id, outcome.topic, outcome.payload))
    db.commit()
    db.close()
    box = Outbox(path, clock, random.Random(1), 100)
    assert box.faults() == ()
    assert (box.epoch, box.running_s(), box.next_number()) == ("e1", 9e6, 3)
    assert box.peek("fleet", 5) == [fault]
    clock.sleep(101)
    box.tick()
    assert box.peek("outcomes", 5) == [outcome]
    box.reconnected(soon)
    assert ids(box) == [had.id, fault.id]
    box.close()
    again = reopen(box, clock)
    assert len(stored(again)) == 3
    again.close()


def test_outbox_drops_acknowledged_then_oldest_health_and_never_faults_or_outcomes(tmp_path, clock, mint):
    box = Outbox(tmp_path / "small.sqlite", clock, random.Random(1), 10)
    done, fault, outcome = mint.fault(box), mint.fault(box), mint.outcome()
    for letter in (done, fault, outcome):
        assert box.enqueue(letter)
    box.acknowledge("fleet", [done.id])
    health = [mint.health(box) for _ in range(12)]
    for letter in health:
        assert box.enqueue(letter)
    box.tick()
    assert ids(box) == [fault.id, *(letter.id for letter in health[4:])]
    assert box.dropped == 4
    assert ids(box, "outcomes") == [outcome.id]
    assert box.faults() == ()
    box.close()


def test_outbox_full_of_what_may_not_be_dropped_refuses_and_says_so(tmp_path, clock, mint):
    box = Outbox(tmp_path / "small.sqlite", clock, random.Random(1), 5)
    kept = [mint.fault(box) for _ in range(5)]
    for letter in kept:
        assert box.enqueue(letter)
    assert not box.enqueue(mint.outcome())
    assert not box.enqueue(mint.health(box))
    assert [fault.code for fault in box.faults()] == ["outbox_full"]
    assert ids(box) == [letter.id for letter in kept]
    box.acknowledge("fleet", [kept[0].id])
    assert box.enqueue(mint.fault(box))
    assert box.faults() == ()
    box.close()


def test_outbox_outcomes_wait_as_long_as_drawn_each_for_itself(outbox, clock, mint):
    early, late = mint.outcome(), mint.outcome()
    outbox.enqueue(early, wait_s=300)
    outbox.enqueue(late, wait_s=900)
    clock.sleep(299)
    outbox.tick()
    assert ids(outbox, "outcomes") == []
    assert (outbox.depth("outcomes"), outbox.depth("fleet")) == (2, 0)
    clock.sleep(2)
    outbox.tick()
    assert ids(outbox, "outcomes") == [early.id]
    clock.sleep(600)
    outbox.tick()
    assert set(ids(outbox, "outcomes")) == {early.id, late.id}


def test_outbox_outcomes_leave_within_a_batch_each_at_its_own_moment(outbox, mint):
    for _ in range(200):
        outbox.enqueue(mint.outcome())
    left = []
    for share in (0.0, 0.25, 0.5, 1.0):
        outbox.tick(share)
        left.append(len(ids(outbox, "outcomes")))
    assert (left[0], left[-1]) == (0, 200)
    assert left[1] == pytest.approx(50, abs=20)
    assert left[2] == pytest.approx(100, abs=25)


def test_outbox_two_outcomes_of_a_unit_do_not_leave_together(outbox, clock, mint):
    for _ in range(5):
        outbox.enqueue(mint.outcome())
    outbox.tick()
    first, *others = ids(outbox, "outcomes")
    outbox.acknowledge("outcomes", [first])
    waits = iter((100.0, 200.0, 300.0, 400.0))
    outbox.wait_anew(lambda: next(waits))
    for done in range(4):
        outbox.tick()
        assert len(ids(outbox, "outcomes")) == done
        clock.sleep(100)
    outbox.tick()
    assert set(ids(outbox, "outcomes")) == set(others)


def test_outbox_outcomes_are_shuffled(tmp_path, clock, mint):
    orders = set()
    for seed in range(8):
        box = Outbox(tmp_path / f"{seed}.sqlite", clock, random.Random(seed), 100)
        letters = [mint.outcome() for _ in range(6)]
        for letter in letters:
            box.enqueue(letter)
        box.tick()
        found = ids(box, "outcomes")
        orders.add(tuple(letters.index(next(one for one in letters if one.id == each)) for each in found))
        box.close()
    assert len(orders) >= 6


@pytest.mark.parametrize("jump_s", [-10 * 365 * 86_400.0, 10 * 365 * 86_400.0])
def test_outbox_delay_takes_no_notice_of_the_wall_clock(outbox, clock, mint, jump_s):
    outbox.enqueue(mint.outcome(), wait_s=100)
    clock.set_wall(clock.wall() + jump_s)
    clock.sleep(99)
    outbox.tick()
    assert ids(outbox, "outcomes") == []
    clock.sleep(2)
    outbox.tick()
    assert len(ids(outbox, "outcomes")) == 1


def test_outbox_delay_goes_on_after_a_restart_with_another_monotonic_origin(outbox, clock, mint):
    outbox.enqueue(mint.outcome(), wait_s=1000)
    clock.sleep(CHECKPOINT_S + 100)
    outbox.tick()
    clock.sleep(50)  # killed before the next checkpoint: this is forgotten, never gained
    after = ManualClock(start_s=3.0)
    again = reopen(outbox, after)
    assert again.running_s() == pytest.approx(CHECKPOINT_S + 100)
    after.sleep(1000 - CHECKPOINT_S - 100 - 1)
    again.tick()
    assert ids(again, "outcomes") == []
    after.sleep(2)
    again.tick()
    assert len(ids(again, "outcomes")) == 1
    again.close()


def test_outbox_an_outcome_ends_the_draft_in_the_same_moment(outbox, mint):
    outbox.save_draft(b"counts")
    assert outbox.load_draft() == b"counts"
    outbox.enqueue(mint.health(outbox))
    assert outbox.load_draft() == b"counts"
    outbox.enqueue(mint.outcome())
    assert outbox.load_draft() is None


def test_outbox_damaged_file_is_set_aside_and_reported(outbox, clock, mint):
    for _ in range(50):
        outbox.enqueue(mint.health(outbox))
    path, epoch = outbox._path, outbox.epoch
    outbox.close()
    for attempt in range(1, 6):
        path.write_bytes(b"no database " * 1000)
        box = Outbox(path, clock, random.Random(100 + attempt), 100)
        assert [(fault.code, fault.severity) for fault in box.faults()] == [
            ("outbox_damaged", Severity.ATTENTION)]
        assert box.epoch != epoch
        assert box.enqueue(mint.fault(box))
        assert box.depth("fleet") == 1
        box.close()
    aside = sorted(one.name for one in path.parent.glob("*.damaged-*"))
    assert aside == [f"outbox.sqlite.damaged-{number}" for number in (3, 4, 5)], "three are kept"


def test_outbox_damage_inside_the_file_is_noticed(outbox, clock, mint):
    for _ in range(200):
        outbox.enqueue(mint.health(outbox))
    outbox.close()
    body = bytearray(outbox._path.read_bytes())
    body[8192:40_000] = random.Random(4).randbytes(40_000 - 8192)
    outbox._path.write_bytes(body)
    box = reopen(outbox, clock)
    assert [fault.code for fault in box.faults()] == ["outbox_damaged"]
    assert box.enqueue(mint.health(box))
    box.close()


def test_outbox_full_disk_is_a_fault_and_nothing_is_lost_when_it_ends(outbox, clock, mint):
    before = mint.health(outbox)
    outbox.enqueue(before)
    size = max(one.stat().st_size for one in outbox._path.parent.iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    stuck, lost, outcome = mint.fault(outbox), mint.health(outbox), mint.outcome()
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))  # every write beyond fails, as on a full card
    try:
        assert not outbox.enqueue(stuck)
        assert not outbox.enqueue(lost)
        assert not outbox.enqueue(outcome)
        outbox.acknowledge("fleet", [before.id])
        outbox.tick()
        assert [(fault.code, fault.severity) for fault in outbox.faults()] == [
            ("outbox_unwritable", Severity.ATTENTION)]
        assert ids(outbox) == [], "a receipt that could not be written is remembered"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    clock.sleep(RETRY_S + 1)
    outbox.tick()
    outbox.tick()
    assert outbox.faults() == ()
    assert ids(outbox) == [stuck.id]
    assert ids(outbox, "outcomes") == [outcome.id]


def test_outbox_folder_that_cannot_be_made_is_a_fault_not_an_end(tmp_path, clock, mint):
    (tmp_path / "state").write_text("a file where the folder should be")
    box = Outbox(tmp_path / "state" / "outbox.sqlite", clock, random.Random(1), 100)
    assert not box.enqueue(mint.health(box))
    assert not box.enqueue(mint.outcome())
    assert box.peek("fleet", 5) == []
    assert [fault.code for fault in box.faults()] == ["outbox_unwritable"]
    (tmp_path / "state").unlink()
    clock.sleep(RETRY_S + 1)
    box.tick()
    box.tick()
    assert len(ids(box, "outcomes")) == 1
    assert box.faults() == ()
    box.close()


WRITER = """
import random, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from device.clock import SystemClock
from device.messages import StressBand
from device.telemetry.outbox import Outbox
from device.telemetry.records import FaultName, FleetFaults, Outcome, seal
rng = random.SystemRandom()
box = Outbox(Path(sys.argv[1]), SystemClock(), rng, 100_000)
while True:
    name = f"{rng.getrandbits(128):032x}"
    if rng.random() < 0.5:
        letter = seal(FleetFaults(id=name, unit="u", epoch=box.epoch, number=box.next_number(), at=None,
                                  faults=(), began=(), ended=(FaultName(service="player", code="x"),)))
    else:
        letter = seal(Outcome(id=name, year=None, stress_first_third=StressBand.LOW,
                              stress_last_third=StressBand.LOW, rating=None))
    assert box.enqueue(letter)
    sys.stdout.write(name + "\\n")
    sys.stdout.flush()
    box.tick()
"""


def test_outbox_loses_nothing_it_accepted_when_killed_at_random_moments(tmp_path):
    path, rng, accepted = tmp_path / "outbox.sqlite", random.Random(11), []
    for round_number in range(6):
        said = tmp_path / f"said-{round_number}"
        with said.open("wb") as out:
            writer = subprocess.Popen(
                [sys.executable, "-c", WRITER, str(path), str(REPOSITORY)], stdout=out)
            until(lambda said=said: said.stat().st_size > 330, what="ten letters")
            time.sleep(rng.uniform(0.0, 0.15))  # the moment of death is the point
            writer.send_signal(signal.SIGKILL)
            writer.wait(10)
        accepted += re.findall(r"^[0-9a-f]{32}$", said.read_text(), flags=re.MULTILINE)
    clock = ManualClock()
    box = Outbox(path, clock, random.Random(1), 100_000)
    clock.sleep(60.0)  # an unclean stop forgets running time, and an outcome must be due to be seen
    box.tick()
    found = ids(box, "fleet", 100_000) + ids(box, "outcomes", 100_000)
    assert box.faults() == ()
    assert len(accepted) > 60
    assert set(accepted) <= set(found)
    assert len(found) == len(set(found))
    assert len(found) <= len(accepted) + 6, "at most the one being written when the process died"
    box.close()


def test_outbox_file_holds_no_times_and_no_order_of_outcomes(outbox, mint):
    for _ in range(4):
        outbox.enqueue(mint.outcome())
    (definition,) = outbox._db.execute("SELECT sql FROM sqlite_master WHERE name = 'outcomes'").fetchone()
    assert "WITHOUT ROWID" in definition
    stored = [json.loads(row[0]) for row in outbox._db.execute("SELECT payload FROM outcomes")]
    assert all(set(one) == set(Outcome.__struct_fields__) for one in stored)


def test_outbox_busy_file_is_a_fault_that_passes(outbox, mint):
    other = sqlite3.connect(outbox._path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert not outbox.enqueue(mint.health(outbox))
    assert [fault.code for fault in outbox.faults()] == ["outbox_unwritable"]
    other.execute("ROLLBACK")
    other.close()
    assert outbox.enqueue(mint.health(outbox))
    assert outbox.faults() == ()


def test_outbox_file_stays_as_small_as_its_bound(tmp_path, clock, mint):
    """Five times round in the same room; synchronous is off only here, where nothing is killed."""
    box = Outbox(tmp_path / "round.sqlite", clock, random.Random(1), 200)
    box._db.execute("PRAGMA synchronous = OFF")
    sizes = []
    for _ in range(5):
        for _ in range(200):
            assert box.enqueue(mint.health(box))
        box._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        sizes.append(box._path.stat().st_size)
    assert sizes[-1] <= 1.1 * sizes[0]
    assert box.dropped == 800
    assert box.peek("fleet", 1)[0].number == 801, "the oldest went first"
    box.close()
