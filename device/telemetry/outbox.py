"""Letters on disk until the broker has had them, and a while longer.

SQLite in WAL mode with `synchronous=FULL`: what `enqueue` accepted survives kill -9 and a power cut.
Time inside is *running time*: seconds this outbox has been open, kept in the file, so that no jump of
the wall clock shortens a delay; an unclean stop may lengthen it by `CHECKPOINT_S`.
"""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from device.clock import Clock
from device.messages import Fault, Severity
from device.telemetry.records import Kind, Letter

Stream = Literal["fleet", "outcomes"]
Found = TypeVar("Found")

KEEP_S = 1_800.0  # Mosquitto's default autosave_interval: until then an acknowledged message may be lost
CHECKPOINT_S = 300.0  # how much running time an unclean stop may forget; each costs one disk write
RETRY_S = 30.0  # between attempts to write to a disk that refused
BUSY_S = 0.2  # how long a step may wait for another reader of the file
UNSAVED_LETTERS = 100  # faults and outcomes held in memory while the disk refuses; the oldest go first
DAMAGED_KEPT = 3  # set-aside files left on the disk

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA secure_delete = ON;
PRAGMA journal_size_limit = 1000000;
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fleet (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, topic TEXT NOT NULL,
  payload BLOB NOT NULL, retain INTEGER NOT NULL, sent INTEGER NOT NULL DEFAULT 0, keep_until_s REAL);
