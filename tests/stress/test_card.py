"""Reading a card."""

from __future__ import annotations

import pytest

from device.errors import ModelError
from device.stress.card import CARD_NAME, FORMAT, Bands, Card, CardInput, read_checked
from device.stress.inputs import INPUTS, input_names


def test_card_of_the_shipped_model_gives_one_spread_for_each_input(models_dir):
    content, card = read_checked(models_dir / "stress" / "stress.tflite")
    assert content[4:8] == b"TFL3"
    assert len(card.spreads()) == len(INPUTS)
    assert card.format == FORMAT
    assert tuple(one.name for one in card.inputs) == tuple(input_names())


def test_card_spreads_leave_flags_out():
    inputs = (CardInput(name="a", unit="ln V", spread=0.5),
              CardInput(name="a_present", unit="0 or 1", spread=None))
    bands = Bands(medium_enter=0.4, medium_leave=0.3, high_enter=0.7, high_leave=0.6)
    card = Card(format=1, sha256="", inputs=inputs, prior_seconds=1.0, temperature=1.0, bias=0.0,
                smoothing_s=1.0, bands=bands)
    assert card.spreads() == [0.5]


def test_read_checked_names_what_is_missing(tmp_path):
    with pytest.raises(ModelError, match=r"stress\.tflite: cannot be read"):
        read_checked(tmp_path / "stress.tflite")
    (tmp_path / "stress.tflite").write_bytes(b"x")
    with pytest.raises(ModelError, match=CARD_NAME):
        read_checked(tmp_path / "stress.tflite")
