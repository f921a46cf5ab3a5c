"""Every style, rendered and measured: instruments apart, each parameter audible, changes without clicks."""

from __future__ import annotations

import functools
import itertools
import wave
from pathlib import Path

import numpy as np
import pytest
from scipy import signal

from device.messages import MusicalTarget, Style
from device.music import tables
from device.music.ensemble import LEAVE_S, Ensemble
from device.music.loudness import PATCH_LUFS, STEADY_REACH_LU, k_weighting, lufs
from device.music.styles import STYLE_SHEETS
from device.music.synth import STYLE_S, Synth
from drivers.audio import AudioSettings, open_audio

RATE_HZ = 44_100
STYLES = list(Style)


def target(**changed: float) -> MusicalTarget:
    values = {"pitch": 0.5, "tempo_bpm": 60.0, "timbre": 0.5, "intensity": 0.5, "density": 0.5,
              "percussiveness": 0.4} | changed
    return MusicalTarget(**values)


@pytest.fixture(autouse=True)
def quick_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute every table once for all tests of this file."""
    for name in ("loop", "white_noise", "band_noise"):
        monkeypatch.setattr(tables, name, CACHED[name])


CACHED = {name: functools.cache(getattr(tables, name)) for name in ("loop", "white_noise", "band_noise")}


class Stage:
    """Renders the bare patch and keeps the sound."""

    def __init__(self, path: Path, style: Style, shaped: MusicalTarget) -> None:
        self._path = path
        self._audio = open_audio(AudioSettings("file", "", RATE_HZ, 512, str(path)))
        self.synth = Synth(self._audio.server)
        self._out = self.synth.stream.out()
        self.now_s = 0.0
        self._audio.pump(0.0, self.synth.tick)
        self.synth.shape(shaped)
        self.synth.choose(style, 0.0)

    def run(self, seconds: float) -> None:
        end_s = self.now_s + seconds
        while self.now_s < end_s - 1e-9:
            self.now_s = min(end_s, self.now_s + 0.5)
            self._audio.pump(self.now_s, self.synth.tick)

    def chord(self, *pitches: int) -> list[int]:
        numbers = [self.synth.note_on("pad", pitch, 0.5, self.now_s) for pitch in pitches]
        return [*numbers, self.synth.note_on("bass", pitches[0] - 12, 0.5, self.now_s)]

    def sing(self, pitch: int, velocity: float = 0.6) -> int:
        return self.synth.note_on("melody", pitch, velocity, self.now_s)

    def end(self, numbers: list[int]) -> None:
        for number in numbers:
            self.synth.note_off(number)

    def sound(self) -> np.ndarray:
        self._audio.close()
        with wave.open(str(self._path)) as recording:
            raw = recording.readframes(recording.getnframes())
        return np.frombuffer(raw, "<i2").reshape(-1, 2) / 32_768.0


def ensembles(stage: Stage) -> dict[Style, Ensemble]:
    return stage.synth._ensembles  # whether a style costs anything is not to be heard


def phrase_of(folder: Path, style: Style, *, notes: bool = True, **changed: float) -> np.ndarray:
    """The same chord and one note of a style, from 3 s on, when the style has taken over."""
    stage = Stage(folder / "phrase.wav", style, target(**changed))
    stage.run(2.0)
    stage.chord(50, 57, 62, 65)
    stage.run(1.5)
    if notes:
        stage.sing(69)
    stage.run(1.0)
    return stage.sound()[3 * RATE_HZ:]


def onset_s(sound: np.ndarray) -> float:
    """Time from 10 to 90 % of the highest 5 ms level."""
    size = RATE_HZ // 1000
    level = np.sqrt((sound[:len(sound) // size * size] ** 2).sum(axis=1).reshape(-1, size).mean(axis=1))
    smooth = np.convolve(level, np.ones(5) / 5, "same")
    top = smooth.max()
    return float(np.argmax(smooth > 0.9 * top) - np.argmax(smooth > 0.1 * top)) / 1000


def note_alone(folder: Path, style: Style, **changed: float) -> np.ndarray:
    """What the note adds."""
    difference = phrase_of(folder, style, **changed) - phrase_of(folder, style, notes=False, **changed)
    return difference[int(0.45 * RATE_HZ):int(1.0 * RATE_HZ)]


def centroid_hz(sound: np.ndarray) -> float:
    """The mean frequency, weighted with power."""
    frequency, power = signal.welch(sound.mean(axis=1), RATE_HZ, nperseg=8192)
    return float((frequency * power).sum() / power.sum())


def above_db(sound: np.ndarray, low_hz: float) -> float:
    """Power above a frequency in dB."""
    frequency, power = signal.welch(sound.mean(axis=1), RATE_HZ, nperseg=8192)
    return 10.0 * float(np.log10(power[frequency > low_hz].sum()))


@pytest.mark.parametrize("style", STYLES)
def test_style_gets_brighter_with_timbre_and_with_pitch(tmp_path: Path, style: Style) -> None:
    dark, bright = (centroid_hz(phrase_of(tmp_path, style, timbre=timbre)) for timbre in (0.0, 1.0))
    low, high = (centroid_hz(phrase_of(tmp_path, style, pitch=pitch)) for pitch in (0.0, 1.0))
    assert bright > 1.2 * dark
    assert high > 1.02 * low  # the same notes: only the filters follow


@pytest.mark.parametrize("style", STYLES)
def test_style_is_airier_with_density(tmp_path: Path, style: Style) -> None:
    sparse, busy = (above_db(phrase_of(tmp_path, style, density=density), 5_000.0) for density in (0.0, 1.0))
    assert busy > sparse + 6.0


@pytest.mark.parametrize("style", STYLES)
def test_style_begins_notes_more_sharply_with_percussiveness(tmp_path: Path, style: Style) -> None:
    soft, marked = (onset_s(note_alone(tmp_path, style, percussiveness=share)) for share in (0.0, 1.0))
    assert soft > 2.0 * marked
    assert marked < 0.02


def music_of(stage: Stage, bars: int) -> None:
    """A chord every two seconds and a melody note every half."""
    chords = ((50, 57, 62, 65), (46, 53, 58, 62), (48, 55, 60, 64))
    for bar in range(bars):
        chord = chords[bar % 3]
        held = stage.chord(*chord)
        for beat in range(4):
            struck = stage.sing(chord[1 + beat % 3] + 12, 0.5)
            stage.run(0.5)
            stage.end([struck])
        stage.end(held)


def test_styles_sound_different_and_equally_loud(tmp_path: Path) -> None:
    portraits, levels = [], []
    for style in STYLES:
        stage = Stage(tmp_path / "music.wav", style, target())
        stage.run(2.0)
        music_of(stage, 4)
        sound = stage.sound()[3 * RATE_HZ:]
        weighted = sound
        for part in k_weighting(RATE_HZ):
            weighted = signal.lfilter(part[:3], [1.0, *part[3:]], weighted, axis=0)
        levels.append(lufs(*(weighted ** 2).mean(axis=0)))
        frequency, power = signal.welch(sound.mean(axis=1), RATE_HZ, nperseg=8192)
        edges = np.geomspace(60.0, 8_000.0, 15)
        portraits.append([10 * np.log10(power[(frequency >= a) & (frequency < b)].mean())
                          for a, b in itertools.pairwise(edges)])
    assert max(levels) - min(levels) < 3.0
    assert all(abs(level - PATCH_LUFS) < STEADY_REACH_LU for level in levels)
    apart = [np.sqrt(np.mean((np.array(a) - np.array(b)) ** 2))
             for i, a in enumerate(portraits) for b in portraits[:i]]
    assert min(apart) > 1.5  # dB, over fourteen bands of the long-term spectrum


def test_styles_change_without_clicks_and_the_old_one_falls_asleep(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "change.wav", Style.WARM_PADS, target(timbre=0.4, percussiveness=0.2))
    for style in (STYLES[1], STYLES[3], STYLES[0], STYLES[2], Style.FELT_PIANO):  # without nature's noise
        stage.synth.choose(style, stage.now_s)
        music_of(stage, 1)
    awake = {style for style, ensemble in ensembles(stage).items() if ensemble.awake}
    stage.run(LEAVE_S + 2.0)
    sound = stage.sound()
    assert len(awake) >= 3
    assert {s for s, ensemble in ensembles(stage).items() if ensemble.awake} == {Style.FELT_PIANO}
    assert np.isfinite(sound).all()
    assert np.abs(np.diff(sound, n=2, axis=0)).max() < 0.02  # the music's peaks are about 0.3
    size = RATE_HZ // 20
    power = (sound[:len(sound) // size * size] ** 2).sum(axis=1).reshape(-1, size).mean(axis=1)[20:]
    assert 10 * np.log10(power[1:] / power[:-1]).max() < 9.0


@pytest.mark.parametrize("style", STYLES)
def test_style_goes_quiet_when_all_is_released(tmp_path: Path, style: Style) -> None:
    stage = Stage(tmp_path / "quiet.wav", style, target(density=0.0))
    stage.run(STYLE_S)
    music_of(stage, 1)
    stage.synth.release_all()
    stage.run(20.0)
    slots = [slot for part in ensembles(stage)[style].slots.values() for slot in part]
    assert not any(slot.awake for slot in slots)  # nothing decays into denormal numbers, nothing costs
    number = stage.sing(69)
    stage.run(0.5)
    stage.end([number])
    assert np.abs(stage.sound()[-RATE_HZ // 2:]).max() > 1e-3


def test_every_style_has_a_sheet_with_an_echo_that_follows_the_tempo() -> None:
    assert set(STYLE_SHEETS) == set(Style)
    assert all(sheet.echo >= 0.1 for sheet in STYLE_SHEETS.values())
