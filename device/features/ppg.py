"""Pulse features once a second from a stream: rate, variability, amplitude, rhythms, quality."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from device.features.intervals import IBI_S, Intervals, heart_rate, intervals_of, variability
from device.features.pulse_beats import Beats, BeatStore, judge
from device.features.pulse_motion import MotionWatch
from device.features.pulse_wave import SHAPE_POINTS, SHAPE_S, PulseWave
from device.features.respiration import SPAN_S, Rhythm, rhythm
from device.features.window import FloatArray, median
from device.vitals import PpgFeatures

WINDOW_S = 60.0
SMALLEST_V = 0.002  # chosen: sixteen steps of an ADS1115 at +-4.096 V; below it dither looks like a pulse
MINIMUM_SHARE = 0.2  # of the window by trusted intervals
LATE_S = 2.5  # the filter's delay and half a beat on each side are never covered
CORRECTED_WORTH = 0.5  # of a measured interval, for the quality; chosen
# Of the intervals between trusted beats so many must fit for full quality: in noise a third does. Chosen.
FITTING_SHARE = 0.85
RHYTHM_EVERY_S = 5.0
# A beat rises faster than it falls: 3 % and more of the mean pulse differ from a cosine of the same period in
# every recording at hand, 0.3 % and less where mains or its alias make "beats".
COSINE_LIKENESS = 0.992
LAGS_S = np.linspace(-SHAPE_S, SHAPE_S, SHAPE_POINTS)


class PulseTracker:
    """Follows the pulse through blocks of samples of one rate; uses no future sample.

    Args:
        rate_hz: sample rate, 25 Hz or more (100 Hz for variability to a few ms).
        smallest: rise of a pulse, in the signal's unit, below which it is not believed.
    """

    def __init__(self, rate_hz: float, smallest: float = SMALLEST_V) -> None:
        self.rate_hz = rate_hz
        self._smallest = smallest
        self._wave = PulseWave(rate_hz)
        self._store = BeatStore()
        self._motion = MotionWatch()
        self._rhythm = Rhythm()
        self._rhythm_s = -math.inf

    def push(self, start_s: float, values: Sequence[float]) -> None:
        """Take in samples in volts, peaks upward, the first taken at `start_s`; NaN where bad."""
        for peaks in self._wave.push(start_s, values):
            moved = self._motion.moved(peaks)
            self._store.add(peaks._replace(whole=peaks.whole & ~moved))

    def features(self, at_s: float, window_s: float = WINDOW_S) -> PpgFeatures | None:
        """Describe the pulse of the window before `at_s`.

        Args:
            at_s: now; call it in order of time.
            window_s: seconds that rate, variability, amplitude and quality are taken from, up to 60.

        Returns:
            The features, or None where trusted intervals cover less than a fifth of the window.
            `quality` is the share of the window that trusted intervals cover, a corrected one for half,
            less where many intervals between pulses of the right shape do not fit.
        """
        beats = self.beats(at_s)
        intervals = intervals_of(beats.at_s, beats.good)
        inside = intervals.since(at_s - window_s)
        covered_s = float(inside.ibi_s[inside.trusted].sum())
        if covered_s < MINIMUM_SHARE * window_s:
            return None
        hr_bpm = heart_rate(inside)
        if _is_sine(beats.template, hr_bpm / 60.0):
            return None
        repaired = inside.trusted & inside.corrected
        covered_s -= (1.0 - CORRECTED_WORTH) * float(inside.ibi_s[repaired].sum())
        self._follow_rhythm(at_s, beats, intervals)
        recent = beats.good & (beats.at_s >= at_s - window_s)
        rmssd_ms, sdnn_ms = variability(inside)
        return PpgFeatures(
            hr_bpm=hr_bpm,
            rmssd_ms=rmssd_ms,
            sdnn_ms=sdnn_ms,
            pulse_amplitude_v=median(beats.amplitude[recent]),
            quality=(min(1.0, covered_s / (window_s - min(LATE_S, 0.5 * window_s)))
                     * _fitting(beats, intervals)),
            respiration_per_min=self._rhythm.respiration_per_min,
            respiration_ms=self._rhythm.respiration_ms,
            coherence=self._rhythm.coherence,
            corrected_share=float(np.count_nonzero(repaired) / np.count_nonzero(inside.trusted)),
        )

    def beats(self, at_s: float) -> Beats:
        """Return the judged beats of the 66 s before `at_s`."""
        return judge(self._store.between(at_s - SPAN_S - 2.0, at_s), self._smallest)

    def _follow_rhythm(self, at_s: float, beats: Beats, intervals: Intervals) -> None:
        """Look at the slow rhythms again when five seconds have passed."""
        if 0.0 <= at_s - self._rhythm_s < RHYTHM_EVERY_S:
            return
        self._rhythm_s = at_s
        recent = intervals.trusted & (intervals.end_s > at_s - SPAN_S)
        end_s = intervals.end_s[recent]
        amplitude = np.interp(end_s, beats.at_s, beats.amplitude)
        self._rhythm = rhythm(end_s, intervals.ibi_s[recent], amplitude)


def _fitting(beats: Beats, intervals: Intervals) -> float:
    """Return 0 to 1: how many of the intervals between trusted beats fit their neighbours."""
    timely = beats.at_s[1:] - beats.at_s[:-1] <= IBI_S[1]
    between = np.count_nonzero(beats.good[1:] & beats.good[:-1] & timely)
    return min(1.0, np.count_nonzero(intervals.trusted) / (FITTING_SHARE * max(1, between)))


def _is_sine(template: FloatArray, hertz: float) -> bool:
    """Tell whether the mean pulse is a cosine of the pulse's own rate."""
    cosine = np.cos((2.0 * math.pi * hertz) * LAGS_S)
    cosine -= cosine.mean()
    likeness = float(template @ cosine) / math.sqrt(float(template @ template) * float(cosine @ cosine))
    return likeness > COSINE_LIKENESS
