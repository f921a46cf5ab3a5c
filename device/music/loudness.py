"""The last stage before sound: a loudness ceiling at the ear and a peak limiter, whoever asked for more.

The meter is ITU-R BS.1770-4: K-weighting, mean square, sum of the channels. It measures the patch
*before* the gain, so the loudness that a gain will give is known before it is heard. The ceiling is
configured in dBA; K-weighting never reads lower than A-weighting (they agree at 1 kHz, A falls faster
below and rises less above; `tests/music/test_loudness.py` compares the curves), so music held under
the ceiling in LUFS is under it in dBA too, bass-heavy music by a good margin.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any, NamedTuple

from device.config import Loudness
from device.errors import AudioLost

BLOCK_S = 0.1  # the meter's step; BS.1770 gating blocks overlap by as much
MOMENTARY_BLOCKS = 4  # 400 ms, EBU Tech 3341
SHORT_TERM_BLOCKS = 30  # 3 s, EBU Tech 3341
SILENT_LUFS = -120.0
MINIMUM_POWER = 10.0 ** (SILENT_LUFS / 10.0)

PATCH_LUFS = -22.0  # what the patch gives with ordinary phrases at gain 1; see tests/music/test_synth.py
HEADROOM_SOFT_LU, HEADROOM_FULL_LU = 14.0, 4.0  # below the ceiling at intensity 0 and 1
SLEW_DB_PER_S = 1.0  # gain changes in normal play
STEADY_S = 15.0  # the slow mean that is held at intensity's level; slower than a phrase and the breath
STEADY_REACH_LU = 6.0  # by how much it lifts or lowers a patch that is not ordinary
STEADY_DB_PER_S = 0.25
STEADY_GATE_LU = 16.0  # quieter than ordinary by more than this is a pause and says nothing
MARGIN_LU = 0.5  # held below the ceiling, for the meter's own delay

# Loudness may not rise by 3 dB within 400 ms: power over 30 ms is held to little above that over the last
# 0.6 s (chosen on rendered sessions: largest rises of 2.8 to 3.8 LU became 1.7 to 2.5, the mean lost 0.15).
RISE_FAST_S, RISE_SLOW_S, RISE_RATIO = 0.03, 0.6, 1.1
RISE_FLOOR = 1e-7  # power; far below music, so that silence is left alone

HIGHEST_CEILING_LUFS = -21.0  # with it, the limits below keep true peaks under -1 dBFS
LIMITER_ABOVE_CEILING_DB = 12.0  # peaks of music stand this far above its loudness
CLIP_ABOVE_LIMITER_DB = 1.0  # so samples end at -8 dBFS: clipped white noise swings 6 dB higher in between
RAMP_S = 0.05


class Biquad(NamedTuple):
    """A second-order section, a0 = 1."""

    b0: float
    b1: float
    b2: float
    a1: float
    a2: float


def k_weighting(rate_hz: float) -> tuple[Biquad, Biquad]:
    """Return the two K-weighting sections (head shelf, then high-pass) at a sampling rate.

    BS.1770-4 tabulates them at 48 kHz only; these are the analogue prototypes behind its table
    (centre, gain and Q as in libebur128), so 48 kHz gives the table again.
    """
    k = math.tan(math.pi * 1681.974450955533 / rate_hz)
    q = 0.7071752369554196
    high = 10.0 ** (3.999843853973347 / 20.0)
    middle = high ** 0.4996667741545416
    a0 = 1.0 + k / q + k * k
    shelf = Biquad(
        (high + middle * k / q + k * k) / a0, 2.0 * (k * k - high) / a0, (high - middle * k / q + k * k) / a0,
        2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0)
    k = math.tan(math.pi * 38.13547087602444 / rate_hz)
    q = 0.5003270373238773
    a0 = 1.0 + k / q + k * k
    return shelf, Biquad(1.0, -2.0, 1.0, 2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0)


def lufs(left_power: float, right_power: float) -> float:
    """Return the loudness of two K-weighted mean squares (BS.1770-4 equation 2), -120 at the least."""
    return -0.691 + 10.0 * math.log10(max(left_power + right_power, MINIMUM_POWER))


def ear_lufs(left_power: float, right_power: float) -> float:
    """Return the loudness at the louder ear: as if both channels carried what the louder one does."""
    louder = max(left_power, right_power)
    return lufs(louder, louder)


def ceiling_lufs(loudness: Loudness) -> float:
    """Return the ceiling in LUFS.

    `full_scale_dba` is what a full-scale 1 kHz sine gives at the ear; the same sine in both channels
    reads 0.0 LUFS. So the ceiling is the difference of both, at most `HIGHEST_CEILING_LUFS`.
    """
    return min(loudness.ceiling_dba - loudness.full_scale_dba, HIGHEST_CEILING_LUFS)


def limiter_dbfs(ceiling: float) -> float:
    """Return the peak limiter's threshold: tied to the ceiling, so it holds even if the meter stops."""
    return ceiling + LIMITER_ABOVE_CEILING_DB


