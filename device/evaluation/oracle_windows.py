"""The windows of the comparison: one minute of pulse and skin each, and what is known of it.

Each window is the last minute of a stream that ran through the device's features from its beginning, so
that what they say is what the device would have published at that second.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.evaluation.oracles import Said
from device.features.extractor import WINDOW_S, FeatureExtractor
from device.messages import Features, Quality, SampleBlock
from drivers.sim.patient import SimulatedPatient
from drivers.sim.recording import open_recording

FloatArray = NDArray[np.float64]

PPG_HZ, EDA_HZ = 100.0, 10.0  # the device's defaults
BLOCK_S = 0.2  # as the device's sensing publishes
HOP_S = 60  # windows do not overlap, but for the short reference with an ECG
REFERENCE_HOP_S = 15
COVERED = 0.8  # of a window by the watch's own beats: then the window is called clean
SCR_US = 0.05  # a simulated response counts from here on: the criterion by hand (Boucsein 2012)
ECG_END_S = 256.0  # the finger clip is disturbed from 257 s on, the ECG is noise from 262 s on


class Window(NamedTuple):
    """One minute: samples at 100 and 10 Hz (empty if the signal is not there), what we said, what is true."""

    source: str
    end_s: int
    ppg_v: FloatArray
    eda_us: FloatArray
    ours: Said
    truth: Said


class Stream(NamedTuple):
    """Evenly sampled signals from 0 s on, at 100 and 10 Hz; either may be empty."""

    ppg_v: FloatArray
    eda_us: FloatArray

    @property
    def seconds(self) -> int:
        """Whole seconds that both signals cover."""
        sizes = [size for size in (len(self.ppg_v) / PPG_HZ, len(self.eda_us) / EDA_HZ) if size]
        return int(min(sizes, default=0))

    def second(self, number: int) -> list[SampleBlock]:
        """Return the blocks of the second that ends at `number`, as the device's sensing cuts them."""
        blocks: list[SampleBlock] = []
        for part in range(round(1 / BLOCK_S)):
            start_s = number - 1 + part * BLOCK_S
            if self.ppg_v.size:
                blocks.append(_block("ppg", self.ppg_v, PPG_HZ, start_s))
            if self.eda_us.size:
                blocks.append(_block("eda", self.eda_us, EDA_HZ, start_s))
        return blocks

    def features(self) -> Iterator[tuple[int, Features]]:
        """Give what the device's features say at the end of each second."""
        extractor = FeatureExtractor()
        for number in range(1, self.seconds + 1):
            for block in self.second(number):
                extractor.push(block)
            yield number, extractor.features(float(number))

    def window(self, source: str, end_s: int, ours: Said, truth: Said) -> Window:
        """Return the minute that ends at `end_s`."""
        first = end_s - round(WINDOW_S)
        return Window(source, end_s, self.ppg_v[round(first * PPG_HZ):round(end_s * PPG_HZ)],
                      self.eda_us[round(first * EDA_HZ):round(end_s * EDA_HZ)], ours, truth)


def said(features: Features) -> Said:
    """Return what the device's features say of the window."""
    ppg, eda = features.ppg, features.eda
    rmssd_ms = None if ppg is None else ppg.rmssd_ms
    return Said(
        hr_bpm=math.nan if ppg is None else ppg.hr_bpm,
        rmssd_ms=math.nan if rmssd_ms is None else rmssd_ms,
        scr_count=math.nan if eda is None else eda.scr_per_min * eda.quality * WINDOW_S / 60.0,
    )


def of_beats(ends_s: FloatArray, intervals_s: FloatArray, end_s: float, covered: float) -> Said | None:
    """Return heart rate and RMSSD of the intervals within the minute before `end_s`.

    None if they cover less than a share of it. RMSSD takes only intervals that follow each other.
    """
    inside = (ends_s - intervals_s >= end_s - WINDOW_S) & (ends_s <= end_s)
    intervals, ends = intervals_s[inside], ends_s[inside]
    if intervals.sum() < covered * WINDOW_S:
        return None
    joined = np.abs(ends[1:] - intervals[1:] - ends[:-1]) < 0.02  # noqa: PLR2004 - s, the watch's resolution
    steps = np.diff(intervals)[joined]
    rmssd_ms = 1000.0 * float(np.sqrt(np.mean(steps**2))) if steps.size else math.nan
    return Said(hr_bpm=60.0 / float(intervals.mean()), rmssd_ms=rmssd_ms)


def recorded_windows(folder: Path) -> list[Window]:
    """Return the clean minutes of an Empatica E4 recording; the watch's own beats are the truth.

    Clean is a minute that the watch's beats cover by 80 %: a judgement that is none of the compared.
    """
    body = open_recording(folder, 0.0)
    seconds = int(body.duration_s)
    stream = Stream(body.sampled("ppg", 0.0, round(seconds * PPG_HZ), PPG_HZ),
                    body.sampled("eda", 0.0, round(seconds * EDA_HZ), EDA_HZ))
    ends_s, intervals_s = np.array(body.beats, dtype=np.float64).reshape(-1, 2).T
    found = []
    for second, features in stream.features():
        truth = of_beats(ends_s, intervals_s, second, COVERED) if _due(second, HOP_S) else None
        window = None if truth is None else stream.window(folder.name, second, said(features), truth)
        if window is not None and np.isfinite(window.ppg_v).all() and np.isfinite(window.eda_us).all():
            found.append(window)
    return found


