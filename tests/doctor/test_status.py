"""The one screen: what the services said, put together; nothing of the patient but contact."""

from __future__ import annotations

import json
import random

import msgspec
import pytest

from device.clock import ManualClock
from device.config import Telemetry
from device.doctor.heard import NOTHING, gather
from device.doctor.outbox import Depth, outbox_path, read_depth
from device.doctor.status import screen, status_of
from device.messages import (
    Fault,
    Features,
    Health,
    LightPattern,
    Panel,
    PlayerState,
    Quality,
    SampleBlock,
    Session,
    SessionPhase,
    Severity,
    Stress,
    StressBand,
)
from device.telemetry.outbox import Outbox
from device.telemetry.records import Kind, Letter
from device.vitals import PpgFeatures

FAULT = Fault(code="headset_lost", severity=Severity.INFO, advice="charge it")


def talking():
    block = {"at_s": 9.0, "start_s": 9.0, "rate_hz": 10.0, "values": (5.4321, 5.4321)}
    ppg = PpgFeatures(hr_bpm=77.7, rmssd_ms=33.3, sdnn_ms=None, pulse_amplitude_v=0.1, quality=0.9)
    return gather([
        Session(at_s=9.0, phase=SessionPhase.RUNNING, seed=424242, elapsed_s=451.0, duration_s=1200.0,
                fade_s=12.0),
        Panel(at_s=9.0, light=LightPattern.PLAYING, rgb=(0.0, 0.4, 0.5), button_down=False),
        PlayerState(at_s=9.0, backend="alsa", sounding=True, gain_db=-20.0, loudness_lufs=-40.0,
                    position_s=9.0, phrase_id=3, audible=None, notes_played=99),
        SampleBlock(signal="eda", quality=Quality.GOOD, **block),
        SampleBlock(signal="temperature", quality=Quality.OPEN, **block),
        Features(at_s=9.0, window_s=60.0, eda=None, ppg=ppg, temperature=None, eeg=None),
        Stress(at_s=9.0, level=0.8123, confidence=0.7, band=StressBand.HIGH, sources=("eda",), reason=""),
        Health(at_s=9.0, service="player", uptime_s=93_784.0, late_steps=0, faults=()),
        Health(at_s=9.0, service="headset", uptime_s=61.0, late_steps=0, faults=(FAULT,)),
    ], 1.5)


def test_status_of_a_running_session(stage):
    status = status_of(stage.settings, talking(), {"player": {"NRestarts": "2", "ActiveState": "active"}},
                       stage.root)
    assert (status.phase, status.minute, status.minutes) == (SessionPhase.RUNNING, 7, 20)
    assert (status.light, status.sounding, status.stress_known) == ("playing", True, True)
    assert msgspec.structs.astuple(status.contact) == (True, True, False, False)
    text = screen(status)
    assert "running, minute 7 of 20, sounding" in text
    assert "skin, pulse in contact; stress is known" in text
    assert "player     running   up 1 d 2 h  restarted 2 times" in text
    assert "headset_lost (info): charge it" in text
    assert len(text.splitlines()) <= 24


def test_status_tells_nothing_of_the_patient(stage):
    status = status_of(stage.settings, talking(), {}, stage.root)
    for said in (screen(status), msgspec.json.encode(status).decode()):
        for physiology in ("77.7", "33.3", "5.43", "0.81", "high", "424242", "hr_bpm"):
            assert physiology not in said


def test_status_where_nobody_speaks(stage):
    stage.runs("player")
    status = status_of(stage.settings, NOTHING, {"sensors": {"ActiveState": "failed"}}, stage.root)
    states = {one.name: one.state for one in status.services}
    assert (states["player"], states["sensors"], states["headset"]) == ("silent", "failed", "stopped")
    assert (status.phase, status.minute, status.stress_known, status.outbox_fleet) == (None, None, None, None)
    assert "the conductor says nothing" in screen(status)
    assert "nothing is sent" in screen(status)


def test_status_idle_has_no_minute(stage):
    idle = Session(at_s=9.0, phase=SessionPhase.IDLE, seed=1, elapsed_s=0.0, duration_s=1200.0, fade_s=12.0)
    status = status_of(stage.settings, gather([idle], 1.5), {}, stage.root)
    assert status.minute is None
    assert "session    idle" in screen(status)


@pytest.fixture
def outbox(stage):
    path = stage.root / str(outbox_path("/var/lib/tranquillo")).lstrip("/")
    path.parent.mkdir(parents=True)
    box = Outbox(path, ManualClock(), random.Random(1), 1000)
    for number in range(3):
        box.enqueue(Letter(id=f"{number:032x}", kind=Kind.FAULT, topic="t", payload=b"{}",
                           number=box.next_number()))
    yield box
    box.close()


def test_status_counts_what_waits_beside_the_writer(stage, outbox):
    stage.change(telemetry=Telemetry(broker_host="broker.example"))
    status = status_of(stage.settings, NOTHING, {}, stage.root)
    assert (status.outbox_fleet, status.outbox_outcomes) == (3, 0)
    assert "3 reports and 0 outcomes wait" in screen(status)


def test_read_depth_of_a_closed_outbox_leaves_no_trace(stage, outbox):
    outbox.close()
    path = stage.root / "var/lib/tranquillo/telemetry/outbox.sqlite"
    before = sorted(path.parent.iterdir())
    assert read_depth(path) == Depth(3, 0)
    assert sorted(path.parent.iterdir()) == before


def test_read_depth_of_what_is_no_outbox_is_none(tmp_path):
    assert read_depth(tmp_path / "none.sqlite") is None
    (tmp_path / "rubbish.sqlite").write_text("rubbish" * 200, encoding="utf-8")
    assert read_depth(tmp_path / "rubbish.sqlite") is None
    assert list(tmp_path.iterdir()) == [tmp_path / "rubbish.sqlite"]


def test_status_json_can_be_read_by_programs(stage):
    document = json.loads(msgspec.json.encode(status_of(stage.settings, talking(), {}, stage.root)))
    assert document["format"] == 1
    assert document["contact"] == {"skin": True, "pulse": True, "temperature": False, "eeg": False}
    assert [one["name"] for one in document["services"]][:2] == ["sensors", "headset"]
