"""Write the golden features of a stretch of a real recording, which the tests hold the code to.

`python -m models.stress.training.golden --data DIR --out tests/golden/stress_features.json`, after a wanted
change of the feature code.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import msgspec

from drivers.sim.recording import open_recording
from models.stress.training.recordings import features_of

SUBJECT = "S05"
AT_S = (45, 90, 150, 240)
TOLERANCE = 1e-4  # relative: other FFT and BLAS builds differ in the last bits, and a beat may shift a little


def golden(data: Path) -> dict[str, Any]:
    """Return inputs, outputs and tolerance of the golden file."""
    wanted = [features for features in features_of(open_recording(data / SUBJECT, 0.0), max(AT_S))
              if features.at_s in AT_S]
    return {
        "input": f"the first {max(AT_S)} s of subject {SUBJECT} of Stress-Predict, development part",
        "regenerate": "python -m models.stress.training.golden --data DIR --out FILE",
        "subject": SUBJECT,
        "relative_tolerance": TOLERANCE,
        "features": [msgspec.to_builtins(features) for features in wanted],
    }


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description="write the golden features")
    parser.add_argument("--data", type=Path, required=True, help="folder of Stress-Predict recordings")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(golden(options.data), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
