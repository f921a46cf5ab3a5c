"""The converter and what hangs on it: does it answer, how quiet is it, what is connected.

What the patient's body says stays out of the results: contact yes or no, never a conductance or a rate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from device.config import Sensors
from device.doctor.owners import Owner, borrowed
from device.doctor.result import AS_ROOT, Result, attention, failed, failed_with, ok, skipped
from device.doctor.scene import Scene
from device.errors import DeviceConfigError, DeviceLost
from device.messages import Features, Quality, SampleBlock
from device.sensing.circuits import gsr_circuit, thermistor_circuit
from drivers.adc import Adc, ReadingQuality
from drivers.gsr import Contact

NOISE_READS = 64
NOISE_LIMIT_V = 2e-3  # chosen: 0.05 uS, the smallest response that counts (Boucsein 2012), moves 0.8 mV
QUIET_CODES = 1.5  # but a converter may always be as coarse as its own step
CODES = {"ads1115": 32768, "mcp3008": 1024}
COARSE_US, USUAL_US = 0.1, 5.0  # twice the smallest response that counts by hand; conductance of usual skin
LOOK_RATE_HZ, LOOK_S = 50.0, 3.0  # two beats at 40 a minute
SLOWEST_BEAT_S, FASTEST_BEAT_S = 1.5, 0.35
PULSE_LIKENESS = 0.5  # autocorrelation at the beat's length; noise of 150 samples stays below 0.25
PULSE_LEAST_V = 5e-3  # chosen: below it even a good sensor sees no finger
RAILS = 0.02, 0.98  # of the reference: nothing that works rests there
TEMPERATURE_ADVICE = "check the thermistor and its wire, or remove [sensors.temperature]"
Volts = NDArray[np.float64]


def check_converter(scene: Scene) -> list[Result]:
    """Judge by what the sensors service says; without it read the converter."""
    with borrowed(scene, "sensors") as owner:
        if owner is Owner.UNKNOWN:
            return [attention("adc.answers", "this user may not look", AS_ROOT)]
        results = _from_service(scene) if owner is Owner.SERVICE else _from_part(scene)
    return results + _coarse(scene.settings.sensors)


def _coarse(sensors: Sensors) -> list[Result]:
    """Say so where one step of an MCP3008 hides the skin's responses; an ADS1115 is always fine enough."""
    if sensors.adc.endswith("ads1115"):
        return []
    circuit, step_v = gsr_circuit(sensors.gsr), sensors.reference_v / CODES["mcp3008"]
    step_us = abs(circuit.microsiemens(circuit.volts(USUAL_US) + step_v) - USUAL_US)
    if not step_us > COARSE_US:
        return []
    return [attention("gsr.resolution", f"one step of the converter at {USUAL_US:g} uS: levels are seen, "
                      "responses are not", "use an ADS1115, or a Grove board", round(step_us, 2), "uS")]


def _from_part(scene: Scene) -> list[Result]:
    """Open the converter, which nobody else holds, and read it for a few seconds."""
    sensors = scene.settings.sensors
    # At twice the divider's supply, so that a supply that is too high shows as what it is.
    spans_v = {sensors.gsr.channel: 2.0 * sensors.gsr.supply_v} if sensors.gsr.circuit == "divider" else {}
    try:
        adc = scene.parts.adc(
            sensors.adc, scene.clock, i2c_bus=sensors.i2c_bus, i2c_address=sensors.i2c_address,
            spi_bus=sensors.spi_bus, spi_device=sensors.spi_device, reference_v=sensors.reference_v,
            spans_v=spans_v)
    except (DeviceLost, DeviceConfigError) as error:
        return [failed_with("adc.answers", error)]
    try:
        return _read_all(scene, adc)
    except DeviceLost as error:
        return [failed_with("adc.answers", error)]
    finally:
        adc.close()


