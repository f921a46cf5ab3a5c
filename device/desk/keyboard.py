"""A keyboard for the virtual button: Enter presses it, `h` and Enter hold it for 2.5 s."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from drivers.sim.remote import RemoteControl

PRESS_S = 0.2
HOLD_S = 2.5
LIFT_S = 0.1  # a finger is up for at least this long; the conductor looks every 20 ms


def press(run_dir: Path, seconds: float) -> None:
    """Push the virtual button for that long, as a finger would."""
    control = RemoteControl(run_dir)
    try:
        control.press()
        time.sleep(seconds)
        control.release()
    finally:
        control.close()


def listen(run_dir: Path) -> None:
    """Turn lines of standard input into presses until it ends, without holding anything else up."""
    def follow() -> None:
        """Press for every line."""
        for line in sys.stdin:
            press(run_dir, HOLD_S if line.strip().lower() == "h" else PRESS_S)
            time.sleep(LIFT_S)

    threading.Thread(target=follow, name="keyboard", daemon=True).start()
