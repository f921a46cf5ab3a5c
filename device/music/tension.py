"""How much the music pulls, read off the musical target."""

from __future__ import annotations

from device.messages import MusicalTarget

# Shares of the six parameters (chosen). Tempo and percussiveness weigh most: they raised arousal and skin
# responses in listeners (van der Zwaag, Westerink and van den Broek 2011).
_PERCUSSIVENESS, _DENSITY, _TEMPO, _INTENSITY, _TIMBRE, _PITCH = 0.3, 0.25, 0.2, 0.1, 0.1, 0.05
_SLOW_BPM, _FAST_BPM = 50.0, 90.0


def tension_of(target: MusicalTarget) -> float:
    """Return the tension 0 (calm) to 1 that harmony may show for a target with shares within 0 to 1."""
    haste = min(1.0, max(0.0, (target.tempo_bpm - _SLOW_BPM) / (_FAST_BPM - _SLOW_BPM)))
    return (
        _PERCUSSIVENESS * target.percussiveness + _DENSITY * target.density + _TEMPO * haste
        + _INTENSITY * target.intensity + _TIMBRE * target.timbre + _PITCH * target.pitch)
