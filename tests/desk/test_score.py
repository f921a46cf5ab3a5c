"""The score: notes at the right times, in the right voices, in the same bytes every time."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from device.desk.score import (
    PROGRAMS,
    TICKS_PER_BEAT,
    VOICES,
    in_order,
    notes_of,
    tempo_map,
    tick_at,
    write_midi,
)
from device.messages import Message, MusicalTarget, Note, Phrase


def note(voice: str = "melody", pitch: int = 72, start: float = 0.0, beats: float = 1.0,
         velocity: float = 0.5) -> Note:
    return Note(voice=voice, pitch=pitch, start_beat=start, beats=beats, velocity=velocity)


def phrase(number: int, start_s: float, *notes: Note, tempo_bpm: float = 60.0, beats: float = 4.0) -> Phrase:
    target = MusicalTarget(pitch=0.5, tempo_bpm=tempo_bpm, timbre=0.5, intensity=0.5, density=0.5,
                           percussiveness=0.5)
    return Phrase(at_s=start_s - 1, phrase_id=number, start_s=start_s, beats=beats, notes=notes,
                  target=target)


def heard(path: Path) -> dict[str, list[tuple[float, float, int, int]]]:
    """Return start and end in seconds, pitch and velocity of each note per track, by the file's tempo map."""
    score = mido.MidiFile(path)
    tempi: list[tuple[int, int]] = []
    tick = 0
    for event in score.tracks[0]:
        tick += event.time
        if event.type == "set_tempo":
            tempi.append((tick, event.tempo))

    def seconds(until: int) -> float:
        total, before, tempo = 0.0, 0, 500_000
        for at, change in tempi:
            if at >= until:
                break
            total += (at - before) * tempo / 1e6 / score.ticks_per_beat
            before, tempo = at, change
        return total + (until - before) * tempo / 1e6 / score.ticks_per_beat

    tracks: dict[str, list[tuple[float, float, int, int]]] = {}
    for track in score.tracks[1:]:
        tick, sounding, notes = 0, {}, []
        for event in track:
            tick += event.time
            if event.type == "note_on":
                assert event.note not in sounding
                sounding[event.note] = (tick, event.velocity)
            elif event.type == "note_off":
                start, velocity = sounding.pop(event.note)
                notes.append((seconds(start), seconds(tick), event.note, velocity))
        assert not sounding
        tracks[track.name] = sorted(notes)
    return tracks


def test_score_has_a_tempo_track_and_one_track_per_voice(tmp_path: Path) -> None:
    path = tmp_path / "session.mid"
    write_midi(path, [phrase(0, 50.0, *(note(voice=voice) for voice in VOICES))])

    score = mido.MidiFile(path)

    assert score.type == 1
    assert score.ticks_per_beat == TICKS_PER_BEAT
    assert [track.name for track in score.tracks] == ["Tranquillo", "pad", "bass", "melody", "texture"]
    programs = {track.name: next(event for event in track if event.type == "program_change")
                for track in score.tracks[1:]}
    assert {name: event.program for name, event in programs.items()} == PROGRAMS
    assert len({event.channel for event in programs.values()}) == 4


def test_score_places_every_note_in_seconds(tmp_path: Path) -> None:
    path = tmp_path / "session.mid"
    first = phrase(0, 1000.0, note(pitch=60), note(pitch=64, start=1.5, beats=0.5, velocity=1.0))
    second = phrase(1, 1004.0, note(voice="bass", pitch=40, beats=3.0, velocity=0.0), tempo_bpm=80, beats=8)
    write_midi(path, [first, second])

    tracks = heard(path)

    assert tracks["melody"] == [
        (pytest.approx(0.0), pytest.approx(1.0), 60, 64), (pytest.approx(1.5), pytest.approx(2.0), 64, 127)]
    assert tracks["bass"] == [(pytest.approx(4.0), pytest.approx(4.0 + 3 * 0.75), 40, 1)]
    assert tracks["pad"] == tracks["texture"] == []


def test_score_keeps_silence_between_phrases_and_before_them(tmp_path: Path) -> None:
    path = tmp_path / "session.mid"
    phrases = [phrase(0, 20.0, note(), beats=2), phrase(1, 37.5, note(), tempo_bpm=72)]

    write_midi(path, phrases)
    assert [start for start, *_ in heard(path)["melody"]] == pytest.approx([0.0, 17.5], abs=0.002)
    write_midi(path, phrases, origin_s=15.0)
    assert [start for start, *_ in heard(path)["melody"]] == pytest.approx([5.0, 22.5], abs=0.002)


