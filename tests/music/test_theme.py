"""Themes are singable, repeatable, and come back in a changed form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from device.music.form import OPENINGS
from device.music.harmony import Cadence, Key, chord_at, key_of_section
from device.music.melody import LstmMelody, MotifRequest, RuleMelody
from device.music.motif import Shape, Step, ladder_index, placed
from device.music.theme import THEME_BARS, Theme, Themes, chords_of, in_guise, singable, tonic_rung
from device.music.tokens import Tone

BAR: Shape = (Step(0, 0.0, 1.0), Step(1, 1.0, 1.0), Step(2, 2.0, 2.0))
THEME = Theme((*placed(BAR, 0), *placed((Step(4, 0.0, 2.0), Step(3, 2.0, 2.0)), 1), *placed(BAR, 2)))


class Counted(RuleMelody):
    """A rule that counts how often it is asked."""

    def __init__(self) -> None:
        self.requests: list[MotifRequest] = []

    def motif(self, request: MotifRequest, rng: np.random.Generator) -> tuple[Tone, ...]:
        """Invent as the rule does, and keep the request."""
        self.requests.append(request)
        return super().motif(request, rng)


def tune(pitches: Sequence[int], beats: Sequence[float] = (1.0, 1.0, 2.0)) -> tuple[Tone, ...]:
    """Tones one after the other."""
    tones, now = [], 0.0
    for place, pitch in enumerate(pitches):
        tones.append(Tone(pitch, now, beats[place % len(beats)]))
        now += beats[place % len(beats)]
    return tuple(tones)


@pytest.mark.parametrize("seed", range(4))
def test_themes_are_three_bars_and_alike_whenever_asked(models_dir: Path, seed: int) -> None:
    source = LstmMelody(models_dir / "melody" / "melody.tflite")
    one, other = Themes(source, seed), Themes(source, seed)
    found = [one.of_section(section) for section in range(6)]
    assert [other.of_section(section) for section in (5, 4, 3, 2, 1, 0)] == found[::-1]
    for theme in found:
        assert len(theme.bars) == THEME_BARS
        assert sum(map(len, theme.bars)) == len(theme.shape) >= 4
        assert all(0.0 <= step.start_beat < 12.0 for step in theme.shape)


def test_themes_return_in_even_sections_and_never_the_same() -> None:
    themes = Themes(RuleMelody(), 5)
    main, *returns = (themes.of_section(section) for section in range(0, 16, 2))
    assert all(theme != main for theme in returns)
    shared = [
        any(bar == old for bar in theme.bars for old in main.bars)
        or [step.start_beat for step in theme.bars[0]] == [2 * step.start_beat for step in main.bars[0]][:2]
        for theme in returns]
    assert np.mean(shared) > 0.7
    assert themes.of_section(1) != themes.of_section(3)


def test_themes_are_invented_once_in_a_section() -> None:
    source = Counted()
    themes = Themes(source, 5)
    themes.of_section(0)
    asked = len(source.requests)
    themes.of_section(0)
    themes.of_section(2)
    assert len(source.requests) == asked
    assert all(request == source.requests[0] for request in source.requests)
    assert source.requests[0].tonic == key_of_section(5, 0).signature
    chords = chords_of(5, 0, 0, Cadence.HALF)
    assert source.requests[0].chords == tuple(chord_at(chords, beat).triad for beat in range(12))


def test_singable_prefers_a_step_wise_line_with_one_peak() -> None:
    line = tune((60, 62, 64, 65, 67, 65, 64, 62, 60))
    assert singable(line) == 0.0
    assert singable(tune((60,) * 9)) > singable(tune((60, 62, 60, 62, 60, 62, 60, 62, 60))) > singable(line)
    assert singable(tune((60, 62, 64, 71, 76, 65, 64, 62, 60))) > singable(line)
    assert singable(tune((60, 62, 64, 65, 67, 65, 64, 62, 60), (1.0,))) > singable(line)


@pytest.mark.parametrize("turn", range(1, 8))
def test_in_guise_changes_a_theme_within_its_bars(turn: int) -> None:
    other = in_guise(THEME, turn, np.random.default_rng(3))
    assert other != THEME
    assert all(step.start_beat >= 0.0 and step.start_beat + step.beats <= 12.0 for step in other.shape)
    assert max(abs(step.rise) for step in other.shape) <= 8


def test_in_guise_broadens_the_third_time() -> None:
    other = in_guise(THEME, 3, np.random.default_rng(3))
    assert other.bars[0] == (Step(0, 0.0, 2.0), Step(1, 2.0, 2.0))
    assert other.bars[1] == (Step(2, 0.0, 4.0),)


def test_theme_middle_heeds_long_tones() -> None:
    assert Theme((Step(0, 0.0, 3.0), Step(4, 3.0, 1.0))).middle == pytest.approx(1.0)


@pytest.mark.parametrize("number", range(len(OPENINGS)))
def test_chords_of_a_section_are_shared_and_return(number: int) -> None:
    assert chords_of(7, 3, number, Cadence.HALF) == chords_of(7, 3, number, Cadence.HALF)
    home = [chords_of(7, section, 0, Cadence.AUTHENTIC) for section in (0, 2, 4)]
    assert home[0] == home[2]
    assert any(
        chords_of(seed, 0, 0, Cadence.AUTHENTIC) != chords_of(seed, 2, 0, Cadence.AUTHENTIC)
        for seed in range(8))


@pytest.mark.parametrize("near", [59, 64, 70])
def test_tonic_rung_is_the_nearest_tonic(near: int) -> None:
    key = Key(2, 1)
    rungs = {ladder_index(pitch, key.scale): pitch for pitch in range(40, 90) if pitch % 12 == 2}
    assert abs(rungs[tonic_rung(near, key)] - near) <= 6
