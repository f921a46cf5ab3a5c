"""The whole examination: every family once, a bound in time, what a person reads and how it ends."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import msgspec
import pytest

from device.bus import ZmqBus
from device.doctor import examine as examine_module
from device.doctor.commands import FAMILIES
from device.doctor.examine import BOUND_S, NAMES, examine, look
from device.doctor.heard import NOTHING, listen
from device.doctor.owners import Owner, locked, owner_of
from device.doctor.result import (
    Outcome,
    Report,
    attention,
    exit_status,
    failed,
    failed_with,
    ok,
    skipped,
    worst,
)
from device.doctor.scene import ask_system
from device.doctor.text import text_of
from device.errors import DeviceLost
from device.messages import Health

RESULTS = (ok("a.one", "fine", 12.0, "ms"), attention("b.second", "worn", "replace it"),
           failed("c", "gone", "buy"), skipped("d", "not here"))


def report(*results):
    return Report(unit="ward-3", version="1.2", outcome=worst(results), took_s=2.5, results=results)


def test_examine_asks_every_family_once_within_the_bound(stage):
    found = examine(stage.scene())
    families = [result.family for result in found.results]
    assert {"services", "models", "storage", "machine", "clock", "sound", "adc", "gsr", "ppg", "headset",
            "broker"} <= set(families)
    names = [result.name for result in found.results]
    assert len(names) == len(set(names))
    assert found.took_s <= BOUND_S
    assert all(result.advice for result in found.results
               if result.outcome in {Outcome.FAILED, Outcome.ATTENTION})


def test_examine_only_what_is_asked_for(stage):
    found = examine(stage.scene(), ["clock"])
    assert [result.family for result in found.results] == ["clock"]


def test_examine_leaves_out_what_would_last_too_long(stage, monkeypatch):
    def slow(scene):
        scene.clock.sleep(13.0)
        return [ok("slow.one", "done")]
    monkeypatch.setattr(examine_module, "FAMILIES", (
        ("slow", 2.0, slow), ("late", 5.0, slow), ("quick", 1.0, lambda _: [ok("quick", "y")])))
    found = examine(stage.scene(), ["slow", "late", "quick"])
    assert [(result.name, result.outcome) for result in found.results] == [
        ("slow.one", Outcome.OK), ("late.time", Outcome.SKIPPED), ("quick", Outcome.OK)]
    assert found.results[1].advice == "tranquillo doctor --only late"


def test_examine_names_are_those_of_the_command():
    assert NAMES == FAMILIES


@pytest.mark.parametrize(("results", "outcome", "status"), [
    (RESULTS, Outcome.FAILED, 1), (RESULTS[:2], Outcome.ATTENTION, 2), (RESULTS[:1], Outcome.OK, 0),
    (RESULTS[3:], Outcome.OK, 0), ((), Outcome.OK, 0),
])
def test_worst_outcome_decides_the_exit_status(results, outcome, status):
    assert worst(results) is outcome
    assert exit_status(outcome) == status


def test_failed_with_parts_what_is_wrong_from_what_to_do():
    result = failed_with("x", DeviceLost("it is gone (No; such); plug it in; twice"))
    assert (result.says, result.advice) == ("it is gone (No", "such); plug it in; twice")


def test_text_has_one_aligned_line_a_check_the_worst_last_and_a_sentence():
    lines = text_of(report(*RESULTS)).splitlines()
    assert lines == [
        "-          d         not here",
        "ok         a.one     fine [12 ms]",
        "ATTENTION  b.second  worn",
        "                     -> replace it",
        "FAILED     c         gone",
        "                     -> buy",
        "",
        ("ward-3, version 1.2: 1 ok, 1 need attention, 1 failed, 1 not looked at, in 2.5 s. "
         "Something does not work: see what is marked FAILED."),
    ]


def test_report_is_stable_json():
    document = msgspec.json.decode(msgspec.json.encode(report(RESULTS[0])))
    assert document == {
        "format": 1, "unit": "ward-3", "version": "1.2", "outcome": "ok", "took_s": 2.5,
        "results": [{"name": "a.one", "outcome": "ok", "says": "fine", "advice": "", "value": 12.0,
                     "unit": "ms"}],
    }


def test_listen_hears_who_speaks_and_ends_when_all_have(tmp_path):
    bus = ZmqBus(tmp_path, "sensors", ())
    done = threading.Event()

    def speak() -> None:
        while not done.wait(0.02):
            bus.publish(Health(at_s=1.0, service="sensors", uptime_s=3.0, late_steps=0, faults=()))
    thread = threading.Thread(target=speak)
    thread.start()
    try:
        heard = listen(tmp_path, 10.0, frozenset({"sensors"}))
    finally:
        done.set()
        thread.join()
        bus.close()
    assert heard.health["sensors"].uptime_s == 3.0
    assert heard.lasted_s < 9.0


def test_look_does_not_wait_where_nothing_runs(stage):
    begun = time.monotonic()
    scene = look(stage.settings, stage.root, stage.ask)
    assert scene.heard is NOTHING
    assert time.monotonic() - begun < 1.0


def test_owner_is_the_service_while_its_process_lives(tmp_path):
    assert owner_of(tmp_path, "player") is Owner.NOBODY
    assert list(tmp_path.iterdir()) == []
    code = ("import sys; from pathlib import Path; from device.runtime import only_one\n"
            "with only_one(Path(sys.argv[1]), 'player'):\n print('held', flush=True); sys.stdin.read()")
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        assert owner_of(tmp_path, "player") is Owner.SERVICE
        process.kill()
    assert owner_of(tmp_path, "player") is Owner.NOBODY


def test_locked_keeps_the_service_out_for_as_long_as_the_part_is_open(tmp_path):
    (tmp_path / "player.lock").touch()
    with locked(tmp_path, "player") as owner:
        assert owner is Owner.NOBODY
        assert owner_of(tmp_path, "player") is Owner.SERVICE


def test_ask_system_is_bounded_and_never_raises():
    assert ask_system(("echo", "hallo"), 5.0) == ("hallo\n", 0)
    assert ask_system(("sleep", "5"), 0.05) is None
    assert ask_system(("no-such-program",), 1.0) is None
    assert ask_system(("false",), 5.0).code == 1
