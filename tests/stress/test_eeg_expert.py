"""The EEG expert with the shipped model: people, silence, artefacts, damaged files."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil

import numpy as np
import pytest

from device.errors import ModelError
from device.evaluation.eegmat import read_part, seconds
from device.features.eeg import EegWindow
from device.messages import EegBlock, Features
from device.stress.eeg_card import FusionWeights
from device.stress.eeg_expert import LARGEST_LOGIT, EegExpert, EegModel, HeartExpert, both_logit
from device.stress.opinion import Opinion
from device.vitals import EegFeatures, PpgFeatures

RATE = 250.0


@pytest.fixture(scope="module")
def model(models_dir):
    return EegModel(models_dir / "stress" / "eeg" / "eeg.tflite")


@pytest.fixture
def copied(models_dir, tmp_path):
    shutil.copytree(models_dir / "stress" / "eeg", tmp_path / "eeg")
    return tmp_path / "eeg"


def edit_card(folder, **changes):
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, **changes}))


def features(at_s, scalp=None, ppg=None):
    return Features(at_s=float(at_s), window_s=60.0, eda=None, ppg=ppg, temperature=None, eeg=scalp)


def scalp(shift=0.0, quality=1.0, clean_now=1.0, good=8):
    row = (3.0, 2.0 + shift, 2.0 + shift, 1.0 + shift, 1.0 + shift)
    rows = tuple(row if channel < good else None for channel in range(8))
    return EegFeatures(theta=0.2, alpha=0.2, beta=0.2, beta_alpha=1.0, theta_beta=1.0, good_channels=good,
                       quality=quality, clean_now=clean_now, ln_power=rows)


def pulse(bpm, quality=0.9):
    return PpgFeatures(hr_bpm=bpm, rmssd_ms=None, sdnn_ms=None, pulse_amplitude_v=1.0, quality=quality)


def acquainted(expert, **what):
    for second in range(60):
        expert.update(features(second, **what))
    return expert


def test_expert_is_silent_in_the_first_minute_and_speaks_after_it(model):
    expert = EegExpert(model)
    assert all(expert.update(features(second, scalp())) is None for second in range(49))
    found = expert.update(features(49, scalp()))
    assert found.logit < 0.0  # nothing has changed: rest
    assert found.variance > 0.0
    assert found.quality == 1.0


@pytest.mark.parametrize("now", [
    None, scalp(quality=0.45), scalp(clean_now=0.8), scalp(good=4), scalp(shift=30.0),
    EegFeatures(theta=0.2, alpha=0.2, beta=0.2, beta_alpha=1.0, theta_beta=1.0, good_channels=0, quality=1.0),
])
def test_expert_is_silent_without_usable_eeg(model, now):
    assert acquainted(EegExpert(model), scalp=scalp()).update(features(60, now)) is None


def test_expert_does_not_learn_from_a_bad_signal(model):
    expert, other = EegExpert(model), EegExpert(model)
    acquainted(expert, scalp=scalp())
    acquainted(other, scalp=scalp())
    for second in range(60, 90):
        other.update(features(second, scalp(shift=2.0, quality=0.3)))
    assert expert.update(features(90, scalp())) == other.update(features(90, scalp()))


def test_expert_speaks_with_five_channels(model):
    found = acquainted(EegExpert(model), scalp=scalp()).update(features(60, scalp(good=5, quality=5 / 8)))
    assert found.quality == 5 / 8


@pytest.mark.parametrize("shift", [-1.0, -0.5, 0.5, 1.0])
def test_expert_claims_no_more_than_it_may(model, shift):
    found = acquainted(EegExpert(model), scalp=scalp()).update(features(60, scalp(shift)))
    assert abs(found.logit) <= LARGEST_LOGIT


def test_expert_is_blind_to_one_gain_for_all_and_to_offsets(model, shared_data):
    folder = shared_data / "eeg" / "eegmat"
    rest, task = (read_part(folder, "Subject01", state) for state in ("rest", "task"))
    louder = [part._replace(microvolts=1.3 * part.microvolts + 20_000.0) for part in (rest, task)]
    experts = EegExpert(model), EegExpert(model)
    pairs = [(experts[0].update(one.features), experts[1].update(two.features))
             for one, two in zip(seconds(rest, task), seconds(*louder), strict=True)]
    known = [(one, two) for one, two in pairs if one and two]
    assert len(known) > 150
    differences = np.abs([one.logit - two.logit for one, two in known])
    assert differences.max() < 0.5  # a wave just below the limit of a blink is above it when louder
    assert np.median(differences) < 0.02


@pytest.mark.parametrize("name", ["Subject01", "Subject16", "Subject30"])
def test_expert_tells_people_that_it_knows_from_their_rest(model, shared_data, name):
    folder = shared_data / "eeg" / "eegmat"
    expert, found = EegExpert(model), {0: [], 1: []}
    for second in seconds(read_part(folder, name, "rest"), read_part(folder, name, "task")):
        opinion = expert.update(second.features)
        if second.scored and opinion is not None:
            found[second.label].append(opinion.logit)
    assert np.mean(found[1]) > 1.0
    assert np.mean(found[0]) < -1.0


@pytest.fixture(scope="module")
def openbci(model, shared_data):
    """Features and opinions of the OpenBCI sample, by second since its start."""
    path = next((shared_data / "eeg" / "openbci").glob("*.txt.gz"))
    with gzip.open(path, "rt") as lines:
        rows = [line.split(",")[1:9] for line in lines if line[:1].isdigit()]
    signal = np.array(rows, dtype=float)
    window, expert, found = EegWindow(), EegExpert(model), {}
    for end_s in range(1, 90):
        part = signal[250 * (end_s - 1):250 * end_s]
        window.push(EegBlock(at_s=float(end_s), start_s=end_s - 1.0, rate_hz=RATE,
                             microvolts=tuple(map(tuple, part.tolist())), lost_samples=0))
        eeg = window.features(float(end_s))
        found[end_s] = eeg, expert.update(features(end_s, eeg))
    return found


# Blinks, clenched jaw and movement; the features of a second describe what lies before it.
@pytest.mark.parametrize(("first", "last"), [(5, 7), (9, 14), (16, 17), (80, 81), (83, 85), (86, 89)])
def test_openbci_artefacts_never_read_as_a_state(openbci, first, last):
    for second in range(first, last + 1):
        eeg, opinion = openbci[second]
        assert opinion is None
        assert eeg is None or eeg.quality < 0.9


def test_openbci_eyes_closed_show_as_alpha_at_the_back_and_not_as_stress(openbci):
    opened, closed = openbci[28][0].ln_power, openbci[50][0].ln_power
    for channel in (6, 7):
        assert closed[channel][2] > opened[channel][2] + 0.7
        share = [np.exp(row[channel][2]) / np.exp(row[channel]).sum() for row in (opened, closed)]
        assert share[1] > 1.3 * share[0]
    spoken = [opinion for second in range(60, 75) if (opinion := openbci[second][1]) is not None]
    assert spoken
    assert max(opinion.logit for opinion in spoken) < 0.0


def test_heart_expert_rises_with_the_heart_rate(model):
    expert = acquainted(HeartExpert(model.card.heart), ppg=pulse(70.0))
    calm = expert.update(features(60, ppg=pulse(70.0)))
    tense = expert.update(features(61, ppg=pulse(85.0)))
    assert calm.logit < 0.0 < tense.logit <= LARGEST_LOGIT
    assert tense.quality == 0.9


def test_heart_expert_is_silent_without_pulse_and_in_the_first_minute(model):
    expert = HeartExpert(model.card.heart)
    assert expert.update(features(0, ppg=pulse(70.0))) is None
    acquainted(expert, ppg=pulse(70.0))
    assert expert.update(features(60)) is None
    assert expert.update(features(61, ppg=pulse(70.0, quality=0.3))) is None


def test_both_adds_weighted_log_odds_of_what_is_there():
    weights = FusionWeights(eeg=0.5, heart=2.0, bias=0.1)
    eeg, heart = Opinion(1.0, 0.1, 1.0), Opinion(-2.0, 0.1, 1.0)
    assert both_logit(eeg, heart, weights) == pytest.approx(0.5 - 4.0 + 0.1)
    assert both_logit(eeg, None, weights) == 1.0
    assert both_logit(None, heart, weights) == -2.0
    assert both_logit(None, None, weights) is None


def test_card_describes_data_figures_and_limits(models_dir):
    card = json.loads((models_dir / "stress" / "eeg" / "card.json").read_text())
    content = (models_dir / "stress" / "eeg" / "eeg.tflite").read_bytes()
    assert card["sha256"] == hashlib.sha256(content).hexdigest()
    assert len(card["data"]["subjects"]) == 28
    results = card["evaluation"]["results"]
    assert results["kernel_ensemble"]["balanced_accuracy"][0] >= 0.86
    assert results["kernel_ensemble_and_heart_rate"]["balanced_accuracy"][0] >= 0.91
    assert results["kernel_ensemble"]["ece"][0] <= 0.08
    control = card["evaluation"]["controls"]["third_minute_of_rest_against_second"]
    assert 0.4 < control["balanced_accuracy"][0] < 0.6
    assert "upper bound" in card["failure_modes"][0]


def test_model_refuses_a_file_that_is_not_the_cards(copied):
    (copied / "eeg.tflite").write_bytes((copied / "eeg.tflite").read_bytes() + b"x")
    with pytest.raises(ModelError, match="SHA-256"):
        EegModel(copied / "eeg.tflite")


def test_model_refuses_a_missing_or_broken_card(copied):
    (copied / "card.json").write_text("{}")
    with pytest.raises(ModelError, match="is not a model card"):
        EegModel(copied / "eeg.tflite")
    (copied / "card.json").unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        EegModel(copied / "eeg.tflite")


@pytest.mark.parametrize(("changes", "message"), [
    ({"format": 99}, "another version"), ({"inputs": []}, "another version"),
    ({"temperature": 0.0}, "no sense"), ({"farthest": -1.0}, "no sense"), ({"members": 3}, "other inputs"),
])
def test_model_refuses_a_card_of_something_else(copied, changes, message):
    edit_card(copied, **changes)
    with pytest.raises(ModelError, match=message):
        EegModel(copied / "eeg.tflite")


def test_model_refuses_bytes_that_are_no_model(copied):
    (copied / "eeg.tflite").write_bytes(b"nothing")
    edit_card(copied, sha256=hashlib.sha256(b"nothing").hexdigest())
    with pytest.raises(ModelError, match="no model"):
        EegModel(copied / "eeg.tflite")