def simulated_windows(seed: int, minutes: int) -> list[Window]:
    """Return a simulated patient's minutes, whose beats and responses are known."""
    patient = SimulatedPatient(seed, 0.0)
    ppg_v, eda_us, truths = [], [], {}
    for number in range(round(60 * minutes * PPG_HZ) + 1):
        at_s = number / PPG_HZ
        ppg_v.append(patient.pulse_v(at_s))
        if number % round(PPG_HZ / EDA_HZ) == 0:
            eda_us.append(patient.skin_us(at_s))
        if number % round(PPG_HZ) == 0 and _due(round(at_s), HOP_S):
            truths[round(at_s)] = _patient_truth(patient, at_s)
    stream = Stream(np.array(ppg_v), np.array(eda_us))
    return [stream.window(f"patient {seed}", second, said(features), truths[second])
            for second, features in stream.features() if second in truths]


def ecg_windows(folder: Path) -> list[Window]:
    """Return overlapping minutes of a finger pulse; R peaks of a simultaneous ECG are the truth."""
    table = np.loadtxt(folder / "cinc2015_a103l.csv.gz", delimiter=",", skiprows=1)
    peaks_s = np.loadtxt(folder / "cinc2015_a103l_ref_beats.csv", skiprows=1)
    times = np.arange(0.0, ECG_END_S, 1.0 / PPG_HZ)
    stream = Stream(0.5 * np.interp(times, table[:, 0], table[:, 1]), np.empty(0))
    return _against_beats("icu-ecg", stream, peaks_s, REFERENCE_HOP_S)


def consensus_windows(folder: Path) -> list[Window]:
    """Return minutes of a pulse sensor on an analogue input; beats that several algorithms agree on."""
    with gzip.open(folder / "data3_first8min.csv.gz", "rt", encoding="ascii") as lines:
        rows = [line.strip().split(",") for line in lines][1:]
    counts = np.array([float(count) for _, count in rows])
    first, last = (np.datetime64(rows[end][0].replace(" ", "T")) for end in (0, -1))
    rate_hz = (len(counts) - 1) / float((last - first) / np.timedelta64(1, "s"))
    samples = np.loadtxt(folder / "data3_first8min_consensus_beats.csv", skiprows=1, delimiter=",", ndmin=2)
    times = np.arange(0.0, (len(counts) - 1) / rate_hz, 1.0 / PPG_HZ)
    volts = np.interp(times, np.arange(len(counts)) / rate_hz, counts) * 3.3 / 1024.0
    return _against_beats("data3", Stream(volts, np.empty(0)), samples[:, 0] / rate_hz, HOP_S)


def _against_beats(source: str, stream: Stream, beats_s: FloatArray, hop_s: int) -> list[Window]:
    """Return the minutes in which reference beats are complete enough."""
    intervals_s = np.diff(beats_s)
    whole = intervals_s < 1.5 * np.median(intervals_s)  # longer: a beat is missing in the reference
    ends_s, intervals_s = beats_s[1:][whole], intervals_s[whole]
    found = []
    for second, features in stream.features():
        truth = of_beats(ends_s, intervals_s, second, COVERED) if _due(second, hop_s) else None
        if truth is not None:
            found.append(stream.window(source, second, said(features), truth))
    return found


def _patient_truth(patient: SimulatedPatient, end_s: float) -> Said:
    """Return what a simulated patient's heart and skin did in the minute before."""
    beats = patient.beats()
    ends_s = np.array([beat.onset_s + beat.interval_s for beat in beats])
    known = of_beats(ends_s, np.array([beat.interval_s for beat in beats]), end_s, COVERED) or Said()
    responses = [size for onset_s, size in patient.responses() if end_s - WINDOW_S <= onset_s < end_s]
    return known._replace(scr_count=float(np.count_nonzero(np.array(responses) >= SCR_US)))


def _due(second: int, hop_s: int) -> bool:
    """Tell whether a window ends here; the first ends when the first minute is over."""
    return second >= WINDOW_S and second % hop_s == 0


def _block(signal: str, values: FloatArray, rate_hz: float, start_s: float) -> SampleBlock:
    """Return one block of a signal."""
    first = round(start_s * rate_hz)
    part = values[first:first + round(BLOCK_S * rate_hz)]
    quality = Quality.GOOD if np.isfinite(part).all() else Quality.OPEN
    return SampleBlock(at_s=start_s + BLOCK_S, signal="ppg" if signal == "ppg" else "eda", start_s=start_s,
                       rate_hz=rate_hz, values=tuple(part.tolist()), quality=quality)

