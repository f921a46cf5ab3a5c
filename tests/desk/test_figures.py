"""Key figures of runs whose answers can be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from device.desk.figures import (
    Figures,
    area_under_curve,
    balanced_accuracy,
    measure,
    windowed_mean,
)
from device.desk.traces import Traces
from device.desk.waveform import measure_sound
from device.messages import (
    Features,
    LightPattern,
    Message,
    MusicalTarget,
    Panel,
    Phrase,
    PlayerState,
    Session,
    SessionPhase,
    Stress,
    StressBand,
    Truth,
)
from device.vitals import PpgFeatures


@pytest.fixture(scope="module")
def figures(messages: list[Message], run_folder: Path) -> Figures:
    sound = measure_sound(run_folder / "session.wav")
    return measure(Traces(messages), sound, ["b", "a", "b"])


def labelled(level_of: dict[str, float | None], seconds: int = 900) -> Traces:
    """Five minutes of settling with an absurd estimate, then stress and rest in turn, minute by minute."""
    messages: list[Message] = []
    for second in range(seconds):
        label = "stress" if second // 60 % 2 else "rest"
        level = 1.0 if second < 300 and label == "rest" else level_of[label]
        messages += [
            Truth(at_s=float(second), arousal=None, label=label, skin_us=2.0, hr_bpm=None, skin_c=None),
            Stress(at_s=float(second), level=level, confidence=0.5, sources=(), reason="",
                   band=StressBand.LOW if level is not None else StressBand.UNKNOWN),
        ]
    return Traces(messages)


def test_press_to_sound_is_measured_in_messages_and_in_the_recording(figures: Figures) -> None:
    assert figures.onset.to_player_s == pytest.approx(0.5)
    # The chord starts 0.25 s after the press; its first sample of at least one count comes a little later.
    assert figures.onset.to_sample_s == pytest.approx(0.26, abs=0.011)
    # 0.05 peak over 10 s: -60 dBFS is passed 0.43 s into the fade.
    assert figures.onset.to_audible_s == pytest.approx(0.68, abs=0.1)


def test_loudness_figures_are_those_of_the_recording(figures: Figures) -> None:
    assert figures.loudness is not None
    assert figures.loudness.duration_s == pytest.approx(180.0)
    assert figures.loudness.peak_dbfs == pytest.approx(-26.02, abs=0.1)
    # Three sines of a third of 0.05 each, in both channels: 10 log10(3 * (0.05/3)^2) = -30.8, and the
    # K weighting at 220 to 330 Hz lies about 0.7 below that at 1 kHz, the fades lower the mean.
    assert figures.loudness.integrated_lufs == pytest.approx(-31.8, abs=0.5)
    assert figures.loudness.loudest_3s_lufs == pytest.approx(-31.4, abs=0.3)
    assert 0.5 < figures.loudness.rise_db < 6.0
    assert 10.5 < figures.loudness.rise_at_s < 12.0


def test_music_is_counted(figures: Figures) -> None:
    assert (figures.phrases, figures.notes) == (22, 242)


def test_the_least_music_in_the_queue_is_told() -> None:
    target = MusicalTarget(
        pitch=0.5, tempo_bpm=60.0, timbre=0.5, intensity=0.5, density=0.5, percussiveness=0.2)

    def phrase(number: int, at_s: float, start_s: float) -> Phrase:
        return Phrase(at_s=at_s, phrase_id=number, start_s=start_s, beats=16.0, notes=(), target=target)

    late = [phrase(0, 10.0, 12.0), phrase(1, 20.0, 28.0), phrase(2, 41.0, 44.0)]  # 16 beats at 60 bpm
    assert measure(Traces(late), None, []).least_queued_s == pytest.approx(3.0)
    assert measure(Traces(late[:1]), None, []).least_queued_s is None


def test_messages_at_the_broker_are_counted_by_topic(figures: Figures) -> None:
    assert figures.mqtt_by_topic == {"a": 1, "b": 2}


def test_stress_of_a_simulated_patient_is_compared_with_its_arousal(figures: Figures) -> None:
    stress = figures.stress
    assert stress.seconds == 181
    assert stress.unknown_share == pytest.approx(18 / 181)
    assert stress.arousal_correlation == pytest.approx(1.0)
    assert (stress.labelled_seconds, stress.labelled_unknown, stress.auc) == (0, 0, None)


def test_reactions_of_the_skin_are_counted_with_their_size(figures: Figures) -> None:
    sizes = [0.0] * 5 + [0.2, 0.7, 0.4] + [0.0] * 5 + [-0.3, -0.1, 0.5] + [0.0] * 3
    found = measure(Traces([
        Stress(at_s=float(second), level=None, confidence=0.0, sources=(), reason="", reaction=size,
               band=StressBand.UNKNOWN) for second, size in enumerate(sizes)]), None, []).reactions
    assert (found.rises, found.falls) == (2, 1)
    assert (found.largest_rise, found.largest_fall) == (0.7, -0.3)
    calm = figures.reactions
    assert (calm.rises, calm.falls, calm.largest_rise, calm.largest_fall) == (0, 0, None, None)


def test_heart_rate_error_is_measured_where_the_pulse_is_usable(figures: Figures) -> None:
    """The estimate is 2 above the truth of that second, which falls by 4 bpm a minute."""
    heart = figures.heart
    assert heart.instant_mae_bpm == pytest.approx(2.0)
    assert heart.usable_share == pytest.approx(161 / 181)
    # Over whole windows of 60 s the truth is 2 bpm higher on average, so the estimate is right.
    assert heart.window_mae_bpm is not None
    assert heart.window_mae_bpm < 0.3


def test_faults_and_late_steps_are_listed(figures: Figures) -> None:
    (fault,) = figures.faults
    assert (fault.service, fault.code, fault.start_s, fault.end_s) == ("sensors", "sensors.open", 60.0, 78.0)
    assert figures.late_steps["player"] == 2
    assert figures.late_steps["telemetry"] == 0


def test_figures_are_plain_json(figures: Figures) -> None:
    read = msgspec.json.decode(msgspec.json.encode(figures))

    assert read["faults"][0]["code"] == "sensors.open"
    assert read["onset"]["to_player_s"] == pytest.approx(0.5)
    assert msgspec.convert(read, Figures) == figures


def test_labels_that_are_told_apart_give_a_perfect_score_after_settling() -> None:
    stress = measure(labelled({"stress": 0.7, "rest": 0.2}), None, []).stress

    assert stress.labelled_seconds == 600
    assert stress.mean_in_stress == pytest.approx(0.7)
    assert stress.mean_in_rest == pytest.approx(0.2)
    assert stress.auc == 1.0
    assert stress.balanced_accuracy == 1.0
    assert stress.arousal_correlation is None


def test_labels_that_are_mixed_up_give_the_worst_score() -> None:
    stress = measure(labelled({"stress": 0.2, "rest": 0.7}), None, []).stress

    assert stress.auc == 0.0
    assert stress.balanced_accuracy == 0.0


def test_labels_told_apart_below_the_threshold_rank_well_but_are_not_called() -> None:
    stress = measure(labelled({"stress": 0.4, "rest": 0.2}), None, []).stress

    assert stress.auc == 1.0
    assert stress.balanced_accuracy == 0.5


def test_labelled_seconds_without_an_estimate_are_counted_and_not_judged() -> None:
    stress = measure(labelled({"stress": None, "rest": 0.2}), None, []).stress

    assert stress.labelled_seconds == 300
    assert stress.labelled_unknown == 300
    assert stress.mean_in_stress is None
    assert stress.auc is None
    assert stress.balanced_accuracy is None


def test_labels_within_the_first_five_minutes_are_not_judged() -> None:
    stress = measure(labelled({"stress": 0.7, "rest": 0.2}, seconds=290), None, []).stress

    assert (stress.labelled_seconds, stress.auc) == (0, None)


def test_heart_rate_before_and_after_is_that_of_the_sessions_first_and_last_minute() -> None:
    messages: list[Message] = []
    for second in range(2000):
        phase = SessionPhase.RUNNING if 100 <= second <= 1900 else SessionPhase.IDLE
        pulse = PpgFeatures(hr_bpm=84.0 - 0.01 * (second - 100), rmssd_ms=None, sdnn_ms=None,
                            pulse_amplitude_v=0.3, quality=0.1 if second in {110, 1890} else 0.9)
        messages += [
            Session(at_s=float(second), phase=phase, seed=1, elapsed_s=0.0, duration_s=1800.0, fade_s=12.0),
            Features(at_s=float(second), window_s=60.0, eda=None, ppg=pulse, temperature=None, eeg=None),
        ]
    heart = measure(Traces(messages), None, []).heart
    assert heart.first_bpm == pytest.approx(84.0 - 0.3, abs=0.02)
    assert heart.last_bpm == pytest.approx(66.0 + 0.3, abs=0.02)


def test_nothing_gives_no_figures_instead_of_plausible_ones() -> None:
    figures = measure(Traces([]), None, [])

    assert figures.onset.to_player_s is None
    assert figures.loudness is None
    assert figures.stress.unknown_share is None
    assert figures.stress.arousal_correlation is None
    assert figures.heart.window_mae_bpm is None
    assert figures.heart.usable_share is None
    assert (figures.heart.first_bpm, figures.heart.last_bpm) == (None, None)
    assert (figures.phrases, figures.notes, figures.faults) == (0, 0, ())


def test_sound_before_the_press_is_not_an_answer_to_it(run_folder: Path) -> None:
    sound = measure_sound(run_folder / "session.wav")
    states = [PlayerState(at_s=second, backend="file", sounding=second < 15, gain_db=0.0, loudness_lufs=None,
                          position_s=second, phrase_id=None, audible=None, notes_played=0)
              for second in (0.0, 5.0, 10.0, 20.0, 30.0)]
    press = Panel(at_s=20.0, light=LightPattern.READY, rgb=(0, 0, 0), button_down=True)

    onset = measure(Traces([*states, press]), sound, []).onset

    assert onset.to_player_s is None
    assert onset.to_sample_s is None
    assert onset.to_audible_s is None


def test_area_under_curve_counts_pairs_and_halves_ties() -> None:
    scores, truth = np.array([0.1, 0.4, 0.4, 0.8]), np.array([0.0, 0.0, 1.0, 1.0])

    assert area_under_curve(scores, truth) == pytest.approx((1 + 0.5 + 1 + 1) / 4)
    assert area_under_curve(scores, np.zeros(4)) is None
    assert area_under_curve(np.full(4, 0.3), truth) == 0.5


def test_area_under_curve_equals_the_count_over_all_pairs() -> None:
    rng = np.random.default_rng(5)
    scores, truth = np.round(rng.random(200), 1), rng.random(200) < 0.3
    ups, downs = scores[truth], scores[~truth]
    pairs = (ups[:, None] > downs).mean() + (ups[:, None] == downs).mean() / 2

    assert area_under_curve(scores, truth.astype(float)) == pytest.approx(pairs)


def test_balanced_accuracy_weighs_both_groups_alike() -> None:
    scores = np.array([0.9, 0.1, 0.1, 0.1, 0.6])
    truth = np.array([1.0, 0.0, 0.0, 0.0, 0.0])

    assert balanced_accuracy(scores, truth, 0.5) == pytest.approx((1 + 3 / 4) / 2)
    assert balanced_accuracy(scores, np.ones(5), 0.5) is None


def test_windowed_mean_takes_what_lies_within() -> None:
    times_s, values = np.arange(5.0), np.array([10.0, 20.0, np.nan, 40.0, 50.0])

    means = windowed_mean(times_s, values, np.array([-1.0, 0.0, 1.0, 8.0]), np.array([1.0, 3.0, 2.0, 9.0]))

    np.testing.assert_array_equal(means, [15.0, 30.0, np.nan, np.nan])
