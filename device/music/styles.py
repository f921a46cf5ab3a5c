"""The five styles as data: what every part is made of, and how the parts are mixed.

Amplitudes, times and levels were chosen by measurement and spectrogram: every style has the same
loudness with the same notes, and no struck note lifts the loudness of 400 ms by 3 dB over its bed.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from device.messages import Style
from device.music.tables import Partial, Spectrum, harmonic, stretched
from device.music.voices import Held, Layer, Struck

# Bending modes of a ring, n(n^2 - 1) / sqrt(n^2 + 1) (Rayleigh, Theory of Sound, 233), as a rim of glass has.
GLASS_RATIOS = (2.83, 5.42, 8.77)
TINE_RATIO = 3.984  # the hammer's share sounds two octaves up, a little flat as on a bar
PIANO_STIFFNESS, NYLON_STIFFNESS = 4e-4, 1e-4  # coefficients of inharmonicity, of the order of real strings

SPECTRA: Final[dict[str, Spectrum]] = {
    "pure": Spectrum(harmonic([1.0])),
    "pad": Spectrum(harmonic([1.0, 0.48, 0.34, 0.24, 0.19, 0.14, 0.12, 0.09, 0.08, 0.06, 0.05, 0.04])),
    "air": Spectrum(harmonic([0.5, 0.6, 0.12, 0.34, 0.05, 0.18, 0.03, 0.12])),
    "bass": Spectrum(harmonic([1.0, 0.34, 0.16, 0.05, 0.02])),
    "soft": Spectrum(harmonic([1.0, 0.40, 0.20, 0.05, 0.06, 0.04, 0.02])),
    "bowed": Spectrum(harmonic([1.0, 0.10, 0.16, 0.03, 0.06, 0.01, 0.02])),
    "glass": Spectrum(harmonic([1.0, 0.12, 0.05, 0.16, 0.02, 0.08, 0.0, 0.06, 0.0, 0.0, 0.0, 0.04])),
    "reed": Spectrum(harmonic([1.0, 0.7, 0.5, 0.42, 0.3, 0.24, 0.2, 0.15, 0.1])),
    "felt": Spectrum(stretched([1.0, 0.55, 0.26, 0.12], PIANO_STIFFNESS), 32),
    "steel": Spectrum(stretched([0.6, 1.0, 0.8, 0.7, 0.5, 0.4, 0.3, 0.2, 0.15], PIANO_STIFFNESS, 3), 32),
    # A string plucked at a fifth of its length has no fifth partial (sin(n pi / 5) / n).
    "nylon": Spectrum(stretched([0.59, 0.48, 0.32], NYLON_STIFFNESS), 32),
    "twang": Spectrum(stretched([0.59, 0.0, 0.39, 0.55, 0.48, 0.26, 0.0, 0.2], NYLON_STIFFNESS, 4), 32),
    "rim": Spectrum((Partial(GLASS_RATIOS[0], 1.0), Partial(GLASS_RATIOS[1], 0.5)), 64),
    "ping": Spectrum((Partial(GLASS_RATIOS[1], 0.6), Partial(GLASS_RATIOS[2], 1.0)), 64),
    "wind": Spectrum(harmonic([1.0, 0.30, 0.14]), 256, 64, 0.006),
    "flute": Spectrum(harmonic([1.0, 0.16, 0.22, 0.03, 0.05])),
}


class StyleSheet(NamedTuple):
    """One style: its instruments and its mix.

    `chord`: a strike on every pad note, or None; `texture` and `surf`: levels of the noise behind the music
    and of the waves; `room`, `echo`: levels of both; `brightness`: factor on all filter corners.
    """

    pad: Held
    chord: Struck | None
    bass: Held | Struck
    melody: Struck
    pad_level: float
    chord_level: float
    bass_level: float
    melody_level: float
    texture: float
    surf: float
    room: float
    echo: float
    brightness: float


_PAD_DETUNE = (("pad", 1.0), ("pad", 1.0), ("air", 1.0028), ("air", 0.9973))  # +4.8 and -4.7 cents beat

STYLE_SHEETS: Final[dict[Style, StyleSheet]] = {
    Style.WARM_PADS: StyleSheet(
        pad=Held(_PAD_DETUNE),
        chord=None,
        bass=Held((("bass", 1.0),), slow_s=0.14, quick_s=0.02, release_s=0.45, thin=0.0, touch_floor=0.4),
        melody=Struck((
            Layer("soft", 1.5, 1.0, 1.0, dark=0.9),
            Layer("pure", 0.13, 0.03, 0.25, ratio=TINE_RATIO, dark=0.6, rise=0.6),
        ), slow_s=0.030),
        pad_level=0.036, chord_level=0.0, bass_level=0.046, melody_level=0.15,
        texture=1.0, surf=0.0, room=0.55, echo=0.30, brightness=1.0,
    ),
    Style.FELT_PIANO: StyleSheet(
        pad=Held((("soft", 1.0), ("soft", 1.0), ("reed", 1.0009), ("reed", 0.9992)),
                 slow_s=1.4, quick_s=0.8, release_s=1.1),
        chord=Struck((
            Layer("felt", 1.9, 0.8, 0.8),
            Layer("steel", 0.55, 0.14, 0.30, touch=1.8, dark=0.1, thin=0.5),
        ), slow_s=0.016, damp_s=0.3),
        bass=Struck((
            Layer("felt", 3.2, 0.9, 0.9),
            Layer("steel", 0.8, 0.12, 0.25, touch=1.8, dark=0.1),
        ), slow_s=0.018, damp_s=0.25),
        melody=Struck((
            Layer("felt", 0.9, 0.7, 0.75, ratio=1.0),
            Layer("felt", 2.6, 0.3, 0.25, ratio=1.0009, touch=1.2),
            Layer("steel", 0.40, 0.30, 0.75, touch=2.0, dark=0.1, thin=0.6, rise=0.7),
            Layer("thud", 0.035, 0.10, 0.45, touch=1.6, rise=0.5, fixed=True),
        ), slow_s=0.016, quick_s=0.0025, damp_s=0.30),
        pad_level=0.064, chord_level=0.041, bass_level=0.046, melody_level=0.133,
        texture=0.7, surf=0.0, room=0.40, echo=0.12, brightness=1.0,
    ),
    Style.PLUCKED_STRINGS: StyleSheet(
        pad=Held((("reed", 1.0), ("reed", 1.0), ("bowed", 1.0007), ("bowed", 0.9994)),
                 slow_s=1.2, quick_s=0.6, release_s=1.0),
        chord=Struck((
            Layer("nylon", 1.3, 0.8, 0.8),
            Layer("twang", 0.30, 0.30, 0.50, dark=0.15, thin=0.5),
        ), slow_s=0.008, quick_s=0.0015, damp_s=0.8),
        bass=Struck((
            Layer("nylon", 1.6, 0.9, 0.9),
            Layer("twang", 0.35, 0.20, 0.35, dark=0.15),
        ), slow_s=0.010, quick_s=0.002, damp_s=0.4),
        melody=Struck((
            Layer("nylon", 1.1, 0.8, 0.8),
            Layer("twang", 0.28, 0.55, 1.0, touch=1.6, dark=0.15, thin=0.5, rise=0.7),
            Layer("scrape", 0.012, 0.05, 0.35, touch=1.8, dark=0.4, rise=0.5, fixed=True),
        ), slow_s=0.008, quick_s=0.0012, damp_s=0.9),
        pad_level=0.044, chord_level=0.044, bass_level=0.042, melody_level=0.115,
        texture=0.7, surf=0.0, room=0.45, echo=0.20, brightness=1.3,
    ),
    Style.GLASS_BELLS: StyleSheet(
        pad=Held((("glass", 1.0), ("glass", 1.0), ("pure", 1.9989), ("pure", 2.0009)),
                 slow_s=1.5, quick_s=0.6, release_s=1.6, thin=0.5),
        chord=None,
        bass=Held((("pure", 1.0),), slow_s=0.18, quick_s=0.04, release_s=0.6, thin=0.0, touch_floor=0.4),
        melody=Struck((
            Layer("pure", 2.8, 0.50, 0.50),
            Layer("pure", 3.4, 0.30, 0.30, ratio=1.0014),
            Layer("rim", 0.8, 0.34, 0.55, touch=1.6, dark=0.1, thin=0.4),
            Layer("ping", 0.16, 0.14, 0.60, touch=1.8, dark=0.1, thin=0.6, rise=0.6),
        ), slow_s=0.014, quick_s=0.0018, damp_s=2.2),
        pad_level=0.032, chord_level=0.0, bass_level=0.05, melody_level=0.14,
        texture=0.8, surf=0.0, room=0.85, echo=0.34, brightness=1.1,
    ),
    Style.NATURE: StyleSheet(
        pad=Held((("wind", 1.0), ("wind", 1.0), ("pure", 1.0006), ("pure", 0.9995)),
                 slow_s=1.6, quick_s=0.7, release_s=1.7),
        chord=None,
        bass=Held((("pure", 1.0),), slow_s=0.22, quick_s=0.05, release_s=0.7, thin=0.0, touch_floor=0.4),
        melody=Struck((
            Layer("flute", 0.9, 0.8, 0.8),
            Layer("twang", 0.14, 0.16, 0.45, dark=0.6, thin=0.3, rise=0.6),
            Layer("wind", 0.55, 0.35, 0.20, rise=0.8),
            Layer("scrape", 0.03, 0.05, 0.35, dark=0.5, rise=0.5, fixed=True),
        ), slow_s=0.022, quick_s=0.005, damp_s=0.5),
        pad_level=0.040, chord_level=0.0, bass_level=0.046, melody_level=0.21,
        texture=0.7, surf=0.12, room=0.65, echo=0.24, brightness=0.9,
    ),
}
