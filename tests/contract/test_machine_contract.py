"""What the kernel promises the drivers: the dongle's latency and the clock of the I2C bus.

A tree with the kernel's files stands for the simulated machine. With `--hardware` it is this machine.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

import pytest

from device.config import Headset, Settings

LATENCY_MS = 1  # the default of 16 makes EEG arrive in bursts
I2C_HZ = 400_000
TTY = "sys/bus/usb-serial/devices/{}/latency_timer"
I2C = "sys/class/i2c-adapter/i2c-{}/of_node/clock-frequency"  # of the device tree: big-endian


class Kernel(NamedTuple):
    """A machine's files, and what it is configured to have."""

    root: Path
    settings: Settings


@pytest.fixture(params=["simulated", pytest.param("real", marks=pytest.mark.hardware)])
def kernel(request: pytest.FixtureRequest, tmp_path: Path, unit: Settings) -> Kernel:
    if request.param == "real":
        return Kernel(Path("/"), unit)
    for name, content in ((TTY.format("ttyUSB0"), b"1\n"), (I2C.format(1), struct.pack(">I", I2C_HZ))):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "ttyUSB0").touch()
    (tmp_path / "dev" / "headset").symlink_to("ttyUSB0")
    return Kernel(tmp_path, Settings(unit_id="bench", headset=Headset(port="linux:/dev/headset")))


def test_machine_passes_the_dongles_bytes_on_at_once(kernel: Kernel) -> None:
    scheme, _, port = kernel.settings.headset.port.partition(":")
    if scheme != "linux":
        pytest.skip("this unit's configuration names no headset")
    tty = (kernel.root / port.lstrip("/")).resolve(strict=True).name
    assert int((kernel.root / TTY.format(tty)).read_text()) == LATENCY_MS


def test_machine_runs_the_i2c_bus_at_400_khz(kernel: Kernel) -> None:
    if not kernel.settings.sensors.adc.endswith("ads1115"):
        pytest.skip("this unit's configuration names no part on I2C")
    raw = (kernel.root / I2C.format(kernel.settings.sensors.i2c_bus)).read_bytes()
    assert struct.unpack(">I", raw) == (I2C_HZ,)
