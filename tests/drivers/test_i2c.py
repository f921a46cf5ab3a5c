"""The I2C bus of Linux, as far as a machine without one can tell."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from Adafruit_PureIO import smbus

from device.clock import ManualClock
from drivers.ads1115 import Ads1115
from drivers.errors import DeviceLost
from drivers.i2c import I2cBus, LinuxI2c
from drivers.sim.ads1115 import SimulatedI2c
from drivers.sim.remote import RemoteI2c
from drivers.sim.world import World

if TYPE_CHECKING:
    from tests.drivers.conftest import StillBody


class KernelBus:
    """What PureIO's SMBus does by ioctl, on a simulated chip; Blinka and our adapter run on it for real."""

    def __init__(self, bus: SimulatedI2c) -> None:
        self._bus = bus

    def write_bytes(self, address: int, data: bytes) -> None:
        self._bus.writeto(address, data)

    def read_bytes(self, address: int, count: int) -> bytes:
        buffer = bytearray(count)
        self._bus.readfrom_into(address, buffer)
        return bytes(buffer)

    def read_i2c_block_data(self, address: int, command: bytes, count: int) -> bytearray:
        buffer = bytearray(count)
        self._bus.writeto_then_readfrom(address, command, buffer)
        return buffer


@pytest.fixture
def linux_bus(monkeypatch: pytest.MonkeyPatch, world: World) -> LinuxI2c:
    monkeypatch.setattr(smbus, "SMBus", lambda _: KernelBus(world.i2c(1)))
    return LinuxI2c(1)


def test_linux_i2c_carries_the_ads1115_driver(
    linux_bus: LinuxI2c, clock: ManualClock, body: StillBody,
) -> None:
    adc = Ads1115(linux_bus, clock, address=0x48, spans_v={0: 0.5})
    for volts in (0.25, 1.65, 3.3):
        body.pulse = volts
        assert adc.read(1).volts == pytest.approx(volts, abs=0.0004)
    assert adc.read(0).volts == pytest.approx(0.5 * 0.235 / 1.235, abs=0.0004)  # 5 uS over 47 kOhm


def test_linux_i2c_absent_chip_is_lost(linux_bus: LinuxI2c, clock: ManualClock) -> None:
    with pytest.raises(DeviceLost, match="0x49"):
        Ads1115(linux_bus, clock, address=0x49)


def test_linux_i2c_lock_is_held_by_one(linux_bus: LinuxI2c) -> None:
    assert linux_bus.try_lock()
    assert not linux_bus.try_lock()
    linux_bus.unlock()
    assert linux_bus.try_lock()


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
