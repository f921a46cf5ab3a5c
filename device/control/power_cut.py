"""A session that goes on after a power cut, where a site has asked for it (`program.resume_after_power_cut`).

By itself a unit that gets its power back is idle. Music that begins unasked must reach the person it was
meant for, so it may only follow within five minutes, and that has to be known, not guessed: a Pi has no
clock chip, and a clock that was set from a file at boot tells too early a time however long the power was
off. So the age of a session counts only where the clock was synchronised when it was saved and is again
now. Until then, and for five minutes at most, the unit waits, idle; a press ends the waiting. Without a
time server nothing ever goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from device.control.durable import replace_durably, sync_folder
from device.control.performance import Performance
from device.control.resume import DAMAGED_FAULT, STORE_FAULT, SavedSession
from device.control.session import SessionState
from device.messages import Fault, SessionPhase

MAX_CUT_S: Final = 300.0  # chosen: a plug that was pulled by mistake is back, the patient still the same
SAVE_EVERY_S: Final = 20.0  # chosen: what a cut may take from a session, against wear of the SD card
SYNCHRONISED_PATH = Path("/run/systemd/timesync/synchronized")  # systemd-timesyncd(8): made at the first
# synchronisation of this boot


class CutSession(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session as it was at synchronised wall time `wall_s` (seconds since 1970)."""

    wall_s: float
    saved: SavedSession


class PowerCutStore:
    """Keeps the one session on the medium.

    Args:
        folder: the conductor's state directory; the file is `session.json` in it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "session.json"

    def save(self, session: CutSession) -> None:
        """Replace what is kept.

        Raises:
            OSError: it cannot be written.
        """
        replace_durably(self._path, msgspec.json.encode(session))

    def clear(self) -> None:
        """Forget what is kept.

        Raises:
            OSError: it is there and cannot be removed.
        """
        if self._path.exists():
            self._path.unlink()
            sync_folder(self._path.parent)

    def load(self) -> CutSession | None:
        """Return what is kept, or None.

        Raises:
            OSError: the file can neither be read nor set aside.
            msgspec.DecodeError: it was damaged and has been set aside as `session.json.aside`.
        """
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=CutSession)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError:
            self._path.replace(self._path.with_suffix(".json.aside"))
            raise


def at_present(cut: CutSession, at_s: float, boot_id: str) -> SavedSession:
    """Return a session of an earlier boot as if it had been saved at monotonic time `at_s` of this one."""
    shift_s = at_s - cut.saved.saved_s
    session, performance = cut.saved.session, cut.saved.performance
    phrase = performance.last_phrase
    moved = phrase and msgspec.structs.replace(
        phrase, at_s=phrase.at_s + shift_s, start_s=phrase.start_s + shift_s)
    return SavedSession(
        boot_id=boot_id, saved_s=at_s,
        session=msgspec.structs.replace(session, started_s=session.started_s + shift_s),
        performance=msgspec.structs.replace(performance, music_end_s=None, last_phrase=moved))


class PowerCutKeeper:
    """Saves the session of this boot, and gives back that of the last one when its age is known.

    Args:
        store: where it is kept.
        boot_id: of this boot.
        synchronised: tells whether the wall clock has been set by a time server since the boot.
        at_s: monotonic seconds now.
    """

    def __init__(self, store: PowerCutStore, boot_id: str, synchronised: Callable[[], bool],
                 at_s: float) -> None:
        self._store = store
        self._boot_id = boot_id
        self._synchronised = synchronised
        self._until_s = at_s + MAX_CUT_S
        self._due_s = float("-inf")
        self._saved: SessionState | None = None
        self._kept = True  # something may lie there
        self._failed = False
        self._damaged = False
        self._waiting = self._load()

    def forget(self) -> None:
        """Give up the session of the last boot: somebody has used the button."""
        self._waiting = None

    def take(self, at_s: float, wall_s: float) -> SavedSession | None:
        """Return the session to go on with, once, as soon as it is known to be recent enough.

        Args:
            at_s: monotonic seconds.
            wall_s: seconds since 1970.
        """
        cut = self._waiting
        if cut is None:
            return None
        if at_s > self._until_s:
            self._waiting = None
        elif self._synchronised():
            self._waiting = None
            if 0.0 <= wall_s - cut.wall_s <= MAX_CUT_S:
                return at_present(cut, at_s, self._boot_id)
        return None

    def update(self, at_s: float, wall_s: float, session: SessionState | None,
               performance: Performance | None, *, hurried: bool) -> None:
        """Save a session that plays when it changes and every 20 s, clear one that is over.

        Args:
            at_s: monotonic seconds.
            wall_s: seconds since 1970.
            session: the session in progress, None when idle.
            performance: its music, None when none should sound.
            hurried: a finger is on the button, which a slow medium must not hold up: save later.
        """
        if self._waiting is not None:
            return
        running = session is not None and session.phase is SessionPhase.RUNNING
        try:
            if session is None or performance is None or not running or not self._synchronised():
                self._clear()
            elif not hurried and (session != self._saved or at_s >= self._due_s):
                self._save(at_s, wall_s, session, performance)
        except OSError:
            self._failed = True
            self._due_s = at_s + SAVE_EVERY_S
            self._saved = session
        else:
            self._failed = False

    def faults(self) -> tuple[Fault, ...]:
        """Return `session_store` while it cannot be kept, `session_damaged` if a file was set aside."""
        return (STORE_FAULT,) * self._failed + (DAMAGED_FAULT,) * self._damaged

    def _load(self) -> CutSession | None:
        """Return the session that another boot left, if it was running."""
        try:
            cut = self._store.load()
        except msgspec.DecodeError:
            self._damaged = True
            return None
        except OSError:
            self._failed = True
            return None
        if cut is None or cut.saved.boot_id == self._boot_id:
            return None
        return cut if cut.saved.session.phase is SessionPhase.RUNNING else None

    def _save(self, at_s: float, wall_s: float, session: SessionState, performance: Performance) -> None:
        """Write down a session."""
        state = performance.state()
        if state is None:
            return
        self._kept = True
        self._store.save(CutSession(wall_s=wall_s, saved=SavedSession(
            boot_id=self._boot_id, saved_s=at_s, session=session, performance=state)))
        self._saved = session
        self._due_s = at_s + SAVE_EVERY_S

    def _clear(self) -> None:
        """Forget what was kept, once."""
        if self._kept:
            self._store.clear()
            self._kept = False
            self._saved = None