def test_score_of_a_session_agrees_with_its_piano_roll(tmp_path: Path, messages: list[Message]) -> None:
    phrases = [message for message in messages if isinstance(message, Phrase)]
    path = tmp_path / "session.mid"
    write_midi(path, phrases)

    tracks, roll = heard(path), notes_of(phrases)
    assert sum(len(notes) for notes in tracks.values()) == len(roll) == 242
    for voice in VOICES:
        expected = [each for each in roll if each.voice == voice]
        assert len(tracks[voice]) == len(expected)
        for (start_s, end_s, pitch, velocity), wanted in zip(tracks[voice], expected, strict=True):
            assert start_s == pytest.approx(wanted.start_s - phrases[0].start_s, abs=0.01)
            assert end_s == pytest.approx(wanted.end_s - phrases[0].start_s, abs=0.01)
            assert pitch == wanted.pitch
            assert velocity == round(127 * wanted.velocity)


def test_score_writes_a_tempo_only_where_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "session.mid"
    tempi = (60, 60, 75, 60)
    write_midi(path, [
        phrase(index, 100.0 + 4 * index, note(), tempo_bpm=bpm) for index, bpm in enumerate(tempi)])

    changes = [event for event in mido.MidiFile(path).tracks[0] if event.type == "set_tempo"]

    assert [event.tempo for event in changes] == [1_000_000, 800_000, 1_000_000]
    assert [event.time for event in changes] == [0, 8 * 480, 5 * 480]


def test_score_ends_a_note_where_its_pitch_is_struck_again(tmp_path: Path) -> None:
    path = tmp_path / "session.mid"
    held = phrase(0, 10.0, note(pitch=60, beats=6.0), note(pitch=67, beats=6.0))
    again = phrase(1, 14.0, note(pitch=60, beats=1.0))
    write_midi(path, [held, again])

    assert heard(path)["melody"] == [
        (pytest.approx(0), pytest.approx(4), 60, 64), (pytest.approx(0), pytest.approx(6), 67, 64),
        (pytest.approx(4), pytest.approx(5), 60, 64)]


def test_score_keeps_the_longer_of_two_equal_onsets(tmp_path: Path) -> None:
    path = tmp_path / "session.mid"
    write_midi(path, [phrase(0, 10.0, note(beats=1.0, velocity=0.2), note(beats=2.0, velocity=0.8))])

    assert heard(path)["melody"] == [(0.0, pytest.approx(2.0), 72, 102)]


def test_score_gives_even_the_shortest_note_a_tick(tmp_path: Path) -> None:
    path = tmp_path / "session.mid"
    write_midi(path, [phrase(0, 10.0, note(beats=0.0001))])

    ((start_s, end_s, *_),) = heard(path)["melody"]
    assert end_s - start_s == pytest.approx(1 / TICKS_PER_BEAT)


def test_score_counts_a_phrase_sent_twice_once_and_takes_any_order(tmp_path: Path) -> None:
    phrases = [phrase(0, 10.0, note()), phrase(1, 14.0, note(pitch=74)), phrase(2, 18.0, note(pitch=76))]
    write_midi(tmp_path / "once.mid", phrases)
    write_midi(tmp_path / "mixed.mid", [phrases[2], phrases[0], phrases[1], phrases[0]])

    assert (tmp_path / "once.mid").read_bytes() == (tmp_path / "mixed.mid").read_bytes()
    assert in_order([phrases[1], phrases[0], phrases[1]]) == phrases[:2]


def test_score_has_the_same_bytes_whenever_the_session_began(tmp_path: Path) -> None:
    for name, start_s in (("early", 1000.0), ("late", 86_400.0)):
        write_midi(tmp_path / name, [
            phrase(index, start_s + 4.25 * index, note(start=index / 4), tempo_bpm=64) for index in range(5)])

    assert (tmp_path / "early").read_bytes() == (tmp_path / "late").read_bytes()


def test_score_without_phrases_is_a_valid_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "session.mid"
    write_midi(path, [])

    assert heard(path) == {"pad": [], "bass": [], "melody": [], "texture": []}


def test_score_refuses_an_origin_after_the_first_phrase(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"phrase 3 starts 2\.000 s before"):
        write_midi(tmp_path / "session.mid", [phrase(3, 10.0, note())], origin_s=12.0)


def test_piano_roll_is_on_the_clock_of_the_run() -> None:
    roll = notes_of([
        phrase(1, 104.0, note(pitch=50, start=2.0, beats=1.0, velocity=0.3), tempo_bpm=80),
        phrase(0, 100.0, note(voice="pad", pitch=60, beats=4.0)),
    ])

    assert roll == [(100.0, 104.0, 60, 0.5, "pad"), (105.5, 106.25, 50, 0.3, "melody")]


def test_tempo_map_counts_ticks_through_changes() -> None:
    points = tempo_map([phrase(0, 10.0, tempo_bpm=60), phrase(1, 12.0, tempo_bpm=90)])

    assert tick_at(points, 11.0) == 480
    assert tick_at(points, 12.0) == 960
    assert tick_at(points, 14.0) == pytest.approx(960 + 3 * 480, abs=1)
