"""Opens a sound output in a process of its own, plays silence, and tells as JSON what came of it.

Usage: silence.py BACKEND DEVICE RATE_HZ FRAMES SECONDS. pyo bears one server in a process, so every look at
an output is a process. The back-end `file` is driven by a made-up time and needs next to none.
"""

from __future__ import annotations

import json
import sys
import time

from drivers.audio import AudioSettings, open_audio
from drivers.errors import DeviceLost

STEP_S = 0.01


def listen(backend: str, device: str, rate_hz: int, frames: int, seconds: float) -> dict[str, object]:
    """Play silence for so long and describe it."""
    audio = open_audio(AudioSettings(backend, device, rate_hz, frames, ""))
    clock = time.monotonic if backend != "file" else None
    buffers: list[float] = []
    start_s = at_s = time.monotonic()
    begun = audio.position_samples()
    while at_s - start_s < seconds:
        audio.pump(at_s, buffers.append)
        if clock is None:
            at_s += STEP_S
        else:
            time.sleep(STEP_S)
            at_s = clock()
    played_s = (audio.position_samples() - begun) / rate_hz
    closing_s = time.monotonic()
    audio.close()
    return {"played_s": played_s, "seconds": at_s - start_s, "buffers": len(buffers),
            "ordered": buffers == sorted(buffers), "close_s": time.monotonic() - closing_s}


if __name__ == "__main__":
    wanted = sys.argv[1:]
    try:
        print(json.dumps(listen(wanted[0], wanted[1], int(wanted[2]), int(wanted[3]), float(wanted[4]))))  # noqa: T201
    except DeviceLost as error:
        print(json.dumps({"lost": str(error)}))  # noqa: T201
