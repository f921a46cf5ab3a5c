"""The computer: its power, temperature, memory and clock."""

from __future__ import annotations

import ctypes
import errno
import os
from typing import NamedTuple

from device.doctor.result import Result, attention, failed, ok, skipped
from device.doctor.scene import Scene
from device.machine import HEAT_ADVICE, HOT_C, SUPPLY_ADVICE, UNDER_VOLTAGE, hottest_c, throttled_bits

ASK_S = 2.0
THROTTLED_NOW, SOFT_LIMIT = 0x4, 0x8  # bits of get_throttled beside UNDER_VOLTAGE
SINCE_START = 16
WARM_C = 75.0  # chosen: 5 C below where a Pi slows down
SCARCE_MIB, EXHAUSTED_MIB = 96, 32  # chosen: a player that is started again needs some 60 MiB
STA_UNSYNC, TIME_ERROR = 0x0040, 5  # of adjtimex(2)


def check_machine(scene: Scene) -> list[Result]:
    """Look at power, temperature, memory and clock."""
    return [_power(scene), _temperature(scene), *_memory(scene)]


def throttled(scene: Scene) -> int | None:
    """Return the Pi's own word on its power, by the kernel's file or by vcgencmd; None if there is none."""
    bits = throttled_bits(scene.root)
    if bits is not None:
        return bits
    answer = scene.ask(("vcgencmd", "get_throttled"), ASK_S) if is_pi(scene) else None
    if answer is None or answer.code != 0 or not answer.text.startswith("throttled="):
        return None
    return int(answer.text.removeprefix("throttled=").strip(), 16)


def is_pi(scene: Scene) -> bool:
    """Tell whether this is a Raspberry Pi."""
    return "Raspberry Pi" in (scene.text("/proc/device-tree/model") or "")


def _power(scene: Scene) -> Result:
    """Judge the supply voltage."""
    name = "machine.power"
    bits = throttled(scene)
    if bits is None:
        return _alarm(scene)
    if bits & UNDER_VOLTAGE:
        return failed(name, "the supply voltage is too low now", SUPPLY_ADVICE)
    if bits >> SINCE_START & UNDER_VOLTAGE:
        return attention(name, "the supply voltage was too low since the start", SUPPLY_ADVICE)
    if bits & (THROTTLED_NOW | SOFT_LIMIT):
        return attention(name, "the processor is slowed down", "give the unit air; see machine.temperature")
    return ok(name, "the supply voltage has held since the start")


def _alarm(scene: Scene) -> Result:
    """Judge by the driver raspberrypi-hwmon, where the firmware's word cannot be had."""
    name = "machine.power"
    for chip in sorted(scene.path("/sys/class/hwmon").glob("hwmon*")):
        folder = "/" + str(chip.relative_to(scene.root))
        if scene.text(f"{folder}/name") == "rpi_volt":
            if scene.number(f"{folder}/in0_lcrit_alarm"):
                return failed(name, "the supply voltage is too low", SUPPLY_ADVICE)
            return ok(name, "no alarm of too low a supply voltage")
    return skipped(name, "this machine does not tell its supply voltage")


def _temperature(scene: Scene) -> Result:
    """Judge the hottest zone."""
    name = "machine.temperature"
    hottest = hottest_c(scene.root)
    if hottest is None:
        return skipped(name, "this machine does not tell its temperature")
    celsius = round(hottest, 1)
    if celsius >= WARM_C:
        word = failed if celsius >= HOT_C else attention
        return word(name, "too hot, it slows down" if celsius >= HOT_C else "hot",
                    HEAT_ADVICE, celsius, "C")
    return ok(name, "fine", celsius, "C")


def _memory(scene: Scene) -> list[Result]:
    """Judge the memory that is left, and whether the kernel had to end a process for want of it."""
    fields = {line.split(":")[0]: line.split()[1] for line in (scene.text("/proc/meminfo") or "").splitlines()
              if len(line.split()) > 1}
    if "MemAvailable" not in fields:
        return [skipped("machine.memory", "this machine does not tell its memory")]
    free_mib = int(fields["MemAvailable"]) // 1024
    advice = "see what uses it: ps aux --sort -rss | head; restart the unit"
    if free_mib < SCARCE_MIB:
        word = failed if free_mib < EXHAUSTED_MIB else attention
        return [word("machine.memory", "little is left", advice, free_mib, "MiB")]
    kills = _out_of_memory_kills(scene)
    if kills:
        return [attention("machine.memory", f"enough now, but it ran out {kills} times since the start",
                          advice, free_mib, "MiB")]
    return [ok("machine.memory", "enough is left", free_mib, "MiB")]


def _out_of_memory_kills(scene: Scene) -> int:
    """Return how many processes the kernel ended for want of memory."""
    for line in (scene.text("/proc/vmstat") or "").splitlines():
        if line.startswith("oom_kill "):
            return int(line.split()[1])
    return 0


class KernelClock(NamedTuple):
    """What the kernel knows of its clock's error: synchronised or not."""

    synchronised: bool


class _Timex(ctypes.Structure):
    """The head of `struct timex` (adjtimex(2)); the rest is room for the kernel to write into."""

    _fields_ = (
        ("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long), ("esterror", ctypes.c_long), ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def kernel_clock() -> KernelClock | None:
    """Ask the kernel whether somebody keeps its clock (adjtimex without modes); None if refused."""
    timex = _Timex()
    library = ctypes.CDLL(None, use_errno=True)
    state = library.adjtimex(ctypes.byref(timex))
    if state < 0:
        code = ctypes.get_errno()
        if code in {errno.EPERM, errno.ENOSYS}:
            return None
        raise OSError(code, os.strerror(code))
    return KernelClock(state != TIME_ERROR and not timex.status & STA_UNSYNC)


def check_clock(scene: Scene, clock: KernelClock | None) -> list[Result]:
    """Judge whether the time is known; a unit without network goes without, a certificate does not."""
    name = "clock.synchronised"
    has_chip = any(scene.path("/sys/class/rtc").glob("rtc*"))
    chip = "" if has_chip else "; no clock chip, so the time is unknown after each start until then"
    if clock is None:
        return [skipped(name, "the kernel does not tell")]
    if clock.synchronised:
        return [ok(name, f"synchronised{'' if has_chip else ' (no clock chip, which is fine)'}")]
    if not scene.settings.telemetry.broker_host:
        return [ok(name, f"not synchronised{chip}; nothing here needs it")]
    return [attention(name, f"not synchronised{chip}",
                      "let the unit reach a time server (timedatectl timesync-status); before that "
                      "certificates may seem not yet valid and reports wait")]
