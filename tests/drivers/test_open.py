"""The table of parts."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from device.clock import ManualClock
from drivers.ads1115 import Ads1115
from drivers.errors import DeviceConfigError, DeviceLost
from drivers.mcp3008 import Mcp3008
from drivers.open import SIMULATOR_START_S, Hardware, LinuxHardware, Parts, default_parts
from drivers.sim.mcp3008 import SimulatedMcp3008
from drivers.sim.pins import WiredFactory
from drivers.sim.protocol import SOCKET_NAME
from drivers.sim.world import World

ADC = {"i2c_bus": 1, "i2c_address": 0x48, "spi_bus": 0, "spi_device": 0, "reference_v": 3.3}
PANEL = {"button": 17, "red": 22, "green": 27, "blue": 24}
NOWHERE = 19  # a bus that no machine under test has


@pytest.fixture
def parts(world: World) -> Parts:
    return Parts({"sim": lambda: world})


@pytest.mark.parametrize(("name", "kind"), [("sim:ads1115", Ads1115), ("sim:mcp3008", Mcp3008)])
def test_parts_open_the_converter_that_is_named(
    parts: Parts, clock: ManualClock, name: str, kind: type,
) -> None:
    adc = parts.adc(name, clock, **ADC)
    assert isinstance(adc, kind)
    assert adc.read(1).volts == pytest.approx(1.65, abs=0.004)


def test_parts_hand_the_span_to_a_converter_that_can_zoom(
    parts: Parts, clock: ManualClock, world: World,
) -> None:
    adc = parts.adc("sim:ads1115", clock, **ADC, spans_v={0: 0.5})
    counts = adc.read(0).volts / (0.512 / 32768)
    assert counts == pytest.approx(round(counts))
    coarse = parts.adc("sim:ads1115", clock, **ADC).read(0).volts / (4.096 / 32768)
    assert coarse == pytest.approx(round(coarse))


def test_parts_make_hardware_once_and_late(world: World, clock: ManualClock) -> None:
    made = []

    def provide() -> Hardware:
        made.append(1)
        return world

    parts = Parts({"sim": provide})
    assert made == []
    parts.adc("sim:ads1115", clock, **ADC)
    parts.panel("sim:gpio", **PANEL)
    assert made == [1]


def test_parts_close_lets_hardware_be_made_anew(world: World, clock: ManualClock) -> None:
    made = []

    def provide() -> Hardware:
        made.append(1)
        return world

    parts = Parts({"sim": provide})
    parts.adc("sim:ads1115", clock, **ADC)
    parts.close()
    parts.adc("sim:ads1115", clock, **ADC)
    assert made == [1, 1]
    LinuxHardware().close()


def test_parts_panel_is_on_the_worlds_wires(parts: Parts, world: World) -> None:
    panel = parts.panel("sim:gpio", **PANEL)
    world.press()
    assert panel.pressed()
    panel.light((0.0, 0.5, 1.0))
    assert world.light() == (0.0, 0.5, 1.0)


@pytest.mark.parametrize(("name", "listed"), [
    ("sim:ads1015", "sim:ads1115, sim:mcp3008"), ("sim:", "sim:ads1115"),
    ("usb:ads1115", "sim:"), ("ads1115", "sim:"),
])
def test_parts_unknown_converter_lists_what_exists(
    parts: Parts, clock: ManualClock, name: str, listed: str,
) -> None:
    with pytest.raises(DeviceConfigError, match=listed):
        parts.adc(name, clock, **ADC)


@pytest.mark.parametrize("name", ["sim:pwm", "usb:gpio", "gpio"])
def test_parts_unknown_pins_are_refused(parts: Parts, name: str) -> None:
    with pytest.raises(DeviceConfigError, match="sim:"):
        parts.panel(name, **PANEL)


def test_parts_unknown_headset_scheme_is_refused(parts: Parts, clock: ManualClock) -> None:
    with pytest.raises(DeviceConfigError, match="usb:cyton"):
        parts.cyton("usb:cyton", clock)


def test_default_parts_without_a_simulator_lose_every_part(tmp_path: Path, clock: ManualClock) -> None:
    parts = default_parts(tmp_path)
    for name in ("sim:ads1115", "sim:mcp3008"):
        with pytest.raises(DeviceLost):
            parts.adc(name, clock, **ADC).read(0)
    with pytest.raises(DeviceLost, match="simulator"):
        parts.panel("sim:gpio", **PANEL).pressed()
    with pytest.raises(DeviceLost, match="simulator"):
        parts.cyton("sim:cyton", clock)


def test_linux_missing_buses_are_losses_with_advice(clock: ManualClock) -> None:
    hardware = LinuxHardware()
    with pytest.raises(DeviceLost, match="dtparam=i2c_arm=on"):
        hardware.i2c(NOWHERE)
    with pytest.raises(DeviceLost, match="dtparam=spi=on"):
        hardware.spi(NOWHERE, 0)
    with pytest.raises(DeviceLost, match="dongle"):
        hardware.serial("/dev/ttyNOWHERE")


def test_linux_parts_are_lost_where_nothing_is_wired(tmp_path: Path, clock: ManualClock) -> None:
    parts = default_parts(tmp_path)
    absent = {**ADC, "i2c_bus": NOWHERE, "spi_bus": NOWHERE}
    for name in ("linux:ads1115", "linux:mcp3008"):
        with pytest.raises(DeviceLost):
            parts.adc(name, clock, **absent)


@pytest.mark.skipif(Path("/proc/device-tree/model").exists(), reason="this machine may be a Raspberry Pi")
def test_linux_pins_on_a_machine_without_gpio_say_what_to_configure(tmp_path: Path) -> None:
    with pytest.raises(DeviceConfigError, match="sim:gpio"):
        default_parts(tmp_path).panel("linux:gpio", **PANEL)


class KernelSpi:
    """What spidev does by ioctl, on the simulated chip."""

    def __init__(self, chip: SimulatedMcp3008) -> None:
        self._chip = chip
        self.max_speed_hz = 500_000
        self.mode = 3
        self.opened: tuple[int, int] | None = None

    def open(self, bus: int, device: int) -> None:
        self.opened = (bus, device)

    def xfer2(self, values: list[int]) -> list[int]:
        return self._chip.xfer2(values)

    def close(self) -> None:
        self.opened = None


def test_linux_spi_is_opened_as_the_mcp3008_wants(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clock: ManualClock, world: World,
) -> None:
    spi = KernelSpi(world.spi(0, 0))
    monkeypatch.setattr("spidev.SpiDev", lambda: spi)
    adc = default_parts(tmp_path).adc("linux:mcp3008", clock, **{**ADC, "spi_bus": 0, "spi_device": 1})
    assert (spi.opened, spi.mode) == ((0, 1), 0)
    assert spi.max_speed_hz <= 1_350_000  # the part's limit at 2.7 V
    assert adc.read(1).volts == pytest.approx(1.65, abs=0.004)
    adc.close()
    assert spi.opened is None


def test_linux_pins_are_one_factory_for_every_panel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, world: World,
) -> None:
    pytest.importorskip("lgpio", reason="from Python 3.13 on lgpio is installed on a Pi only")
    made = []

    def provide() -> WiredFactory:
        made.append(1)
        return WiredFactory(world.wires)

    monkeypatch.setattr("gpiozero.pins.lgpio.LGPIOFactory", provide)
    parts = default_parts(tmp_path)
    for _ in range(2):
        panel = parts.panel("linux:gpio", **PANEL)
        panel.light((0.0, 1.0, 0.0))
        assert world.light() == (0.0, 1.0, 0.0)
        panel.close()
    assert made == [1]
    parts.close()


def test_linux_gpio_chip_that_cannot_be_opened_is_a_loss(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:
    lgpio = pytest.importorskip("lgpio", reason="from Python 3.13 on lgpio is installed on a Pi only")

    def refuse() -> None:
        raise lgpio.error("can not open gpiochip")

    monkeypatch.setattr("gpiozero.pins.lgpio.LGPIOFactory", refuse)
    with pytest.raises(DeviceLost, match=r"can not open gpiochip.*group gpio"):
        default_parts(tmp_path).panel("linux:gpio", **PANEL)


def test_linux_gpio_without_its_module_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:
    monkeypatch.setitem(sys.modules, "lgpio", None)  # as if it were not installed
    with pytest.raises(DeviceConfigError, match=r"module lgpio.*pip install.*sim:gpio"):
        default_parts(tmp_path).panel("linux:gpio", **PANEL)


def test_sim_cyton_opens_in_process(parts: Parts, clock: ManualClock) -> None:
    cyton = parts.cyton("sim:cyton", clock)
    clock.sleep(1.0)
    rows = 0
    while (samples := cyton.read()) is not None:
        rows += len(samples.microvolts)
    assert rows == pytest.approx(250, abs=15)
    cyton.close()


def test_linux_cyton_opens_the_serial_device_it_is_given(tmp_path: Path, clock: ManualClock) -> None:
    with pytest.raises(DeviceLost, match="/dev/ttyNOWHERE"):
        default_parts(tmp_path).cyton("linux:/dev/ttyNOWHERE", clock)


def test_default_parts_wait_for_a_simulator_that_is_starting(tmp_path: Path, clock: ManualClock) -> None:
    parts = default_parts(tmp_path)
    appears = threading.Timer(0.4, (tmp_path / SOCKET_NAME).touch)
    begun_s = time.monotonic()
    appears.start()
    with pytest.raises(DeviceLost):
        parts.panel("sim:gpio", **PANEL).pressed()
    appears.join()
    assert 0.4 <= time.monotonic() - begun_s < SIMULATOR_START_S
