"""A rendered session as samples, and which part of it is normal play."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.desk.traces import Traces
from device.desk.wavfile import WavFile
from device.messages import Session, SessionPhase

Samples = NDArray[np.float32]
READ_FRAMES = 1 << 20


class Recording(NamedTuple):
    """A recording: samples (frames x channels, full scale 1) and their rate."""

    samples: Samples
    rate_hz: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate_hz

    @property
    def mono(self) -> Samples:
        """The mean of all channels."""
        mono: Samples = self.samples.mean(axis=1)
        return mono

    def part(self, start_s: float, end_s: float) -> Recording:
        """Return what lies between two times, clipped to what there is."""
        first, last = (max(0, round(at_s * self.rate_hz)) for at_s in (start_s, end_s))
        return Recording(self.samples[first:last], self.rate_hz)


def read_recording(path: Path) -> Recording:
    """Read a WAV file whole; a minute of stereo takes 21 MB.

    Raises:
        RecordingError: the file is absent or no WAV file that is understood.
    """
    wav = WavFile(path)
    blocks = [block.astype(np.float32) for block in wav.blocks(READ_FRAMES)]
    samples = np.concatenate(blocks) if blocks else np.zeros((0, wav.channels), np.float32)
    return Recording(samples, wav.rate_hz)


def normal_play_s(traces: Traces, recorded_s: float, fade_in_s: float) -> tuple[float, float]:
    """Return where in a recording neither of the fades is heard: its start and end in seconds.

    Args:
        traces: the messages of the session.
        recorded_s: length of the recording.
        fade_in_s: length of the fade-in.

    Raises:
        ValueError: no session ran, or it was over before the fade-in was.
    """
    origin_s = traces.sound_origin_s(recorded_s)
    times_s = traces.times(Session)
    phases = [session.phase for session in traces.of(Session)]
    if origin_s is None or SessionPhase.RUNNING not in phases:
        raise ValueError("no session ran: nothing to listen to")
    begin_s = times_s[phases.index(SessionPhase.RUNNING)] + fade_in_s - origin_s
    end_s = traces.duration_s - origin_s
    if SessionPhase.ENDING in phases:
        end_s = times_s[phases.index(SessionPhase.ENDING)] - origin_s
    if end_s <= begin_s:
        raise ValueError("the session was over before the fade-in was: listen for longer")
    return float(begin_s), float(end_s)
