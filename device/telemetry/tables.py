"""The outbox's file: its tables, how an older one is brought up to date, and the statements on it."""

from __future__ import annotations

import random
import sqlite3

VERSION = 1

SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA secure_delete = ON;
PRAGMA journal_size_limit = 1000000;
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fleet (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, topic TEXT NOT NULL,
  payload BLOB NOT NULL, retain INTEGER NOT NULL, stored_s REAL NOT NULL, sent INTEGER NOT NULL DEFAULT 0,
  acked_s REAL, bookmark TEXT);
CREATE TABLE IF NOT EXISTS outcomes (
  id TEXT PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL, due_s REAL NOT NULL, place REAL NOT NULL,
  ready INTEGER NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0, acked_s REAL, bookmark TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bookmarks (id TEXT PRIMARY KEY, made_s REAL, asked INTEGER NOT NULL DEFAULT 0)
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS draft (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS fleet_waiting ON fleet (number) WHERE sent = 0;
CREATE INDEX IF NOT EXISTS fleet_had ON fleet (number) WHERE sent = 1;
"""

PEEK = {
    "fleet": "SELECT id, kind, topic, payload, retain, number FROM fleet "
             "WHERE sent = 0 ORDER BY number LIMIT ?",
    "outcomes": "SELECT id, 'outcome', topic, payload, 0, 0 FROM outcomes "
                "WHERE sent = 0 AND ready = 1 ORDER BY place LIMIT ?",
}
ACKNOWLEDGE = {
    "fleet": "UPDATE fleet SET sent = 1, acked_s = ? WHERE id = ?",
    "outcomes": "UPDATE outcomes SET sent = 1, acked_s = ? WHERE id = ?",
}
INSERT_FLEET = ("INSERT INTO fleet (number, id, kind, topic, payload, retain, stored_s) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)")
INSERT_OUTCOME = "INSERT INTO outcomes (id, topic, payload, due_s, place) VALUES (?, ?, ?, ?, ?)"
ROWS = "SELECT (SELECT count(*) FROM fleet) + (SELECT count(*) FROM outcomes)"
WAITING = {
    "fleet": "SELECT count(*) FROM fleet WHERE sent = 0",
    "outcomes": "SELECT count(*) FROM outcomes WHERE sent = 0",
}
MAKE_ROOM = (
    "DELETE FROM fleet WHERE number IN (SELECT number FROM fleet WHERE sent = 1 ORDER BY number LIMIT ?)",
    "DELETE FROM outcomes WHERE id IN (SELECT id FROM outcomes WHERE sent = 1 ORDER BY acked_s LIMIT ?)",
)
DROP_HEALTH = ("DELETE FROM fleet WHERE number IN "
               "(SELECT number FROM fleet WHERE kind = 'health' ORDER BY number LIMIT ?)")
DROP_OLD_HEALTH = "DELETE FROM fleet WHERE kind = 'health' AND sent = 0 AND stored_s <= ?"
RIPE = "SELECT count(*) FROM outcomes WHERE ready = 0 AND sent = 0 AND due_s <= ? AND place <= ?"
RIPEN = "UPDATE outcomes SET ready = 1 WHERE ready = 0 AND sent = 0 AND due_s <= ? AND place <= ?"
DELAY = "UPDATE outcomes SET sent = 0, ready = 0, acked_s = NULL, bookmark = NULL, due_s = ? WHERE id = ?"
DATE = ("UPDATE outcomes SET payload = CAST(replace(CAST(payload AS TEXT), '\"year\":null', :dated) AS BLOB) "
        "WHERE sent = 0 AND acked_s IS NULL AND CAST(payload AS TEXT) LIKE '%\"year\":null%'")
READY = "SELECT id FROM outcomes WHERE ready = 1 AND sent = 0"

# A bookmark whose `made_s` is null is being made; its letters count as unmarked until it is.
UNMARKED = ("SELECT (SELECT count(*) FROM fleet WHERE sent = 1 AND bookmark IS NULL), "
            "(SELECT count(*) FROM outcomes WHERE sent = 1 AND bookmark IS NULL)")
BEGIN_MARK = (
    "INSERT INTO bookmarks (id) VALUES (:id)",
    "UPDATE fleet SET bookmark = :id WHERE sent = 1 AND bookmark IS NULL",
    "UPDATE outcomes SET bookmark = :id WHERE sent = 1 AND bookmark IS NULL",
)
ABANDON_MARKS = (
    "UPDATE fleet SET bookmark = NULL WHERE bookmark IN (SELECT id FROM bookmarks WHERE made_s IS NULL)",
    "UPDATE outcomes SET bookmark = NULL WHERE bookmark IN (SELECT id FROM bookmarks WHERE made_s IS NULL)",
    "DELETE FROM bookmarks WHERE made_s IS NULL",
)
FINISH_MARK = "UPDATE bookmarks SET made_s = ? WHERE id = ?"
QUESTION = ("SELECT id, made_s FROM bookmarks WHERE made_s IS NOT NULL AND (asked = 1 OR made_s <= ?) "
            "ORDER BY made_s LIMIT 1")
MADE = "SELECT made_s FROM bookmarks WHERE id = ?"
ASK_ALL = "UPDATE bookmarks SET asked = 1"
ANSWERED = "UPDATE bookmarks SET asked = 0 WHERE id = ?"
FORGET_MARKED = (
    "DELETE FROM fleet WHERE sent = 1 AND bookmark = ?",
    "DELETE FROM outcomes WHERE sent = 1 AND bookmark = ?",
    "DELETE FROM bookmarks WHERE id = ?",
)
UNMARKED_AGAIN = "UPDATE fleet SET sent = 0, acked_s = NULL WHERE sent = 1 AND bookmark IS NULL"
UNMARKED_OUTCOMES = "SELECT id FROM outcomes WHERE sent = 1 AND bookmark IS NULL"
# All that came after goes once more as well, so that the newest state is the one the broker retains.
MARKED_AGAIN = ("UPDATE fleet SET sent = 0, acked_s = NULL, bookmark = NULL "
                "WHERE number >= (SELECT min(number) FROM fleet WHERE bookmark = ?)")
MARKED_OUTCOMES = "SELECT id FROM outcomes WHERE bookmark = ?"
FORGET_BOOKMARK = "DELETE FROM bookmarks WHERE id = ?"
FORGET = (
    "DELETE FROM fleet WHERE sent = 1 AND bookmark IS NULL AND acked_s <= ?",
    "DELETE FROM outcomes WHERE sent = 1 AND bookmark IS NULL AND acked_s <= ?",
)


def prepare(db: sqlite3.Connection, rng: random.Random) -> None:
    """Check the file and make or renew its tables.

    Raises:
        sqlite3.DatabaseError: the file is damaged, or of a newer firmware; its code is SQLITE_CORRUPT.
    """
    (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if verdict != "ok" or version > VERSION:
        damaged = sqlite3.DatabaseError(f"version {version}: {verdict}")
        damaged.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise damaged
    if db.execute("SELECT 1 FROM pragma_table_info('outcomes') WHERE name = 'least_s'").fetchone():
        _renew(db, rng)
    db.executescript(SCHEMA)
    if version < VERSION:
        db.execute(f"PRAGMA user_version = {VERSION}")


def _renew(db: sqlite3.Connection, rng: random.Random) -> None:
    """Carry the letters of the first firmware's tables over, in one transaction."""
    rows = db.execute("SELECT id, topic, payload, due_s, sent FROM outcomes").fetchall()
    places = [(*row[:4], rng.random(), row[4]) for row in rows]
    start = "(SELECT value FROM meta WHERE key = 'running_s')"
    db.execute("BEGIN IMMEDIATE")
    with db:
        db.execute("DROP TABLE outcomes")
        db.execute("ALTER TABLE fleet ADD COLUMN stored_s REAL NOT NULL DEFAULT 0")
        db.execute("ALTER TABLE fleet RENAME COLUMN keep_until_s TO acked_s")
        db.execute("ALTER TABLE fleet ADD COLUMN bookmark TEXT")
        db.execute(f"UPDATE fleet SET stored_s = {start}, "  # noqa: S608 - a constant
                   f"acked_s = CASE WHEN sent = 1 THEN {start} END")
        for statement in SCHEMA.split(";"):
            if "TABLE IF NOT EXISTS outcomes" in statement:
                db.execute(statement)
        db.executemany("INSERT INTO outcomes (id, topic, payload, due_s, place, sent) "
                       "VALUES (?, ?, ?, ?, ?, ?)", places)
        db.execute(f"UPDATE outcomes SET acked_s = {start} WHERE sent = 1")  # noqa: S608 - a constant
