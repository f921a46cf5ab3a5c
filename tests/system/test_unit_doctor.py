"""`tranquillo doctor` on a whole unit: its exit status is what updates and IT go by."""

from __future__ import annotations

from typing import Any

import pytest
from support.container import wait_for
from support.unit import Unit

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

WELL, FAILED, ATTENTION, CONFIGURATION = 0, 1, 2, 78
QUIET = {"ok", "skipped"}


@pytest.fixture(scope="module")
def well(unit: Unit) -> Unit:
    """The unit, once everything on it has been up long enough to be judged."""
    unit.ready()
    found: dict[str, Any] = {}

    def without_trouble() -> bool:
        """Ask once."""
        found.clear()
        found.update(troubles(unit))
        return not found

    wait_for(without_trouble, 60.0, lambda: f"a doctor without complaint, but {found}", 1.0)
    return unit


def troubles(unit: Unit) -> dict[str, Any]:
    """Return what the doctor complains of."""
    return {one["name"]: one["says"] for one in unit.doctor()[1]["results"] if one["outcome"] not in QUIET}


def test_doctor_finds_a_provisioned_unit_well(well):
    status, report = well.doctor()
    assert status == WELL, troubles(well)
    names = {one["name"].partition(".")[0] for one in report["results"] if one["outcome"] == "ok"}
    assert {"services", "models", "storage", "broker", "adc", "headset"} <= names


def test_doctor_does_not_disturb_a_session(well):
    well.play()
    assert well.doctor()[0] == WELL, troubles(well)
    well.silence()


def test_doctor_names_a_service_that_is_down(well):
    well.machine.run("systemctl stop tranquillo-estimator")
    status, _ = well.doctor()
    assert status in {FAILED, ATTENTION}
    assert "services.estimator" in troubles(well)
    well.machine.run("systemctl start tranquillo-estimator")
    wait_for(lambda: well.doctor()[0] == WELL, 60.0, "recovery", 1.0)


def test_doctor_refuses_a_wrong_configuration(well):
    well.machine.run("echo 'unit_id = 7' > /run/wrong.toml")
    done = well.machine.attempt("tranquillo doctor --config /run/wrong.toml")
    assert done.returncode == CONFIGURATION
    assert "unit_id" in done.stderr


def test_doctor_notices_that_the_broker_is_gone(well):
    well.broker.close()
    status, _ = well.doctor()
    assert status in {FAILED, ATTENTION}
    assert any(name.startswith("broker") for name in troubles(well))
    assert well.play().sounding  # which stops nothing
