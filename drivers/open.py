"""One table from a configured scheme (`linux:`, `sim:`) to an opened part."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from drivers.adc import Adc, Timer
from drivers.errors import DeviceConfigError, DeviceLost
from drivers.i2c import I2cBus, LinuxI2c
from drivers.mcp3008 import MAX_SPEED_HZ, Spi
from drivers.serial_port import Serial, open_serial

if TYPE_CHECKING:
    from gpiozero.pins import Factory

    from drivers.cyton import Cyton
    from drivers.panel import Panel


SIMULATOR_START_S = 4.0  # a desk starts all processes at once


class Hardware(Protocol):
    """A source of the ecosystem's own bus objects."""

    def i2c(self, bus: int) -> I2cBus:
        """Return a `busio.I2C`-like object on a bus."""

    def spi(self, bus: int, device: int) -> Spi:
        """Return a `SpiDev`-like object, mode 0, 1 MHz."""

    def pins(self) -> Factory:
        """Return a gpiozero pin factory, which this object keeps and shares."""

    def serial(self, path: str) -> Serial:
        """Return an open serial port at 115200 baud."""

    def close(self) -> None:
        """Release what is shared between parts."""


class LinuxHardware:
    """The buses of this machine."""

    def __init__(self) -> None:
        self._pins: Factory | None = None

    def i2c(self, bus: int) -> I2cBus:
        """Open `/dev/i2c-BUS`.

        Raises:
            DeviceLost: it cannot be opened.
        """
        return LinuxI2c(bus)

    def spi(self, bus: int, device: int) -> Spi:
        """Open `/dev/spidevBUS.DEVICE`.

        Raises:
            DeviceLost: it cannot be opened.
        """
        from spidev import SpiDev

        spi = SpiDev()
        try:
            spi.open(bus, device)
            spi.max_speed_hz = MAX_SPEED_HZ
            spi.mode = 0
        except OSError as error:
            raise DeviceLost(
                f"/dev/spidev{bus}.{device} cannot be opened ({error}); enable SPI (dtparam=spi=on in "
                "config.txt) and let this user use it (group spi)") from error
        opened: Spi = spi
        return opened

    def pins(self) -> Factory:
        """Return the one factory over the GPIO character device.

        Raises:
            DeviceConfigError: this machine is no Raspberry Pi, or lacks the module lgpio.
            DeviceLost: the GPIO chip cannot be opened.
        """
        if self._pins is None:
            from gpiozero import PinUnknownPi

            try:
                self._pins = _lgpio_factory()
            except PinUnknownPi as error:
                raise DeviceConfigError(f"linux:gpio needs a Raspberry Pi ({error}); use sim:gpio for "
                                        "panel.pins on a desk") from error
        return self._pins

    def serial(self, path: str) -> Serial:
        """Open a serial device for this process alone.

        Raises:
            DeviceLost: it cannot be opened.
        """
        return open_serial(path)

    def close(self) -> None:
        """Release the GPIO chip."""
        if self._pins is not None:
            self._pins.close()
            self._pins = None


class Parts:
    """Opens parts by their configured names, on the hardware that the scheme stands for.

    Every method raises `DeviceConfigError` for a scheme or part that does not exist, and `DeviceLost`
    for one that does not answer.

    Args:
        providers: what makes each scheme's hardware; called at its first use, once.
    """

    def __init__(self, providers: Mapping[str, Callable[[], Hardware]]) -> None:
        self._providers = providers
        self._hardware: dict[str, Hardware] = {}

    def adc(
        self, name: str, timer: Timer, *, i2c_bus: int, i2c_address: int, spi_bus: int, spi_device: int,
        reference_v: float, spans_v: Mapping[int, float] | None = None,
    ) -> Adc:
        """Open a converter, such as `linux:ads1115` or `sim:mcp3008`.

        `spans_v` holds the largest voltage expected on a channel, for a part that can zoom in on it.
        """
        scheme, part = self._split(name)
        hardware = self._open(scheme, name)
        if part == "ads1115":
            from drivers.ads1115 import Ads1115

            return Ads1115(hardware.i2c(i2c_bus), timer, address=i2c_address, spans_v=spans_v)
        if part == "mcp3008":
            from drivers.mcp3008 import Mcp3008

            return Mcp3008(hardware.spi(spi_bus, spi_device), timer, reference_v=reference_v)
        raise DeviceConfigError(
            f"there is no converter {name!r}; choose one of {self._all('ads1115', 'mcp3008')}")

    def cyton(self, port: str, timer: Timer) -> Cyton:
        """Open an OpenBCI Cyton, at `sim:cyton` or `linux:` and the path of its serial device."""
        from drivers.cyton import Cyton

        scheme, path = self._split(port)
        return Cyton(self._open(scheme, port).serial(path), timer)

    def panel(self, pins: str, *, button: int, red: int, green: int, blue: int) -> Panel:
        """Open button and light on `linux:gpio` or `sim:gpio`, by BCM lines."""
        from drivers.panel import Panel

        scheme, part = self._split(pins)
        if part != "gpio":
            raise DeviceConfigError(f"there are no pins {pins!r}; choose one of {self._all('gpio')}")
        return Panel(self._open(scheme, pins).pins(), button=button, red=red, green=green, blue=blue)

    def close(self) -> None:
        """Release what the parts share; close the parts themselves first."""
        for hardware in self._hardware.values():
            hardware.close()
        self._hardware.clear()

    def _open(self, scheme: str, name: str) -> Hardware:
        """Return the scheme's hardware, made at its first use."""
        if scheme not in self._providers:
            raise DeviceConfigError(f"{name!r} names no known scheme; choose one of {self._all('...')}")
        if scheme not in self._hardware:
            self._hardware[scheme] = self._providers[scheme]()
        return self._hardware[scheme]

    def _all(self, *parts: str) -> str:
        """List what can be configured."""
        return ", ".join(f"{scheme}:{part}" for scheme in self._providers for part in parts)

    @staticmethod
    def _split(name: str) -> tuple[str, str]:
        """Return scheme and part."""
        scheme, _, part = name.partition(":")
        return scheme, part


def default_parts(run_dir: Path) -> Parts:
    """Return the table of a real process: Linux devices, and the simulator's socket in `run_dir`."""

    def simulated() -> Hardware:
        """Return the parts behind the simulator's socket; it may be starting at this very moment."""
        from drivers.sim.protocol import SOCKET_NAME
        from drivers.sim.remote import RemoteHardware

        deadline_s = time.monotonic() + SIMULATOR_START_S
        while not (run_dir / SOCKET_NAME).exists() and time.monotonic() < deadline_s:
            time.sleep(0.05)
        return RemoteHardware(run_dir)

    return Parts({"linux": LinuxHardware, "sim": simulated})


def _lgpio_factory() -> Factory:
    """Open the GPIO chip."""
    try:
        import lgpio
    except ModuleNotFoundError as error:
        raise DeviceConfigError(
            f"linux:gpio needs a Raspberry Pi and the module lgpio ({error}); pip install lgpio, from "
            "Python 3.13 on adafruit-lgpio, or use sim:gpio for panel.pins on a desk") from error
    from gpiozero.pins.lgpio import LGPIOFactory

    try:
        factory: Factory = LGPIOFactory()
    except lgpio.error as error:
        raise DeviceLost(f"the GPIO chip cannot be opened ({error}); let this user use /dev/gpiochip0 "
                         "(group gpio)") from error
    return factory
