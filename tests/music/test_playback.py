"""Messages to notes in time, on an instrument that writes down what it is asked to play."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import msgspec
import pytest

from device.messages import (
    MusicalTarget,
    Note,
    Phrase,
    Reason,
    Session,
    SessionPhase,
    Style,
    Target,
    Voice,
)
from device.music.playback import (
    LATE_S,
    MICRO_TIMING_S,
    MICRO_VELOCITY,
    OPENING_S,
    ORPHAN_FADE_S,
    ORPHAN_S,
    QUEUE_NOTES,
    ROLL_S,
    SETTLE_S,
    Playback,
    Transport,
)

BUFFER_S = 512 / 44_100
TARGET = MusicalTarget(pitch=0.5, tempo_bpm=60.0, timbre=0.5, intensity=0.5, density=0.5, percussiveness=0.5)


class Notebook:
    """An instrument that plays nothing and remembers everything."""

    def __init__(self) -> None:
        self.began: dict[int, tuple[Voice, int, float, float]] = {}
        self.ended: dict[int, float] = {}
        self.softened: list[int] = []
        self.shapes: list[MusicalTarget] = []
        self.released = 0
        self.breaths: list[str] = []
        self.styles: list[tuple[Style, float]] = []
        self._now_s = 0.0
        self._ids = itertools.count(1)

    def open(self) -> None:
        self.breaths.append("open")

    def settle(self) -> None:
        self.breaths.append("settle")

    def note_on(self, voice: Voice, pitch: int, velocity: float, at_s: float) -> int:
        number = next(self._ids)
        self.began[number] = (voice, pitch, velocity, at_s)
        self._now_s = at_s
        return number

    def note_off(self, note_id: int) -> None:
        self.ended[note_id] = self._now_s

    def soften(self, note_id: int) -> None:
        self.softened.append(note_id)

    def release_all(self) -> None:
        self.released += 1

    def shape(self, target: MusicalTarget) -> None:
        self.shapes.append(target)

    def choose(self, style: Style, at_s: float) -> None:
        self.styles.append((style, at_s))

    def tick(self, at_s: float) -> None:
        self._now_s = at_s

    def starts(self, voice: Voice) -> list[tuple[int, float]]:
        return [(pitch, at_s) for v, pitch, _, at_s in self.began.values() if v == voice]


def session(at_s: float = 0.0, phase: SessionPhase = SessionPhase.RUNNING, elapsed_s: float = 0.0) -> Session:
    return Session(at_s=at_s, phase=phase, seed=1, elapsed_s=elapsed_s, duration_s=600.0, fade_s=12.0)


def note(voice: Voice, pitch: int, start_beat: float, beats: float = 1.0, velocity: float = 0.5) -> Note:
    return Note(voice=voice, pitch=pitch, start_beat=start_beat, beats=beats, velocity=velocity)


def phrase(notes: Iterable[Note], start_s: float, number: int = 0, target: MusicalTarget = TARGET) -> Phrase:
    return Phrase(at_s=start_s - 1.0, phrase_id=number, start_s=start_s, beats=4.0, notes=tuple(notes),
                  target=target)


def run(playback: Playback, start_s: float, end_s: float, *, sessions: bool = True) -> None:
    """Play buffer after buffer, with a Session message a second unless told otherwise."""
    count = int((end_s - start_s) / BUFFER_S)
    told_s = start_s - 1.0
    for buffer in range(count):
        now_s = start_s + buffer * BUFFER_S
        if sessions and now_s >= told_s + 1.0:
            told_s = now_s
            playback.receive(session(now_s, elapsed_s=now_s), now_s)
        playback.play(now_s + BUFFER_S / 2)


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
def playback(notebook: Notebook) -> Playback:
    return Playback(notebook, 10.0)


def test_transport_starts_silent_and_stays_so() -> None:
    transport = Transport(10.0)
    assert [transport.level(t) for t in (0.0, 1.0, 1e6)] == [0.0, 0.0, 0.0]


def test_transport_opens_audibly_at_once_and_fully_after_the_fade() -> None:
    transport = Transport(10.0)
    transport.open(5.0)
    levels = [transport.level(5.0 + 0.05 * i) for i in range(260)]
    assert levels[0] == 0.0
    assert transport.level(5.0 + OPENING_S) == pytest.approx(0.316, abs=0.001)  # -10 dB
    assert transport.level(15.0) == pytest.approx(1.0)
    assert levels == sorted(levels)
    assert max(b - a for a, b in itertools.pairwise(levels)) < 0.06


def test_transport_closes_in_the_time_asked_for() -> None:
    transport = Transport(8.0)
    transport.open(0.0)
    transport.close(20.0, 12.0)
    assert transport.level(20.0) == pytest.approx(1.0)
    assert transport.level(26.0) == pytest.approx(0.25)  # -12 dB half way
    assert transport.level(31.9) > 0.0
    assert transport.level(32.0) == 0.0


def test_transport_repeated_close_does_not_prolong_but_may_shorten() -> None:
    transport = Transport(8.0)
    transport.open(0.0)
    for second in range(20, 30):
        transport.close(float(second), 12.0)
    assert transport.level(32.0) == 0.0
    transport.open(40.0)
    transport.close(50.0, 12.0)
    transport.close(51.0, 0.0)
    assert transport.level(51.0) == 0.0


def test_transport_reopens_from_where_it_is() -> None:
    transport = Transport(8.0)
    transport.open(0.0)
    transport.close(20.0, 10.0)
    before = transport.level(25.0)
    transport.open(25.0)
    assert transport.level(25.0) == pytest.approx(before)
    assert transport.level(33.0) == pytest.approx(1.0)


def test_playback_is_silent_without_a_session(playback: Playback, notebook: Notebook) -> None:
    playback.receive(phrase([note("pad", 60, 0.0, 4.0), note("melody", 72, 1.0)], 1.0), 0.0)
    run(playback, 0.0, 8.0, sessions=False)
    assert notebook.began == {}
    assert playback.fade(8.0) == 0.0
    assert playback.notes_skipped == 2


@pytest.mark.parametrize("tempo_bpm", [50.0, 61.7, 90.0])
def test_playback_starts_notes_within_twelve_milliseconds(
        playback: Playback, notebook: Notebook, tempo_bpm: float) -> None:
    target = MusicalTarget(**{**_fields(TARGET), "tempo_bpm": tempo_bpm})
    beats = [0.0, 0.5, 1.0, 1.75, 2.5, 3.0]
    playback.receive(session(), 0.0)
    notes = [note("melody", 60 + i, b) for i, b in enumerate(beats)]
    playback.receive(phrase(notes, 1.234, target=target), 0.0)
    run(playback, 0.0, 8.0)
    due = [1.234 + beat * 60.0 / tempo_bpm for beat in beats]
    started = notebook.starts("melody")
    assert [pitch for pitch, _ in started] == [60, 61, 62, 63, 64, 65]
    for (_, at_s), due_s in zip(started, due, strict=True):
        heard_s = at_s - BUFFER_S / 2  # `play` is given the middle of the buffer that then begins
        assert abs(heard_s - due_s) <= BUFFER_S / 2 + MICRO_TIMING_S + 0.001


def _fields(target: MusicalTarget) -> dict[str, float]:
    return {name: getattr(target, name) for name in target.__struct_fields__}


def test_playback_ends_notes_after_their_beats(playback: Playback, notebook: Notebook) -> None:
    playback.receive(session(), 0.0)
    playback.receive(phrase([note("bass", 40, 0.0, 3.0)], 1.0), 0.0)
    run(playback, 0.0, 6.0)
    assert notebook.ended[1] == pytest.approx(4.0, abs=2 * BUFFER_S)


def test_playback_plays_like_a_hand_and_the_same_way_again() -> None:
    def velocities() -> list[float]:
        notebook = Notebook()
        playback = Playback(notebook, 10.0)
        playback.receive(session(), 0.0)
        playback.receive(phrase([note("melody", 60 + i, i / 2) for i in range(8)], 1.0), 0.0)
        run(playback, 0.0, 6.0)
        return [velocity for _, _, velocity, _ in notebook.began.values()]

    first = velocities()
    assert len(set(first)) == 8
    assert all(abs(velocity - 0.5) <= MICRO_VELOCITY for velocity in first)
    assert velocities() == first
    assert MICRO_TIMING_S + BUFFER_S / 2 <= 0.012


def test_playback_skips_what_is_past_and_never_bunches(playback: Playback, notebook: Notebook) -> None:
    playback.receive(session(), 0.0)
    run(playback, 0.0, 3.0)
    playback.receive(phrase([note("melody", 60 + i, i / 2) for i in range(8)], 1.0), 3.0)
    run(playback, 3.0, 8.0)
    starts = [at_s for _, at_s in notebook.starts("melody")]
    assert [pitch for pitch, _ in notebook.starts("melody")] == [64, 65, 66, 67]
    assert playback.notes_skipped == 4
    assert min(b - a for a, b in itertools.pairwise(starts)) > 0.45


def test_playback_enters_a_late_pad_chord_that_still_has_time(playback: Playback, notebook: Notebook) -> None:
    playback.receive(session(), 0.0)
    run(playback, 0.0, 3.0)
    playback.receive(phrase([note("pad", 60, 0.0, 4.0), note("pad", 64, 0.0, 2.5)], 1.0), 3.0)
    run(playback, 3.0, 4.0)
    assert [pitch for pitch, _ in notebook.starts("pad")] == [60]  # the other has half a second left
    assert notebook.starts("pad")[0][1] == pytest.approx(3.0, abs=2 * BUFFER_S)


def test_playback_skips_notes_that_a_pause_of_the_process_made_late(
        playback: Playback, notebook: Notebook) -> None:
    playback.receive(session(), 0.0)
    playback.receive(phrase([note("melody", 60 + i, i / 4) for i in range(16)], 1.0), 0.0)
    run(playback, 0.0, 1.5)
    run(playback, 3.5, 6.0)
    starts = [at_s for _, at_s in notebook.starts("melody")]
    assert not [at_s for at_s in starts if 1.5 + LATE_S < at_s < 3.5]
    assert min(b - a for a, b in itertools.pairwise(starts)) > 0.2


def test_playback_drops_a_phrase_that_comes_twice(playback: Playback, notebook: Notebook) -> None:
    playback.receive(session(), 0.0)
    for _ in range(2):
        playback.receive(phrase([note("melody", 60, 0.0)], 1.0), 0.0)
    run(playback, 0.0, 3.0)
    assert len(notebook.began) == 1
    assert playback.dropped == 1


def test_playback_queue_is_bounded(playback: Playback) -> None:
    playback.receive(session(), 0.0)
    busy = [note("melody", 60, i / 100) for i in range(400)]
    for number in range(20):
        playback.receive(phrase(busy, 10.0 + 4.0 * number, number), 0.0)
    assert playback.dropped == 20 - QUEUE_NOTES // 401


def test_playback_lets_a_restarted_conductor_replace_what_was_queued(
        playback: Playback, notebook: Notebook) -> None:
    playback.receive(session(), 0.0)
    playback.receive(phrase([note("melody", 60, i) for i in range(4)], 1.0, 7), 0.0)
    playback.receive(phrase([note("melody", 61, i) for i in range(4)], 5.0, 8), 0.0)
    playback.receive(phrase([note("melody", 72, i) for i in range(4)], 3.5, 0), 0.0)
    run(playback, 0.0, 10.0)
    assert [pitch for pitch, _ in notebook.starts("melody")] == [60, 60, 60, 72, 72, 72, 72]
    assert playback.phrase_id == 0


def test_playback_holds_the_last_chord_softly_when_phrases_stop(
        playback: Playback, notebook: Notebook) -> None:
    playback.receive(session(), 0.0)
    chord = [note("pad", 60, 0.0, 4.0), note("pad", 64, 0.0, 4.0), note("bass", 40, 0.0, 4.0)]
    playback.receive(phrase(chord, 1.0), 0.0)
    run(playback, 0.0, 20.0)
    pads = [number for number, began in notebook.began.items() if began[0] == "pad"]
    assert notebook.softened == pads
    assert set(notebook.ended) == set(notebook.began) - set(pads)
    playback.receive(phrase([note("pad", 62, 0.0, 4.0)], 22.0, 1), 20.0)
    run(playback, 20.0, 23.0)
    assert all(notebook.ended[pad] == pytest.approx(22.0, abs=2 * BUFFER_S) for pad in pads)


def test_playback_changes_chords_without_holding_when_the_next_phrase_is_there(
        playback: Playback, notebook: Notebook) -> None:
    playback.receive(session(), 0.0)
    for number in range(3):
        playback.receive(phrase([note("pad", 60 + number, 0.0, 4.0)], 1.0 + 4 * number, number), 0.0)
    run(playback, 0.0, 11.0)
    assert notebook.softened == []
    assert notebook.ended[1] == pytest.approx(5.0, abs=2 * BUFFER_S)


def test_playback_mutes_at_once_and_forgets_the_queue(playback: Playback, notebook: Notebook) -> None:
    playback.receive(session(), 0.0)
    playback.receive(phrase([note("melody", 60, i) for i in range(4)], 11.0), 10.0)
    run(playback, 10.0, 11.5)
    playback.receive(session(11.5, SessionPhase.MUTED), 11.5)
    assert playback.fade(11.5) == 0.0
    assert notebook.released == 1
    run(playback, 11.5, 16.0, sessions=False)
    assert len(notebook.began) == 1


def test_playback_fades_out_when_the_session_ends_and_is_off_when_idle(playback: Playback) -> None:
    playback.receive(session(), 0.0)
    for second in range(20, 32):
        playback.receive(session(float(second), SessionPhase.ENDING), float(second))
    assert 0.0 < playback.fade(31.0) < 0.02
    assert playback.fade(32.0) == 0.0
    playback.receive(session(40.0), 40.0)
    playback.receive(session(60.0, SessionPhase.IDLE), 60.0)
    assert playback.fade(61.0) == 0.0


def test_playback_does_not_carry_notes_into_the_next_session(playback: Playback, notebook: Notebook) -> None:
    playback.receive(session(), 0.0)
    playback.receive(phrase([note("melody", 60, i) for i in range(4)], 4.0), 0.0)
    playback.receive(session(1.0, SessionPhase.IDLE), 1.0)
    run(playback, 1.0, 2.5, sessions=False)
    playback.receive(phrase([note("melody", 72, 0.0)], 4.0, 0), 2.9)  # may come before its session
    run(playback, 3.0, 9.0)
    assert [pitch for pitch, _ in notebook.starts("melody")] == [72]


def test_playback_fades_in_again_after_its_own_restart_in_mid_session(notebook: Notebook) -> None:
    playback = Playback(notebook, 10.0)
    playback.receive(session(500.0, elapsed_s=400.0), 500.0)
    assert playback.fade(500.0) == 0.0
    assert 0.0 < playback.fade(500.2) < 0.32
    assert playback.fade(510.0) == pytest.approx(1.0)


def test_playback_that_first_hears_of_an_ending_stays_silent(playback: Playback) -> None:
    playback.receive(session(3.0, SessionPhase.ENDING), 3.0)
    assert playback.fade(3.1) == 0.0


def test_playback_ends_by_itself_when_the_conductor_is_gone(playback: Playback) -> None:
    playback.receive(session(), 0.0)
    run(playback, 0.0, ORPHAN_S - 1.0, sessions=False)
    assert playback.fade(ORPHAN_S - 1.0) == pytest.approx(1.0)
    run(playback, ORPHAN_S - 1.0, ORPHAN_S + ORPHAN_FADE_S + 1.0, sessions=False)
    assert playback.fade(ORPHAN_S + ORPHAN_FADE_S + 1.0) == 0.0
    playback.receive(session(100.0, elapsed_s=100.0), 100.0)
    assert playback.fade(110.0) == pytest.approx(1.0)


def test_playback_answers_a_press_with_a_breath_once(playback: Playback, notebook: Notebook) -> None:
    run(playback, 0.0, SETTLE_S + 2.0)
    assert notebook.breaths == ["open", "settle"]


def test_playback_follows_targets_and_falls_back_to_the_phrase(
        playback: Playback, notebook: Notebook) -> None:
    bright = MusicalTarget(**{**_fields(TARGET), "timbre": 0.9})
    dark = MusicalTarget(**{**_fields(TARGET), "timbre": 0.1})
    said = Target(at_s=0.0, values=bright, reasons=(Reason.ARC,), loop="open", elapsed_s=0.0)
    playback.receive(session(), 0.0)
    playback.receive(said, 0.0)
    playback.receive(phrase([], 1.0, 0, dark), 0.0)
    playback.receive(phrase([], 8.0, 1, dark), 0.0)
    run(playback, 0.0, 2.0)
    assert playback.target == bright  # heard a second ago
    run(playback, 2.0, 9.0)
    assert playback.target == dark
    assert notebook.shapes == [bright, dark]


def test_playback_fades_in_again_after_a_hole_in_the_sound(playback: Playback) -> None:
    run(playback, 0.0, 20.0)
    assert playback.fade(20.0) == pytest.approx(1.0)
    playback.interrupt(29.0)
    assert playback.fade(29.0) == 0.0
    assert playback.fade(29.4) < 10 ** (-9.5 / 20)
    assert playback.fade(45.0) == pytest.approx(1.0)


def test_playback_a_hole_during_the_ending_ends_it(playback: Playback) -> None:
    run(playback, 0.0, 20.0)
    playback.receive(session(20.0, SessionPhase.ENDING), 20.0)
    playback.interrupt(22.0)
    assert all(playback.fade(22.0 + second) == 0.0 for second in range(12))


def test_playback_tells_the_style_with_the_phrase_and_rolls_its_chords(
        playback: Playback, notebook: Notebook) -> None:
    playback.receive(session(), 0.0)
    chord = [note("pad", pitch, 0.0, 4.0) for pitch in (50, 57, 62, 65)]
    for number, style in enumerate((Style.WARM_PADS, Style.PLUCKED_STRINGS)):
        sent = phrase(chord, 1.0 + 4.0 * number, number)
        playback.receive(msgspec.structs.replace(sent, style=style), 0.0)
    run(playback, 0.0, 7.0)
    assert [style for style, _ in notebook.styles] == [Style.WARM_PADS, Style.PLUCKED_STRINGS]
    assert notebook.styles[1][1] == pytest.approx(5.0, abs=2 * BUFFER_S)
    starts = [at_s for _, at_s in notebook.starts("pad")]
    assert starts[3] - starts[0] < BUFFER_S
    assert starts[7] - starts[4] == pytest.approx(3 * ROLL_S[Style.PLUCKED_STRINGS], abs=2 * BUFFER_S)
    assert [pitch for pitch, _ in notebook.starts("pad")][4:] == [50, 57, 62, 65]  # from below
