"""Both buses carry the same messages; the ZeroMQ one survives what processes do to each other."""

import subprocess
import sys
import time

import msgspec
import pytest
import zmq

from device.bus import QUEUE_MESSAGES, LocalHub, ZmqBus, decode, encode, owners_of
from device.messages import (
    Health,
    LightPattern,
    MusicalTarget,
    Note,
    Panel,
    Phrase,
    PlayerState,
    Session,
    SessionPhase,
    Stress,
    StressBand,
    Target,
)


def stress(level: float) -> Stress:
    return Stress(at_s=1.0, level=level, confidence=0.5, band=StressBand.LOW, sources=("eda",), reason="")


SESSION = Session(at_s=2.0, phase=SessionPhase.RUNNING, seed=7, elapsed_s=1.0, duration_s=60.0, fade_s=10.0)
HEALTH = Health(at_s=3.0, service="player", uptime_s=1.0, late_steps=0, faults=())


def receive_within(bus: ZmqBus, seconds: float, least: int = 1):
    arrived = []
    deadline = time.monotonic() + seconds
    while len(arrived) < least and time.monotonic() < deadline:
        bus.wait(0.05)
        arrived += bus.receive()
    return arrived


def settle(sender: ZmqBus, reader: ZmqBus) -> None:
    """Publish until the reader hears: subscriptions travel asynchronously."""
    deadline = time.monotonic() + 5.0
    while time.monotonic() < deadline:
        sender.publish(stress(0.0))
        if reader.wait(0.02):
            reader.receive()
            return
    pytest.fail("the reader never heard the sender")


def test_bus_frames_come_back_as_the_same_message():
    for message in (stress(0.25), SESSION, HEALTH):
        assert decode(*encode(message)) == message


def test_bus_refuses_a_body_of_another_struct():
    with pytest.raises(msgspec.DecodeError):
        decode(b"stress", encode(SESSION)[1])


def test_bus_refuses_an_unknown_topic():
    with pytest.raises(KeyError):
        decode(b"gossip", b"")


def test_bus_owners_follow_from_the_messages():
    assert owners_of((Stress, Session)) == ("conductor", "estimator")
    assert set(owners_of((Health,))) >= {"sensors", "player", "telemetry", "simulator"}
    assert owners_of(()) == ()


def test_bus_local_delivers_only_what_is_read_and_in_order():
    hub = LocalHub()
    reader = hub.connect((Stress, Session))
    other = hub.connect((Health,))
    writer = hub.connect(())
    writer.publish(stress(0.1))
    writer.publish(SESSION)
    writer.publish(HEALTH)
    writer.publish(stress(0.2))
    assert reader.receive() == [stress(0.1), SESSION, stress(0.2)]
    assert reader.receive() == []
    assert other.receive() == [HEALTH]


def test_bus_local_queue_is_bounded():
    hub = LocalHub()
    reader = hub.connect((Stress,))
    writer = hub.connect(())
    for number in range(QUEUE_MESSAGES + 10):
        writer.publish(stress(number / 10_000))
    arrived = reader.receive()
    assert len(arrived) == QUEUE_MESSAGES
    assert arrived[-1] == stress((QUEUE_MESSAGES + 9) / 10_000)
    reader.close()


def test_bus_zmq_carries_messages_between_owners_and_readers(tmp_path):
    sender = ZmqBus(tmp_path, "estimator", ())
    conductor = ZmqBus(tmp_path, "conductor", ())
    reader = ZmqBus(tmp_path, "", (Stress, Session))
    try:
        settle(sender, reader)
        sender.publish(stress(0.75))
        assert receive_within(reader, 2.0) == [stress(0.75)]
        deadline = time.monotonic() + 5.0
        arrived = []
        while not arrived and time.monotonic() < deadline:
            conductor.publish(SESSION)
            arrived = receive_within(reader, 0.05)
        assert arrived[0] == SESSION
    finally:
        for bus in (sender, conductor, reader):
            bus.close()


def test_bus_zmq_reader_may_come_first(tmp_path):
    reader = ZmqBus(tmp_path, "", (Stress,))
    sender = ZmqBus(tmp_path, "estimator", ())
    try:
        settle(sender, reader)
        sender.publish(stress(0.5))
        assert receive_within(reader, 2.0) == [stress(0.5)]
    finally:
        sender.close()
        reader.close()


