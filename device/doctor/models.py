"""The model files: each the one that its card describes, and an interpreter to run them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from device.doctor.result import Result, failed, failed_with, ok
from device.doctor.scene import Scene
from device.errors import ModelError
from device.music import model_card
from device.stress.card import read_card
from device.stress.eeg_card import read_eeg_card

RUNTIMES = ("tflite_runtime", "ai_edge_litert")


def check_models(scene: Scene) -> list[Result]:
    """Compare every model in use with its card, and look for the interpreter."""
    settings = scene.settings
    folder = scene.path(settings.models_dir)
    results = [_runtime(), _stress(folder / settings.estimator.stress_model),
               _melody(folder / settings.program.melody_model)]
    if settings.headset.port != "none":
        results.append(_eeg(folder / settings.estimator.eeg_model))
    return results


def _runtime() -> Result:
    """Look for either interpreter without loading it."""
    found = [name for name in RUNTIMES if find_spec(name) is not None]
    if found:
        return ok("models.runtime", f"{found[0]} is installed")
    return failed("models.runtime", "no interpreter for the models", "install this release again")


def _stress(path: Path) -> Result:
    """Check the stress model."""
    try:
        content, _ = read_card(path)
    except ModelError as error:
        return failed_with("models.stress", error)
    return ok("models.stress", "is the one its card describes", len(content), "bytes")


def _eeg(path: Path) -> Result:
    """Check the EEG model."""
    try:
        content, _ = read_eeg_card(path)
    except ModelError as error:
        return failed_with("models.eeg", error)
    return ok("models.eeg", "is the one its card describes", len(content), "bytes")


def _melody(path: Path) -> Result:
    """Check the melody model and the tunes it must not repeat."""
    try:
        card = model_card.read_card(path)
        content = model_card.verified(path, card)
        model_card.verified(path.with_name(card.known_runs), card)
    except ModelError as error:
        return failed_with("models.melody", error)
    return ok("models.melody", "is the one its card describes", len(content), "bytes")
