"""The form of the music: sections, themes, cadences, what happens when a draft is refused, a whole arc."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from support.scores import CALM, melody_intervals, repeated_windows

from device.messages import MusicalTarget, Phrase
from device.music.composer import ATTEMPTS, Composer
from device.music.form import SECTION_PHRASES, Plan, role_of
from device.music.harmony import MODES, Cadence, key_of_section
from device.music.melody import LstmMelody, MotifRequest, RuleMelody
from device.music.tension import tension_of
from device.music.theme import CANDIDATES
from device.music.tokens import Tone


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
def test_every_phrase_ends_with_the_cadence_of_its_role(lstm: LstmMelody, seed: int) -> None:
    for phrase in play(Composer(lstm, seed), [CALM] * (2 * SECTION_PHRASES)):
        key = key_of_section(seed, phrase.phrase_id // SECTION_PHRASES)
        mode, cadence = MODES[key.mode], role_of(seed, phrase.phrase_id).cadence
        last = next(note for note in phrase.notes if note.voice == "bass" and note.start_beat == 12.0)
        degree = key.scale.index(last.pitch % 12)
        assert degree in {
            Cadence.HALF: mode.half, Cadence.AUTHENTIC: (0,), Cadence.PLAGAL: (0,),
            Cadence.DECEPTIVE: (mode.deceptive,)}[cadence]
        if cadence in (Cadence.AUTHENTIC, Cadence.PLAGAL):
            before = [note for note in phrase.notes if note.voice == "bass" and note.start_beat < 12.0][-1]
            approach = mode.plagal if cadence is Cadence.PLAGAL else mode.authentic
            assert before.pitch % 12 == key.triad(approach)[0]


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
        assert [note for note in one.notes if note.voice in ("pad", "bass")] == [
            note for note in other.notes if note.voice in ("pad", "bass")]


def test_attempts_are_bounded() -> None:
    hopeless = Picky(10**9)
    phrases = play(Composer(hopeless, 4), [CALM] * 2)
    assert hopeless.asked == 2 * ATTEMPTS
    assert [melody(phrase) for phrase in phrases] == [[], []]


def test_the_theme_of_a_section_is_asked_for_alike_each_time() -> None:
    source = Picky(0)
    play(Composer(source, 4), [CALM] * SECTION_PHRASES)
    themes = [request for request in source.requests if request.low == 59]
    assert len(themes) == CANDIDATES
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
        assert (request.density, request.register, request.tension) == (
            CALM.density, CALM.pitch, pytest.approx(tension_of(CALM)))


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
    assert max(map(abs, melody_intervals(phrases))) <= 7


def test_phrases_at_slow_tempo_last_longer(lstm: LstmMelody) -> None:
    tempi = [msgspec.structs.replace(CALM, tempo_bpm=tempo_bpm) for tempo_bpm in (50.0, 90.0)]
    slow, fast = (play(Composer(lstm, 1), [target])[0] for target in tempi)
    assert slow.duration_s == pytest.approx(19.2)
    assert fast.duration_s == pytest.approx(10.667, abs=1e-3)
    assert melody(slow) == melody(fast)  # tempo is the player's; the notes are in beats


def test_questions_and_answers_alternate(lstm: LstmMelody) -> None:
    home = np.array([
        [melody(phrase)[-1] % 12 == key_of_section(seed, phrase.phrase_id // SECTION_PHRASES).tonic
         for phrase in play(Composer(lstm, seed), [CALM] * 24)]
        for seed in (1, 2, 3, 4)])
    assert home[:, 1::2].mean() > home[:, 0::2].mean() + 0.3


def test_consequents_begin_as_their_antecedents(lstm: LstmMelody) -> None:
    alike = []
    for seed in range(6):
        phrases = play(Composer(lstm, seed), [CALM] * SECTION_PHRASES)
        for question, answer in itertools.pairwise(phrases):
            roles = role_of(seed, question.phrase_id), role_of(seed, answer.phrase_id)
            if answer.phrase_id % 2 == 1 and {role.plan for role in roles} == {Plan.STATEMENT}:
                first = [[(note.pitch, note.start_beat) for note in phrase.notes
                          if note.voice == "melody" and note.start_beat < 8.0]
                         for phrase in (question, answer)]
                alike.append(first[0][1:] == first[1][1:])
                assert melody(question) != melody(answer)  # it closes where the other asks
    assert len(alike) > 6
    assert np.mean(alike) > 0.55  # a leap over a fifth would part them


def test_calls_rest_before_they_are_answered(lstm: LstmMelody) -> None:
    rests = []
    for seed in range(8):
        for phrase in play(Composer(lstm, seed), [CALM] * SECTION_PHRASES):
            if role_of(seed, phrase.phrase_id).plan is Plan.CALL:
                heads = [note for note in phrase.notes if note.voice == "melody" and note.start_beat < 4.0]
                rests.append(heads[-1].start_beat + heads[-1].beats <= 3.0)
    assert len(rests) > 6
    assert all(rests)


def test_sparse_music_breathes_longer(lstm: LstmMelody) -> None:
    def rest(density: float) -> float:
        phrases = play(Composer(lstm, 3), [msgspec.structs.replace(CALM, density=density)] * 16)
        ends = [max(note.start_beat + note.beats for note in phrase.notes if note.voice == "melody")
                for phrase in phrases]
        return 16.0 - float(np.mean(ends))

    assert rest(0.0) > rest(1.0) + 0.5


def test_the_main_theme_comes_back_later_in_the_session(lstm: LstmMelody) -> None:
    """Six intervals of the first section are heard again after the second, in another phrase."""
    found = np.zeros(2)
    for seed in range(4):
        busy = msgspec.structs.replace(CALM, density=0.8)
        phrases = play(Composer(lstm, seed), [busy] * 5 * SECTION_PHRASES)
        sections = [
            melody_intervals(phrases[start : start + SECTION_PHRASES])
            for start in range(0, len(phrases), SECTION_PHRASES)]
        runs = [{tuple(row[at : at + 6]) for at in range(len(row) - 5)} for row in sections]
        found += len(runs[0] & (runs[2] | runs[4])), len(runs[0] & (runs[1] | runs[3]))
        assert repeated_windows(phrases) == 0
    at_home, away = found
    assert at_home > 1.5 * away
