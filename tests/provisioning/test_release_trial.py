"""Putting a release in force: checks before, the way back after, and a plug pulled in between."""

from __future__ import annotations

import pytest

SIMULATED = 'unit_id = "a"\n[sensors]\nadc = "sim:ads1115"\n'


def test_first_release_comes_into_force(unit):
    answer = unit.activate("1.0")
    assert (answer.code, answer.said["changed"]) == (0, True)
    assert unit.current == "1.0"
    assert (unit.root / "current/tranquillo.toml").stat().st_mode & 0o777 == 0o640
    assert not (unit.root / "pending").exists()


def test_second_time_nothing_is_done(unit):
    unit.activate("1.0")
    (unit.root / "asked").unlink()
    answer = unit.activate("1.0")
    assert answer.said == {"changed": False, "message": "nothing to do"}
    asked = (unit.root / "asked").read_text()
    assert "stop" not in asked
    assert "start" not in asked


def test_unit_with_a_service_that_is_down_is_not_left_alone(unit):
    (unit.root / "releases/1.0/down").touch()
    assert unit.activate("1.0").code == 1, "the first release has none before it to go back to"
    assert unit.activate("1.0").code == 1
    (unit.root / "releases/1.0/down").unlink()
    assert unit.activate("1.0").said["changed"] is False


def test_unit_files_are_seen_through_current(unit):
    unit.activate("1.0")
    links = {str(path.relative_to(unit.units)): str(path.readlink())
             for path in unit.units.rglob("*") if path.is_symlink()}
    assert links == {name: f"{unit.root}/current/systemd/{name}" for name in (
        "tranquillo.target", "tranquillo-player.service", "tranquillo-.service.d/sandbox.conf")}


def test_simulator_runs_only_where_parts_are_simulated(unit):
    unit.activate("1.0", SIMULATED)
    assert (unit.units / "tranquillo-simulator.service").is_symlink()
    unit.activate("1.0")
    assert not (unit.units / "tranquillo-simulator.service").is_symlink()


def test_refused_configuration_leaves_everything_as_it_was(unit):
    unit.activate("1.0")
    answer = unit.activate("1.1", 'unit_id = "refused"\n')
    assert answer.code == 1
    assert "program.minutes is 1000" in answer.said["message"]
    assert unit.current == "1.0"
    assert unit.configuration == 'unit_id = "a"\n'


def test_release_that_does_not_start_is_taken_back(unit):
    unit.activate("1.0")
    (unit.root / "releases/1.1/down").touch()
    answer = unit.activate("1.1", 'unit_id = "b"\n')
    assert answer.code == 1
    assert "tranquillo-player.service is activating" in answer.said["message"]
    assert "it runs again: 1.0" in answer.said["message"]
    assert (unit.current, unit.configuration) == ("1.0", 'unit_id = "a"\n')
    assert not (unit.root / "pending").exists()


def test_release_in_which_the_doctor_finds_something_new_is_taken_back(unit):
    failed = {"name": "models.stress", "outcome": "failed", "says": "damaged", "advice": "copy it again"}
    unit.activate("1.0")
    unit.say("1.1", "doctor", {"results": [failed]})
    answer = unit.activate("1.1")
    assert answer.code == 1
    assert "models.stress: damaged; copy it again" in answer.said["message"]
    assert unit.current == "1.0"


def test_what_had_failed_before_does_not_stop_an_update(unit):
    failed = {"name": "adc.answers", "outcome": "failed", "says": "no answer", "advice": "check the wiring"}
    for name in ("1.0", "1.1"):
        unit.say(name, "doctor", {"results": [failed]})
    unit.activate("1.0")
    assert unit.activate("1.1").code == 0
    assert unit.current == "1.1"


def test_bad_configuration_of_the_same_release_is_taken_back(unit):
    unit.activate("1.0")
    unit.say("1.0", "doctor", {"results": []})
    (unit.root / "releases/1.0/down").touch()
    answer = unit.activate("1.0", 'unit_id = "b"\n')
    assert answer.code == 1
    assert unit.configuration == 'unit_id = "a"\n'


@pytest.mark.parametrize("phase", ["running", "ending", "muted"])
def test_session_is_not_interrupted(unit, phase):
    unit.activate("1.0")
    unit.say("1.0", "status", {"phase": phase})
    answer = unit.activate("1.1")
    assert answer.code == 75
    assert "a session plays" in answer.said["message"]
    assert unit.current == "1.0"
    assert unit.tool("playing").code == 75
    assert unit.activate("1.1", 'unit_id = "a"\n', "--force").code == 0


def test_plug_pulled_during_the_trial_leads_back_at_the_next_start(unit):
    unit.activate("1.0")
    (unit.root / "releases/1.1/plug").touch()
    unit.activate("1.1", 'unit_id = "b"\n')
    assert (unit.root / "pending").exists(), "the tool was not killed in the middle"
    assert unit.current == "1.1"
    answer = unit.tool("recover")
    assert "back to 1.0" in answer.said["message"]
    assert (unit.current, unit.configuration) == ("1.0", 'unit_id = "a"\n')
    assert unit.tool("recover").said["changed"] is False


def test_plug_pulled_during_the_trial_of_a_configuration_leads_back_to_the_former(unit):
    unit.activate("1.0")
    (unit.root / "releases/1.0/plug").touch()
    unit.activate("1.0", 'unit_id = "b"\n')
    assert unit.configuration == 'unit_id = "b"\n'
    unit.tool("recover")
    assert (unit.current, unit.configuration) == ("1.0", 'unit_id = "a"\n')


def test_rollback_brings_release_and_configuration_back(unit):
    unit.activate("1.0")
    unit.activate("1.1", 'unit_id = "b"\n')
    answer = unit.tool("rollback", "--deadline", "1", "--settle", "0")
    assert answer.code == 0, answer.said
    assert (unit.current, unit.configuration) == ("1.0", 'unit_id = "a"\n')
    assert unit.tool("rollback", "--deadline", "1", "--settle", "0").code == 0
    assert (unit.current, unit.configuration) == ("1.1", 'unit_id = "b"\n')


def test_rollback_without_a_former_release_says_so(unit):
    unit.activate("1.0")
    answer = unit.tool("rollback")
    assert answer.code == 1
    assert "no former release" in answer.said["message"]


def test_prune_spares_the_release_in_force_and_the_one_before(unit):
    unit.activate("1.0")
    unit.activate("1.1")
    for name in ("1.2", "1.3", "1.4"):
        unit.add(name)
    answer = unit.tool("prune", "--keep", "1")
    assert answer.said["message"] == "removed 1.2, 1.3"
    assert unit.tool("list").said == {
        "current": "1.1", "former": "1.0", "pending": False, "releases": ["1.0", "1.1", "1.4"]}


def test_unknown_release_is_named_with_those_that_exist(unit):
    answer = unit.activate("2.0")
    assert answer.code == 1
    assert answer.said["message"] == "no release '2.0' on this unit; there are: 1.0, 1.1"
