"""The patch, rendered on pyo's manual server and measured: parameters audible, no clicks, bounded, cheap."""

from __future__ import annotations

import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy import signal

from device.messages import MusicalTarget, Voice
from device.music.ensemble import POOL_SIZES
from device.music.loudness import PATCH_LUFS, k_weighting, lufs
from device.music.styles import TINE_RATIO
from device.music.synth import Synth
from device.music.voices import FLOOR, hertz
from drivers.audio import AudioOut, AudioSettings, open_audio

RATE_HZ = 44_100
Script = Callable[[Synth, float], None]


def target(**changed: float) -> MusicalTarget:
    values = {"pitch": 0.5, "tempo_bpm": 60.0, "timbre": 0.5, "intensity": 0.5, "density": 0.5,
              "percussiveness": 0.4} | changed
    return MusicalTarget(**values)


class Studio:
    """Renders the bare patch, without the last stage."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "patch.wav"
        self._audio: AudioOut = open_audio(AudioSettings("file", "", RATE_HZ, 512, str(self._path)))
        self.synth = Synth(self._audio.server)
        self._output = self.synth.stream.out()
        self._now_s = 0.0
        self._audio.pump(0.0, self.synth.tick)

    def run(self, seconds: float) -> None:
        """Render; at most half a second at a time, as the clock would."""
        end_s = self._now_s + seconds
        while self._now_s < end_s - 1e-9:
            self._now_s = min(end_s, self._now_s + 0.5)
            self._audio.pump(self._now_s, self.synth.tick)

    def note(self, voice: Voice, pitch: int, velocity: float = 0.6) -> int:
        return self.synth.note_on(voice, pitch, velocity, self._now_s)

    def seconds_to_render(self, seconds: float) -> float:
        begun = time.process_time()
        self.run(seconds)
        return time.process_time() - begun

    def sound(self) -> np.ndarray:
        """Close and return what was played, samples by channels."""
        self.close()
        with wave.open(str(self._path)) as recording:
            raw = recording.readframes(recording.getnframes())
        return np.frombuffer(raw, "<i2").reshape(-1, 2) / 32_768.0

    def close(self) -> None:
        self._audio.close()


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(tmp_path)
    yield made
    made.close()


def between(sound: np.ndarray, start_s: float, end_s: float) -> np.ndarray:
    return sound[int(start_s * RATE_HZ):int(end_s * RATE_HZ)]


def rms_db(sound: np.ndarray) -> float:
    return 20 * float(np.log10(np.sqrt((sound ** 2).mean()) + 1e-9))


def loudness(sound: np.ndarray) -> float:
    weighted = sound
    for s in k_weighting(RATE_HZ):
        weighted = signal.lfilter([s.b0, s.b1, s.b2], [1.0, s.a1, s.a2], weighted, axis=0)
    left, right = (weighted ** 2).mean(axis=0)
    return lufs(float(left), float(right))


def sharpest_bend(sound: np.ndarray) -> float:
    """The largest second difference: a step of height h in the wave gives at least h."""
    return float(np.abs(np.diff(sound, n=2, axis=0)).max())


def play_music(studio: Studio, bars: int = 6) -> None:
    """Ordinary music: a chord every four seconds, a bass, a melody note a beat."""
    chords = ((50, 57, 62, 65), (46, 53, 58, 62), (48, 55, 60, 64))
    for bar in range(bars):
        chord = chords[bar % 3]
        held = [studio.note("pad", pitch, 0.6) for pitch in chord] + [studio.note("bass", chord[0] - 12, 0.6)]
        for beat in range(4):
            struck = studio.note("melody", chord[1 + beat % 3] + 12, 0.4 + 0.1 * beat)
            studio.run(1.0)
            studio.synth.note_off(struck)
        for number in held:
            studio.synth.note_off(number)


def test_hertz_of_concert_pitch_and_octave() -> None:
    assert hertz(69) == pytest.approx(440.0)
    assert hertz(57) == pytest.approx(220.0)
    assert hertz(60) == pytest.approx(261.63, abs=0.01)


@pytest.mark.parametrize(("voice", "pitch"), [("pad", 62), ("bass", 38), ("melody", 74)])
def test_synth_plays_the_pitch_it_is_asked_for(studio: Studio, voice: Voice, pitch: int) -> None:
    studio.run(1.0)
    studio.note(voice, pitch, 1.0)
    studio.run(3.0)
    sound = between(studio.sound(), 1.2, 4.0).mean(axis=1)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), n=2**19))
    loudest_hz = np.argmax(spectrum) * RATE_HZ / 2**19
    assert 12 * np.log2(loudest_hz / hertz(pitch)) == pytest.approx(0.0, abs=0.1)  # semitones


def test_synth_ordinary_music_has_the_loudness_that_the_last_stage_counts_on(studio: Studio) -> None:
    studio.synth.shape(target())
    play_music(studio)
    assert loudness(between(studio.sound(), 4.0, 24.0)) == pytest.approx(PATCH_LUFS, abs=2.5)


def onset_s(sound: np.ndarray) -> float:
    """Time from 10 to 90 % of the highest 5 ms level."""
    size = RATE_HZ // 1000
    level = np.sqrt((sound[:len(sound) // size * size] ** 2).sum(axis=1).reshape(-1, size).mean(axis=1))
    smooth = np.convolve(level, np.ones(5) / 5, "same")
    top = smooth.max()
    return float(np.argmax(smooth > 0.9 * top) - np.argmax(smooth > 0.1 * top)) / 1000


def test_synth_percussiveness_sharpens_onsets(studio: Studio) -> None:
    onsets = []
    for percussiveness in (0.0, 0.5, 1.0):
        studio.synth.shape(target(percussiveness=percussiveness, timbre=0.8))
        studio.run(4.0)
        studio.note("melody", 69, 0.8)
        studio.run(1.0)
    sound = studio.sound()
    onsets = [onset_s(between(sound, 5.0 * i + 3.99, 5.0 * i + 4.4)) for i in range(3)]
    assert onsets == sorted(onsets, reverse=True)
    assert onsets[0] > 2.0 * onsets[2]


def test_synth_percussiveness_brings_the_hammer(studio: Studio) -> None:
    for percussiveness in (0.0, 1.0):
        studio.synth.shape(target(percussiveness=percussiveness, timbre=1.0))
        studio.run(3.0)
        studio.note("melody", 69, 0.8)
        studio.run(1.0)
    sound = studio.sound()
    low, high = (_level_at(between(sound, at_s, at_s + 0.12), 440.0 * TINE_RATIO) for at_s in (3.0, 7.0))
    assert high > 3.0 * low


def _level_at(sound: np.ndarray, frequency_hz: float) -> float:
    spectrum = np.abs(np.fft.rfft(sound.mean(axis=1) * np.hanning(len(sound))))
    around = round(frequency_hz * len(sound) / RATE_HZ)
    return float(spectrum[around - 2:around + 3].max())


def test_synth_echo_comes_after_three_quarters_of_a_beat(tmp_path: Path) -> None:
    sounds = []
    for tempo_bpm in (50.0, 90.0):
        studio = Studio(tmp_path)
        studio.synth.shape(target(tempo_bpm=tempo_bpm))
        studio.run(4.0)
        studio.note("melody", 69, 1.0)
        studio.run(2.0)
        sounds.append(studio.sound())
    difference = np.abs(sounds[0] - sounds[1]).max(axis=1)
    assert difference[4 * RATE_HZ:int(4.49 * RATE_HZ)].max() < 1e-4  # nothing but the echo hangs on tempo
    assert np.argmax(difference > 1e-3) / RATE_HZ == pytest.approx(4.0 + 0.75 * 60.0 / 90.0, abs=0.03)


def test_synth_echo_does_not_click_when_the_tempo_comes_to_rest(studio: Studio) -> None:
    for step in range(30):  # as playback does: a little further every tenth of a second
        studio.synth.shape(target(tempo_bpm=60.0 + 0.01 * step))
        if step % 10 == 0:
            studio.note("melody", 57, 0.9)
        studio.run(0.1)
    studio.run(3.0)
    bend = np.abs(np.diff(studio.sound(), n=2, axis=0)).max(axis=1)
    resting = bend[round(3.5 * RATE_HZ):]
    assert resting.max() < 8.0 * np.percentile(resting, 99.0)


def test_synth_velocity_makes_notes_louder(studio: Studio) -> None:
    for velocity in (0.2, 0.6, 1.0):
        studio.run(3.0)
        studio.note("melody", 69, velocity)
        studio.run(1.0)
    sound = studio.sound()
    levels = [rms_db(between(sound, 4.0 * i + 3.0, 4.0 * i + 3.5)) for i in range(3)]
    assert levels[1] > levels[0] + 4.0
    assert levels[2] > levels[1] + 2.0


def test_synth_seats_its_melody_voices_apart(studio: Studio) -> None:
    for _ in range(3):
        studio.note("melody", 69, 0.8)
        studio.run(3.0)
    sound = studio.sound()
    balance = [rms_db(part[:, 0]) - rms_db(part[:, 1])
               for part in (between(sound, 3.0 * i, 3.0 * i + 0.4) for i in range(3))]
    assert balance[0] == pytest.approx(0.0, abs=1.5)
    assert balance[1] > 2.0
    assert balance[2] < -2.0


def test_synth_changes_without_clicks(studio: Studio) -> None:
    studio.synth.shape(target(timbre=0.3, percussiveness=0.0))
    play_music(studio, 2)
    quiet = sharpest_bend(studio.sound())
    assert quiet < 0.01  # the music's peaks are about 0.25


def test_synth_steals_voices_without_clicks_or_pile_ups(studio: Studio, tmp_path: Path) -> None:
    studio.synth.shape(target(percussiveness=0.2, timbre=0.4))
    for i in range(60):
        studio.note("pad", 48 + i % 12, 1.0)
        studio.note("melody", 60 + i % 24, 1.0)
        studio.note("bass", 30 + i % 12, 1.0)
        studio.run(0.1)
    sound = studio.sound()
    assert sharpest_bend(sound) < 0.03
    assert np.abs(sound).max() < 1.0
    assert loudness(sound) < PATCH_LUFS + 12.0
    assert POOL_SIZES == {"pad": 6, "bass": 2, "melody": 5}


def test_synth_note_off_of_a_stolen_note_ends_nothing_else(studio: Studio) -> None:
    first = studio.note("bass", 40, 0.8)
    studio.run(1.0)
    studio.note("bass", 43, 0.8)
    studio.synth.note_off(first)
    studio.run(2.0)
    sound = studio.sound()
    assert rms_db(between(sound, 2.0, 3.0)) > rms_db(between(sound, 0.5, 1.0)) - 2.0


def test_synth_softened_pad_holds_on_until_its_end(studio: Studio) -> None:
    number = studio.note("pad", 62, 0.8)
    studio.run(8.0)
    studio.synth.soften(number)
    studio.run(22.0)
    studio.synth.note_off(number)
    studio.run(14.0)
    sound = studio.sound()
    full, soft, ended = (rms_db(between(sound, a, a + 10.0)) for a in (3.0, 18.0, 38.0))
    assert full - soft == pytest.approx(3.4, abs=1.2)  # 4.4 in the voice; the glue gives some back
    assert ended < soft - 12.0


def test_synth_release_all_ends_everything(studio: Studio) -> None:
    play_music(studio, 1)
    studio.note("melody", 72, 1.0)
    studio.synth.release_all()
    studio.run(12.0)
    sound = studio.sound()
    assert rms_db(between(sound, 14.0, 16.0)) < rms_db(between(sound, 1.0, 4.0)) - 25.0


def test_synth_texture_breathes_six_times_a_minute(studio: Studio) -> None:
    studio.run(40.0)
    sound = between(studio.sound(), 9.5, 39.5)
    level = np.sqrt((sound ** 2).sum(axis=1).reshape(60, -1).mean(axis=1))
    spectrum = np.abs(np.fft.rfft(level - level.mean()))
    assert np.argmax(spectrum) == 3  # three swells in 30 s
    assert level.max() > 4.0 * level.min()


def test_synth_opens_with_an_audible_breath_and_settles(studio: Studio) -> None:
    studio.run(5.0)
    studio.synth.open()
    studio.run(2.5)
    studio.synth.settle()
    studio.run(12.5)
    sound = studio.sound()
    breath, later = rms_db(between(sound, 5.3, 7.0)), rms_db(between(sound, 15.3, 17.0))
    assert breath > rms_db(between(sound, 3.0, 5.0)) + 6.0
    assert breath > later + 6.0  # one swell later


def test_synth_is_cheap_and_silence_costs_no_more(studio: Studio) -> None:
    play_music(studio, 1)
    playing_s = min(studio.seconds_to_render(2.0) for _ in range(3))
    studio.synth.release_all()
    studio.run(200.0)  # long enough for an unguarded envelope to end in denormal numbers
    silent_s = min(studio.seconds_to_render(2.0) for _ in range(3))
    assert 2.0 / playing_s > 10.0
    assert silent_s < 2.0 * playing_s
    assert FLOOR > 1e-12
