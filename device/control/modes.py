"""What the program hears of the patient: everything, nothing, or another course of stress (sham).

| mode | stress and heart rate that the music follows | for |
|---|---|---|
| `closed` | the patient's | the ward |
| `open` | none: the arc alone, from its own first tempo | comparison; sites without sensors |
| `sham` | a yoked course: as much musical change, unrelated to this patient | the control group of a study |

Whatever is heard passes through the same policy, limits and reasons, so the three differ in this file only.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, Protocol

from device.control.reading import FULL_CONFIDENCE
from device.control.sham import YokedCourse
from device.messages import Features, Reason, Stress, StressBand
from device.vitals import PpgFeatures

_WINDOW_S: Final = 60.0


class Heard(NamedTuple):
    """What the policy may know at a moment."""

    stress: Stress | None
    features: Features | None


class Ear(Protocol):
    """Decides what the policy hears; `following` names the loop, `reason` goes with every target."""

    @property
    def following(self) -> Literal["closed", "sham"]:
        """Return what to call the loop while it follows something."""

    @property
    def reason(self) -> Reason | None:
        """Return the reason to give with every target, if any."""

    def hear(self, at_s: float, elapsed_s: float, patient: Heard) -> Heard:
        """Return what the policy may know.

        Args:
            at_s: monotonic seconds.
            elapsed_s: seconds since the session began.
            patient: the patient's last estimate and features, however old.
        """


class ClosedEar:
    """Hears the patient."""

    following: Literal["closed", "sham"] = "closed"
    reason: Reason | None = None

    def hear(self, at_s: float, elapsed_s: float, patient: Heard) -> Heard:  # noqa: ARG002 - the interface
        """Return what the patient's sensors say."""
        return patient


class OpenEar:
    """Hears nothing."""

    following: Literal["closed", "sham"] = "closed"
    reason: Reason | None = None

    def hear(self, at_s: float, elapsed_s: float, patient: Heard) -> Heard:  # noqa: ARG002 - the interface
        """Return nothing at all."""
        return Heard(None, None)


class ShamEar:
    """Hears a course of stress in place of the patient's.

    Args:
        course: levels, reactions and a heart rate.
    """

    following: Literal["closed", "sham"] = "sham"
    reason: Reason | None = Reason.SHAM

    def __init__(self, course: YokedCourse) -> None:
        self._course = course

    def hear(self, at_s: float, elapsed_s: float, patient: Heard) -> Heard:  # noqa: ARG002 - the interface
        """Return the course at this moment, dressed as an estimate and features."""
        level, reaction = self._course.at(elapsed_s)
        stress = Stress(at_s=at_s, level=level, confidence=0.0 if level is None else FULL_CONFIDENCE,
                        band=_band(level), sources=(), reason="", reaction=reaction)
        pulse = PpgFeatures(hr_bpm=self._course.hr_bpm, rmssd_ms=None, sdnn_ms=None, pulse_amplitude_v=0.0,
                            quality=1.0)
        return Heard(stress, Features(at_s=at_s, window_s=_WINDOW_S, eda=None, ppg=pulse, temperature=None,
                                      eeg=None))


def _band(level: float | None) -> StressBand:
    """Return the band of a level, by thirds."""
    if level is None:
        return StressBand.UNKNOWN
    if level < 1.0 / 3.0:
        return StressBand.LOW
    return StressBand.MEDIUM if level < 2.0 / 3.0 else StressBand.HIGH
