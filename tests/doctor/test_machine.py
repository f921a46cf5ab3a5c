"""Power, temperature, memory and clock from fake /proc and /sys."""

from __future__ import annotations

import pytest

from device.config import Telemetry
from device.doctor.machine import KernelClock, check_clock, check_machine, kernel_clock
from device.doctor.result import Outcome
from device.doctor.scene import Answer

THROTTLED = "/sys/devices/platform/soc/soc:firmware/get_throttled"


def test_machine_that_tells_nothing_is_left_out(stage, found):
    assert {result.outcome for result in found(check_machine(stage.scene())).values()} == {Outcome.SKIPPED}


@pytest.mark.parametrize(("bits", "outcome", "words"), [
    ("0\n", Outcome.OK, "has held"),
    ("50005\n", Outcome.FAILED, "too low now"),
    ("50000\n", Outcome.ATTENTION, "was too low since the start"),
    ("4\n", Outcome.ATTENTION, "slowed down"),
    ("80008\n", Outcome.ATTENTION, "slowed down"),
    ("80000\n", Outcome.OK, "has held"),
])
@pytest.mark.parametrize("source", ["kernel", "vcgencmd"])
def test_machine_power_is_what_the_pi_says(stage, found, bits, outcome, words, source):
    if source == "kernel":
        stage.file(THROTTLED, bits)
    else:
        stage.file("/proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.5\0")
        stage.programs["vcgencmd"] = Answer(f"throttled=0x{bits}", 0)
    result = found(check_machine(stage.scene()))["machine.power"]
    assert result.outcome is outcome
    assert words in result.says


@pytest.mark.parametrize(("alarm", "outcome"), [("0\n", Outcome.OK), ("1\n", Outcome.FAILED)])
def test_machine_power_by_the_voltage_alarm(stage, found, alarm, outcome):
    stage.file("/sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
    stage.file("/sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    stage.file("/sys/class/hwmon/hwmon1/in0_lcrit_alarm", alarm)
    assert found(check_machine(stage.scene()))["machine.power"].outcome is outcome


@pytest.mark.parametrize(("milli", "outcome"), [
    (48_312, Outcome.OK), (76_000, Outcome.ATTENTION), (84_500, Outcome.FAILED)])
def test_machine_temperature_of_the_hottest_zone(stage, found, milli, outcome):
    stage.file("/sys/class/thermal/thermal_zone0/temp", "40000\n")
    stage.file("/sys/class/thermal/thermal_zone1/temp", f"{milli}\n")
    result = found(check_machine(stage.scene()))["machine.temperature"]
    assert (result.outcome, result.value) == (outcome, round(milli / 1000, 1))


@pytest.mark.parametrize(("free_mib", "kills", "outcome"), [
    (600, 0, Outcome.OK), (600, 2, Outcome.ATTENTION), (90, 0, Outcome.ATTENTION), (20, 0, Outcome.FAILED)])
def test_machine_memory_that_is_left(stage, found, free_mib, kills, outcome):
    stage.file("/proc/meminfo", f"MemTotal: 944264 kB\nMemAvailable: {free_mib * 1024} kB\n")
    stage.file("/proc/vmstat", f"pgfault 1\noom_kill {kills}\n")
    result = found(check_machine(stage.scene()))["machine.memory"]
    assert (result.outcome, result.value) == (outcome, free_mib)


@pytest.mark.parametrize(("clock", "broker", "outcome", "words"), [
    (KernelClock(True), "broker.example", Outcome.OK, "synchronised (no clock chip"),
    (KernelClock(False), "", Outcome.OK, "nothing here needs it"),
    (KernelClock(False), "broker.example", Outcome.ATTENTION, "no clock chip"),
    (None, "broker.example", Outcome.SKIPPED, "does not tell"),
])
def test_clock_matters_where_certificates_do(stage, clock, broker, outcome, words):
    stage.change(telemetry=Telemetry(broker_host=broker))
    (result,) = check_clock(stage.scene(), clock)
    assert result.outcome is outcome
    assert words in result.says


def test_clock_chip_is_named_where_there_is_one(stage):
    stage.file("/sys/class/rtc/rtc0/name", "rpi_rtc\n")
    (result,) = check_clock(stage.scene(), KernelClock(True))
    assert result.says == "synchronised"


def test_kernel_clock_answers_here_or_is_not_allowed_to():
    clock = kernel_clock()
    assert clock is None or clock.synchronised in {True, False}
