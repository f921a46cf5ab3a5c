"""What the computer says of itself at no cost: supply voltage, temperature, errors of its memory card.

These are files that the kernel makes up when they are read, so no disk is waited for. The conductor looks now
and then, for the light and the clinic; the doctor looks when it is asked to.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from device.messages import Fault, Severity

LOOK_S = 60.0
HOT_C = 83.0  # a Pi slows down from 80 C on, much from 85 C (its documentation, frequency management)
THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
# Bits of get_throttled (Raspberry Pi documentation, vcgencmd): now, and 16 higher since the start.
UNDER_VOLTAGE = 0x1
SUPPLY_ADVICE = "use the official power supply and a short, thick cable; unplug what draws power from USB"
HEAT_ADVICE = "give the unit air: nothing on it, no sun, no heater below"
CARD_ADVICE = "copy what matters and replace the card"

UNDER_VOLTAGE_NOW = Fault(code="under_voltage", severity=Severity.ATTENTION,
                          advice=f"the supply voltage is too low; {SUPPLY_ADVICE}")
TOO_HOT = Fault(code="too_hot", severity=Severity.ATTENTION,
                advice=f"the processor is so hot that it slows down; {HEAT_ADVICE}")
CARD_ERRORS = Fault(code="card_errors", severity=Severity.ATTENTION,
                    advice=f"the file system on the memory card has had errors; {CARD_ADVICE}")


def throttled_bits(root: Path) -> int | None:
    """Return the Pi firmware's own word on its power, None where there is none."""
    with contextlib.suppress(OSError, ValueError):
        return int((root / THROTTLED).read_text(encoding="ascii"), 16)
    return None


def hottest_c(root: Path) -> float | None:
    """Return the temperature of the hottest zone in degrees Celsius, None where none is told."""
    degrees = []
    for zone in (root / "sys/class/thermal").glob("thermal_zone*"):
        with contextlib.suppress(OSError, ValueError):
            degrees.append(int((zone / "temp").read_text(encoding="ascii")) / 1000.0)
    return max((one for one in degrees if one > 0.0), default=None)


def file_system_errors(root: Path) -> dict[str, int]:
    """Return how many errors each mounted ext4 file system has had, by device, since it was last checked."""
    errors = {}
    for folder in sorted((root / "sys/fs/ext4").glob("*/")):
        with contextlib.suppress(OSError, ValueError):
            errors[folder.name] = int((folder / "errors_count").read_text(encoding="ascii"))
    return errors


class MachineWatch:
    """Looks at the computer once a minute and says what a person has to act on; slow to cry.

    Args:
        root: where /sys is found.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._look_s = float("-inf")
        self._faults: tuple[Fault, ...] = ()

    def faults(self, at_s: float) -> tuple[Fault, ...]:
        """Return what the last look found; looks again when a minute of monotonic time has passed."""
        if at_s >= self._look_s:
            self._look_s = at_s + LOOK_S
            found = (
                (UNDER_VOLTAGE_NOW, bool((throttled_bits(self._root) or 0) & UNDER_VOLTAGE)),
                (TOO_HOT, (hottest_c(self._root) or 0.0) >= HOT_C),
                (CARD_ERRORS, any(file_system_errors(self._root).values())),
            )
            self._faults = tuple(fault for fault, present in found if present)
        return self._faults
