"""`tranquillo evaluate-melody` counts bits as the data's README does, on any folder of tunes."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from device.cli import main
from device.errors import EXIT_CONFIG, EXIT_SOFTWARE, ModelError
from device.evaluation.abc import Tune, read_folder, read_tune
from device.evaluation.melody import Known, _surprise, evaluate_melody, fingerprint, score
from device.music.melody_network import MelodyNetwork


@pytest.fixture(scope="module")
def network(models_dir: Path) -> MelodyNetwork:
    return MelodyNetwork(models_dir / "melody" / "melody.tflite")


@pytest.fixture(scope="module")
def tunes(shared_data: Path) -> list[Tune]:
    return read_folder(shared_data / "melody").tunes


@pytest.fixture(scope="module")
def set_apart(models_dir: Path) -> list[str]:
    return json.loads((models_dir / "melody" / "card.json").read_text())["split"]["test_tunes"]


@pytest.fixture
def folder(shared_data: Path, tmp_path: Path, set_apart: list[str]) -> Path:
    """One tune trained on, one set apart, a foreign one and one that cannot be read."""
    source = shared_data / "melody" / "openhymnal"
    for name in ("Silent_Night-Stille_Nacht", set_apart[0]):
        (tmp_path / f"{name}.abc").write_bytes((source / f"{name}.abc").read_bytes())
    (tmp_path / "jig.abc").write_text("X:1\nM:6/8\nK:Ador\nA2B cde|dcB ABG|E2F GAB|c2d e3|fed cBA|\n")
    (tmp_path / "broken.abc").write_text("X:1\nK:Zz\nABC|\n")
    return tmp_path


def tranquillo(*words: object):
    return CliRunner().invoke(main, [str(word) for word in words])


def test_surprise_of_equal_logits_is_the_logarithm_of_their_number() -> None:
    assert _surprise(np.zeros(27), 5) == pytest.approx(math.log2(27))


def test_surprise_of_a_sure_answer_is_nothing_and_of_the_other_large() -> None:
    logits = np.array([800.0, 0.0])
    assert _surprise(logits, 0) == pytest.approx(0.0)
    assert _surprise(logits, 1) == pytest.approx(800.0 / math.log(2))


def test_score_counts_every_note_but_the_first(network: MelodyNetwork, tunes: list[Tune]) -> None:
    found = score(network, tunes[:3])
    assert found.intervals == sum(len(tune.tones) - 1 for tune in tunes[:3])
    assert 0.3 < found.bits_per_interval < math.log2(27)
    assert 0.1 < found.bits_per_duration < math.log2(9)


def test_score_weighs_tunes_by_their_notes(network: MelodyNetwork, tunes: list[Tune]) -> None:
    one, other, both = (score(network, part) for part in (tunes[:1], tunes[1:2], tunes[:2]))
    total = one.bits_per_interval * one.intervals + other.bits_per_interval * other.intervals
    assert both.bits_per_interval == pytest.approx(total / both.intervals, abs=1e-4)


def test_score_starts_each_tune_afresh(network: MelodyNetwork, tunes: list[Tune]) -> None:
    once, twice = (score(network, [tunes[4]] * times) for times in (1, 2))
    assert once.bits_per_interval == twice.bits_per_interval


def test_score_of_the_last_tone_cannot_change_what_came_before(
    network: MelodyNetwork, tunes: list[Tune],
) -> None:
    tune = tunes[7]._replace(tones=tunes[7].tones[:12])
    other = tune._replace(tones=(*tune.tones[:-1], tune.tones[-1]._replace(pitch=tune.tones[-1].pitch + 6)))
    short = tune._replace(tones=tune.tones[:11])
    before = score(network, [short]).bits_per_interval * 10
    last, changed = (score(network, [one]).bits_per_interval * 11 - before for one in (tune, other))
    assert last > 0.0
    assert changed > last  # six semitones off is less likely; the first ten cost the same in both


def test_score_is_worse_on_a_melody_turned_upside_down(network: MelodyNetwork, tunes: list[Tune]) -> None:
    upright = tunes[:12]
    mirrored = [
        tune._replace(tones=tuple(tone._replace(pitch=134 - tone.pitch) for tone in tune.tones))
        for tune in upright]
    assert score(network, mirrored).bits_per_interval > score(network, upright).bits_per_interval + 0.5


def test_fingerprint_is_the_melody_in_any_key(tunes: list[Tune]) -> None:
    tune = tunes[0]
    moved = tune._replace(tones=tuple(tone._replace(pitch=tone.pitch + 5) for tone in tune.tones))
    longer = tune._replace(tones=tuple(tone._replace(beats=tone.beats * 2) for tone in tune.tones))
    assert fingerprint(moved) == fingerprint(tune)
    assert len({fingerprint(one) for one in (tune, longer, tunes[1])}) == 3


def test_evaluate_melody_prints_json(folder: Path, set_apart: list[str], network: MelodyNetwork) -> None:
    result = tranquillo("evaluate-melody", folder, "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert set(found["tunes"]) == {"Silent_Night-Stille_Nacht", set_apart[0], "jig"}
    assert found["skipped"] == {"broken": "key 'Zz' is no major, minor or church mode"}
    learnt, apart, jig = (found["tunes"][name] for name in ("Silent_Night-Stille_Nacht", set_apart[0], "jig"))
    assert (learnt["known"], learnt["trained_on"], learnt["corpus_share"]) == ("trained on", True, 1.0)
    assert (apart["known"], apart["trained_on"]) == ("set apart", False)
    assert (jig["known"], jig["trained_on"], jig["intervals"]) == ("new", False, 24)
    expected = score(network, [read_tune(folder / f"{set_apart[0]}.abc")])
    assert apart["bits_per_interval"] == expected.bits_per_interval
    every = [learnt, apart, jig]
    assert found["mean"]["intervals"] == sum(tune["intervals"] for tune in every)
    for name in ("bits_per_interval", "bits_per_duration"):
        total = sum(tune[name] * tune["intervals"] for tune in every)
        assert found["mean"][name] == pytest.approx(total / found["mean"]["intervals"], abs=1e-4)
        assert found["trained_on"][name] == learnt[name]
    assert found["not_trained_on"]["intervals"] == apart["intervals"] + jig["intervals"]


def test_evaluate_melody_prints_a_table(folder: Path) -> None:
    result = tranquillo("evaluate-melody", folder)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["tune", "interval", "duration", "intervals", "known"]
    assert "trained on" in next(line for line in lines if line.startswith("Silent_Night"))
    assert lines[-1] == "Skipped broken: key 'Zz' is no major, minor or church mode"
    means = [line.split()[0] for line in lines if line.startswith(("all ", "trained on ", "not trained on "))]
    assert means == ["all", "trained", "not"]


def test_evaluate_melody_knows_a_trained_tune_under_another_name(folder: Path) -> None:
    (folder / "Silent_Night-Stille_Nacht.abc").rename(folder / "unknown.abc")
    assert evaluate_melody(folder).tunes["unknown"].known is Known.TRAINED


def test_evaluate_melody_notices_a_trained_tune_in_other_dress(folder: Path, shared_data: Path) -> None:
    path = folder / "Silent_Night-Stille_Nacht.abc"
    one_note_more = path.read_text("latin-1").replace("[V: S1V1]", "[V: S1V1] C", 1)
    path.write_text(one_note_more, "latin-1")
    found = evaluate_melody(folder).tunes["Silent_Night-Stille_Nacht"]
    assert found.known is Known.ALIKE
    assert not found.trained_on
    assert 0.5 < found.corpus_share < 1.0


@pytest.mark.parametrize("content", [None, b"", b"words without music"])
def test_evaluate_melody_refuses_a_folder_without_tunes_in_one_line(
    tmp_path: Path, content: bytes | None,
) -> None:
    if content is not None:
        (tmp_path / "a.abc").write_bytes(content)
    result = tranquillo("evaluate-melody", tmp_path)
    assert result.exit_code == EXIT_CONFIG
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"tranquillo: {tmp_path}: no")


def test_evaluate_melody_refuses_a_damaged_model(folder: Path, models_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="reinstall the melody model"):
        evaluate_melody(folder, tmp_path / "melody.tflite")
    assert EXIT_SOFTWARE == 70


def test_evaluate_melody_needs_no_tensorflow(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from device.evaluation.melody import evaluate_melody; "
        f"evaluate_melody(Path({str(folder)!r})); "
        "print(sorted({'tensorflow', 'sklearn', 'scipy', 'models'} & set(sys.modules)))")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
