"""The one light: what each pattern looks like at each moment, calm enough for a dark room.

| pattern | colour | shape | says |
|---|---|---|---|
| `OFF` | dark | steady | starting up, or silenced while the button is still held |
| `READY` | green | steady | a press starts a session |
| `STARTING` | cyan | pulse, 1 per second | the press was understood, sound is coming |
| `PLAYING` | cyan | breath, 6 per minute | music plays |
| `ENDING` | cyan | fades with the music | the session ends gently |
| `ATTENTION` | amber | steady | something needs attention; a session can be started |
| `PLAYING_ATTENTION` | amber | breath, 6 per minute | music plays, something needs attention |
| `RATING` | cyan | two soft pulses, once in 4 seconds | how was it? (only where a clinic asks for it) |
| `FAULT` | red | slow blink, 1 in 2 seconds | no sound can be made; act now |

Colours follow IEC 60601-1-8 practice: red act now, amber attention, green ready, cyan information.
Nothing flashes faster than 2 Hz, whatever the patterns do: photosensitive seizures start at about
3 flashes a second (WCAG 2.2, success criterion 2.3.1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from device.messages import LightPattern

Rgb = tuple[float, float, float]

_DARK: Final = (0.0, 0.0, 0.0)
_GREEN: Final = (0.0, 1.0, 0.1)
_CYAN: Final = (0.0, 0.8, 1.0)
_AMBER: Final = (1.0, 0.45, 0.0)
_RED: Final = (1.0, 0.0, 0.0)


class Shape(NamedTuple):
    """One pattern: colour; brightness swings from `low` to `high` (0 to 1) once in `period_s`.

    A `period_s` of 0 is steady at `high`; the ending fades from `high` to `low` instead, and the
    question for a rating swings twice in the first 40 % of its period.
    """

    colour: Rgb
    low: float
    high: float
    period_s: float


SHAPES: Final[Mapping[LightPattern, Shape]] = {
    LightPattern.OFF: Shape(_DARK, 0.0, 0.0, 0.0),
    LightPattern.READY: Shape(_GREEN, 0.3, 0.3, 0.0),
    LightPattern.STARTING: Shape(_CYAN, 0.2, 0.7, 1.0),
    LightPattern.PLAYING: Shape(_CYAN, 0.1, 0.4, 10.0),  # the pace of slow breathing
    LightPattern.ENDING: Shape(_CYAN, 0.05, 0.3, 0.0),
    LightPattern.ATTENTION: Shape(_AMBER, 0.4, 0.4, 0.0),
    LightPattern.PLAYING_ATTENTION: Shape(_AMBER, 0.1, 0.4, 10.0),
    LightPattern.RATING: Shape(_CYAN, 0.1, 0.5, 4.0),
    LightPattern.FAULT: Shape(_RED, 0.1, 0.9, 2.0),
}

DWELL_S = 0.75  # a pattern stays at least this long: a change of colour may dip once on its way
PULSE_S = 0.8  # of the question for a rating: rise and fall
PULSES = 2
STEPS = 255  # finer than an eye sees; spares the PWM needless writes
CHANGE_PER_S = 4.0  # of each colour, 0 to 1 in a quarter of a second: no hard edges
EVERY_S = 0.03  # new brightness at most this often: with steps of 20 ms 25 times a second, smooth to the eye


def rgb_of(pattern: LightPattern, since_s: float, fade_s: float = 12.0) -> Rgb:
    """Return the light of a pattern.

    Args:
        pattern: what the light says.
        since_s: seconds since the pattern began, at least 0.
        fade_s: length of the ending's fade, above 0.

    Returns:
        Red, green and blue, each 0 to 1.
    """
    shape = SHAPES[pattern]
    level = _level(pattern, shape, since_s, fade_s)
    red, green, blue = shape.colour
    return (red * level, green * level, blue * level)


def _level(pattern: LightPattern, shape: Shape, since_s: float, fade_s: float) -> float:
    """Return the brightness, 0 to 1."""
    if pattern is LightPattern.ENDING:
        left = 1.0 - min(1.0, since_s / fade_s)
        return shape.low + (shape.high - shape.low) * left
    if shape.period_s == 0.0:
        return shape.high
    turns = since_s / shape.period_s
    if pattern is LightPattern.RATING:
        turns = min(since_s % shape.period_s / PULSE_S, PULSES)
    swing = 0.5 - 0.5 * math.cos(2.0 * math.pi * turns)
    return shape.low + (shape.high - shape.low) * swing


class Light:
    """Moves the light from pattern to pattern without flashing.

    A pattern is kept for at least 0.75 s and no colour changes faster than 4 per second; the first
    step towards a new pattern is made in the update that asks for it.
    """

    def __init__(self) -> None:
        self._pattern = LightPattern.OFF
        self._since_s = -math.inf
        self._rgb: Rgb = _DARK
        self._shown: Rgb = _DARK
        self._at_s: float | None = None

    @property
    def pattern(self) -> LightPattern:
        """Return the pattern that is shown."""
        return self._pattern

    def update(self, pattern: LightPattern, at_s: float, fade_s: float = 12.0) -> Rgb:
        """Ask for a pattern and return the light at this moment.

        Args:
            pattern: what the light should say.
            at_s: monotonic seconds, never less than before.
            fade_s: length of the ending's fade, above 0.

        Returns:
            Red, green and blue, each 0 to 1 in steps of 1/255.
        """
        elapsed_s = 0.0 if self._at_s is None else at_s - self._at_s
        if pattern is self._pattern and 0.0 < elapsed_s < EVERY_S:
            return self._shown
        self._at_s = at_s
        if pattern is not self._pattern and at_s - self._since_s >= DWELL_S:
            self._pattern = pattern
            self._since_s = at_s
        since_s = at_s - self._since_s if math.isfinite(self._since_s) else 0.0
        red, green, blue = rgb_of(self._pattern, since_s, fade_s)
        reach = CHANGE_PER_S * elapsed_s
        self._rgb = (_toward(self._rgb[0], red, reach), _toward(self._rgb[1], green, reach),
                     _toward(self._rgb[2], blue, reach))
        red, green, blue = (round(part * STEPS) / STEPS for part in self._rgb)
        self._shown = (red, green, blue)
        return self._shown


def _toward(now: float, wanted: float, reach: float) -> float:
    """Move at most `reach`."""
    return min(max(wanted, now - reach), now + reach)