def decibels(amplitude: float) -> float:
    """Return an amplitude ratio in dB, `SILENT_LUFS` at the least."""
    return max(SILENT_LUFS, 20.0 * math.log10(max(amplitude, 1e-9)))


def amplitude(level_db: float) -> float:
    """Return the amplitude ratio of a level in dB; 0 for `SILENT_LUFS` and below."""
    return 0.0 if level_db <= SILENT_LUFS else float(10.0 ** (level_db / 20.0))


class Guard:
    """Decides the gain: the level that intensity asks for, held in the slow mean, trimmed to the ceiling.

    Args:
        ceiling: LUFS that neither the last 400 ms nor the last 3 s may exceed.

    `trim_db` is at most 0; it falls at once when the patch is too loud and rises `SLEW_DB_PER_S`.
    `steady_db` brings the patch's slow mean to `PATCH_LUFS`, so density, timbre and style do not change
    how loud the music is.
    """

    def __init__(self, ceiling: float) -> None:
        self._ceiling = ceiling
        self._patch: deque[float] = deque(maxlen=SHORT_TERM_BLOCKS)
        self._heard: deque[tuple[float, float]] = deque(maxlen=SHORT_TERM_BLOCKS)
        self._level_db = self._wanted_db(0.0)
        self._fade_db = SILENT_LUFS
        self.trim_db = 0.0
        self._forget()

    def _forget(self) -> None:
        """Think of the patch as ordinary: nothing has been heard of it yet."""
        self.steady_db = 0.0
        self._mean_power = 10.0 ** ((PATCH_LUFS + 0.691) / 10.0)

    def _wanted_db(self, intensity: float) -> float:
        """Return the gain that puts ordinary music at intensity's distance below the ceiling."""
        share = min(1.0, max(0.0, intensity))
        headroom = HEADROOM_SOFT_LU + (HEADROOM_FULL_LU - HEADROOM_SOFT_LU) * share
        return self._ceiling - headroom - PATCH_LUFS

    @property
    def gain_db(self) -> float:
        """The whole gain of the stage."""
        return max(SILENT_LUFS, self._level_db + self.trim_db + self._fade_db)

    @property
    def short_term_lufs(self) -> float:
        """Loudness of the last 3 s as heard."""
        if not self._heard:
            return SILENT_LUFS
        left = sum(power for power, _ in self._heard) / SHORT_TERM_BLOCKS
        right = sum(power for _, power in self._heard) / SHORT_TERM_BLOCKS
        return lufs(left, right)

    def set_fade(self, fade: float) -> None:
        """Set the transport's share of the gain, 0 (silent) to 1."""
        self._fade_db = decibels(min(1.0, fade))

    def push(self, left_power: float, right_power: float, intensity: float, elapsed_s: float) -> None:
        """Take in one block of the patch's K-weighted power and move the gain.

        Args:
            left_power: mean square of the left channel before the gain.
            right_power: the same of the right channel.
            intensity: 0 to 1.
            elapsed_s: time since the last block, which bounds the slew.
        """
        gain = amplitude(self.gain_db) ** 2
        self._heard.append((left_power * gain, right_power * gain))
        self._patch.append(max(left_power, right_power))
        reach = SLEW_DB_PER_S * min(elapsed_s, 2.0 * BLOCK_S)  # a suspended process has not listened
        if self._fade_db <= SILENT_LUFS:
            self._forget()
            self._level_db = self._wanted_db(intensity)  # nobody hears it move
        else:
            self._steady(left_power + right_power, min(elapsed_s, 2.0 * BLOCK_S))
            wanted_db = self._wanted_db(intensity) + self.steady_db
            self._level_db += min(reach, max(-reach, wanted_db - self._level_db))
        self.trim_db = min(self._needed_trim_db(), self.trim_db + reach, 0.0)

    def _steady(self, power: float, elapsed_s: float) -> None:
        """Move `steady_db` slowly to where the slow mean of the patch is ordinary."""
        if lufs(power, 0.0) > PATCH_LUFS - STEADY_GATE_LU:
            self._mean_power += min(1.0, elapsed_s / STEADY_S) * (power - self._mean_power)
        off_db = PATCH_LUFS - lufs(self._mean_power, 0.0)
        wanted_db = min(STEADY_REACH_LU, max(-STEADY_REACH_LU, off_db))
        reach = STEADY_DB_PER_S * elapsed_s
        self.steady_db += min(reach, max(-reach, wanted_db - self.steady_db))

    def _needed_trim_db(self) -> float:
        """Return the trim with which the present patch stays under the ceiling."""
        recent = list(self._patch)[-MOMENTARY_BLOCKS:]
        power = max(sum(recent) / len(recent), sum(self._patch) / len(self._patch), recent[-1] / 2.0)
        expected = ear_lufs(power, power) + self._level_db + self._fade_db
        return self._ceiling - MARGIN_LU - expected


