"""The session that survives a restart of its process: one small file on the run directory's tmpfs.

Written at the start, at every phrase and every few seconds; cleared when the session is over. A
restarted process goes on with it when it is at most 30 s old and of the same boot; anything else is
set aside as `session.json.aside` and the device is idle. After a power cut nothing starts by itself, unless
a site has asked for it (`device.control.power_cut`).
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from device.control.performance import Performance, PerformanceState
from device.control.session import SessionState
from device.messages import Fault, SessionPhase, Severity

MAX_AGE_S = 30.0
SAVE_EVERY_S = 5.0  # a phrase may be longer than a restart may take
STORE_FAULT = Fault(
    code="session_store", severity=Severity.INFO,
    advice="the running session cannot be saved and would not survive a restart: check space and "
           "rights of the run directory",
)
DAMAGED_FAULT = Fault(
    code="session_damaged", severity=Severity.INFO,
    advice="the saved session was unreadable and was set aside as session.json.aside; the unit is idle",
)
BOOT_ID_PATH = Path("/proc/sys/kernel/random/boot_id")


class SavedSession(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session in progress, as it was at monotonic time `saved_s` of boot `boot_id`."""

    boot_id: str
    saved_s: float
    session: SessionState
    performance: PerformanceState


def read_boot_id(path: Path = BOOT_ID_PATH) -> str:
    """Return the kernel's random name of this boot (random(4)).

    Raises:
        OSError: the file cannot be read.
    """
    return path.read_text(encoding="ascii").strip()


class SessionStore:
    """Keeps the one saved session.

    Args:
        folder: a directory on tmpfs; the file is `session.json` in it.
        boot_id: of this boot.
    """

    def __init__(self, folder: Path, boot_id: str) -> None:
        self._path = folder / "session.json"
        self._boot_id = boot_id
        self._damaged = False

    @property
    def damaged(self) -> bool:
        """Tell whether an unreadable file has been set aside."""
        return self._damaged

    def save(self, at_s: float, session: SessionState, performance: PerformanceState) -> None:
        """Write atomically: a reader finds the old or the new session, never half of one.

        Raises:
            OSError: the file cannot be written.
        """
        saved = SavedSession(boot_id=self._boot_id, saved_s=at_s, session=session, performance=performance)
        fresh = self._path.with_suffix(".json.new")
        fresh.write_bytes(msgspec.json.encode(saved))
        fresh.replace(self._path)

    def clear(self) -> None:
        """Forget the session.

        Raises:
            OSError: the file is there and cannot be removed.
        """
        self._path.unlink(missing_ok=True)

    def load(self, at_s: float) -> SavedSession | None:
        """Return the session to go on with, or None; a file of no use is set aside.

        Raises:
            OSError: the file is there and can be neither read nor set aside.
        """
        try:
            saved = msgspec.json.decode(self._path.read_bytes(), type=SavedSession)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError:
            self._damaged = True
            saved = None
        if saved is not None and self._usable(saved, at_s):
            return saved
        self._path.replace(self._path.with_suffix(".json.aside"))
        return None

    def _usable(self, saved: SavedSession, at_s: float) -> bool:
        """Tell whether the session is of this boot, fresh, and was sounding."""
        fresh = 0.0 <= at_s - saved.saved_s <= MAX_AGE_S
        playing = saved.session.phase in {SessionPhase.RUNNING, SessionPhase.ENDING}
        return fresh and playing and saved.boot_id == self._boot_id


class SessionKeeper:
    """Saves and clears at the right moments; a full or unwritable folder is a fault, not a stop."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store
        self._saved: SessionState | None = None
        self._due_s = float("-inf")
        self._failed = False

    def resume(self, at_s: float) -> SavedSession | None:
        """Return the session to go on with, or None."""
        try:
            saved = self._store.load(at_s)
        except OSError:
            self._failed = True
            return None
        self._saved = saved.session if saved else None
        return saved

    def update(self, at_s: float, session: SessionState | None, performance: Performance | None,
               *, wrote_phrase: bool) -> None:
        """Save a session that plays, clear one that is over; does nothing most of the time.

        Args:
            at_s: monotonic seconds.
            session: the session in progress, None when idle.
            performance: its music, None when none should sound.
            wrote_phrase: a phrase was sent since the last call.
        """
        state = performance.state() if performance else None
        try:
            if session is None or state is None:
                self._clear()
            elif wrote_phrase or session != self._saved or at_s >= self._due_s:
                self._store.save(at_s, session, state)
                self._saved = session
                self._due_s = at_s + SAVE_EVERY_S
        except OSError:
            self._failed = True
            self._due_s = at_s + SAVE_EVERY_S
        else:
            self._failed = False

    def faults(self) -> tuple[Fault, ...]:
        """Return `session_store` while it cannot be saved, `session_damaged` if a file was set aside."""
        return (STORE_FAULT,) * self._failed + (DAMAGED_FAULT,) * self._store.damaged

    def _clear(self) -> None:
        """Forget what was saved, once."""
        if self._saved is not None:
            self._store.clear()
            self._saved = None
