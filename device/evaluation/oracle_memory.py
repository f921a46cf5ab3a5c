"""What one method keeps resident: run in a process of its own, told as one line of JSON.

`python -m device.evaluation.oracle_memory METHOD FILE`; FILE holds arrays `ppg_v` and `eda_us` of several
windows. This module imports nothing large itself, so that a process holds the method and little else.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

METHODS = ("nothing", "tranquillo", "neurokit2", "heartpy")
_DEADLINE_S = 300.0


class Memory(msgspec.Struct, frozen=True, array_like=True):
    """Proportional and resident memory in MiB, after importing and after having run on every window."""

    imported_pss_mib: float
    imported_rss_mib: float
    run_pss_mib: float
    run_rss_mib: float


def memory_of(method: str, windows: Path) -> Memory:
    """Measure a method of `METHODS` in a fresh process; `nothing` is Python and numpy alone.

    Raises:
        subprocess.CalledProcessError: the process failed.
    """
    done = subprocess.run(  # noqa: S603 - this Python, this module
        [sys.executable, "-m", "device.evaluation.oracle_memory", method, str(windows)],
        check=True, capture_output=True, text=True, timeout=_DEADLINE_S)
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Memory)


def resident_mib() -> tuple[float, float]:
    """Return this process's proportional and resident set size in MiB (proc(5), smaps_rollup)."""
    found = {}
    for line in Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]:
        name, _, rest = line.partition(":")
        found[name] = int(rest.split()[0]) / 1024.0
    return found["Pss"], found["Rss"]


def main(arguments: Sequence[str]) -> int:
    """Load one method, run it over the windows of a file, and tell what it took."""
    import numpy as np

    method, path = arguments
    run = _loaded(method)
    imported = resident_mib()
    with np.load(path) as windows:
        for ppg_v, eda_us in zip(windows["ppg_v"], windows["eda_us"], strict=True):
            run(ppg_v, eda_us)
    sys.stdout.write(json.dumps([*imported, *resident_mib()]) + "\n")
    return 0


def _loaded(method: str) -> Callable[..., object]:
    """Import what a method needs and return what runs it on a window."""
    if method == "neurokit2":
        from device.evaluation.oracles import NeuroKit

        kit = NeuroKit()
        return lambda ppg_v, eda_us: (kit.pulse(ppg_v, 100.0), kit.responses(eda_us, 10.0))
    if method == "heartpy":
        from device.evaluation.oracles import HeartPy

        heart = HeartPy()
        return lambda ppg_v, _: heart.pulse(ppg_v, 100.0)
    if method == "tranquillo":
        from device.evaluation.oracle_windows import Stream

        return lambda ppg_v, eda_us: list(Stream(ppg_v, eda_us).features())
    return lambda _ppg_v, _eda_us: None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
