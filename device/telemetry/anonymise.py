"""From what happens on the bus to a session outcome in which nobody can be found.

An outcome says nothing that the fleet stream shows as well: how long a unit played, how a program ended
and when its sensors had contact can be read there minute by minute, so any of these in an outcome would
say whose it is.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

import msgspec

from device.messages import Rating, Session, SessionPhase, Stress, StressBand
from device.telemetry.records import LONGEST_SESSION_MIN, Outcome, Year
from device.telemetry.words import WORDS

BIN_S = 30.0  # finest grain in which stress bands are counted, and only on the device
LAST_BIN = int(LONGEST_SESSION_MIN * 60.0 / BIN_S)
FRESH_S = 5.0  # a stress estimate older than this says nothing about now
SHORTEST_S = 300.0  # a shorter session has no beginning and end to compare (chosen)
SETTLE_S = 3.0  # a session is over when it has been silent this long: a restarted conductor resumes it
BATCH_S = 3_600.0  # outcomes of all units leave in common batches, one an hour by the wall clock (chosen) ...
BATCH_LASTS_S = 600.0  # ... within this long, each at a moment of its own
SHORTEST_BATCHED_S = 86_400.0  # outcomes that wait for less (a desk, a test) leave when they are due
CLOCK_SET_S = 1_696_896_000.0  # 2023-10-10, Raspberry Pi OS 12: any earlier wall time is an unset clock
EDGES = ".,;:!?()[]'\"`…-"  # marks around a word
ADVICE_LENGTH = 240

_BANDS = (StressBand.LOW, StressBand.MEDIUM, StressBand.HIGH, StressBand.UNKNOWN)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A session still running, as kept on the device's own disk; it never leaves.

    `bins` counts seconds by band (low, medium, high, unknown) for every `BIN_S` of the session.
    """

    seed: int
    elapsed_s: float
    bins: tuple[tuple[int, int, int, int], ...] = ()
    rating: Rating | None = None


class SessionTally:
    """Counts stress bands while a session runs and says when it has ended.

    Args:
        draft: what an earlier process had counted of a session that may still be running, or None.
        ask_s: how long after a session somebody may still tell how it was; 0 where nobody is asked.
    """

    def __init__(self, draft: Draft | None, ask_s: float = 0.0) -> None:
        self._draft = draft
        self._ask_s = ask_s
        self._asked = False  # this process saw a gentle end: a rating told now is of that session
        self._finished: list[Draft] = []
        self._band = StressBand.UNKNOWN
        self._band_at_s = -FRESH_S
        self._silent_since_s: float | None = None

    @property
    def draft(self) -> Draft | None:
        """The session that is being counted."""
        return self._draft

    def observe_stress(self, stress: Stress) -> None:
        """Take note of the band, and of nothing else."""
        self._band, self._band_at_s = stress.band, stress.at_s

    def observe_session(self, session: Session) -> None:
        """Count a second of the session, or notice that it began or ended."""
        if session.phase in {SessionPhase.RUNNING, SessionPhase.ENDING}:
            self._silent_since_s = None
            self._count(session)
            self._asked = session.phase is SessionPhase.ENDING and self._ask_s > 0.0
        elif self._draft is not None:
            self._note_rating(session)
            if self._silent_since_s is None:
                self._silent_since_s = session.at_s
            patience_s = max(SETTLE_S, self._ask_s) if self._asked else SETTLE_S
            if session.at_s - self._silent_since_s >= patience_s:
                self.finish_silent()

    def finish_silent(self) -> None:
        """End a session that is silent now without waiting any longer; leave a running one alone."""
        if self._draft is not None and self._silent_since_s is not None:
            self._finished.append(self._draft)
            self._draft = None
            self._silent_since_s = None

    def take_finished(self) -> list[Draft]:
        """Return the sessions that have ended since the last call."""
        finished, self._finished = self._finished, []
        return finished

    def _note_rating(self, session: Session) -> None:
        """Keep how it was; nobody is asked after a session that was silenced, nor once there is an answer."""
        if session.phase is SessionPhase.MUTED:
            self._asked = False
        if self._asked and session.rating is not None and self._draft is not None:
            self._draft = msgspec.structs.replace(self._draft, rating=session.rating)
            self._asked = False

    def _count(self, session: Session) -> None:
        """Add the seconds that have passed in the session's own time under the present band."""
        draft = self._draft
        if draft is not None and (draft.seed != session.seed or session.elapsed_s < draft.elapsed_s - BIN_S):
            self._finished.append(draft)
            draft = None
        if draft is None:
            self._draft = Draft(seed=session.seed, elapsed_s=session.elapsed_s)
            return
        if int(session.elapsed_s) <= int(draft.elapsed_s):
            self._draft = draft
            return
        fresh = session.at_s - self._band_at_s <= FRESH_S
        band = self._band if fresh else StressBand.UNKNOWN
        place = min(LAST_BIN, int(session.elapsed_s / BIN_S))
        bins = _add_second(draft.bins, place, _BANDS.index(band))
        self._draft = Draft(seed=draft.seed, elapsed_s=session.elapsed_s, bins=bins)


