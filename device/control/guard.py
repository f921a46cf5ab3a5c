"""Fuller music that meets stress in vain for minutes gives way.

The bend (`device.control.limits`) meets stress with fuller and busier music (iso principle). Meeting is a
beginning: it does not calm everybody, and whom music irritates it could hold up for a whole session. So
the guard counts for how long the bend has been up while the level did not fall. After `PATIENCE_S` the
loudness and the number of notes go back to the arc over `TURN_S`. Tempo, register and timbre stay with
the patient: in them the level is heard, and they weigh less. Time in which the level falls, or is not
high, or not known, takes the count back at the same rate.

Patience is chosen: two time constants of the simulated listener's answer to music (`tranquillo efficacy`
measures what it is worth).
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from device.control.limits import bend
from device.messages import MusicalTarget

PATIENCE_S: Final = 180.0
TURN_S: Final = 90.0
TREND_S: Final = 120.0  # chosen: the bend is held against its own mean over about this long
FALLING: Final = 0.15  # of a full bend below that mean; chosen, a fall of 0.07 of the level


class Guard:
    """Counts how long the music has met stress in vain.

    Args:
        in_vain_s: where another guard left off, 0 to 270 s.
    """

    def __init__(self, in_vain_s: float = 0.0) -> None:
        self.in_vain_s = in_vain_s
        self._usual: float | None = None

    @property
    def turned(self) -> float:
        """How much of the fullness is taken back, 0 to 1."""
        return min(1.0, max(0.0, (self.in_vain_s - PATIENCE_S) / TURN_S))

    def follow(self, share: float, elapsed_s: float) -> None:
        """Take in the bend's share, -1 to 1, `elapsed_s` seconds after the last one."""
        usual = share if self._usual is None else self._usual
        self._usual = share + (usual - share) * math.exp(-elapsed_s / TREND_S)
        in_vain = share > 0.0 and self._usual - share < FALLING
        moved_s = self.in_vain_s + (elapsed_s if in_vain else -elapsed_s)
        self.in_vain_s = min(max(moved_s, 0.0), PATIENCE_S + TURN_S)

    def gives_way(self, share: float) -> bool:
        """Tell whether this bend is changed."""
        return share > 0.0 and self.turned > 0.0

    def bend(self, arc: MusicalTarget, share: float) -> MusicalTarget:
        """Return the arc bent by a share, less the fullness that is taken back."""
        bent = bend(arc, share)
        if not self.gives_way(share):
            return bent
        less = bend(arc, share * (1.0 - self.turned))
        return msgspec.structs.replace(bent, intensity=less.intensity, density=less.density)
