"""Leave one subject out: what models say of a person whom they never saw, through the device's own code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from device.config import Estimator
from device.messages import Features, Source
from device.stress.baseline import Population
from device.stress.card import FORMAT, Bands, Card, CardInput, Weights
from device.stress.estimator import StressEstimator
from device.stress.inputs import INPUTS
from models.stress.training.candidates import CANDIDATES, Candidate, Rows, tuned
from models.stress.training.experts import MEMBERS, Experts, FoldModel, train
from models.stress.training.population import contact_from, deviations, population_of, random_contacts
from models.stress.training.recordings import Subject

FloatArray = NDArray[np.float64]

SMOOTHING_S = 15.0
NO_SMOOTHING_S = 1e-3
RANDOM_CONTACTS = 3  # per subject in training, beside the whole recording
WEIGHTS = Weights(eda=1.0, ppg=1.0, temperature=0.0, eeg=0.5)
LATE_CONTACTS_S = (400, 900, 1400, 1900)  # contact that begins in the middle of the protocol
INTO_STRESS = (0.3, 0.6)  # of a stress task that has gone by when contact begins
STRESS_TASKS = ("stroop", "interview")

SHIPPED = "shipped"
STRICT = "shipped, not smoothed"
WITH_TEMPERATURE = "shipped, temperature weighed like the others"
ALONE: Mapping[str, tuple[Source, ...]] = {
    "eda alone": ("eda",), "ppg alone": ("ppg",), "temperature alone": ("temperature",)}
LATE = "contact begins in mid-protocol"
STRESSED = "contact begins in mid-stress"


class Course(NamedTuple):
    """What was said of one contact: the contact, and levels with their variances per second, NaN unknown."""

    contact: Subject
    level: FloatArray
    variance: FloatArray


class Fold(NamedTuple):
    """Everything said of one held-out person.

    `logits` of the candidates per second of the whole recording; `courses` of the shipped kind of model,
    not yet calibrated; `settings` that the nested choice took.
    """

    subject: Subject
    logits: dict[str, FloatArray]
    courses: dict[str, list[Course]]
    settings: dict[str, float]


class TrainingSet(NamedTuple):
    """Rows of several people with what they rest on."""

    rows: Rows
    present: NDArray[np.bool_]
    population: Population


def training_set(subjects: Sequence[Subject], seed: int) -> TrainingSet:
    """Return whole recordings, and contacts that begin at random moments, as rows."""
    random = np.random.default_rng(seed)
    contacts, seconds, people = [], [], []
    for person, subject in enumerate(subjects):
        late = random_contacts(subject, RANDOM_CONTACTS, random)
        contacts += [subject, *late]
        seconds += [subject.scored(), *(one.labelled() for one in late)]
        people += [person] * (1 + len(late))
    population = population_of(subjects)
    values = [some[at] for some, at in zip(deviations(contacts, population), seconds, strict=True)]
    label = [one.label[at] for one, at in zip(contacts, seconds, strict=True)]
    present = [one.present()[at] for one, at in zip(contacts, seconds, strict=True)]
    person_of = np.repeat(people, [len(at) for at in seconds])
    return TrainingSet(Rows(np.concatenate(values), np.concatenate(label), person_of),
                       np.concatenate(present), population)


def fold_of(
    name: str, subjects: Sequence[Subject], seed: int, candidates: Sequence[Candidate] = CANDIDATES,
) -> Fold:
    """Train without one subject and return what the models say of it.

    Args:
        name: of the held-out subject.
        subjects: all of them.
        seed: of everything random.
        candidates: models to compare; the first is a logistic regression, whose penalty the experts take.
    """
    held_out = next(one for one in subjects if one.name == name)
    known = training_set([one for one in subjects if one.name != name], seed)
    own = deviations([held_out], known.population)[0]
    logits, settings = {}, {}
    for candidate in candidates:
        predict, settings[candidate.name] = tuned(candidate, known.rows, seed)
        logits[candidate.name] = predict(own)
    experts = train(known.rows, known.present, settings[candidates[0].name], seed)
    return Fold(held_out, logits, courses_of(held_out, experts, known.population), settings)


def courses_of(subject: Subject, experts: Experts, population: Population) -> dict[str, list[Course]]:
    """Return what the device would say of one person with these experts, in every way of asking."""
    card = plain_card(experts, population)
    model = FoldModel(experts, card)
    equal = FoldModel(experts, msgspec.structs.replace(
        card, weights=msgspec.structs.replace(WEIGHTS, temperature=1.0)))
    strict = FoldModel(experts, msgspec.structs.replace(card, smoothing_s=NO_SMOOTHING_S))
    found = {SHIPPED: [follow(subject, model)], STRICT: [follow(subject, strict)],
             WITH_TEMPERATURE: [follow(subject, equal)]}
    for name, sources in ALONE.items():
        found[name] = [follow(only(subject, sources), model)]
    found[LATE] = [follow(contact_from(subject, at), model) for at in LATE_CONTACTS_S]
    found[STRESSED] = [follow(contact_from(subject, at), model) for at in within_stress(subject)]
    return found


def follow(contact: Subject, model: FoldModel) -> Course:
    """Run the device's estimator over one contact."""
    estimator = StressEstimator(model, Estimator())
    said = [estimator.update(one) for one in contact.features]
    unknown = float("nan")
    return Course(contact, np.array([unknown if one.level is None else one.level for one in said]),
                  np.array([unknown if one.variance is None else one.variance for one in said]))


def only(subject: Subject, sources: Sequence[Source]) -> Subject:
    """Return the subject with all sources but some taken off."""
    return subject._replace(features=tuple(_only(one, sources) for one in subject.features))


def within_stress(subject: Subject) -> list[int]:
    """Return seconds in the middle of the subject's stress tasks."""
    return [round(span.start_s + share * (span.end_s - span.start_s))
            for span in subject.intervals if span.task in STRESS_TASKS for share in INTO_STRESS]


def plain_card(experts: Experts, population: Population) -> Card:
    """Return a card without calibration."""
    inputs = tuple(
        CardInput(name=one.name, unit=one.unit, source=one.source, mean=round(float(mean), 5),
                  between=round(float(between), 5), within=round(float(within), 5),
                  sensitivity=round(float(sensitivity), 5))
        for one, mean, between, within, sensitivity in zip(
            INPUTS, population.mean, population.between, population.within, experts.sensitivity(),
            strict=True))
    return Card(format=FORMAT, sha256="", inputs=inputs, members=MEMBERS, weights=WEIGHTS, temperature=1.0,
                bias=0.0, smoothing_s=SMOOTHING_S,
                bands=Bands(medium_enter=0.36, medium_leave=0.3, high_enter=0.7, high_leave=0.64))


def _only(features: Features, sources: Sequence[Source]) -> Features:
    """Return features with all sources but some taken off."""
    return msgspec.structs.replace(
        features, eda=features.eda if "eda" in sources else None,
        ppg=features.ppg if "ppg" in sources else None,
        temperature=features.temperature if "temperature" in sources else None)
