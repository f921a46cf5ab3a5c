"""Twenty minutes of a real person's recording through the simulated converter: estimate, music, sound.

Nothing is compared with what the code itself noted: the heart rate with the watch's own beats, the
loudness with pyloudnorm, peaks and jumps with the samples of the WAV file.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pyloudnorm
import pytest
from scipy.signal import resample_poly

from device.config import Settings
from device.control.limits import HIGHEST, LOWEST, SLEW_PER_S
from device.desk.journal import RAW_SAMPLES, read_journal
from device.desk.setup import RunOptions, write_config
from device.messages import (
    Features,
    Health,
    Message,
    MusicalTarget,
    Phrase,
    PlayerState,
    Reason,
    Session,
    SessionPhase,
    Stress,
    Target,
)
from device.music.loudness import ceiling_lufs
from device.services import lockstep

pytestmark = pytest.mark.timeout(600)

MINUTES = 20.0
PRESS_S = 2.0
END_S = PRESS_S + 60 * MINUTES + 12.0 + 8.0  # the fade, and what the run adds
START_S = 1000.0  # of the manual clock, and of the recording
SLOWEST = 5.0  # times real time; a machine at rest is some twenty-five times as fast
PARAMETERS = MusicalTarget.__struct_fields__
FRAME_S = 0.05
M = TypeVar("M", bound=Message)


class Played(NamedTuple):
    """What the session left."""

    messages: list[Message]
    wav: Path
    settings: Settings
    beats: np.ndarray  # (n, 2): end in seconds since the start of the recording, interval in seconds
    took_s: float

    def of(self, kind: type[M]) -> list[M]:
        return [message for message in self.messages if isinstance(message, kind)]


def read_beats(folder: Path) -> np.ndarray:
    """The watch's own inter-beat intervals; IBI and signals of this recording start together."""
    with gzip.open(folder / "IBI.csv.gz", "rt") as lines:
        next(lines)
        return np.array([[float(field) for field in line.split(",")] for line in lines])


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Played:
    recording = shared_data / "stress-predict" / "S05"
    folder = tmp_path_factory.mktemp("recording")
    options = RunOptions(
        patient=str(recording), minutes=MINUTES, speed=0, seed=1, interactive=False, out=folder)
    _, settings = write_config(options, folder, broker_port=1)
    Path(settings.state_dir).mkdir()
    command = [sys.executable, "-m", "device.services.lockstep", "--config", str(folder / "run.toml"),
               "--journal", str(folder / "journal.bin")]
    begun_s = time.monotonic()
    subprocess.run(command, check=True, timeout=500, stdout=subprocess.DEVNULL)
    took_s = time.monotonic() - begun_s - lockstep.AFTER_END_S  # which it waits in real time
    messages = read_journal(folder / "journal.bin", leave_out=RAW_SAMPLES)
    return Played(messages, folder / "session.wav", settings, read_beats(recording), took_s)


def test_recording_session_runs_in_seconds(played, record_property):
    record_property("took_s", round(played.took_s, 1))
    assert played.took_s < END_S / SLOWEST


def test_recording_session_plays_its_whole_program_without_a_fault(played):
    sessions = played.of(Session)
    changes = [(after.phase, after.at_s - START_S) for before, after in pairwise(sessions)
               if after.phase is not before.phase]
    assert [phase for phase, _ in changes] == [SessionPhase.RUNNING, SessionPhase.ENDING, SessionPhase.IDLE]
    assert [at_s for _, at_s in changes] == pytest.approx([2.0, 1202.0, 1214.0], abs=0.2)
    healths = [health for health in played.of(Health) if health.service != "telemetry"]  # it has no broker
    assert {fault.code for health in healths for fault in health.faults} == set()


def test_recording_heart_rate_is_that_of_the_watch(played, record_property):
    ends_s, intervals_s = played.beats.T
    errors = []
    for features in played.of(Features):
        now_s = features.at_s - START_S
        inside = (ends_s > now_s - features.window_s) & (ends_s <= now_s)
        if intervals_s[inside].sum() < 30.0:  # the watch itself was not sure of half the window
            continue
        if features.ppg is not None and features.ppg.quality >= played.settings.estimator.minimum_quality:
            errors.append(features.ppg.hr_bpm - 60.0 / np.median(intervals_s[inside]))
    assert len(errors) > 300
    record_property("hr_mae_bpm", round(float(np.abs(errors).mean()), 2))
    assert np.abs(errors).mean() < 1.5
    assert np.percentile(np.abs(errors), 95) < 4.0
    assert abs(np.mean(errors)) < 0.5


def test_recording_estimate_is_known_most_of_the_time(played):
    running = [s for s in played.of(Stress) if PRESS_S <= s.at_s - START_S <= PRESS_S + 60 * MINUTES]
    assert len(running) == pytest.approx(60 * MINUTES, abs=10)
    known = [stress for stress in running if stress.level is not None]
    assert len(known) / len(running) > 0.9
    assert known[0].at_s - START_S < 75.0
    levels = np.array([stress.level for stress in known])
    assert levels.min() >= 0.0
    assert levels.max() <= 1.0
    assert levels.std() > 0.05  # it follows something
    for stress in running:
        assert (stress.level is None) == bool(stress.reason)


