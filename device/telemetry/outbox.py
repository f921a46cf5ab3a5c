"""Letters on disk until the broker has had them, and until it has shown that it will not forget them.

SQLite in WAL mode with `synchronous=FULL`: what `enqueue` accepted survives kill -9 and a power cut.
Time inside is *running time*: seconds this outbox has been open, kept in the file, so that no jump of
the wall clock shortens a delay; an unclean stop may lengthen it by `CHECKPOINT_S`.

A PUBACK is not durability: a broker killed before it saved forgets what it acknowledged. Letters that were
acknowledged are therefore *marked*: a bookmark is left with the broker after them (see `bookmarks`), and
who finds it again at least `KEEP_S` later knows that everything before it has been saved.
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
from device.telemetry import tables
from device.telemetry.records import Kind, Letter

Stream = Literal["fleet", "outcomes"]
Found = TypeVar("Found")

KEEP_S = 1_800.0  # Mosquitto's default autosave_interval: until then an acknowledged message may be lost
LONGEST_KEEP_S = 86_400.0  # where no bookmark can be left: how long a connection has to last instead (chosen)
MARK_S = 900.0  # between two bookmarks: the most that a reconnection repeats in vain (chosen)
MAX_AGE_S = 2_592_000.0  # 30 days, as the configuration's default
CHECKPOINT_S = 300.0  # how much running time an unclean stop may forget; each costs one disk write
RETRY_S = 30.0  # between attempts to write to a disk that refused
BUSY_S = 0.2  # how long a step may wait for another reader of the file
UNSAVED_LETTERS = 100  # faults and outcomes held in memory while the disk refuses; the oldest go first
DAMAGED_KEPT = 3  # set-aside files left on the disk

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
        max_age_s: health that has waited this long (running time) is dropped; faults and outcomes never.
    """

    def __init__(
        self, path: Path, clock: Clock, rng: random.Random, max_rows: int, max_age_s: float = MAX_AGE_S,
    ) -> None:
        self.epoch = f"{rng.getrandbits(128):032x}"
        self.dropped = 0
        self.connected = False  # whether the broker can be asked: nothing acknowledged is forgotten otherwise
        self._path = path
        self._clock = clock
        self._rng = rng
        self._max_rows = max_rows
        self._max_age_s = max_age_s
        self._keep_s = LONGEST_KEEP_S
        self._marked_s = clock.monotonic()
        self._db: sqlite3.Connection | None = None
        self._number = 0
        self._base_s = 0.0
        self._opened_s = clock.monotonic()
        self._saved_s = 0.0
        self._retry_s = clock.monotonic()
        self._faults: dict[str, Fault] = {}
        self._unsaved: deque[tuple[Letter, float]] = deque(maxlen=UNSAVED_LETTERS)
        self._unsaved_acks: dict[str, Stream] = {}
        self._try(self._save_time)

    def running_s(self) -> float:
        """Return the seconds this outbox has been open in all, over restarts."""
        return self._base_s + self._clock.monotonic() - self._opened_s

    def next_number(self) -> int:
        """Return the next number of the fleet stream."""
        self._number += 1
        return self._number

    def enqueue(self, letter: Letter, *, wait_s: float = 0.0) -> bool:
        """Store a letter durably; True once it is on the disk.

        An outcome leaves not before `wait_s` seconds of running time, and ends the draft. A fault or
        outcome that the disk refused is kept in memory and tried again later.
        """
        stored = self._try(partial(self._insert, letter=letter, wait_s=wait_s))
        if stored is None and letter.kind is not Kind.HEALTH:
            self._unsaved.append((letter, wait_s))
        return bool(stored)

    def peek(self, stream: Stream, limit: int) -> list[Letter]:
        """Return the letters that should be sent next, in order, and leave them where they are."""
        wanted = (limit + len(self._unsaved_acks),)
        rows = self._try(lambda db: db.execute(tables.PEEK[stream], wanted).fetchall())
        letters = [Letter(id=row[0], kind=Kind(row[1]), topic=row[2], payload=row[3], retain=bool(row[4]),
                          number=row[5]) for row in rows or ()]
        return [letter for letter in letters if letter.id not in self._unsaved_acks][:limit]

    def acknowledge(self, stream: Stream, identifiers: Iterable[str]) -> None:
        """Mark letters as received by the broker; they are kept until a bookmark has proved it."""
        self._unsaved_acks.update(dict.fromkeys(identifiers, stream))
        if self._unsaved_acks and self._try(self._mark_sent) is not None:
            self._unsaved_acks.clear()

    def reconnected(self, draw_s: Callable[[], float]) -> None:
        """Repeat what no bookmark covers, and ask for every bookmark: the broker may have lost them.

        Outcomes that were about to leave, or leave once more, wait anew for a time drawn by `draw_s`:
        were they sent when the unit comes back, its birth would say whose they are.
        """
        def work(db: sqlite3.Connection) -> bool:
            for statement in tables.ABANDON_MARKS:
                db.execute(statement)
            self._delay(db, (*db.execute(tables.READY), *db.execute(tables.UNMARKED_OUTCOMES)), draw_s)
            db.execute(tables.UNMARKED_AGAIN)
            db.execute(tables.ASK_ALL)
            return True
        self._try(work)

    def wait_anew(self, draw_s: Callable[[], float]) -> None:
        """Delay every outcome that is ready: two that leave together would be known to be of one unit."""
        self._try(lambda db: self._delay(db, db.execute(tables.READY).fetchall(), draw_s))

    def date_outcomes(self, year: int) -> None:
        """Give outcomes of a time without a clock the year in which it was set.

        They are few, and the fleet stream says whose clock was unset: a missing year would be a name.
        """
        self._try(lambda db: db.execute(tables.DATE, {"dated": f'"year":{year}'}))

    def begin_mark(self, name: str) -> bool:
        """Put all acknowledged letters under a bookmark that is to be made; False when there is no need.

        There is, once there is an acknowledged outcome, and otherwise every `MARK_S`.
        """
        fleet, outcomes = self._try(lambda db: db.execute(tables.UNMARKED).fetchone()) or (0, 0)
        if not outcomes and (not fleet or self._clock.monotonic() - self._marked_s < MARK_S):
            return False
        self._marked_s = self._clock.monotonic()
        return bool(self._try(lambda db: [db.execute(one, {"id": name}) for one in tables.BEGIN_MARK]))

    def finish_mark(self, name: str) -> None:
        """The broker has the bookmark, and so had the letters before it."""
        self._try(lambda db: db.execute(tables.FINISH_MARK, (self.running_s(), name)))

    def abandon_marks(self) -> None:
        """The bookmark that was being made has failed."""
        self._try(lambda db: [db.execute(statement) for statement in tables.ABANDON_MARKS])

    def question(self) -> str | None:
        """Return a bookmark that the broker should be asked for."""
        row = self._try(lambda db: db.execute(tables.QUESTION, (self.running_s() - KEEP_S,)).fetchone())
        return str(row[0]) if row else None

    def answer(self, name: str, *, known: bool, draw_s: Callable[[], float]) -> None:
        """Take note of whether the broker still knew a bookmark: forget its letters, or send them again."""
        def work(db: sqlite3.Connection) -> bool:
            if not known:
                self._delay(db, db.execute(tables.MARKED_OUTCOMES, (name,)).fetchall(), draw_s)
                db.execute(tables.MARKED_AGAIN, (name,))
                db.execute(tables.FORGET_BOOKMARK, (name,))
            elif db.execute(tables.MADE, (name,)).fetchone()[0] <= self.running_s() - KEEP_S:
                for statement in tables.FORGET_MARKED:
                    db.execute(statement, (name,))
            else:
                db.execute(tables.ANSWERED, (name,))
            return True
        self._try(work)

    def trust_receipts(self) -> None:
        """Keep acknowledged letters for `KEEP_S` only: this broker takes no bookmarks."""
        self._keep_s = KEEP_S

    def tick(self, share: float = 1.0) -> None:
        """Make outcomes ready that are due, forget and drop what is too old; call once a second.

        Args:
            share: of the outcomes that are due, how many may leave by now (0 to 1): each has a place of
                its own, drawn when it was stored.
        """
        self.acknowledge("fleet", ())
        if self._unsaved and self._clock.monotonic() >= self._retry_s:
            self._retry_unsaved()
        self._try(partial(self._maintain, share=share))

    def depth(self, stream: Stream) -> int:
        """Return how many letters of a stream wait for the broker, delayed outcomes included."""
        row = self._try(lambda db: db.execute(tables.WAITING[stream]).fetchone())
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
        tables.prepare(db, self._rng)
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

    def _insert(self, db: sqlite3.Connection, letter: Letter, wait_s: float) -> bool:
        """Make room and store one letter; False when there is no room."""
        if not self._make_room(db):
            self._faults[FULL.code] = FULL
            self.dropped += letter.kind is not Kind.OUTCOME
            return False
        self._faults.pop(FULL.code, None)
        now = self.running_s()
        if letter.kind is Kind.OUTCOME:
            db.execute(tables.INSERT_OUTCOME, (letter.id, letter.topic, letter.payload, now + wait_s,
                                               self._rng.random()))
            db.execute("DELETE FROM draft")
        else:
            db.execute(tables.INSERT_FLEET, (letter.number, letter.id, letter.kind, letter.topic,
                                             letter.payload, letter.retain, now))
        return True

    def _make_room(self, db: sqlite3.Connection) -> bool:
        """Drop what may be dropped until one more letter fits; tell whether it does."""
        (rows,) = db.execute(tables.ROWS).fetchone()
        excess = int(rows) + 1 - self._max_rows
        for make_room in tables.MAKE_ROOM:
            if excess > 0:
                excess -= db.execute(make_room, (excess,)).rowcount
        if excess > 0:
            dropped = db.execute(tables.DROP_HEALTH, (excess,)).rowcount
            self.dropped += dropped
            excess -= dropped
        return excess <= 0

    def _mark_sent(self, db: sqlite3.Connection) -> bool:
        """Mark all acknowledged letters."""
        for identifier, stream in self._unsaved_acks.items():
            db.execute(tables.ACKNOWLEDGE[stream], (self.running_s(), identifier))
        return True

    def _delay(
        self, db: sqlite3.Connection, rows: Iterable[tuple[str]], draw_s: Callable[[], float],
    ) -> bool:
        """Give each of these outcomes a wait of its own."""
        for (identifier,) in rows:
            db.execute(tables.DELAY, (self.running_s() + draw_s(), identifier))
        return True

    def _maintain(self, db: sqlite3.Connection, share: float) -> None:
        """Write only when something is due, for the memory card's sake."""
        now = self.running_s()
        if db.execute(tables.RIPE, (now, share)).fetchone()[0]:
            db.execute(tables.RIPEN, (now, share))
        if now - self._saved_s >= CHECKPOINT_S:
            for forget in tables.FORGET if self.connected else ():
                db.execute(forget, (now - self._keep_s,))
            self.dropped += db.execute(tables.DROP_OLD_HEALTH, (now - self._max_age_s,)).rowcount
            self._save_time(db)

    def _save_time(self, db: sqlite3.Connection) -> None:
        """Write running time into the file."""
        db.execute("UPDATE meta SET value = ? WHERE key = 'running_s'", (self.running_s(),))
        self._saved_s = self.running_s()

    def _retry_unsaved(self) -> None:
        """Try to store what the disk refused earlier."""
        for _ in range(len(self._unsaved)):
            letter, wait_s = self._unsaved[0]
            if self._try(partial(self._insert, letter=letter, wait_s=wait_s)) is None:
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
