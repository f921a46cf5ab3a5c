"""Inter-beat intervals: artefact correction, heart rate and its variability.

The correction follows Lipponen & Tarvainen 2019 (J Med Eng Technol 43:173), as Kubios does: an interval is
an artefact where its difference to its neighbour and its distance from the median of eleven both exceed
5.2 quartile deviations; a missed beat is put in, an extra one taken out, the pair around an ectopic beat
evened out. Differences to the paper, because an optical pulse is noisier than an ECG: the thresholds are
held within shares of the median interval, they come from the window instead of 91 beats, and what fits
no pattern is dropped, not interpolated.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from device.features.window import FloatArray, Indices, Mask, median

IBI_S = (0.3, 2.0)  # 30 to 200 beats a minute
LONGEST_S = 4.2  # two missed beats at most are put in
NEIGHBOURS = 5  # on each side: the paper's median of eleven
AROUND = np.arange(2 * NEIGHBOURS + 1)
QUARTILE_DEVIATIONS = 5.2  # the paper's alpha
# Of the median interval; chosen. Malik 1996 (Circulation 93:1043) takes 20 % for an artefact; below a tenth
# it is breath or the shape of the pulse.
THRESHOLDS = (0.10, 0.20)
RUN = 3  # noise gives single intervals that fit, but rarely three in a row; chosen
STEADY_SHARE = 0.6  # of the intervals between trusted beats must fit, or a repair is a guess; chosen
MINIMUM_PAIRS = 15  # chosen: RMSSD of fewer scatters by a fifth and more


class Intervals(NamedTuple):
    """Intervals in order, a row each."""

    end_s: FloatArray  # when the interval ended
    ibi_s: FloatArray
    trusted: Mask  # fits its neighbours, corrected or not
    corrected: Mask

    def since(self, start_s: float) -> Intervals:
        """Return the intervals that began at `start_s` or later."""
        first = int((self.end_s - self.ibi_s).searchsorted(start_s))
        return Intervals(self.end_s[first:], self.ibi_s[first:], self.trusted[first:], self.corrected[first:])


def intervals_of(at_s: FloatArray, good: Mask) -> Intervals:
    """Return the corrected intervals between beats.

    Args:
        at_s: times of beats in seconds, ascending.
        good: which of them may be trusted; an interval between others is kept as not trusted.
    """
    ibi = at_s[1:] - at_s[:-1]
    linked = good[1:] & good[:-1]
    usable = linked & (ibi >= IBI_S[0]) & (ibi <= IBI_S[1])
    if np.count_nonzero(usable) < RUN:
        none = np.zeros(ibi.size, dtype=bool)
        return Intervals(at_s[1:], ibi, none, none)
    middle = _medians(np.where(usable, ibi, np.nan))
    strange = _strange(ibi, middle, usable)
    trusted = usable & ~strange
    corrected = np.zeros(ibi.size, dtype=bool)
    doubtful = np.flatnonzero(good[:-1] & ~trusted & (ibi <= LONGEST_S))
    steady = np.count_nonzero(trusted) >= STEADY_SHARE * np.count_nonzero(linked)
    if doubtful.size and steady:
        at_s, ibi, trusted, corrected = _correct(at_s, good, middle, trusted, doubtful)
    return Intervals(at_s[1:], ibi, trusted & _in_runs(trusted), corrected)


def heart_rate(intervals: Intervals) -> float:
    """Return the rate in bpm: 60 over the mean of the trusted intervals but the outer fifth.

    What escaped the correction hardly moves it, and it lies by the mean where breath skews them.
    """
    ordered = np.sort(intervals.ibi_s[intervals.trusted])
    cut = ordered.size // 10
    return 60.0 / float(ordered[cut:ordered.size - cut].mean())


def variability(intervals: Intervals) -> tuple[float | None, float | None]:
    """Return RMSSD and SDNN in ms from measured intervals; None with fewer than 15 successive pairs."""
    measured = intervals.trusted & ~intervals.corrected
    both = measured[1:] & measured[:-1]
    if np.count_nonzero(both) < MINIMUM_PAIRS:
        return None, None
    successive = (intervals.ibi_s[1:] - intervals.ibi_s[:-1])[both]
    rmssd_ms = 1000.0 * float(np.sqrt(successive @ successive / successive.size))
    return rmssd_ms, 1000.0 * float(intervals.ibi_s[measured].std(ddof=1))


def _medians(ibi: FloatArray) -> FloatArray:
    """Return the median of the finite values among each interval and its five neighbours on each side."""
    padded = np.full(ibi.size + 2 * NEIGHBOURS, np.nan)
    padded[NEIGHBOURS:-NEIGHBOURS] = ibi
    row = np.arange(ibi.size)
    near = padded[row[:, None] + AROUND]
    near.sort(axis=1)  # NaN goes last
    count = (near == near).sum(axis=1)  # noqa: PLR0124 - what is not NaN, quicker than isfinite
    middle = near[row, (count - 1).clip(0) // 2] + near[row, count // 2]
    return np.asarray(0.5 * middle, dtype=np.float64)


def _strange(ibi: FloatArray, middle: FloatArray, usable: Mask) -> Mask:
    """Tell which usable intervals differ from a neighbour and from the median around them."""
    step = np.abs(ibi[1:] - ibi[:-1])
    step[~(usable[1:] & usable[:-1])] = np.inf  # beside a gap the median alone decides
    typical = median(middle[usable])
    near = step[np.isfinite(step)]
    jump = _threshold(near, typical) if near.size else THRESHOLDS[0] * typical
    sudden = np.zeros(ibi.size, dtype=bool)
    sudden[1:] |= step > jump
    sudden[:-1] |= step > jump
    if ibi.size == 1 or np.count_nonzero(usable) == 1:
        sudden[:] = True
    away = np.where(usable, np.abs(ibi - middle), 0.0)
    return np.asarray(usable & (away > _threshold(away[usable], typical)) & (sudden | (away > 0.2 * middle)))


def _threshold(distance: FloatArray, typical: float) -> float:
    """Return 5.2 quartile deviations of a distance either way, within shares of the typical interval.

    A sample symmetric around 0 has a quartile deviation equal to the median of its absolute values.
    """
    wide = QUARTILE_DEVIATIONS * median(distance)
    return min(max(wide, THRESHOLDS[0] * typical), THRESHOLDS[1] * typical)


def _correct(
    at_s: FloatArray, good: Mask, middle: FloatArray, trusted: Mask, doubtful: Indices,
) -> tuple[FloatArray, FloatArray, Mask, Mask]:
    """Return beat times, intervals, trusted and corrected after repairing what fits a pattern."""
    rows = [[row] for row in zip(at_s[1:].tolist(), np.diff(at_s).tolist(), trusted.tolist(), strict=True)]
    repaired: set[float] = set()
    done = -1
    for one in doubtful.tolist():
        if one <= done or not np.isfinite(middle[one]):
            continue
        times = at_s[one:one + 3].tolist()
        next_fits = bool(trusted[one + 1:one + 2].any())
        fits = _repair(times, good[one:one + 3].tolist(), next_fits, float(middle[one]))
        if not fits:
            continue
        used = 1 if fits[-1] == times[1] else 2
        done = one + used - 1
        begins = [times[0], *fits]
        rows[one:done + 1] = [
            [(end, end - begin, True) for begin, end in zip(begins, fits, strict=False)], *[[]] * (used - 1)]
        repaired.update(fits)
    flat = [row for group in rows for row in group]
    ends, lengths, fine = (list(column) for column in zip(*flat, strict=True))
    return (np.array([at_s[0], *ends]), np.array(lengths), np.array(fine, dtype=bool),
            np.array([end in repaired for end in ends]))


def _repair(times: list[float], good: list[bool], next_fits: bool, around: float) -> list[float]:
    """Return the beats that ought to follow the first of two or three, or none where no pattern fits.

    Args:
        times: of a trusted beat and the one or two after it, in seconds.
        good: which of them may be trusted.
        next_fits: whether the second interval is as expected.
        around: the interval that is expected here, in seconds.
    """
    near = THRESHOLDS[1] * around
    length = times[1] - times[0]
    whole = round(length / around)
    if good[1] and whole in (2, 3) and abs(length - whole * around) < near:  # one or two beats missed
        return [times[1] - length * (1.0 - k / whole) for k in range(1, whole)] + [times[1]]
    if len(times) < 3 or not good[2] or next_fits:  # noqa: PLR2004 - two intervals
        return []
    pair = times[2] - times[0]
    if abs(pair - around) < near:  # one beat too many
        return [times[2]]
    if good[1] and abs(pair - 2.0 * around) < near:  # one beat early or late
        return [times[0] + 0.5 * pair, times[2]]
    return []


def _in_runs(trusted: Mask) -> Mask:
    """Tell which trusted intervals stand in a row of three or more."""
    ends = np.zeros(trusted.size + 2, dtype=bool)
    ends[1:-1] = trusted
    edge = np.flatnonzero(ends[1:] != ends[:-1]).reshape(-1, 2)
    kept = np.zeros(trusted.size, dtype=bool)
    for start, end in edge.tolist():
        kept[start:end] = end - start >= RUN
    return kept