def _read_all(scene: Scene, adc: Adc) -> list[Result]:
    """Read both channels: a burst for the noise, a few seconds for the pulse.

    Raises:
        DeviceLost: the converter stopped answering.
    """
    sensors = scene.settings.sensors
    begun_s = scene.clock.monotonic()
    burst = np.array([adc.read(sensors.gsr.channel).volts for _ in range(NOISE_READS)])
    rate_hz = NOISE_READS / max(1e-6, scene.clock.monotonic() - begun_s)
    pulse, clipped = _watch(scene, adc, sensors.ppg.channel)
    limit_v = max(NOISE_LIMIT_V, QUIET_CODES * adc.full_scale_v / CODES[sensors.adc.partition(":")[2]])
    answers = ok("adc.answers", "answers", round(rate_hz), "reads/s")
    if np.all(pulse == pulse[0]):
        answers = _stuck()
    contact = gsr_circuit(sensors.gsr).contact(float(np.median(burst)))
    quality = {Contact.OPEN: Quality.OPEN, Contact.SHORT: Quality.SHORT}.get(contact, Quality.GOOD)
    return [
        answers, _noise(deviation(burst, 1), limit_v), _skin((quality,)),
        _pulse(pulse, LOOK_RATE_HZ, sensors.reference_v, clipped=clipped, known=False),
        *_temperature_from_part(scene, adc),
    ]


def _watch(scene: Scene, adc: Adc, channel: int) -> tuple[Volts, bool]:
    """Read a channel at absolute deadlines; return the volts and whether most were at the range's end.

    Raises:
        DeviceLost: the converter stopped answering.
    """
    begun_s = scene.clock.monotonic()
    readings = []
    for number in range(round(LOOK_S * LOOK_RATE_HZ)):
        scene.clock.sleep(begun_s + number / LOOK_RATE_HZ - scene.clock.monotonic())
        readings.append(adc.read(channel))
    clipped = sum(reading.quality is ReadingQuality.CLIPPED for reading in readings)
    return np.array([reading.volts for reading in readings]), clipped > len(readings) / 2


def _temperature_from_part(scene: Scene, adc: Adc) -> list[Result]:
    """Read the thermistor once, if there is one.

    Raises:
        DeviceLost: the converter stopped answering.
    """
    skin = scene.settings.sensors.temperature
    if skin is None:
        return []
    contact = thermistor_circuit(skin).contact(adc.read(skin.channel).volts)
    return [_thermistor(contact is Contact.GOOD)]


def _from_service(scene: Scene) -> list[Result]:
    """Judge by the blocks of the last seconds and by the service's faults."""
    health = scene.heard.health.get("sensors")
    faults = () if health is None else health.faults
    for fault in faults:
        if fault.code == "adc_lost":
            return [failed("adc.answers", "the sensors service has lost it", fault.advice)]
    eda, ppg = scene.heard.blocks("eda"), scene.heard.blocks("ppg")
    if not ppg:
        return [failed("adc.answers", "the sensors service runs and sends no samples",
                       "see its log: tranquillo logs sensors")]
    answers = ok("adc.answers", "answers the sensors service", round(ppg[-1].rate_hz), "pulse samples/s")
    if all(block.quality is Quality.STUCK for block in ppg):
        answers = _stuck()
    sensors = scene.settings.sensors
    results = [answers, _noise_in_contact(scene, eda), _skin([block.quality for block in eda])]
    clipped = all(block.quality is Quality.CLIPPED for block in ppg)
    results.append(_pulse(_values(ppg), ppg[-1].rate_hz, sensors.reference_v, clipped=clipped,
                          known=_pulse_known(scene)))
    if sensors.temperature is not None:
        warmth = scene.heard.blocks("temperature")
        results.append(_thermistor(any(block.quality is Quality.GOOD for block in warmth)))
    return results


def _stuck() -> Result:
    """Return that a converter gives the same code again and again, which no real signal does."""
    return failed("adc.answers", "repeats one value",
                  "check its supply and wiring, then power the unit off and on")


def _pulse_known(scene: Scene) -> bool:
    """Tell whether the estimator has found a pulse."""
    features = scene.heard.newest(Features)
    return features is not None and features.ppg is not None


