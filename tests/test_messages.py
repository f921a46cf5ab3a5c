"""The structs on the bus."""

import math

import msgspec
import pytest

from device.messages import MESSAGE_TYPES, MusicalTarget, Phrase, Quality, SampleBlock

TARGET = MusicalTarget(pitch=0.5, tempo_bpm=60.0, timbre=0.5, intensity=0.5, density=0.5, percussiveness=0.2)


def test_messages_every_topic_is_named_once():
    topics = [kind.topic for kind in MESSAGE_TYPES]
    assert all(topics)
    assert len(set(topics)) == len(topics)


def test_messages_no_topic_is_the_beginning_of_another():
    topics = [kind.topic for kind in MESSAGE_TYPES]
    for topic in topics:
        assert [t for t in topics if t.startswith(topic)] == [topic]


def test_messages_a_bad_sample_stays_nan_on_the_wire():
    block = SampleBlock(at_s=1.0, signal="eda", start_s=0.8, rate_hz=10.0, values=(1.0, math.nan),
                        quality=Quality.OPEN)
    back = msgspec.msgpack.decode(msgspec.msgpack.encode(block), type=SampleBlock)
    assert back.values[0] == 1.0
    assert math.isnan(back.values[1])
    assert back.quality is Quality.OPEN


def test_messages_are_frozen():
    with pytest.raises(AttributeError):
        TARGET.tempo_bpm = 120.0  # type: ignore[misc]


def test_messages_phrase_length_follows_from_its_tempo():
    phrase = Phrase(at_s=0.0, phrase_id=1, start_s=0.0, beats=16.0, notes=(), target=TARGET)
    assert phrase.duration_s == pytest.approx(16.0)
    faster = msgspec.structs.replace(phrase, target=msgspec.structs.replace(TARGET, tempo_bpm=80.0))
    assert faster.duration_s == pytest.approx(12.0)