def _corner_hz(time_constant_s: float) -> float:
    """Return the corner frequency of a one-pole filter."""
    return 1.0 / (2.0 * math.pi * time_constant_s)


class LoudnessStage:
    """The guard's ears and hands in pyo: meter, what eases sudden rises, gain, limiter, output.

    Args:
        stream: stereo pyo object to be made safe and sent to the output.
        rate_hz: sampling rate.
        loudness: the configured ceiling.
    """

    def __init__(self, stream: Any, rate_hz: int, loudness: Loudness) -> None:  # noqa: ANN401 - pyo
        import pyo

        ceiling = ceiling_lufs(loudness)
        self.guard = Guard(ceiling)
        self._due_s: float | None = None
        self._last_s = 0.0
        weighted = stream
        for section in k_weighting(rate_hz):
            weighted = pyo.Biquada(weighted, section.b0, section.b1, section.b2, 1.0, section.a1, section.a2)
        squares = weighted * weighted
        # One-pole means: a running sum in single precision would drift over a session.
        self._power = pyo.Tone(squares, freq=_corner_hz(BLOCK_S))
        both = squares.mix(1)
        fast = pyo.Tone(both, freq=_corner_hz(RISE_FAST_S)) + RISE_FLOOR
        slow = pyo.Tone(both, freq=_corner_hz(RISE_SLOW_S), mul=RISE_RATIO) + RISE_FLOOR
        eased = pyo.Min(pyo.Sqrt(slow / fast), comp=1.0)
        self._gain = pyo.SigTo(0.0, time=RAMP_S, init=0.0)
        limit = limiter_dbfs(ceiling)
        limited = pyo.Compress(stream * (eased * self._gain), thresh=limit, ratio=60, risetime=0.0008,
                               falltime=0.15, lookahead=5.0, knee=0.3)
        peak = amplitude(limit + CLIP_ABOVE_LIMITER_DB)
        # Not pyo's Clip: it lets NaN through, which PortAudio on x86 turns into full scale.
        below = pyo.Min(limited, comp=peak)
        self._output = pyo.Max(below, comp=-peak).out()
        self._parts = (weighted, squares, both, fast, slow, eased, limited, below)

    def update(self, at_s: float, fade: float, intensity: float) -> None:
        """Meter when a block is due and set the gain; call before every buffer or step.

        Raises:
            AudioLost: the patch gives NaN or infinity. Filters and reverb never recover from that, so
                only a new process sounds again.
        """
        if self._due_s is None:
            self._due_s = self._last_s = at_s
        self.guard.set_fade(fade)
        if at_s >= self._due_s:
            left, right = self._power.get(all=True)
            if not math.isfinite(left + right):
                raise AudioLost("the synthesiser gave values that are no sound; the player restarts "
                                "by itself")
            self.guard.push(left, right, intensity, at_s - self._last_s)
            self._last_s = at_s
            self._due_s = max(self._due_s + BLOCK_S, at_s)
        self._gain.value = amplitude(self.guard.gain_db) if fade > 0.0 else 0.0