def outcome_of(draft: Draft, identifier: str, wall_s: float) -> Outcome:
    """Return the coarse record of an ended session under a random identifier.

    It tells of both ends of the session or of neither: one known level beside an unknown one would say
    when the sensors had contact. Nor does it tell how a session was that is too short for levels.
    """
    first, last = ends_of(draft)
    if StressBand.UNKNOWN in {first, last}:
        first = last = StressBand.UNKNOWN
    return Outcome(id=identifier, year=year_of(wall_s), stress_first_third=first, stress_last_third=last,
                   rating=draft.rating if draft.elapsed_s >= SHORTEST_S else None)


def ends_of(draft: Draft) -> tuple[StressBand, StressBand]:
    """Return the prevailing levels of the first and the last third; unknown when it was over too soon."""
    if draft.elapsed_s < SHORTEST_S or not draft.bins:
        return StressBand.UNKNOWN, StressBand.UNKNOWN
    third = len(draft.bins) / 3
    return (prevailing(draft.bins[: max(1, round(third))]),
            prevailing(draft.bins[min(len(draft.bins) - 1, round(2 * third)):]))


def prevailing(bins: Sequence[tuple[int, int, int, int]]) -> StressBand:
    """Return the most frequent known band, the higher of two equals; unknown when half or more is unknown."""
    low, medium, high, unknown = (sum(column) for column in zip(*bins, strict=True)) if bins else (0, 0, 0, 0)
    if unknown >= low + medium + high:
        return StressBand.UNKNOWN
    return max((high, 2, StressBand.HIGH), (medium, 1, StressBand.MEDIUM), (low, 0, StressBand.LOW))[2]


def year_of(wall_s: float) -> Year | None:
    """Return the year (UTC), or None while the clock has not been set."""
    return time.gmtime(wall_s).tm_year if is_clock_set(wall_s) else None


def is_clock_set(wall_s: float) -> bool:
    """Tell whether the wall clock can be right: a Pi has no clock chip and starts in the past."""
    return wall_s >= CLOCK_SET_S


def share_of_batch(wall_s: float, longest_wait_s: float) -> float:
    """Return how much of the present batch of outcomes may have left, 0 to 1; 0 between two batches.

    Batches are common to all units of a clinic, so a time of arrival says which hour it was and no more.
    """
    if longest_wait_s < SHORTEST_BATCHED_S or wall_s < CLOCK_SET_S:
        return 1.0
    into_s = wall_s % BATCH_S
    return min(1.0, into_s / (BATCH_LASTS_S - 10.0)) if into_s <= BATCH_LASTS_S else 0.0


def minute_of(wall_s: float) -> str | None:
    """Return UTC to the minute for the fleet stream, or None while the clock has not been set."""
    return time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(wall_s)) if is_clock_set(wall_s) else None


def bare_word(word: str) -> str:
    """Return a word in small letters, without what stands around it."""
    return word.lower().strip(EDGES)


def scrub(words: str, names: Sequence[str]) -> str:
    """Leave of a text the words that the firmware itself uses, without the names given.

    What another service writes as advice is the one free text of the fleet stream, and may quote the
    system: a path, a host, a part's own name, a reading. Every word that is not one of the firmware's own
    (`device.telemetry.words`) becomes `…`, and so does every number.
    """
    for name in sorted(filter(None, names), key=len, reverse=True):
        words = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "…", words, flags=re.IGNORECASE)
    kept = " ".join(_kept(word) for word in words.split())
    return re.sub(r"…(?:\s*…)+", "…", kept)[:ADVICE_LENGTH]


def _kept(word: str) -> str:
    """Return a word of the firmware's own with the marks around it, or the mark that stands for others."""
    bare = bare_word(word)
    if not bare or bare in WORDS:
        return word
    return f"…{word[-1]}" if word[-1] in ",;:." else "…"


def _add_second(
    bins: tuple[tuple[int, int, int, int], ...], place: int, band: int,
) -> tuple[tuple[int, int, int, int], ...]:
    """Return the counts with one more second in a bin, grown with empty bins up to it."""
    grown = [list(counts) for counts in bins] + [[0, 0, 0, 0] for _ in range(place + 1 - len(bins))]
    grown[place][band] += 1
    return tuple((low, medium, high, unknown) for low, medium, high, unknown in grown)
