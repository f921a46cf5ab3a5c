"""The form of the music: sections, themes, cadences, what happens when a draft is refused, a whole arc."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from device.messages import MusicalTarget, Phrase
from device.music.composer import ATTEMPTS, SECTION_PHRASES, Composer
from device.music.harmony import MODES, key_of_section
from device.music.melody import LstmMelody, MotifRequest, RuleMelody
from device.music.tokens import Tone

CALM = MusicalTarget(pitch=0.5, tempo_bpm=60.0, timbre=0.5, intensity=0.5, density=0.5, percussiveness=0.2)


class Picky(RuleMelody):
    """A source that calls the first few drafts of every phrase copied, and counts what it is asked."""

    def __init__(self, refusals: int) -> None:
        self.refusals, self.asked, self.requests = refusals, 0, []

    def motif(self, request: MotifRequest, rng: np.random.Generator) -> tuple[Tone, ...]:
        """Invent as the rule does, and keep the request."""
        self.requests.append(request)
        return super().motif(request, rng)

    def copied(self, intervals: Sequence[int]) -> bool:
        """Return True for the first drafts."""
        assert len(intervals) >= 1
        self.asked += 1
        return self.asked % (self.refusals + 1) != 0


@pytest.fixture(scope="module")
def lstm(models_dir: Path) -> LstmMelody:
    return LstmMelody(models_dir / "melody" / "melody.tflite")


def play(composer: Composer, wanted: Sequence[MusicalTarget]) -> list[Phrase]:
    return [
        composer.compose(target, phrase_id=index, start_s=0.0, at_s=0.0)
        for index, target in enumerate(wanted)]


def pitch_classes(phrase: Phrase) -> set[int]:
    return {note.pitch % 12 for note in phrase.notes}


def melody(phrase: Phrase) -> list[int]:
    return [note.pitch for note in phrase.notes if note.voice == "melody"]


@pytest.mark.parametrize("seed", range(5))
def test_every_note_belongs_to_the_key_of_its_section(lstm: LstmMelody, seed: int) -> None:
    for phrase in play(Composer(lstm, seed), [CALM] * (3 * SECTION_PHRASES)):
        key = key_of_section(seed, phrase.phrase_id // SECTION_PHRASES)
        assert pitch_classes(phrase) <= set(key.scale)


@pytest.mark.parametrize("seed", range(5))
def test_every_phrase_ends_on_a_chord_of_its_mode(lstm: LstmMelody, seed: int) -> None:
    for phrase in play(Composer(lstm, seed), [CALM] * (2 * SECTION_PHRASES)):
        key = key_of_section(seed, phrase.phrase_id // SECTION_PHRASES)
        last_bass = [note for note in phrase.notes if note.voice == "bass"][-1]
        triads = [key.triad(degree) for degree in range(7) if MODES[key.mode].weights[degree] > 0]
        assert last_bass.pitch % 12 in {tone for triad in triads for tone in triad}
        if phrase.phrase_id % 2 == 1:
            assert last_bass.pitch % 12 in (key.tonic, key.triad(0)[2])


def test_refused_drafts_are_drawn_again_and_differ() -> None:
    easy, picky = Picky(0), Picky(3)
    first, second = (play(Composer(source, 4), [CALM] * 6) for source in (easy, picky))
    assert easy.asked == 6
    assert picky.asked == 24
    assert all(melody(one) != melody(other) for one, other in zip(first, second, strict=True))
    assert all(melody(phrase) for phrase in second)


def test_refused_drafts_leave_the_harmony_as_it_was() -> None:
    first, second = (play(Composer(Picky(refusals), 4), [CALM] * 6) for refusals in (0, 3))
    for one, other in zip(first, second, strict=True):
        assert [note for note in one.notes if note.voice != "melody"] == [
            note for note in other.notes if note.voice != "melody"]


def test_attempts_are_bounded() -> None:
    hopeless = Picky(10**9)
    phrases = play(Composer(hopeless, 4), [CALM] * 2)
    assert hopeless.asked == 2 * ATTEMPTS
    assert [melody(phrase) for phrase in phrases] == [[], []]


def test_the_theme_of_a_section_is_asked_for_alike_each_time() -> None:
    source = Picky(0)
    play(Composer(source, 4), [CALM] * SECTION_PHRASES)
    themes = [request for request in source.requests if request.beats == 8.0 and not request.history]
    assert len(themes) == SECTION_PHRASES
    assert all(theme == themes[0] for theme in themes)
    assert themes[0].tonic == key_of_section(4, 0).signature


def test_answers_are_invented_after_what_was_stated() -> None:
    source = Picky(0)
    play(Composer(source, 4), [CALM] * 40)
    answers = [request for request in source.requests if request.history]
    assert answers
    for request in answers:
        assert request.history[-1].end_beat == 8.0
        assert request.beats == 4.0


@pytest.mark.parametrize("seed", [1, 2])
def test_an_arc_leads_down_in_pitch_and_density(lstm: LstmMelody, seed: int) -> None:
    arc = [
        msgspec.structs.replace(
            CALM, tempo_bpm=76 - 16 * share, density=0.7 - 0.4 * share, pitch=0.7 - 0.5 * share,
            intensity=0.6 - 0.3 * share)
        for share in np.linspace(0.0, 1.0, 60).tolist()]
    phrases = play(Composer(lstm, seed), arc)
    first, last = phrases[:10], phrases[-10:]
    notes = [sum(len(melody(phrase)) for phrase in part) for part in (first, last)]
    heights = [np.mean([pitch for phrase in part for pitch in melody(phrase)]) for part in (first, last)]
    loud = [np.mean([note.velocity for phrase in part for note in phrase.notes]) for part in (first, last)]
    assert notes[1] < 0.75 * notes[0]
    assert heights[1] < heights[0] - 3
    assert loud[1] < 0.85 * loud[0]
    assert phrases[-1].duration_s == pytest.approx(16.0)
    leaps = np.abs(np.diff([pitch for phrase in phrases for pitch in melody(phrase)]))
    assert leaps.max() <= 7


def test_phrases_at_slow_tempo_last_longer(lstm: LstmMelody) -> None:
    tempi = [msgspec.structs.replace(CALM, tempo_bpm=tempo_bpm) for tempo_bpm in (50.0, 90.0)]
    slow, fast = (play(Composer(lstm, 1), [target])[0] for target in tempi)
    assert slow.duration_s == pytest.approx(19.2)
    assert fast.duration_s == pytest.approx(10.667, abs=1e-3)
    assert slow.notes == fast.notes  # tempo is the player's; the notes are in beats


def test_questions_and_answers_alternate(lstm: LstmMelody) -> None:
    sessions = {seed: play(Composer(lstm, seed), [CALM] * 24) for seed in (1, 2, 3, 4)}
    home = np.array([
        [melody(phrase)[-1] % 12 == key_of_section(seed, phrase.phrase_id // SECTION_PHRASES).tonic
         for phrase in phrases]
        for seed, phrases in sessions.items()])
    assert home[:, 1::2].mean() > home[:, 0::2].mean() + 0.3
    for phrases in sessions.values():
        assert not any(one == other for one, other in itertools.pairwise(map(melody, phrases)))
