"""What systemd and the services themselves say of the services."""

from __future__ import annotations

import pytest

from device.doctor.heard import gather
from device.doctor.result import Outcome
from device.doctor.scene import Answer
from device.doctor.services import SERVICES, check_services, expected, parse_units, units_of
from device.messages import Fault, Health, Severity

ALL = (*SERVICES, "simulator")


def healthy(*without, faults=()):
    return gather([Health(at_s=1.0, service=name, uptime_s=60.4, late_steps=0,
                          faults=faults if name == "telemetry" else ())
                   for name in ALL if name not in without], 2.5)


def unit(name, **changes):
    said = {"Id": f"tranquillo-{name}.service", "LoadState": "loaded", "ActiveState": "active",
            "SubState": "running", "Result": "success", "NRestarts": "0"} | changes
    return "".join(f"{key}={value}\n" for key, value in said.items())


def test_services_that_speak_are_well(stage, found):
    stage.runs(*ALL)
    stage.heard = healthy()
    results = found(check_services(stage.scene()))
    assert set(results) == {f"services.{name}" for name in ALL}
    assert {result.outcome for result in results.values()} == {Outcome.OK}
    assert (results["services.player"].value, results["services.player"].unit) == (60, "s")


def test_services_stopped_without_systemd_need_attention(stage, found):
    results = found(check_services(stage.scene()))
    assert {result.outcome for result in results.values()} == {Outcome.ATTENTION}
    assert results["services.player"].advice == "tranquillo up"


def test_services_that_run_in_silence_have_failed(stage, found):
    stage.runs(*ALL)
    stage.heard = healthy("estimator")
    results = found(check_services(stage.scene()))
    assert results["services.estimator"].outcome is Outcome.FAILED
    assert "tranquillo logs estimator" in results["services.estimator"].advice


@pytest.mark.parametrize(("severity", "outcome"), [
    (Severity.INFO, Outcome.OK), (Severity.ATTENTION, Outcome.ATTENTION), (Severity.ACT_NOW, Outcome.FAILED),
])
def test_services_faults_are_told_with_their_advice(stage, found, severity, outcome):
    faults = (Fault(code="small", severity=Severity.INFO, advice="nothing"),
              Fault(code="big", severity=severity, advice="do this"))
    stage.heard = healthy(faults=faults if severity is not Severity.INFO else faults[1:])
    result = found(check_services(stage.scene()))["services.telemetry"]
    assert (result.outcome, result.advice) == (outcome, "do this")
    assert "big" in result.says


@pytest.mark.parametrize(("changes", "words"), [
    ({"ActiveState": "failed", "SubState": "failed", "Result": "exit-code"}, "has failed (exit-code)"),
    ({"ActiveState": "failed", "SubState": "failed", "Result": "start-limit-hit"}, "start-limit-hit"),
    ({"ActiveState": "activating", "SubState": "auto-restart", "Result": "watchdog"},
     "keeps ending (watchdog)"),
    ({"LoadState": "not-found", "ActiveState": "inactive"}, "its unit is not-found"),
])
def test_services_systemd_s_word_counts_first(stage, found, changes, words):
    stage.heard = healthy()
    stage.units = parse_units("\n".join(unit(name, **(changes if name == "player" else {})) for name in ALL))
    results = found(check_services(stage.scene()))
    assert results["services.player"].outcome is Outcome.FAILED
    assert words in results["services.player"].says
    assert results["services.sensors"].outcome is Outcome.OK


def test_services_restarted_again_and_again_need_attention(stage, found):
    stage.heard = healthy()
    stage.units = parse_units("\n".join(unit(name, NRestarts="3") for name in ALL))
    result = found(check_services(stage.scene()))["services.conductor"]
    assert (result.outcome, result.value, result.unit) == (Outcome.ATTENTION, 3, "restarts")


def test_services_all_stopped_is_one_line_more(stage, found):
    stage.units = parse_units("\n".join(unit(name, ActiveState="inactive", SubState="dead") for name in ALL))
    advice = found(check_services(stage.scene()))["services.target"].advice
    assert advice == "systemctl start tranquillo.target"


def test_services_units_are_asked_for_at_once_and_only_where_systemd_runs(stage):
    stage.programs["systemctl"] = Answer("\n".join(unit(name) for name in ALL), 0)
    assert units_of(stage.settings, stage.root, stage.ask) == {}
    assert stage.asked == []
    (stage.root / "run/systemd/system").mkdir(parents=True)
    assert set(units_of(stage.settings, stage.root, stage.ask)) == set(ALL)
    assert len(stage.asked) == 1


def test_services_simulator_is_expected_with_simulated_parts_only(stage):
    assert expected(stage.settings) == ALL
    stage.change("sensors", adc="linux:ads1115")
    stage.change("headset", port="none")
    stage.change("panel", pins="linux:gpio")
    assert expected(stage.settings) == SERVICES