def _noise_in_contact(scene: Scene, eda: Sequence[SampleBlock]) -> Result:
    """Return the noise of the skin channel in volts; without contact the service sends no values."""
    values = _values(eda)
    if len(values) < NOISE_READS / 8:
        return skipped("adc.noise", "while the service runs it is told only with electrodes on skin",
                       "stop tranquillo.target to measure it with open electrodes")
    circuit = gsr_circuit(scene.settings.sensors.gsr)
    volts = np.array([circuit.volts(float(value)) for value in values])
    return _noise(deviation(volts, 2), NOISE_LIMIT_V)


def _values(blocks: Sequence[SampleBlock]) -> Volts:
    """Return the good samples of some blocks in a row."""
    return np.array([value for block in blocks for value in block.values if not math.isnan(value)])


def deviation(samples: Volts, order: int) -> float:
    """Return the standard deviation of what changes from sample to sample, blind to slow change.

    The variance of white noise grows by the sum of the squared binomials with each difference taken.
    """
    growth = sum(math.comb(order, place) ** 2 for place in range(order + 1))
    return float(np.sqrt(np.mean(np.diff(samples, order) ** 2) / growth))


def _noise(volts: float, limit_v: float) -> Result:
    """Judge the noise floor."""
    if volts > limit_v:
        return attention("adc.noise", f"noisy, at most {1e3 * limit_v:.1f} mV is expected",
                         "mains hum or a loose ground: check shield, ground wire and power supply",
                         round(1e3 * volts, 3), "mV")
    return ok("adc.noise", "quiet", round(1e3 * volts, 3), "mV")


def _skin(qualities: Sequence[Quality]) -> Result:
    """Judge the electrodes: open is what a unit without a patient shows."""
    name = "gsr.electrodes"
    seen = set(qualities)
    if not seen:
        return failed(name, "no samples came", "see the log: tranquillo logs sensors")
    if seen == {Quality.OPEN}:
        return ok(name, "open: nobody touches them (or a wire is off)")
    if Quality.SHORT in seen:
        return attention(name, "short: they touch each other", "separate them; clean off gel between them")
    if Quality.CLIPPED in seen:
        return attention(name, "the signal is at the end of the converter's range",
                         "check sensors.gsr.supply_v and the wiring, then tranquillo calibrate gsr")
    return ok(name, "in contact")


def _pulse(volts: Volts, rate_hz: float, reference_v: float, *, clipped: bool, known: bool) -> Result:
    """Judge the pulse sensor by its light level and by whether something beats."""
    name = "ppg.sensor"
    if clipped or not len(volts):
        return attention(name, "at the end of its range", "check the sensor's supply and wire; keep strong "
                         "light off it")
    level_v = round(float(np.median(volts)), 2)
    low, high = (share * reference_v for share in RAILS)
    if not low < level_v < high:
        return attention(name, f"rests at {'ground' if level_v <= low else 'its supply'}: no light level",
                         "check the sensor's supply and its signal wire", level_v, "V")
    if known or beats(volts, rate_hz):
        return ok(name, "a pulse is seen", level_v, "V")
    return ok(name, "a light level, no pulse: nobody is on it", level_v, "V")


def beats(volts: Volts, rate_hz: float) -> bool:
    """Tell whether a signal repeats itself at the pace of a heart, 40 to 170 a minute."""
    centred = volts - np.mean(volts)
    if len(centred) < 2 * SLOWEST_BEAT_S * rate_hz - rate_hz or np.std(centred) < PULSE_LEAST_V:
        return False
    most = min(round(SLOWEST_BEAT_S * rate_hz), len(centred) // 2)
    likeness = [float(np.corrcoef(centred[lag:], centred[:-lag])[0, 1])
                for lag in range(round(FASTEST_BEAT_S * rate_hz), most + 1)]
    return max(likeness) > PULSE_LIKENESS


def _thermistor(works: bool) -> Result:
    """Judge the thermistor, which reads something whether or not it is on skin."""
    if works:
        return ok("temperature.sensor", "reads a temperature")
    return attention("temperature.sensor", "open or short", TEMPERATURE_ADVICE)
