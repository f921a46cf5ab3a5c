"""Sessions of simulated listeners, second by second: the same person hears four different things.

| arm | music |
|---|---|
| `closed` | the shipped policy follows the listener's own (noisy, late) estimate |
| `open` | the program alone, as without sensors |
| `sham` | yoked: what the closed loop played for another listener |
| `silence` | none |

Two more courses take the loop apart: `paced` is the program from the listener's own entry tempo, without
any bend; `stuck` is the loop with an estimate that says full stress all the time, the worst that a bad
estimate can do.

The seed decides start, rest, wandering, stressors and the errors of the estimate, so the arms of one
person differ by the effect of the music alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.control.arc import arc_target, entry_tempo
from device.control.policy import ControlPolicy
from device.evaluation.efficacy.estimate import CONFIDENCE, NoisyEstimate
from device.evaluation.efficacy.listeners import Listener, donors
from device.messages import Features, MusicalTarget, Stress, StressBand
from device.vitals import PpgFeatures
from drivers.sim.arousal import Arousal
from drivers.sim.body import Heard
from drivers.sim.patient import mind_of

FloatArray = NDArray[np.float64]
Arm = Literal["closed", "open", "sham", "silence"]
ARMS: tuple[Arm, ...] = ("closed", "open", "sham", "silence")
Check = Literal["paced", "stuck"]
Music = Sequence[Heard | None]  # what is heard in each second

LOUDNESS_LUFS = -35.0  # the default ceiling; below -23 LUFS loudness by itself does nothing to the listener
HEARTBEAT_S = 30  # about when the pulse is first counted
HR_REST_BPM = 72.6  # what the simulated heart does at arousal 0.36; `pace_bpm` is a person's own rate there
HR_CALM_BPM, HR_GAIN_BPM = 60.0, 35.0  # as in drivers.sim.pulse


class Sessions(NamedTuple):
    """Arousal 0 to 1 of every listener (rows) at seconds 0, 1, ... in each arm, and the loop's own music."""

    listeners: list[Listener]
    arousal: dict[Arm, FloatArray]
    checks: dict[Check, FloatArray]  # arousal as well
    music: list[Music]  # of the closed loop


def run_sessions(listeners: Sequence[Listener], *, minutes: float, seed: int,
                 done: Callable[[], None] = lambda: None) -> Sessions:
    """Let every listener live through all arms.

    Args:
        listeners: two at least; the order decides whose music is heard in the sham arm.
        minutes: length of the program.
        seed: of the pairing in the sham arm.
        done: called after each closed loop.
    """
    seconds = round(60 * minutes)
    arousal, music = [], []
    for one in listeners:
        course, played = follow(one, seconds)
        arousal.append(course)
        music.append(played)
        done()
    everybody = len(listeners)
    return Sessions(
        listeners=list(listeners), music=music,
        checks={
            "paced": _all_hear(listeners, [paced(one, seconds) for one in listeners]),
            "stuck": _all_hear(listeners, [unled(seconds, 1.0)] * everybody),
        },
        arousal={
            "closed": np.array(arousal),
            "open": _all_hear(listeners, [unled(seconds, None)] * everybody),
            "sham": _all_hear(listeners, [music[donor] for donor in donors(everybody, seed)]),
            "silence": _all_hear(listeners, [[None] * seconds] * everybody),
        })


def follow(listener: Listener, seconds: int) -> tuple[FloatArray, Music]:
    """Let the closed loop play for a listener; return arousal (seconds + 1 values) and what was heard."""
    policy, mind = ControlPolicy(), mind_for(listener)
    estimate = NoisyEstimate(np.random.default_rng([listener.seed, 3]))
    music: list[Heard | None] = []
    course = [mind.level.last]
    for second in range(seconds):
        stress = estimate.update(second, course[-1])
        pulse = heart(second, listener, course[-1]) if second == HEARTBEAT_S else None
        decision = policy.update(float(second), float(second), float(seconds), stress, pulse)
        music.append(heard(decision.target))
        mind.step(music[-1])
        course.append(mind.level.last)
    return np.array(course), music


def unled(seconds: int, level: float | None) -> Music:
    """Return what the policy plays if the estimate says the same all the time, None for no estimate."""
    policy = ControlPolicy()
    music: list[Heard | None] = []
    for second in range(seconds):
        stress = None if level is None else Stress(
            at_s=float(second), level=level, confidence=CONFIDENCE, band=StressBand.HIGH,
            sources=("eda", "ppg"), reason="")
        music.append(heard(policy.update(float(second), float(second), float(seconds), stress, None).target))
    return music


def paced(listener: Listener, seconds: int) -> Music:
    """Return the program from a listener's own entry tempo."""
    entry_bpm = entry_tempo(heart_rate(listener, mind_for(listener).level.last))
    return [heard(arc_target(float(second), float(seconds), entry_bpm)) for second in range(seconds)]


def hear(listener: Listener, music: Music) -> FloatArray:
    """Return a listener's arousal, one value more than there are seconds of music."""
    mind = mind_for(listener)
    course = [mind.level.last]
    for now in music:
        mind.step(now)
        course.append(mind.level.last)
    return np.array(course)


def mind_for(listener: Listener) -> Arousal:
    """Return the listener as they arrive."""
    return Arousal(mind_of(listener.seed), listener.responsiveness, listener.irritation, listener.pace_bpm)


def heard(target: MusicalTarget) -> Heard:
    """Return what reaches the ear of a target: the player follows it without a delay worth counting."""
    return Heard(tempo_bpm=target.tempo_bpm, pitch=target.pitch, timbre=target.timbre,
                 intensity=target.intensity, density=target.density, percussiveness=target.percussiveness,
                 loudness_lufs=LOUDNESS_LUFS)


def heart_rate(listener: Listener, arousal: float) -> float:
    """Return the beats a minute of a listener at this arousal."""
    return listener.pace_bpm * (HR_CALM_BPM + HR_GAIN_BPM * arousal) / HR_REST_BPM


def heart(second: int, listener: Listener, arousal: float) -> Features:
    """Return features that hold a listener's heart rate at this arousal."""
    pulse = PpgFeatures(hr_bpm=heart_rate(listener, arousal), rmssd_ms=None, sdnn_ms=None,
                        pulse_amplitude_v=0.4, quality=0.9)
    return Features(at_s=float(second), window_s=60.0, eda=None, ppg=pulse, temperature=None, eeg=None)


def _all_hear(listeners: Sequence[Listener], music: Sequence[Music]) -> FloatArray:
    """Return one row of arousal for each listener, who hears the music at the same place."""
    return np.array([hear(one, played) for one, played in zip(listeners, music, strict=True)])
