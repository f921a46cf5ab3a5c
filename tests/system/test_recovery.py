"""A conductor that dies or hangs at its start: amber instead of a dark unit, and back by itself."""

from __future__ import annotations

import pytest
from support.container import wait_for
from support.unit import Unit

from device.config import RUN_DIR
from drivers.sim.remote import RemoteControl

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

CONDUCTOR, LIGHT = "tranquillo-conductor", "tranquillo-light"
DROP_IN = "/run/systemd/system/tranquillo-conductor.service.d/hopeless.conf"
BACK_S = 90.0  # the slow retry comes after a minute


def state(unit: Unit, name: str) -> str:
    """Return whether a unit is active, failed, …"""
    return unit.machine.show(name, "ActiveState")["ActiveState"]


def is_amber(unit: Unit) -> bool:
    """Tell whether the light is, as an eye would see it."""
    control = RemoteControl(unit.machine.path(RUN_DIR))
    try:
        red, green, blue = control.light()
    finally:
        control.close()
    return red > 0.3 and 0.3 * red < green < 0.6 * red and blue == 0.0


def spoil(unit: Unit, lines: str) -> None:
    """Change the conductor's unit for this boot and restart it."""
    unit.machine.run(f"mkdir -p $(dirname {DROP_IN}); printf '[Service]\\n{lines}' > {DROP_IN}; "
                     f"systemctl daemon-reload; systemctl restart --no-block {CONDUCTOR}")


@pytest.mark.parametrize(("lines", "waits"), [
    (r"ExecStart=\nExecStart=/bin/false\n", True),
    (r"ExecStartPre=/bin/sleep infinity\nTimeoutStartSec=3\nRestartSec=30\n", False),  # no five in a minute
], ids=["dies", "hangs"])
def test_conductor_that_does_not_come_up_leaves_amber_and_comes_back_when_it_can(unit, lines, waits):
    """The minute of the timer is waited for once; the other time what it does is done at once."""
    unit.ready()
    spoil(unit, lines)
    wait_for(lambda: state(unit, LIGHT) == "active" and is_amber(unit), 20.0,
             lambda: f"amber\n{unit.machine.journal(CONDUCTOR)}")
    assert unit.machine.show("tranquillo-retry@conductor.timer", "ActiveState")["ActiveState"] == "active"
    unit.machine.run(f"rm {DROP_IN}; systemctl daemon-reload")
    if not waits:
        unit.machine.run(f"systemctl start {CONDUCTOR}")
    wait_for(lambda: state(unit, CONDUCTOR) == "active", BACK_S, "the slow retry")
    assert state(unit, LIGHT) == "inactive"
    unit.hear()
    assert unit.play().sounding
    unit.silence()
