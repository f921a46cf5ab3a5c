"""Bits per interval and per duration of the shipped .tflite on melodies of one's own choice.

    python -m models.melody.training.evaluate --data DIR --model models/melody/melody.tflite

Runs the very file that the device runs, on the runtime that the device has.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.music.melody import LstmMelody
from models.melody.training.abc_notation import Tune, read_folder
from models.melody.training.corpus import rows

log = logging.getLogger(__name__)


class Score(NamedTuple):
    """Mean bits per next interval (27 classes, rests skipped) and per next duration, and how many."""

    interval_bits: float
    duration_bits: float
    intervals: int


def score(source: LstmMelody, tunes: list[Tune]) -> Score:
    """Return how well the network foretells the tunes, each from its second note on."""
    interval_nats = duration_nats = 0.0
    count = 0
    for tune in tunes:
        inputs, intervals, durations = rows(tune)
        state = source.start()
        for token, interval, duration in zip(inputs, intervals, durations, strict=True):
            interval_logits, duration_logits, state = source.step(token, state)
            interval_nats += _surprise(interval_logits, int(interval))
            duration_nats += _surprise(duration_logits, int(duration))
        count += len(inputs)
    return Score(interval_nats / count / np.log(2), duration_nats / count / np.log(2), count)


def _surprise(logits: NDArray[np.float64], answer: int) -> float:
    """Return minus the log probability of the answer, in nats."""
    top = logits.max()
    return float(top + np.log(np.exp(logits - top).sum()) - logits[answer])


def main() -> None:
    """Read the arguments, log the score."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with .abc files")
    parser.add_argument("--model", type=Path, default=Path("models/melody/melody.tflite"))
    arguments = parser.parse_args()
    tunes = read_folder(arguments.data)
    found = score(LstmMelody(arguments.model), tunes)
    log.info("%d tunes, %d intervals: %.3f bits per interval, %.3f bits per duration",
             len(tunes), found.intervals, found.interval_bits, found.duration_bits)


if __name__ == "__main__":
    main()
