"""Reading a card."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from device.errors import ModelError
from device.stress.card import FORMAT, Weights, read_card
from device.stress.inputs import INPUTS, input_names
from device.stress.network import CARD_NAME

CONTENT = b"some model"
NAN, INFINITY = float("nan"), float("inf")


@pytest.fixture
def path(tmp_path):
    (tmp_path / "stress.tflite").write_bytes(CONTENT)
    return tmp_path / "stress.tflite"


@pytest.fixture
def card(card_of):
    return card_of(sha256=hashlib.sha256(CONTENT).hexdigest())


def write(path, card):
    (path.parent / CARD_NAME).write_bytes(msgspec.json.encode(card))


def refusal(path):
    with pytest.raises(ModelError) as caught:
        read_card(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def with_input(card, **changes):
    """The card with one input's constants changed."""
    changed = msgspec.structs.replace(card.inputs[3], **changes)
    return msgspec.structs.replace(card, inputs=(*card.inputs[:3], changed, *card.inputs[4:]))


def test_card_comes_back_as_it_was_written(path, card):
    write(path, card)
    assert read_card(path) == (CONTENT, card)


def test_card_gives_the_population_in_order(card):
    population = card.population()
    assert population.mean == [one.mean for one in card.inputs]
    assert population.between == [0.5] * len(INPUTS)
    assert population.within == [0.3] * len(INPUTS)


def test_card_weighs_each_source(card_of):
    card = card_of(weights=Weights(eda=1.0, ppg=0.9, temperature=0.1, eeg=0.4))
    assert [card.weight(source) for source in ("eda", "ppg", "temperature", "eeg")] == [1.0, 0.9, 0.1, 0.4]


def test_card_may_say_more_than_the_device_reads(path, card):
    whole = msgspec.to_builtins(card) | {"failure_modes": ["patients"], "seed": 1}
    (path.parent / CARD_NAME).write_bytes(msgspec.json.encode(whole))
    assert read_card(path)[1] == card


def test_card_of_the_shipped_model_fits_this_firmware(models_dir):
    content, card = read_card(models_dir / "stress" / "stress.tflite")
    assert content[4:8] == b"TFL3"
    assert card.format == FORMAT
    assert [one.name for one in card.inputs] == input_names()
    assert [(one.source, one.unit) for one in card.inputs] == [(one.source, one.unit) for one in INPUTS]


def test_read_card_names_what_is_missing(tmp_path):
    assert "stress.tflite: cannot be read" in refusal(tmp_path / "stress.tflite")
    (tmp_path / "stress.tflite").write_bytes(b"x")
    assert CARD_NAME in refusal(tmp_path / "stress.tflite")


def test_card_of_other_bytes_is_refused(path, card):
    write(path, msgspec.structs.replace(card, sha256="0" * 64))
    assert "SHA-256 differs" in refusal(path)


@pytest.mark.parametrize("format_", [0, 1, FORMAT + 1])
def test_card_of_another_format_is_refused(path, card, format_):
    write(path, msgspec.structs.replace(card, format=format_))
    assert "another version" in refusal(path)


def test_card_of_other_inputs_is_refused(path, card):
    for inputs in (card.inputs[::-1], card.inputs[:-1], (), with_input(card, name="time").inputs):
        write(path, msgspec.structs.replace(card, inputs=inputs))
        assert "another version" in refusal(path)


def test_card_of_a_source_that_the_model_does_not_know_is_refused(path, card):
    write(path, with_input(card, source="eeg"))
    assert "another version" in refusal(path)


@pytest.mark.parametrize("changes", [
    {"between": 0.0}, {"within": 0.0}, {"within": -0.1}, {"between": NAN}, {"mean": NAN}, {"mean": INFINITY},
    {"sensitivity": INFINITY},
])
def test_card_with_a_senseless_input_is_refused(path, card, changes):
    senseless = with_input(card, **changes)
    assert not senseless.sensible()
    if all(value == value and abs(value) != INFINITY for value in changes.values()):  # noqa: PLR0124 - NaN
        write(path, senseless)
        assert "make no sense" in refusal(path)


@pytest.mark.parametrize("changes", [
    {"temperature": 0.0}, {"temperature": -1.0}, {"smoothing_s": 0.0}, {"members": 0}, {"bias": NAN},
    {"weights": Weights(eda=NAN, ppg=1.0, temperature=0.0, eeg=0.5)},
])
def test_card_with_senseless_constants_is_refused(path, card, changes):
    senseless = msgspec.structs.replace(card, **changes)
    assert card.sensible()
    assert not senseless.sensible()
    write(path, senseless)
    assert refusal(path)
