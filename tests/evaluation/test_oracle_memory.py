"""What a process keeps resident, measured from inside and in processes of their own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from device.evaluation.oracle_memory import memory_of, resident_mib
from device.evaluation.oracle_windows import simulated_windows


@pytest.fixture
def windows(tmp_path: Path) -> Path:
    path = tmp_path / "windows.npz"
    found = simulated_windows(1, 1)
    np.savez(path, ppg_v=[one.ppg_v for one in found], eda_us=[one.eda_us for one in found])
    return path


def test_resident_memory_is_what_the_kernel_says():
    pss_mib, rss_mib = resident_mib()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    assert rss_mib == pytest.approx(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, rel=0.05)
    assert 5.0 < pss_mib <= rss_mib


def test_memory_of_our_features_is_little_beside_numpy_alone(windows):
    nothing, ours = memory_of("nothing", windows), memory_of("tranquillo", windows)
    assert 10.0 < nothing.imported_pss_mib < 60.0
    assert nothing.run_rss_mib >= nothing.imported_rss_mib
    assert 0.0 < ours.run_rss_mib - nothing.run_rss_mib < 30.0


def test_memory_of_a_process_that_fails_is_no_number(tmp_path):
    with pytest.raises(subprocess.CalledProcessError):
        memory_of("tranquillo", tmp_path / "absent.npz")