def test_recording_music_is_in_the_loop_once_the_estimate_is_known(played):
    targets = played.of(Target)
    closed = [target for target in targets if target.loop == "closed"]
    assert len(closed) / len(targets) > 0.9
    told = {reason for target in targets for reason in target.reasons}
    assert {Reason.ARC, Reason.MEET, Reason.STRESS_UP, Reason.STRESS_DOWN, Reason.ENDING} <= told
    assert all(target.reasons for target in targets)


def test_recording_more_stress_lifts_tempo_and_brightness_above_the_arc(played):
    """The loop's sign: what is left of tempo and timbre beside a straight trend goes with the level."""
    targets = [t for t in played.of(Target) if 120 < t.elapsed_s < 1000]
    stress = [s for s in played.of(Stress) if s.level is not None]
    levels = np.interp([t.at_s for t in targets], [s.at_s for s in stress], [s.level for s in stress])
    elapsed_s = np.array([t.elapsed_s for t in targets])
    for name in ("tempo_bpm", "timbre", "density"):
        values = np.array([getattr(t.values, name) for t in targets])
        beside = values - np.polyval(np.polyfit(elapsed_s, values, 5), elapsed_s)
        level = levels - np.polyval(np.polyfit(elapsed_s, levels, 5), elapsed_s)
        assert np.corrcoef(beside, level)[0, 1] > 0.5, name


@pytest.mark.parametrize("name", PARAMETERS)
def test_recording_parameters_stay_within_bounds_and_slew_limits(played, name):
    targets = played.of(Target)
    values = [getattr(target.values, name) for target in targets]
    assert min(values) >= getattr(LOWEST, name)
    assert max(values) <= getattr(HIGHEST, name)
    assert max(values) > min(values)
    assert len(targets) > 60 * MINUTES
    for before, after in pairwise(targets):
        most = getattr(SLEW_PER_S, name) * (after.at_s - before.at_s)
        assert abs(getattr(after.values, name) - getattr(before.values, name)) <= most + 1e-9


def test_recording_targets_come_at_least_once_a_second(played):
    assert max(after.at_s - before.at_s for before, after in pairwise(played.of(Target))) <= 1.0


def test_recording_tempo_falls_as_the_arc_wants(played):
    tempo = {round(t.elapsed_s): t.values.tempo_bpm for t in played.of(Target)}
    assert 60.0 <= tempo[1] <= 90.0
    assert np.mean([tempo[s] for s in range(600, 900)]) < tempo[60] - 5.0


def test_recording_phrases_are_contiguous_and_sent_in_time(played):
    phrases = played.of(Phrase)
    assert [phrase.phrase_id for phrase in phrases] == list(range(len(phrases)))
    for before, after in pairwise(phrases):
        assert after.start_s == pytest.approx(before.start_s + before.duration_s, abs=1e-6)
    assert all(phrase.at_s + 0.2 < phrase.start_s for phrase in phrases)
    assert phrases[0].start_s - START_S - PRESS_S < 0.5
    assert phrases[-1].start_s + phrases[-1].duration_s > START_S + PRESS_S + 60 * MINUTES
    assert all(0 <= note.start_beat < phrase.beats for phrase in phrases for note in phrase.notes)


