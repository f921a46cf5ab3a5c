"""The analogue circuits that the configuration describes."""

from __future__ import annotations

from device.config import Gsr, SkinTemperature
from drivers.gsr import DividerGsr, GroveGsr
from drivers.gsr import Gsr as GsrCircuit
from drivers.thermistor import Thermistor


def gsr_circuit(gsr: Gsr) -> GsrCircuit:
    """Return the skin conductance front end."""
    if gsr.circuit == "divider":
        return DividerGsr(gsr.supply_v, gsr.reference_ohm)
    return GroveGsr(gsr.supply_v)


def thermistor_circuit(skin: SkinTemperature) -> Thermistor:
    """Return the thermistor in its divider."""
    return Thermistor(skin.supply_v, skin.series_ohm, skin.nominal_ohm, skin.beta_k)
