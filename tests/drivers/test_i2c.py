"""The I2C bus of Linux, as far as a machine without one can tell."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from drivers.errors import DeviceLost
from drivers.i2c import I2cBus, LinuxI2c
from drivers.sim.ads1115 import SimulatedI2c
from drivers.sim.remote import RemoteI2c

METHODS = ("try_lock", "unlock", "writeto", "readfrom_into", "writeto_then_readfrom")


def test_linux_i2c_missing_bus_says_what_to_enable() -> None:
    with pytest.raises(DeviceLost, match=r"bus 19 .*dtparam=i2c_arm=on.*/dev/i2c-19"):
        LinuxI2c(19)


@pytest.mark.parametrize("bus", [LinuxI2c, SimulatedI2c, RemoteI2c])
@pytest.mark.parametrize("method", METHODS)
def test_every_bus_has_the_methods_of_busio(bus: type, method: str) -> None:
    mine = inspect.signature(getattr(bus, method))
    theirs = inspect.signature(getattr(I2cBus, method))
    assert list(mine.parameters.values()) == list(theirs.parameters.values())


def test_drivers_do_not_import_the_board_or_heavy_libraries() -> None:
    code = ("import sys, drivers.open, drivers.ads1115, drivers.mcp3008, drivers.panel; "
            "heavy = {'board', 'busio', 'gpiozero', 'serial', 'numpy', 'lgpio', 'adafruit_ads1x15'}; "
            "sys.exit(','.join(heavy & set(sys.modules)) or 0)")
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 0, found.stderr
