"""The model file and its card: every way in which they can be wrong is one clear line."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from device.errors import ModelError
from device.stress.inputs import INPUTS, input_names
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


def test_model_loads_with_its_card(copy):
    model = StressModel(copy)
    assert [one.name for one in model.card.inputs] == input_names()
    assert np.isfinite(model.logit(np.zeros(len(input_names()), dtype=np.float32)))


def test_model_is_a_function_of_its_inputs_only(copy):
    model = StressModel(copy)
    vectors = np.random.default_rng(1).normal(size=(5, len(input_names()))).astype(np.float32)
    first = [model.logit(vector) for vector in vectors]
    again = [model.logit(vector) for vector in vectors[::-1]][::-1]
    assert first == again


@pytest.mark.parametrize("name", ["tonic", "heart_rate"])
def test_model_rises_with_skin_conductance_and_heart_rate(copy, name):
    model = StressModel(copy)
    low, high = (np.array([0.0] * len(INPUTS) + [1.0, 1.0], dtype=np.float32) for _ in range(2))
    place = [one.name for one in INPUTS].index(name)
    low[place], high[place] = -1.5, 1.5
    assert model.logit(high) > model.logit(low) + 0.3


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


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": "one"}'])
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


def test_model_refuses_bytes_that_are_no_model_even_with_a_fitting_hash(copy):
    import hashlib

    copy.write_bytes(b"not a model")
    edit(copy, sha256=hashlib.sha256(b"not a model").hexdigest())
    assert "no model that the interpreter takes" in refused(copy)
