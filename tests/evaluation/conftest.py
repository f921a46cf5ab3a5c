"""Parts of real recordings in folders of their own."""

from __future__ import annotations

import gzip

import pytest


@pytest.fixture
def part(shared_data, tmp_path):
    """Copy the first minutes of a real person into a folder of its own, with a short protocol."""

    def make(name="S05", seconds=720, protocol=None, keep=("BVP", "EDA", "TEMP", "IBI")):
        source, folder = shared_data / "stress-predict" / name, tmp_path / name
        folder.mkdir()
        for signal, rate in (("BVP", 64), ("EDA", 4), ("TEMP", 4)):
            if signal in keep:
                lines = gzip.decompress((source / f"{signal}.csv.gz").read_bytes()).decode().splitlines()
                (folder / f"{signal}.csv").write_text("\n".join(lines[:2 + rate * seconds]) + "\n")
        if "IBI" in keep:
            lines = gzip.decompress((source / "IBI.csv.gz").read_bytes()).decode().splitlines()
            (folder / "IBI.csv").write_text("\n".join(lines) + "\n")
        border = 480 if seconds > 480 else seconds // 2
        rows = protocol or [f"baseline,0,{border},tag", f"stroop,{border},{seconds},tag"]
        (folder / "intervals.csv").write_text("\n".join(["task,start_s,end_s,source", *rows]) + "\n")
        return folder

    return make
