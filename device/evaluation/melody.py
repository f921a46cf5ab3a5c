"""How well the shipped melody network foretells tunes: bits per next interval and per next duration.

Counted as the data's README says: 27 classes of intervals, rests skipped, the lead voice, every tone
from the second on. The network is told nothing of the target, and nothing later than the tone before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path

import msgspec
import numpy as np

from device.config import Settings
from device.evaluation.abc import Tune, read_folder
from device.music.fields import fields, target_input
from device.music.melody import LstmMelody
from device.music.melody_network import Logits, MelodyNetwork
from device.music.tokens import duration_class, interval_class

DEFAULTS = Settings(unit_id="evaluation")
MODEL = Path(DEFAULTS.models_dir) / DEFAULTS.program.melody_model
ALIKE = 0.5  # chosen: from this share of runs of 12 notes on, a tune is one of the corpus in other dress

_DIGITS = 12  # of a fingerprint
_ROUNDED = 4


class Known(Enum):
    """What the network has to do with a tune."""

    TRAINED = "trained on"
    SET_APART = "set apart"  # of the training data, but not trained on
    ALIKE = "like the corpus"  # not among its tunes, but shares half its runs of 12 notes with one of them
    NEW = "new"


class Bits(msgspec.Struct, frozen=True, kw_only=True):
    """Mean bits per next interval and per next duration, over so many intervals."""

    bits_per_interval: float
    bits_per_duration: float
    intervals: int


class TuneBits(Bits, frozen=True, kw_only=True):
    """The bits of one tune, and what the network has to do with it."""

    known: Known
    trained_on: bool
    corpus_share: float  # of the tune's runs of 12 notes, 0 to 1


class MelodyReport(msgspec.Struct, frozen=True, kw_only=True):
    """All tunes of a folder, their means (each interval counts the same), and what was left out and why."""

    tunes: dict[str, TuneBits]
    mean: Bits
    trained_on: Bits | None  # mean over the tunes trained on
    not_trained_on: Bits | None  # over those set apart and the new ones
    skipped: dict[str, str]
    model_sha256: str


def evaluate_melody(folder: Path, model: Path = MODEL) -> MelodyReport:
    """Score every tune of a folder.

    Args:
        folder: with .abc files at or below it.
        model: the .tflite with its card beside it.

    Raises:
        RecordingError: the folder is absent or has no tune that can be read.
        ModelError: the model cannot be used.
    """
    melody = LstmMelody(model)
    found = read_folder(folder)
    tunes = {tune.name: _scored(melody, tune) for tune in found.tunes}
    scores = list(tunes.values())
    return MelodyReport(
        tunes=tunes, mean=_mean(scores),
        trained_on=_mean_of(scores, lambda score: score.trained_on),
        not_trained_on=_mean_of(scores, lambda score: score.known in {Known.SET_APART, Known.NEW}),
        skipped=found.skipped, model_sha256=melody.network.card.sha256[model.name])


def score(network: MelodyNetwork, tunes: Sequence[Tune]) -> Bits:
    """Return the mean bits of some tunes."""
    return _mean([_bits(network, tune) for tune in tunes])


def fingerprint(tune: Tune) -> str:
    """Return 12 hexadecimal digits that name a melody: its intervals and durations, in whatever key."""
    pitches = [tone.pitch for tone in tune.tones]
    row = [*np.diff(pitches).tolist(), *(duration_class(tone.beats) for tone in tune.tones)]
    return hashlib.sha256(" ".join(map(str, row)).encode()).hexdigest()[:_DIGITS]


def table(report: MelodyReport) -> str:
    """Return the report as lines for a terminal."""
    width = max(20, *(len(name) for name in report.tunes))
    lines = [f"{'tune':{width}} {'interval':>9} {'duration':>9} {'intervals':>9}  known"]
    lines += [f"{name:{width}} {_figures(bits)}  {bits.known.value}" for name, bits in report.tunes.items()]
    lines.append("Bits per next interval and per next duration:")
    for title, bits in (
        ("all", report.mean), ("trained on", report.trained_on), ("not trained on", report.not_trained_on)):
        if bits is not None:
            lines.append(f"{title:{width}} {_figures(bits)}")
    lines += [f"Skipped {name}: {reason}" for name, reason in report.skipped.items()]
    return "\n".join(lines)


def _scored(melody: LstmMelody, tune: Tune) -> TuneBits:
    """Return the bits of one tune and whether the network learnt from it."""
    pitches = [tone.pitch for tone in tune.tones]
    share = melody.corpus_share(np.diff(pitches).tolist())
    name, card = fingerprint(tune), melody.network.card
    known = (
        Known.TRAINED if name in card.trained_on else Known.SET_APART if name in card.set_apart
        else Known.ALIKE if share >= ALIKE else Known.NEW)
    return TuneBits(
        **msgspec.structs.asdict(_bits(melody.network, tune)), known=known,
        trained_on=known is Known.TRAINED, corpus_share=round(share, _ROUNDED))


def _bits(network: MelodyNetwork, tune: Tune) -> Bits:
    """Return the bits of one tune."""
    tones, unknown = tune.tones, target_input(None, None, None)
    answer = network.step(fields((), (), tune.tonic, tune.starts[0]), unknown, network.start())
    interval = duration = 0.0
    for count in range(1, len(tones)):
        token = fields(tones[:count], tune.starts[:count], tune.tonic, tune.ends[count - 1])
        answer = network.step(token, unknown, answer.state)
        leap = tones[count].pitch - tones[count - 1].pitch
        interval += _surprise(answer.interval, interval_class(leap))
        duration += _surprise(answer.duration, duration_class(tones[count].beats))
    steps = len(tones) - 1
    return Bits(
        bits_per_interval=round(interval / steps, _ROUNDED),
        bits_per_duration=round(duration / steps, _ROUNDED), intervals=steps)


def _surprise(logits: Logits, answer: int) -> float:
    """Return the bits of an answer under the softmax of logits."""
    top = logits.max()
    return float((top + np.log(np.exp(logits - top).sum()) - logits[answer]) / np.log(2))


def _mean_of(scores: Sequence[TuneBits], wanted: Callable[[TuneBits], bool]) -> Bits | None:
    """Return the mean over the wanted tunes, None when there is none."""
    chosen = [found for found in scores if wanted(found)]
    return _mean(chosen) if chosen else None


def _mean(scores: Sequence[Bits]) -> Bits:
    """Return the mean over all intervals of some tunes."""
    steps = sum(found.intervals for found in scores)
    interval = sum(found.bits_per_interval * found.intervals for found in scores)
    duration = sum(found.bits_per_duration * found.intervals for found in scores)
    return Bits(
        bits_per_interval=round(interval / steps, _ROUNDED),
        bits_per_duration=round(duration / steps, _ROUNDED), intervals=steps)


def _figures(bits: Bits) -> str:
    """Return the three figures of a line."""
    return f"{bits.bits_per_interval:9.3f} {bits.bits_per_duration:9.3f} {bits.intervals:9d}"