def test_bus_zmq_owner_may_be_killed_and_come_back(tmp_path):
    script = (
        "import sys, time; from pathlib import Path; from device.bus import ZmqBus; "
        "from device.messages import Stress, StressBand\n"
        "bus = ZmqBus(Path(sys.argv[1]), 'estimator', ())\n"
        "while True:\n"
        " bus.publish(Stress(at_s=1.0, level=float(sys.argv[2]), confidence=0.5, band=StressBand.LOW,"
        " sources=(), reason=''))\n"
        " time.sleep(0.02)\n"
    )
    reader = ZmqBus(tmp_path, "", (Stress,))
    try:
        for level in (0.25, 0.5):
            owner = subprocess.Popen([sys.executable, "-c", script, str(tmp_path), str(level)])
            try:
                deadline = time.monotonic() + 10.0
                heard = False
                while not heard and time.monotonic() < deadline:
                    heard = any(m.level == level for m in receive_within(reader, 0.2))
                assert heard
            finally:
                owner.kill()
                owner.wait()
    finally:
        reader.close()


def test_bus_zmq_publishing_never_waits_for_a_frozen_reader(tmp_path):
    sender = ZmqBus(tmp_path, "player", ())
    reader = ZmqBus(tmp_path, "", (PlayerState,))
    state = PlayerState(at_s=0.0, backend="file", sounding=True, gain_db=0.0, loudness_lufs=-30.0,
                        position_s=1.0, phrase_id=1, audible=None, notes_played=0)
    try:
        before = time.monotonic()
        for _ in range(20 * QUEUE_MESSAGES):
            sender.publish(state)
        assert time.monotonic() - before < 5.0
        receive_within(reader, 0.5)
    finally:
        sender.close()
        reader.close()


def test_bus_zmq_listener_owns_nothing(tmp_path):
    listener = ZmqBus(tmp_path, "", (Panel,))
    listener.publish(Panel(at_s=0.0, light=LightPattern.READY, rgb=(0.0, 1.0, 0.0), button_down=False))
    listener.close()
    assert list(tmp_path.iterdir()) == []


def target(**changed: float) -> Target:
    values = {"pitch": 0.5, "tempo_bpm": 60.0, "timbre": 0.5, "intensity": 0.5, "density": 0.5,
              "percussiveness": 0.2}
    return Target(at_s=1.0, values=MusicalTarget(**(values | changed)), reasons=(), loop="open",
                  elapsed_s=0.0)


def phrase(**changed: float) -> Phrase:
    note = {"voice": "melody", "pitch": 60, "start_beat": 0.0, "beats": 1.0, "velocity": 0.5}
    return Phrase(at_s=1.0, phrase_id=1, start_s=1.0, beats=16.0, notes=(Note(**(note | changed)),),
                  target=target().values)


@pytest.mark.parametrize("bad", [
    target(timbre=float("nan")), target(timbre=float("inf")), target(tempo_bpm=0.0), target(tempo_bpm=-60.0),
    target(percussiveness=1e6), phrase(pitch=10_000), phrase(pitch=-1), phrase(velocity=float("nan")),
    phrase(velocity=100.0), phrase(beats=float("inf")), phrase(start_beat=-5.0),
    msgspec.structs.replace(phrase(), start_s=float("nan")), msgspec.structs.replace(SESSION, fade_s=-1.0),
])
def test_what_would_ruin_the_sound_never_reaches_a_reader(bad, caplog):
    hub = LocalHub()
    reader = hub.connect((Target, Phrase, Session))
    writer = hub.connect(())
    writer.publish(bad)
    writer.publish(bad)
    writer.publish(SESSION)
    assert reader.receive() == [SESSION]
    assert len(caplog.records) == 1, "told once, not flooded"


def test_a_reader_survives_frames_that_are_no_message(tmp_path, caplog):
    with zmq.Context() as context, context.socket(zmq.PUB) as stranger:
        stranger.bind(f"ipc://{tmp_path}/conductor.sock")
        reader = ZmqBus(tmp_path, "", (Session,))
        good = list(encode(SESSION))
        arrived = []
        deadline = time.monotonic() + 5.0
        while not arrived and time.monotonic() < deadline:
            for frames in ([b"session"], [b"session-of-tomorrow", b""], [b"session", b"\xc1"],
                           [b"session\xff", b""], [*good, b"more"], good):
                stranger.send_multipart(frames)
            reader.wait(0.05)
            arrived = reader.receive()
        reader.close()
    assert set(arrived) == {SESSION}
    assert all("dropped" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(("folder", "expected"), [
    (0o700, 0o600), (0o755, 0o600), (0o3770, 0o660), (0o777, 0o660)])
def test_bus_socket_is_the_groups_where_the_folder_is_and_never_everybodys(tmp_path, folder, expected):
    tmp_path.chmod(folder)
    bus = ZmqBus(tmp_path, "sensors", ())
    assert (tmp_path / "sensors.sock").stat().st_mode & 0o777 == expected
    bus.close()
