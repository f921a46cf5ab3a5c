"""The model file and its card: every way in which they can be wrong is one clear line."""

from __future__ import annotations

import hashlib
import json
import shutil

import numpy as np
import pytest

from device.errors import ModelError
from device.stress.inputs import INPUTS, SOURCES, input_names, of_source
from device.stress.model import StressModel


@pytest.fixture
def copy(models_dir, tmp_path):
    for name in ("stress.tflite", "card.json"):
        shutil.copy(models_dir / "stress" / name, tmp_path / name)
    return tmp_path / "stress.tflite"


def edit(path, **changes):
    card = json.loads((path.parent / "card.json").read_text())
    (path.parent / "card.json").write_text(json.dumps(card | changes))


def refused(path):
    with pytest.raises(ModelError) as caught:
        StressModel(path)
    text = str(caught.value)
    assert "\n" not in text
    assert "make train" in text
    return text


def vector(**deviations):
    return np.array([deviations.get(one.name, 0.0) for one in INPUTS], dtype=np.float32)


def test_model_loads_with_its_card(copy):
    model = StressModel(copy)
    assert [one.name for one in model.card.inputs] == input_names()
    logits = model.logits(vector())
    assert logits.shape == (model.card.members, len(SOURCES))
    assert np.isfinite(logits).all()
    assert logits.dtype == np.float64


def test_model_is_a_function_of_its_inputs_only(copy):
    model = StressModel(copy)
    vectors = np.random.default_rng(1).normal(size=(5, len(INPUTS))).astype(np.float32)
    first = [model.logits(one).tolist() for one in vectors]
    again = [model.logits(one).tolist() for one in vectors[::-1]][::-1]
    assert first == again


@pytest.mark.parametrize("source", SOURCES)
def test_model_hears_each_source_in_its_own_expert_only(copy, source):
    model = StressModel(copy)
    place = SOURCES.index(source)
    moved = np.where(of_source()[place], 1.7, 0.0).astype(np.float32)
    change = model.logits(moved) - model.logits(vector())
    others = [k for k in range(len(SOURCES)) if k != place]
    assert np.array_equal(change[:, others], np.zeros((model.card.members, len(others))))
    assert np.abs(change[:, place]).min() > 0.0


def test_model_experts_are_straight_lines_as_steep_as_the_card_says(copy):
    model = StressModel(copy)
    rest = model.logits(vector())
    for place, one in enumerate(INPUTS):
        source = SOURCES.index(one.source)
        steep = model.logits(vector(**{one.name: 1.0}))[:, source] - rest[:, source]
        twice = model.logits(vector(**{one.name: 2.0}))[:, source] - rest[:, source]
        assert twice == pytest.approx(2.0 * steep, abs=1e-5)
        assert np.abs(steep).mean() == pytest.approx(model.card.inputs[place].sensitivity, abs=1e-4)


def test_model_adds_inputs_up(copy):
    model = StressModel(copy)
    random = np.random.default_rng(2).normal(size=(2, len(INPUTS))).astype(np.float32)
    rest = model.logits(vector())
    apart = model.logits(random[0]) + model.logits(random[1]) - rest
    assert model.logits(random[0] + random[1]) == pytest.approx(apart, abs=1e-5)


@pytest.mark.parametrize(("name", "source"), [("tonic", "eda"), ("heart_rate", "ppg")])
def test_model_rises_with_skin_conductance_and_heart_rate(copy, name, source):
    model = StressModel(copy)
    low, high = (model.logits(vector(**{name: value})).mean(axis=0) for value in (-1.5, 1.5))
    place = SOURCES.index(source)
    assert high[place] > low[place] + 0.3


def test_model_refuses_an_absent_file(copy):
    copy.unlink()
    assert str(copy) in refused(copy)


def test_model_refuses_an_absent_card(copy):
    (copy.parent / "card.json").unlink()
    assert "card.json" in refused(copy)


def test_model_refuses_a_tampered_file(copy):
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    assert "SHA-256 differs" in refused(copy)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2}', '{"format": "one"}'])
def test_model_refuses_a_damaged_card(copy, text):
    (copy.parent / "card.json").write_text(text)
    assert "is not a model card" in refused(copy)


def test_model_refuses_a_card_of_other_inputs(copy):
    card = json.loads((copy.parent / "card.json").read_text())
    edit(copy, inputs=card["inputs"][::-1])
    assert "another version" in refused(copy)


def test_model_refuses_a_card_of_another_format(copy):
    edit(copy, format=99)
    assert "another version" in refused(copy)


def test_model_refuses_senseless_constants(copy):
    edit(copy, temperature=0.0)
    assert "make no sense" in refused(copy)


def test_model_refuses_a_card_of_another_number_of_members(copy):
    edit(copy, members=StressModel(copy).card.members + 1)
    assert "other inputs or outputs" in refused(copy)


def test_model_refuses_bytes_that_are_no_model_even_with_a_fitting_hash(copy):
    copy.write_bytes(b"not a model")
    edit(copy, sha256=hashlib.sha256(b"not a model").hexdigest())
    assert "no model that the interpreter takes" in refused(copy)
