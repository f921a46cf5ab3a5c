"""NTC thermistor in a divider: degrees Celsius to volts at the converter, and back."""

from __future__ import annotations

import math
from typing import NamedTuple

from drivers.gsr import Contact

KELVIN = 273.15
NOMINAL_K = KELVIN + 25.0  # thermistors are specified at 25 degrees Celsius

# A sensor at a bedside is nowhere near these: beyond them a wire is off or touches its neighbour.
COLDEST_C = 0.0
HOTTEST_C = 60.0


class Thermistor(NamedTuple):
    """An NTC to ground under `series_ohm` to `supply_v`.

        supply_v ──[ series_ohm ]──┬──[ NTC ]── ground
                                  ADC

    Beta equation: 1/T = 1/T0 + ln(R/R0) / beta, kelvin (IEC 60539-1), good to about 0.1 K between
    20 and 40 degrees Celsius.
    """

    supply_v: float
    series_ohm: float
    nominal_ohm: float
    beta_k: float

    def celsius(self, volts: float) -> float:
        """Return the temperature, NaN unless `contact(volts)` is good."""
        found = self._raw_c(volts)
        return found if COLDEST_C <= found <= HOTTEST_C else math.nan

    def contact(self, volts: float) -> Contact:
        """Return open near the supply (a wire is off), short near 0 V."""
        found = self._raw_c(volts)
        if found < COLDEST_C:
            return Contact.OPEN
        return Contact.SHORT if found > HOTTEST_C else Contact.GOOD

    def volts(self, celsius: float) -> float:
        """Return the divider's output for a temperature; NaN (no sensor) is the supply."""
        if math.isnan(celsius):
            return self.supply_v
        ohm = self.nominal_ohm * math.exp(self.beta_k * (1.0 / (celsius + KELVIN) - 1.0 / NOMINAL_K))
        return self.supply_v * ohm / (ohm + self.series_ohm)

    def _raw_c(self, volts: float) -> float:
        """Return the temperature without judging it; minus infinity at the supply, infinity at 0 V."""
        if volts >= self.supply_v:
            return -math.inf
        if volts <= 0.0:
            return math.inf
        ohm = self.series_ohm * volts / (self.supply_v - volts)
        return 1.0 / (1.0 / NOMINAL_K + math.log(ohm / self.nominal_ohm) / self.beta_k) - KELVIN
