"""Does the score come from the body, or from the protocol?

`python -m models.stress.training.leaks --data DIR`

The whole pipeline, training included, runs over recordings from which the body was taken out (noise, blocks
in another order than their labels): it must be left with chance. And over recordings whose tasks stand in
another order than everybody else's, labels and all: what it loses there is the most that the order could have
given it. Some of that loss is the seams' own, where conductance jumps between minutes that never met.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from device.evaluation.metrics import Scored, auc, balanced_accuracy, mean_interval
from models.stress.training.candidates import CANDIDATES, tuned
from models.stress.training.experts import FoldModel, train
from models.stress.training.folds import follow, plain_card, training_set
from models.stress.training.recordings import NOT_TESTED, Subject, features_of, subject_folders, subject_of
from models.stress.training.surrogates import Person, noise, read_person, reordered, shuffled

LOG = logging.getLogger("leaks")
PROCESSES = 2

Change = Callable[[Person, np.random.Generator], Person]
# Trains on all people but one and returns levels and labels of the scored windows of everybody left out.
LeaveOneOut = Callable[[Sequence[Subject], int], Mapping[str, Scored]]
Figures = dict[str, list[float]]


def untouched(person: Person, _random: np.random.Generator) -> Person:
    """Return the person as recorded, for comparison."""
    return person


CHANGES: Mapping[str, Change] = {
    "as recorded": untouched,
    "noise": partial(noise, drift=False),
    "noise that drifts": partial(noise, drift=True),
    "blocks of 30 to 60 s shuffled": shuffled,
    "tasks reordered with their labels": reordered,
}


def changed_subject(folder: Path, change: str, seed: int) -> Subject:
    """Return one person after a change, by way of the device's feature code.

    Args:
        folder: an Empatica E4 recording with `intervals.csv`.
        change: one of `CHANGES`.
        seed: with the folder's name it decides everything random.
    """
    random = np.random.default_rng([seed, *folder.name.encode()])
    person = CHANGES[change](read_person(folder), random)
    return subject_of(person.name, list(features_of(person.body())), person.intervals)


def leaks(
    folders: Sequence[Path], leave_one_out: LeaveOneOut, seed: int, changes: Sequence[str] = tuple(CHANGES),
) -> dict[str, Figures]:
    """Return for each change balanced accuracy and AUC: mean over people, 95 % interval by bootstrap.

    Args:
        folders: recordings; people without baseline (`NOT_TESTED`) should not be among them.
        leave_one_out: the training under test.
        seed: of the changes, the training and the bootstrap.
        changes: which of `CHANGES`.
    """
    found = {}
    for change in changes:
        make = partial(changed_subject, change=change, seed=seed)
        with get_context("spawn").Pool(PROCESSES) as pool:
            subjects = pool.map(make, folders, chunksize=1)
        found[change] = figures_of(leave_one_out(subjects, seed), seed)
        LOG.info("%s: %s", change, found[change])
    return found


def figures_of(scored: Mapping[str, Scored], seed: int) -> Figures:
    """Return balanced accuracy and AUC as mean, lower and upper bound; people with one class are left out."""
    people = [one for one in scored.values() if one.both_classes()]
    found = {}
    for name, metric in (("balanced_accuracy", balanced_accuracy), ("auc", auc)):
        values = [metric(one) for one in people]
        low, high = mean_interval(values, seed) or (float("nan"), float("nan"))
        found[name] = [round(one, 3) for one in (float(np.mean(values)), low, high)]
    return found


def shipped_kind(subjects: Sequence[Subject], seed: int) -> dict[str, Scored]:
    """Leave everybody out once and return what the shipped kind of model says, before its calibration.

    Two processes share the work; what each returns depends on the seed alone.
    """
    with get_context("fork").Pool(PROCESSES) as pool:
        scored = pool.map(partial(left_out, subjects=subjects, seed=seed), range(len(subjects)), chunksize=1)
    return {subject.name: one for subject, one in zip(subjects, scored, strict=True)}


def left_out(place: int, subjects: Sequence[Subject], seed: int) -> Scored:
    """Train on all people but one, the choice of penalty included, and run the device over that one."""
    known = training_set([one for number, one in enumerate(subjects) if number != place], seed)
    _, penalty = tuned(CANDIDATES[0], known.rows, seed)
    experts = train(known.rows, known.present, penalty, seed)
    held_out = subjects[place]
    level = follow(held_out, FoldModel(experts, plain_card(experts, known.population))).level
    at = held_out.scored()
    at = at[np.isfinite(level[at])]
    return Scored(level[at], held_out.label[at])


def main() -> None:
    """Read the arguments, run everything and write the figures."""
    parser = argparse.ArgumentParser(description="train and test on noise and on rearranged recordings")
    parser.add_argument("--data", type=Path, required=True, help="folder of Stress-Predict recordings")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--people", type=int, help="only the first so many, for a quick look")
    parser.add_argument("--change", choices=tuple(CHANGES), action="append", help="only these")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    folders = [one for one in subject_folders(options.data) if one.name not in NOT_TESTED][:options.people]
    found = leaks(folders, shipped_kind, options.seed, options.change or tuple(CHANGES))
    if options.out is not None:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
