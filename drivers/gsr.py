"""Skin conductance circuits: microsiemens to volts at the converter, and back."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import NamedTuple, Protocol

# Skin reads 0.05 to 60 uS by convention. Dry wrists go lower and sweat on electrode paste higher, so
# contact is doubted only well outside; an Empatica E4 calls 0.01 to 100 uS its whole range.
OPEN_BELOW_US = 0.02
SHORT_ABOVE_US = 100.0


class Contact(StrEnum):
    """What the voltage says of the electrodes."""

    GOOD = "good"
    OPEN = "open"  # nobody touches them, or a wire is off
    SHORT = "short"  # they touch each other


class Gsr(Protocol):
    """A skin conductance circuit seen from the converter."""

    def microsiemens(self, volts: float) -> float:
        """Return the skin's conductance, NaN unless `contact(volts)` is good."""

    def contact(self, volts: float) -> Contact:
        """Return what the voltage says of the electrodes."""

    def volts(self, skin_us: float) -> float:
        """Return the circuit's output for a conductance, 0 (open) to infinity (short)."""


class DividerGsr(NamedTuple):
    """Constant `supply_v` over the skin and `reference_ohm` in series; the ADC sees the reference.

        supply_v ──[ skin ]──┬──[ reference_ohm ]── ground
                            ADC

    With G the skin's conductance, V = supply * G R / (1 + G R).
    """

    supply_v: float
    reference_ohm: float

    def microsiemens(self, volts: float) -> float:
        """Return G = V / (R (supply - V)) in microsiemens, NaN unless the contact is good."""
        skin_us = self._raw_us(volts)
        return skin_us if OPEN_BELOW_US <= skin_us <= SHORT_ABOVE_US else math.nan

    def contact(self, volts: float) -> Contact:
        """Return open near 0 V, short near the supply."""
        return _contact(self._raw_us(volts))

    def volts(self, skin_us: float) -> float:
        """Return the voltage over the reference for 0 (open) to infinite (short) microsiemens."""
        if math.isinf(skin_us):
            return self.supply_v
        ratio = skin_us * 1e-6 * self.reference_ohm
        return self.supply_v * ratio / (1.0 + ratio)

    def _raw_us(self, volts: float) -> float:
        """Return the conductance without judging it; infinite at or above the supply."""
        if volts >= self.supply_v:
            return math.inf
        return 1e6 * volts / (self.reference_ohm * (self.supply_v - volts))


# Both resistors of the wiki's formula: the 10 kOhm that the differential stage compares the skin with.
GROVE_OHM = 10_000.0


class GroveGsr(NamedTuple):
    """Seeed Grove GSR v1.2: a differential stage whose output falls from half the supply as skin conducts.

    Source: wiki.seeedstudio.com/Grove-GSR_Sensor, for a 10-bit reading r and the reading c with
    nobody attached (512 when the trimmer is set as described there):

        ohm = (1024 + 2 r) 10000 / (c - r)      so in volts      ohm = 10000 (S + 2 V) / (C - V)

    At 0 V that is 20 kOhm: 50 uS is the most this circuit can tell.

    Attributes:
        supply_v: supply S of the board, 3.3 or 5.
        calibrated_v: output C with nobody attached; 0 means half the supply.
    """

    supply_v: float
    calibrated_v: float = 0.0

    def microsiemens(self, volts: float) -> float:
        """Return the skin's conductance in microsiemens, NaN unless the contact is good."""
        if self.contact(volts) is not Contact.GOOD:
            return math.nan
        return self._raw_us(volts)

    def contact(self, volts: float) -> Contact:
        """Return open near the calibrated voltage, short within a thousandth of the supply of 0 V."""
        if volts <= self.supply_v * 1e-3:
            return Contact.SHORT
        return _contact(self._raw_us(volts))

    def volts(self, skin_us: float) -> float:
        """Return V = (C - k S G) / (1 + 2 k G), at least 0, for 0 (open) to infinite microsiemens."""
        if math.isinf(skin_us):
            return 0.0
        ratio = skin_us * 1e-6 * GROVE_OHM
        return max(0.0, (self._idle_v() - self.supply_v * ratio) / (1.0 + 2.0 * ratio))

    def _idle_v(self) -> float:
        """Return the output with nobody attached."""
        return self.calibrated_v or self.supply_v / 2.0

    def _raw_us(self, volts: float) -> float:
        """Return the conductance without judging it; 0 or less with nobody attached."""
        return 1e6 * (self._idle_v() - volts) / (GROVE_OHM * (self.supply_v + 2.0 * volts))


def _contact(skin_us: float) -> Contact:
    """Judge a conductance."""
    if skin_us < OPEN_BELOW_US:
        return Contact.OPEN
    return Contact.SHORT if skin_us > SHORT_ABOVE_US else Contact.GOOD
