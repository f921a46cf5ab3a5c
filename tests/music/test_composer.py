"""Whole sessions of phrases: limits, novelty, response to the target, repeatability, cost."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.scores import (
    CALM,
    exponent,
    melody_bars,
    melody_intervals,
    melody_pitches,
    part,
    repeated_windows,
)

from device.messages import MusicalTarget, Phrase, Style
from device.music.composer import PHRASE_BEATS, Composer, bounded
from device.music.form import SECTION_PHRASES, role_of
from device.music.harmony import HARSH, key_of_section
from device.music.melody import LstmMelody, MelodySource, MotifRequest, RuleMelody
from device.music.memory import RUN_INTERVALS
from device.music.theme import chords_of
from device.music.tokens import Tone

LIMITS = {"melody": (55, 84), "bass": (33, 52), "pad": (45, 76), "texture": (64, 88)}
SESSION = 64  # phrases: 17 minutes at 60 bpm
shares = st.floats(0, 1)
targets = st.builds(
    MusicalTarget, pitch=shares, tempo_bpm=st.floats(50, 90), timbre=shares, intensity=shares, density=shares,
    percussiveness=shares)


class Stuck:
    """A melody source that says the same tones whatever is asked."""

    def __init__(self, copied: bool = False) -> None:
        self._copied = copied

    def motif(self, request: MotifRequest, rng: np.random.Generator) -> tuple[Tone, ...]:
        """Return one pitch of the scale, on every beat."""
        begins = request.history[-1].end_beat if request.history else 0.0
        pitch = next(pitch for pitch in range(64, 76) if pitch % 12 == request.chords[0][0])
        return tuple(Tone(pitch, begins + beat, 1.0) for beat in range(int(request.beats)))

    def copied(self, intervals: Sequence[int]) -> bool:
        """Return the answer it was made with."""
        return self._copied


@pytest.fixture(scope="module")
def lstm(models_dir: Path) -> LstmMelody:
    return LstmMelody(models_dir / "melody" / "melody.tflite")


@pytest.fixture(params=["lstm", "rule"])
def source(request: pytest.FixtureRequest, lstm: LstmMelody) -> MelodySource:
    return lstm if request.param == "lstm" else RuleMelody()


def session(
    source: MelodySource, seed: int, wanted: Sequence[MusicalTarget], first: int = 0,
    styles: Sequence[Style] = (),
) -> list[Phrase]:
    """Compose one phrase for each target, in warm pads unless a style is named for it."""
    composer = Composer(source, seed)
    return [
        composer.compose(
            target, phrase_id=first + index, start_s=100.0 + index, at_s=99.0,
            style=styles[index] if styles else Style.WARM_PADS)
        for index, target in enumerate(wanted)]


def at(**values: float) -> MusicalTarget:
    return msgspec.structs.replace(CALM, **values)


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None,
          phases=[Phase.explicit, Phase.reuse, Phase.generate])  # shrinking whole sessions takes minutes
@given(wanted=st.lists(targets, min_size=60, max_size=66), seed=st.integers(0, 2**31 - 1),
       styles=st.lists(st.sampled_from(Style), min_size=66, max_size=66))
def test_compose_keeps_every_limit_whatever_target_and_style(
    source: MelodySource, wanted: list[MusicalTarget], seed: int, styles: list[Style],
) -> None:
    phrases = session(source, seed, wanted, styles=styles)
    for phrase in phrases:
        assert phrase.beats == PHRASE_BEATS == 16.0
        for note in phrase.notes:
            low, high = LIMITS[note.voice]
            assert low <= note.pitch <= high
            assert note.start_beat >= 0.0
            assert note.start_beat + note.beats <= phrase.beats
            assert 0.25 <= note.beats <= (4.0 if note.voice == "melody" else 8.0)
            assert 0.05 <= note.velocity <= 1.0
        for before, after in itertools.pairwise(part(phrase, "melody")):
            assert before.start_beat + before.beats <= after.start_beat + 1e-9  # one voice
    assert max(map(abs, melody_intervals(phrases))) <= 7
    assert repeated_windows(phrases) == 0


@pytest.mark.parametrize("density", [0.0, 0.6])
def test_compose_never_repeats_eight_bars_in_an_hour_and_a_half(lstm: LstmMelody, density: float) -> None:
    phrases = session(lstm, 5, [at(density=density)] * 340)
    assert repeated_windows(phrases) == 0
    assert all(part(phrase, "melody") for phrase in phrases)


@pytest.mark.parametrize("seed", [1, 3, 6])
def test_compose_copies_no_twelve_notes_of_the_corpus(lstm: LstmMelody, seed: int) -> None:
    steps = melody_intervals(session(lstm, seed, [at(density=seed / 6)] * SESSION))
    assert len(steps) > RUN_INTERVALS
    assert not lstm.copied(steps)


@pytest.mark.parametrize("seed", range(1, 5))
def test_compose_wanders_like_one_over_f(lstm: LstmMelody, seed: int) -> None:
    pitches = melody_pitches(session(lstm, seed, [CALM] * 75))
    assert 0.5 <= exponent(pitches) <= 1.5


def test_compose_drifts_in_loudness_like_one_over_f(lstm: LstmMelody) -> None:
    found = []
    for seed in range(1, 4):
        phrases = session(lstm, seed, [CALM] * 75)
        found.append(exponent([note.velocity for phrase in phrases for note in part(phrase, "melody")]))
    assert 0.5 <= np.mean(found) <= 1.5


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_compose_moves_mostly_by_step(source: MelodySource, seed: int) -> None:
    leaps = np.abs(np.diff(melody_pitches(session(source, seed, [at(density=0.7)] * SESSION))))
    assert np.mean(leaps <= 2) > 0.6
    assert np.mean(leaps > 4) < 0.15
    assert np.mean(leaps == 0) < 0.3


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_compose_is_consonant_on_the_first_beat(source: MelodySource, seed: int) -> None:
    for phrase in session(source, seed, [CALM] * 24):
        for note in part(phrase, "melody"):
            if note.start_beat % 4 == 0:
                under = [
                    other.pitch for other in part(phrase, "pad")
                    if other.start_beat <= note.start_beat < other.start_beat + other.beats]
                assert not any((note.pitch - pitch) % 12 in HARSH for pitch in under)


@given(target=targets, style=st.sampled_from(Style))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_compose_ends_on_the_chord_and_breathes(
    lstm: LstmMelody, target: MusicalTarget, style: Style,
) -> None:
    for phrase in session(lstm, 3, [target] * 6, styles=[style] * 6):
        last = part(phrase, "melody")[-1]
        role, key = role_of(3, phrase.phrase_id), key_of_section(3, 0)
        assert last.start_beat + last.beats <= 15.0
        assert last.start_beat in (12.0, 14.0)
        assert last.pitch % 12 in chords_of(3, 0, role.chords, role.cadence)[-1].triad
        assert last.pitch % 12 in key.scale


def test_compose_answers_end_at_home(lstm: LstmMelody) -> None:
    phrases = session(lstm, 11, [CALM] * 48)
    home = [
        part(phrase, "melody")[-1].pitch % 12
        == key_of_section(11, phrase.phrase_id // SECTION_PHRASES).tonic
        for phrase in phrases if phrase.phrase_id % 2 == 1]
    assert np.mean(home) >= 0.7  # one answer in eight is deceptive


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_compose_density_sets_the_notes_per_bar(source: MelodySource, seed: int) -> None:
    per_bar = []
    for density in (0.0, 0.25, 0.5, 0.75, 1.0):
        phrases = session(source, seed, [at(density=density)] * 32)
        per_bar.append(len(melody_pitches(phrases)) / (4 * len(phrases)))
    assert all(after > before + 0.3 for before, after in itertools.pairwise(per_bar))
    assert per_bar[0] < 1.3
    assert per_bar[-1] > 3.0


def test_compose_pitch_sets_the_register(source: MelodySource) -> None:
    means = [np.mean(melody_pitches(session(source, 2, [at(pitch=share)] * 16))) for share in (0.0, 0.5, 1.0)]
    assert means[0] + 3 < means[1] < means[2] - 3


def test_compose_intensity_sets_the_velocity(lstm: LstmMelody) -> None:
    means = []
    for intensity in (0.0, 0.5, 1.0):
        phrases = session(lstm, 2, [at(intensity=intensity)] * 8)
        means.append(np.mean([note.velocity for phrase in phrases for note in phrase.notes]))
    assert means[0] < means[1] < means[2]


def test_compose_percussiveness_shortens_and_accents(lstm: LstmMelody) -> None:
    def played(share: float) -> tuple[float, float]:
        notes = [note for phrase in session(lstm, 2, [at(percussiveness=share)] * 8)
                 for note in part(phrase, "melody")]
        accents = np.mean([note.velocity for note in notes if note.start_beat % 4 == 0])
        weak = np.mean([note.velocity for note in notes if note.start_beat % 2 == 1])
        return float(np.mean([note.beats for note in notes])), float(accents / weak)

    (soft_beats, soft_accent), (marked_beats, marked_accent) = played(0.0), played(1.0)
    assert marked_beats < 0.5 * soft_beats
    assert marked_accent > soft_accent + 0.15


def test_compose_repeats_bit_for_bit(source: MelodySource) -> None:
    wanted = [at(density=index / 20, pitch=1 - index / 20) for index in range(20)]
    assert session(source, 77, wanted) == session(source, 77, wanted)


def test_compose_differs_between_seeds(source: MelodySource) -> None:
    assert session(source, 1, [CALM])[0].notes != session(source, 2, [CALM])[0].notes


def test_compose_goes_on_after_a_restart_in_the_same_key_and_theme(lstm: LstmMelody) -> None:
    whole = session(lstm, 9, [CALM] * 32)
    resumed = session(lstm, 9, [CALM] * 12, first=20)
    assert [phrase.phrase_id for phrase in resumed] == list(range(20, 32))
    for before, after in zip(whole[20:], resumed, strict=True):
        def roots(phrase: Phrase) -> list[int]:
            return [note.pitch % 12 for note in part(phrase, "bass")]

        assert roots(before) == roots(after)  # the harmony needs no memory
    assert repeated_windows(resumed) == 0


@pytest.mark.parametrize("cut", [1, 7, 16, 23])
def test_follow_joins_the_phrase_before_a_restart(lstm: LstmMelody, cut: int) -> None:
    whole = session(lstm, 9, [CALM] * cut)
    resumed = Composer(lstm, 9)
    resumed.follow(whole[-1])
    after = [
        resumed.compose(at(pitch=0.9), phrase_id=cut + index, start_s=0.0, at_s=0.0) for index in range(4)]
    assert max(map(abs, melody_intervals([whole[-1], *after]))) <= 7
    assert repeated_windows([whole[-1], *after]) == 0


@pytest.mark.parametrize("style", list(Style))
def test_follow_gives_what_the_first_composer_would_have_played(lstm: LstmMelody, style: Style) -> None:
    first, resumed = Composer(lstm, 9), Composer(lstm, 9)
    for index in range(11):
        last = first.compose(CALM, phrase_id=index, start_s=0.0, at_s=0.0, style=style)
    resumed.follow(last, first.trace)
    expected, found = (
        composer.compose(CALM, phrase_id=11, start_s=111.0, at_s=99.0, style=style)
        for composer in (first, resumed))
    assert found == expected


@pytest.mark.parametrize("cut", [3, 40, 71])
def test_follow_with_a_trace_repeats_no_window_of_before(lstm: LstmMelody, cut: int) -> None:
    """One tone a bar, so that without the trace a window of before might well come again."""
    wanted = [at(density=0.0)] * 90
    first = Composer(lstm, 12)
    phrases = [
        first.compose(target, phrase_id=index, start_s=0.0, at_s=0.0)
        for index, target in enumerate(wanted[:cut])]
    resumed = Composer(lstm, 12)
    resumed.follow(phrases[-1], first.trace)
    phrases += [
        resumed.compose(target, phrase_id=cut + index, start_s=0.0, at_s=0.0)
        for index, target in enumerate(wanted[cut:])]
    assert len(resumed.trace) == 4 * 4 * 90
    assert repeated_windows(phrases) == 0
    assert max(map(abs, melody_intervals(phrases))) <= 7


def test_compose_takes_the_same_bars_again_in_new_guise(lstm: LstmMelody) -> None:
    phrases = session(lstm, 4, [at(density=0.9)] * SECTION_PHRASES)
    rhythms = [
        tuple(beat for _, beat in bar) for phrase in phrases for bar in melody_bars(phrase)[:3]]
    assert len(set(rhythms)) < len(rhythms)  # a theme returns


def test_compose_passes_times_target_and_number_on(lstm: LstmMelody) -> None:
    phrase = Composer(lstm, 1).compose(CALM, phrase_id=6, start_s=12.5, at_s=8.25)
    assert (phrase.phrase_id, phrase.start_s, phrase.at_s, phrase.target) == (6, 12.5, 8.25, CALM)
    assert phrase.duration_s == pytest.approx(16.0)
    starts = [note.start_beat for note in phrase.notes]
    assert starts == sorted(starts)


def test_compose_survives_the_bus(lstm: LstmMelody) -> None:
    phrase = Composer(lstm, 1).compose(CALM, phrase_id=0, start_s=1.0, at_s=0.0)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(phrase), type=Phrase) == phrase


def test_compose_takes_a_target_out_of_bounds_as_the_nearer_end(lstm: LstmMelody) -> None:
    wild, tame = at(density=7.0, pitch=-3.0, intensity=2.0), at(density=1.0, pitch=0.0, intensity=1.0)
    assert session(lstm, 5, [wild])[0].notes == session(lstm, 5, [tame])[0].notes
    assert bounded(wild) == tame


def test_compose_stays_new_with_a_source_that_is_stuck() -> None:
    phrases = session(Stuck(), 5, [CALM] * SESSION)
    assert repeated_windows(phrases) == 0
    assert all(part(phrase, "melody") for phrase in phrases)


def test_compose_rests_the_melody_when_nothing_is_new() -> None:
    phrases = session(Stuck(copied=True), 5, [CALM] * 3)
    assert melody_pitches(phrases) == []
    assert all(part(phrase, "pad") and part(phrase, "bass") for phrase in phrases)


def test_compose_takes_under_twenty_milliseconds(lstm: LstmMelody) -> None:
    composer, spent = Composer(lstm, 3), []
    for phrase_id in range(40):
        before = time.process_time()
        composer.compose(CALM, phrase_id=phrase_id, start_s=0.0, at_s=0.0)
        spent.append(time.process_time() - before)
    assert np.median(spent) < 0.020


@pytest.mark.parametrize("style", list(Style))
def test_compose_says_the_style_it_was_asked_for(style: Style) -> None:
    composer = Composer(RuleMelody(), 1)
    assert composer.compose(CALM, phrase_id=0, start_s=0.0, at_s=0.0, style=style).style is style


@pytest.mark.parametrize("style", list(Style))
def test_compose_density_fills_every_style(style: Style) -> None:
    counts = []
    for density in (0.0, 0.5, 1.0):
        phrases = session(RuleMelody(), 2, [at(density=density)] * 16, styles=[style] * 16)
        counts.append([len(melody_pitches(phrases)), sum(len(phrase.notes) for phrase in phrases)])
    assert counts[0][0] < counts[1][0] < counts[2][0]
    assert counts[0][1] < counts[1][1] < counts[2][1]


def test_compose_sets_one_music_in_every_style() -> None:
    """Theme, harmony and form are the same; only the setting differs."""
    sessions = {
        style: session(RuleMelody(), 6, [CALM] * 16, styles=[style] * 16) for style in Style}
    basses = {
        style: [[note.pitch % 12 for note in part(phrase, "bass") if note.start_beat in (0.0, 12.0)]
                for phrase in phrases]
        for style, phrases in sessions.items()}
    assert all(row == basses[Style.WARM_PADS] for row in basses.values())
    tones = {style: len(melody_pitches(phrases)) for style, phrases in sessions.items()}
    assert tones[Style.GLASS_BELLS] < tones[Style.NATURE] < tones[Style.WARM_PADS] <= tones[Style.FELT_PIANO]
    assert (np.mean(melody_pitches(sessions[Style.GLASS_BELLS]))
            > np.mean(melody_pitches(sessions[Style.FELT_PIANO])) + 0.5)
    onsets = {
        style: len({
            (phrase.phrase_id, note.start_beat) for phrase in phrases for note in part(phrase, "pad")})
        for style, phrases in sessions.items()}
    assert onsets[Style.FELT_PIANO] > 2 * onsets[Style.WARM_PADS]
    assert onsets[Style.PLUCKED_STRINGS] > 2 * onsets[Style.WARM_PADS]


def test_compose_changes_style_without_a_leap(lstm: LstmMelody) -> None:
    styles = [list(Style)[index // 2 % 5] for index in range(20)]
    phrases = session(lstm, 8, [CALM] * 20, styles=styles)
    assert max(map(abs, melody_intervals(phrases))) <= 7
    for before, after in itertools.pairwise(phrases):
        old = {note.pitch for note in part(before, "pad") if note.start_beat + note.beats > 12.0}
        new = {note.pitch for note in part(after, "pad") if note.start_beat < 4.0}
        assert np.mean([min(abs(pitch - other) for other in old) for pitch in new]) <= 5.0