CREATE TABLE IF NOT EXISTS outcomes (
  id TEXT PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL, least_s REAL NOT NULL, due_s REAL NOT NULL,
  place REAL, sent INTEGER NOT NULL DEFAULT 0, keep_until_s REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS draft (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS fleet_waiting ON fleet (number) WHERE sent = 0;
"""
_PEEK = {
    "fleet": "SELECT id, kind, topic, payload, retain, number FROM fleet "
             "WHERE sent = 0 ORDER BY number LIMIT ?",
    "outcomes": "SELECT id, 'outcome', topic, payload, 0, 0 FROM outcomes "
                "WHERE sent = 0 AND place IS NOT NULL ORDER BY place LIMIT ?",
}
_ACKNOWLEDGE = {
    "fleet": "UPDATE fleet SET sent = 1, keep_until_s = coalesce(keep_until_s, ?) WHERE id = ?",
    "outcomes": "UPDATE outcomes SET sent = 1, keep_until_s = coalesce(keep_until_s, ?) WHERE id = ?",
}
_INSERT_FLEET = "INSERT INTO fleet (number, id, kind, topic, payload, retain) VALUES (?, ?, ?, ?, ?, ?)"
_INSERT_OUTCOME = "INSERT INTO outcomes (id, topic, payload, least_s, due_s) VALUES (?, ?, ?, ?, ?)"
_ROWS = "SELECT (SELECT count(*) FROM fleet) + (SELECT count(*) FROM outcomes)"
_WAITING = {
    "fleet": "SELECT count(*) FROM fleet WHERE sent = 0",
    "outcomes": "SELECT count(*) FROM outcomes WHERE sent = 0",
}
_MAKE_ROOM = (
    "DELETE FROM fleet WHERE number IN (SELECT number FROM fleet WHERE sent = 1 ORDER BY number LIMIT ?)",
    "DELETE FROM outcomes WHERE id IN (SELECT id FROM outcomes WHERE sent = 1 ORDER BY keep_until_s LIMIT ?)",
)
_DROP_HEALTH = ("DELETE FROM fleet WHERE number IN "
                "(SELECT number FROM fleet WHERE kind = 'health' ORDER BY number LIMIT ?)")
_DUE = "SELECT count(*) FROM outcomes WHERE place IS NULL AND due_s <= ?"
_RIPE = "SELECT id FROM outcomes WHERE place IS NULL AND least_s <= ? ORDER BY id"
_FLEET_AGAIN = "UPDATE fleet SET sent = 0 WHERE keep_until_s > ?"
_OUTCOMES_AGAIN = ("UPDATE outcomes SET sent = 0, place = NULL, least_s = ?, due_s = ? "
                   "WHERE keep_until_s > ? OR (sent = 0 AND place IS NOT NULL)")
_FORGET = (
    "DELETE FROM fleet WHERE sent = 1 AND keep_until_s <= ?",
    "DELETE FROM outcomes WHERE sent = 1 AND keep_until_s <= ?",
)

DAMAGED = Fault(
    code="outbox_damaged", severity=Severity.ATTENTION,
    advice="the telemetry outbox could not be read and was set aside, so unsent reports may be missing; "
           "check the memory card")
UNWRITABLE = Fault(
    code="outbox_unwritable", severity=Severity.ATTENTION,
    advice="telemetry cannot be stored; free space in the state folder or check the memory card")
FULL = Fault(
    code="outbox_full", severity=Severity.ATTENTION,
    advice="the telemetry outbox is full of faults and outcomes and refuses new ones; "
           "let the unit reach the broker")


class Outbox:
    """The one writer of the outbox file.

    Args:
        path: the SQLite file; its folder is made when missing.
        clock: only its monotonic time is used.
        rng: draws the file's epoch and the order in which outcomes leave.
        max_rows: bound of both streams together. Dropped to make room: letters already acknowledged,
            then the oldest health. Faults and outcomes are never dropped; when nothing else is left,
            new letters are refused and `outbox_full` is reported.
    """

    def __init__(self, path: Path, clock: Clock, rng: random.Random, max_rows: int) -> None:
        self.epoch = f"{rng.getrandbits(128):032x}"
        self.dropped = 0
        self._path = path
        self._clock = clock
        self._rng = rng
        self._max_rows = max_rows
        self._db: sqlite3.Connection | None = None
        self._number = 0
        self._base_s = 0.0
        self._opened_s = clock.monotonic()
        self._saved_s = 0.0
        self._retry_s = clock.monotonic()
        self._faults: dict[str, Fault] = {}
        self._unsaved: deque[tuple[Letter, float, float]] = deque(maxlen=UNSAVED_LETTERS)
        self._unsaved_acks: dict[str, Stream] = {}
        self._try(self._save_time)

    def running_s(self) -> float:
        """Return the seconds this outbox has been open in all, over restarts."""
        return self._base_s + self._clock.monotonic() - self._opened_s

    def next_number(self) -> int:
        """Return the next number of the fleet stream."""
        self._number += 1
        return self._number

    def enqueue(self, letter: Letter, *, least_s: float = 0.0, delay_s: float = 0.0) -> bool:
        """Store a letter durably; True once it is on the disk.

        An outcome leaves not before `least_s` and not after `delay_s` seconds of running time, and ends
        the draft. A fault or outcome that the disk refused is kept in memory and tried again later.
        """
        stored = self._try(partial(self._insert, letter=letter, least_s=least_s, delay_s=delay_s))
        if stored is None and letter.kind is not Kind.HEALTH:
            self._unsaved.append((letter, least_s, delay_s))
        return bool(stored)

    def peek(self, stream: Stream, limit: int) -> list[Letter]:
        """Return the letters that should be sent next, in order, and leave them where they are."""
        rows = self._try(lambda db: db.execute(_PEEK[stream], (limit + len(self._unsaved_acks),)).fetchall())
        letters = [Letter(id=row[0], kind=Kind(row[1]), topic=row[2], payload=row[3], retain=bool(row[4]),
                          number=row[5]) for row in rows or ()]
        return [letter for letter in letters if letter.id not in self._unsaved_acks][:limit]

    def acknowledge(self, stream: Stream, identifiers: Iterable[str]) -> None:
        """Mark letters as received by the broker; they are kept for another `KEEP_S`."""
        self._unsaved_acks.update(dict.fromkeys(identifiers, stream))
        if self._unsaved_acks and self._try(self._mark_sent) is not None:
            self._unsaved_acks.clear()

    def resend_kept(self, *, least_s: float, delay_s: float) -> None:
        """Have every kept letter sent once more: a new connection may mean that the broker lost them.

        Outcomes, kept or released and not yet sent, wait anew for at most `delay_s`: were they sent at
        the moment in which the unit comes back, its birth would say whose they are.
        """
        now = self.running_s()
        self._try(lambda db: [db.execute(_FLEET_AGAIN, (now,)),
                              db.execute(_OUTCOMES_AGAIN, (now + least_s, now + delay_s, now))])

    def tick(self) -> None:
        """Release outcomes that are due, forget what was kept long enough; call once a second."""
        self.acknowledge("fleet", ())
        if self._unsaved and self._clock.monotonic() >= self._retry_s:
            self._retry_unsaved()
        self._try(self._maintain)

    def depth(self, stream: Stream) -> int:
        """Return how many letters of a stream wait for the broker, delayed outcomes included."""
        row = self._try(lambda db: db.execute(_WAITING[stream]).fetchone())
        unsaved = [one for one, *_ in self._unsaved if (one.kind is Kind.OUTCOME) == (stream == "outcomes")]
        return (row[0] if row else 0) + len(unsaved)

    def save_draft(self, body: bytes | None) -> None:
        """Keep what has been counted of the running session, or None to forget it."""
        if body is None:
            self._try(lambda db: db.execute("DELETE FROM draft"))
        else:
            self._try(lambda db: db.execute("INSERT OR REPLACE INTO draft VALUES (1, ?)", (body,)))

    def load_draft(self) -> bytes | None:
        """Return what an earlier process had counted, or None."""
        row = self._try(lambda db: db.execute("SELECT body FROM draft").fetchone())
        return bytes(row[0]) if row else None

    def faults(self) -> tuple[Fault, ...]:
        """Return what is wrong with the file now; a damaged file is reported until the process ends."""
        return tuple(self._faults.values())

    def close(self) -> None:
        """Save running time and close the file."""
        self._try(self._save_time)
        self._drop_connection()

    def _try(self, work: Callable[[sqlite3.Connection], Found]) -> Found | None:
        """Do something in one transaction; None when the disk refused, which becomes a fault."""
        for _ in range(2):  # a second time on a new file, when the first turned out to be damaged
            try:
                with self._connection() as db:
                    changes = db.total_changes
                    db.execute("BEGIN IMMEDIATE")
                    found = work(db)
                if db.total_changes > changes:
                    self._faults.pop(UNWRITABLE.code, None)
            except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
                raise  # a defect, not the disk
            except (sqlite3.DatabaseError, OSError) as error:
                if not self._blame(error):
                    return None
            else:
                return found
        return None

    def _blame(self, error: sqlite3.DatabaseError | OSError) -> bool:
        """Turn a failure into a fault; True when trying again at once makes sense."""
        code = getattr(error, "sqlite_errorcode", None)
        self._retry_s = self._clock.monotonic() + RETRY_S
        if code is not None and code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            self._drop_connection()
            with contextlib.suppress(OSError):
                set_aside(self._path)
                self._faults[DAMAGED.code] = DAMAGED
                return True
        self._faults[UNWRITABLE.code] = UNWRITABLE
        return False

    def _connection(self) -> sqlite3.Connection:
        """Return the open file, opening and checking it first when needed."""
        if self._db is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)
            try:
                self._prepare(db)
            except sqlite3.DatabaseError:
                db.close()
                raise
            self._db = db
        return self._db

    def _prepare(self, db: sqlite3.Connection) -> None:
        """Check the file, make the tables and read where an earlier process stopped."""
        (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            damaged = sqlite3.DatabaseError(verdict)
            damaged.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise damaged
        db.executescript(_SCHEMA)
        db.execute("INSERT OR IGNORE INTO meta VALUES ('epoch', ?), ('running_s', 0.0)",
                   (f"{self._rng.getrandbits(128):032x}",))
        meta: dict[str, str | float] = dict(db.execute("SELECT key, value FROM meta"))
        self.epoch = str(meta["epoch"])
        self._base_s = self._saved_s = float(meta["running_s"])
        self._opened_s = self._clock.monotonic()
        row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'fleet'").fetchone()
        self._number = max(self._number, row[0] if row else 0)

    def _drop_connection(self) -> None:
        """Close the file whatever state it is in."""
        if self._db is not None:
            with contextlib.suppress(sqlite3.DatabaseError):
                self._db.close()
        self._db = None

    def _insert(self, db: sqlite3.Connection, letter: Letter, least_s: float, delay_s: float) -> bool:
        """Make room and store one letter; False when there is no room."""
        if not self._make_room(db):
            self._faults[FULL.code] = FULL
            self.dropped += letter.kind is not Kind.OUTCOME
            return False
        self._faults.pop(FULL.code, None)
        if letter.kind is Kind.OUTCOME:
            now = self.running_s()
            db.execute(_INSERT_OUTCOME, (letter.id, letter.topic, letter.payload,
                                         now + least_s, now + delay_s))
            db.execute("DELETE FROM draft")
        else:
            db.execute(_INSERT_FLEET, (letter.number, letter.id, letter.kind, letter.topic, letter.payload,
                                       letter.retain))
        return True

    def _make_room(self, db: sqlite3.Connection) -> bool:
        """Drop what may be dropped until one more letter fits; tell whether it does."""
        (rows,) = db.execute(_ROWS).fetchone()
        excess = int(rows) + 1 - self._max_rows
        for make_room in _MAKE_ROOM:
            if excess > 0:
                excess -= db.execute(make_room, (excess,)).rowcount
        if excess > 0:
            dropped = db.execute(_DROP_HEALTH, (excess,)).rowcount
            self.dropped += dropped
            excess -= dropped
        return excess <= 0

    def _mark_sent(self, db: sqlite3.Connection) -> bool:
        """Mark all acknowledged letters, and start the time for which they are kept."""
        until_s = self.running_s() + KEEP_S
        for identifier, stream in self._unsaved_acks.items():
            db.execute(_ACKNOWLEDGE[stream], (until_s, identifier))
        return True

    def _maintain(self, db: sqlite3.Connection) -> None:
        """Write only when something is due, for the memory card's sake."""
        now = self.running_s()
        (due,) = db.execute(_DUE, (now,)).fetchone()
        if due:
            for (identifier,) in db.execute(_RIPE, (now,)).fetchall():
                db.execute("UPDATE outcomes SET place = ? WHERE id = ?", (self._rng.random(), identifier))
        if now - self._saved_s >= CHECKPOINT_S:
            for forget in _FORGET:
                db.execute(forget, (now,))
            self._save_time(db)

    def _save_time(self, db: sqlite3.Connection) -> None:
        """Write running time into the file."""
        db.execute("UPDATE meta SET value = ? WHERE key = 'running_s'", (self.running_s(),))
        self._saved_s = self.running_s()

    def _retry_unsaved(self) -> None:
        """Try to store what the disk refused earlier."""
        for _ in range(len(self._unsaved)):
            letter, least_s, delay_s = self._unsaved[0]
            if self._try(partial(self._insert, letter=letter, least_s=least_s, delay_s=delay_s)) is None:
                return
            self._unsaved.popleft()


def set_aside(path: Path) -> Path:
    """Rename a damaged file to `NAME.damaged-N`, counting up, and remove the oldest beyond three."""
    taken = sorted(path.parent.glob(f"{path.name}.damaged-*"), key=_damaged_number)
    number = _damaged_number(taken[-1]) + 1 if taken else 1
    for old in taken[: max(0, len(taken) + 1 - DAMAGED_KEPT)]:
        old.unlink()
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    return path.rename(path.with_name(f"{path.name}.damaged-{number}"))


def _damaged_number(path: Path) -> int:
    """Return the N of `NAME.damaged-N`."""
    return int(path.name.rpartition("-")[2])
