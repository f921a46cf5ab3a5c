"""The firmware's own words: gathered from its sentences, and none that a clinic could bring in."""

from __future__ import annotations

import ast

from device.desk.vocabulary import FILE, codes_of, text, words_of
from device.telemetry.words import CODES, WORDS

MODULE = '''
"""A docstring with words of its own."""
NAME = "lonely"

def fail(bus, error):
    """Another docstring."""
    raise OSError(f"I2C bus {bus} cannot be opened ({error}); see player.device, or the unit's /dev/i2c-1")
'''


def test_vocabulary_on_disk_is_what_the_sources_say():
    assert FILE.read_text(encoding="utf-8") == text(), "stale: run `make contract`"


def test_vocabulary_of_a_module_is_of_its_sentences_without_numbers_paths_and_docstrings():
    assert words_of(ast.parse(MODULE)) == {
        "bus", "cannot", "be", "opened", "see", "player.device", "or", "the", "unit's"}


def test_vocabulary_codes_are_those_of_faults():
    source = 'A = Fault(code="adc_lost", advice="x y")\nB = Other(code="else")\nC = Fault(code=name)\n'
    assert codes_of(ast.parse(source)) == {"adc_lost"}
    assert {"adc_lost", "broker_unreachable", "outbox_full", "no_audio"} <= CODES


def test_vocabulary_holds_what_advice_is_made_of_and_no_names():
    assert {"check", "cable", "certificate", "broker", "power", "permission", "denied"} <= WORDS
    assert not {"anna", "meier", "raspberrypi", "tranquillo-pi", "localhost", "headphones"} & WORDS
    assert not [word for word in WORDS if any(one.isdigit() or one in "@\\" for one in word)]