def melody_bars(phrases: list[Phrase]) -> Iterator[tuple[tuple[int, float, float], ...]]:
    """Each bar of four beats as its melody notes: pitch, place in the bar, length."""
    for phrase in phrases:
        assert phrase.beats % 4 == 0
        for bar in range(int(phrase.beats // 4)):
            yield tuple(sorted(
                (note.pitch, round(note.start_beat - 4 * bar, 6), round(note.beats, 6))
                for note in phrase.notes
                if note.voice == "melody" and 4 * bar <= note.start_beat < 4 * bar + 4))


def test_recording_no_eight_bars_come_twice(played):
    bars = list(melody_bars(played.of(Phrase)))
    windows = [tuple(bars[start:start + 8]) for start in range(len(bars) - 7)]
    assert len(windows) > 200
    assert len(set(windows)) == len(windows)


def test_recording_phrase_is_written_for_the_target_of_its_moment(played):
    for phrase in played.of(Phrase):
        nearest = min(played.of(Target), key=lambda target, at_s=phrase.at_s: abs(target.at_s - at_s))
        assert phrase.target == nearest.values


def samples(played: Played) -> np.ndarray:
    """The recording's samples as (n, 2) integers, mapped."""
    return np.memmap(played.wav, dtype="<i2", mode="r", offset=44).reshape(-1, 2)


def chunks(played: Played, seconds: float = 30.0) -> Iterator[np.ndarray]:
    """The sound in pieces, full scale 1."""
    sound, size = samples(played), round(seconds * played.settings.player.rate_hz)
    for start in range(0, len(sound), size):
        yield np.asarray(sound[start:start + size], dtype=np.float32) / 32_768.0


@pytest.fixture(scope="module")
def level_db(played: Played) -> np.ndarray:
    """Level of every 50 ms in dBFS, floored where nothing is heard any more."""
    frame = round(FRAME_S * played.settings.player.rate_hz)
    levels = []
    for chunk in chunks(played):
        whole = chunk[:len(chunk) // frame * frame]
        levels.append(np.square(whole).mean(axis=1).reshape(-1, frame).mean(axis=1))
    return 10 * np.log10(np.maximum(np.concatenate(levels), 1e-6))


@pytest.fixture(scope="module")
def short_term_lufs(played: Played) -> np.ndarray:
    """Loudness of every three seconds by pyloudnorm."""
    rate = played.settings.player.rate_hz
    meter = pyloudnorm.Meter(rate, block_size=3.0)
    found = [meter.integrated_loudness(chunk.astype(np.float64)) for chunk in chunks(played, 3.0)
             if len(chunk) == 3 * rate]
    return np.array(found)


def test_recording_sound_lasts_as_long_as_the_run(played):
    seconds = len(samples(played)) / played.settings.player.rate_hz
    assert seconds == pytest.approx(END_S, abs=1.0)


def test_recording_starts_and_ends_in_silence(played):
    sound, rate = samples(played), played.settings.player.rate_hz
    assert np.abs(sound[:round(PRESS_S * rate)]).max() == 0
    assert np.abs(sound[round((PRESS_S + 60 * MINUTES + 14.0) * rate):]).max() == 0


def test_recording_is_heard_from_the_press_to_the_end(level_db):
    heard = np.flatnonzero(level_db > -59.0) * FRAME_S
    assert PRESS_S < heard[0] < PRESS_S + 0.5
    assert heard[-1] > PRESS_S + 60 * MINUTES
    assert np.diff(heard).max() < 1.0


def test_recording_loudness_stays_under_the_ceiling(played, short_term_lufs, record_property):
    ceiling = ceiling_lufs(played.settings.player.loudness)
    record_property("loudest_3s_lufs", round(float(short_term_lufs.max()), 1))
    assert short_term_lufs.max() <= ceiling
    full = short_term_lufs[10:-12]
    assert np.median(full) > ceiling - 20.0  # and is music, not a whisper


def test_recording_fades_in_from_below(short_term_lufs):
    settled = float(np.median(short_term_lufs[10:40]))
    assert short_term_lufs[0] < settled - 6.0
    assert np.isfinite(short_term_lufs[1:400]).all()


def test_recording_true_peak_is_far_from_full_scale(played):
    rate = played.settings.player.rate_hz
    peaks = [float(np.abs(chunk).max()) for chunk in chunks(played, 1.0)]
    highest = max(peaks)
    assert 0.01 < highest < 10 ** (-8 / 20)
    loudest = [number for number, peak in enumerate(peaks) if peak > highest / 2]  # within 6 dB
    assert loudest
    for number in loudest[:200]:
        piece = np.asarray(samples(played)[number * rate:(number + 1) * rate], dtype=np.float64) / 32_768.0
        assert np.abs(resample_poly(piece, 4, 1, axis=0)).max() < 10 ** (-6 / 20)


def test_recording_level_never_jumps(level_db):
    steps_db = np.diff(level_db)
    opening = round((PRESS_S + 0.5) / FRAME_S)
    assert steps_db[:opening].max() < 12.0  # the press is answered within a third of a second
    assert steps_db[opening:].max() < 8.0  # a note's onset over what still sounds
    assert steps_db.min() > -6.0  # nothing is cut off


def test_recording_has_no_clicks(played):
    """A click is a step between neighbouring samples; the music's own waves move little in 23 us."""
    assert max(float(np.abs(np.diff(chunk, axis=0)).max()) for chunk in chunks(played)) < 0.03


def test_recording_loudness_moves_gently(short_term_lufs):
    full = short_term_lufs[10:398]
    assert np.abs(np.diff(full)).max() < 6.0
    assert np.ptp(full) < 15.0


def test_recording_gain_changes_at_most_a_decibel_a_second(played):
    """In normal play; both fades have their own, steeper shape."""
    states = [s for s in played.of(PlayerState)
              if s.sounding and PRESS_S + 11 < s.at_s - START_S < PRESS_S + 60 * MINUTES - 1]
    assert len(states) == pytest.approx(10 * 60 * MINUTES, rel=0.05)
    for before, after in zip(states, states[10:], strict=False):
        assert after.gain_db - before.gain_db <= 1.0 * (after.at_s - before.at_s) + 0.15


def test_recording_player_says_what_is_heard(played, short_term_lufs):
    """The player's own meter against pyloudnorm, in the middle of the session."""
    states = {round((s.at_s - START_S) * 10): s for s in played.of(PlayerState)}
    errors = [states[30 * (number + 1)].loudness_lufs - short_term_lufs[number] for number in range(20, 380)]
    assert np.abs(errors).mean() < 1.0
