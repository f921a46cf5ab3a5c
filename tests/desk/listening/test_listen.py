"""The whole listening test on composed sessions, what it prints and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from device.cli import main
from device.desk.listening import command, listen
from device.desk.listening.bounds import Failure
from device.desk.listening.cases import RenderError
from device.desk.listening.listen import Heard, ListenOptions


def run(*arguments: str | Path):
    return CliRunner().invoke(main, ["listen", *map(str, arguments)])


@pytest.fixture(scope="module")
def composed(tmp_path_factory):
    """One composed session of the shortest length."""
    out = tmp_path_factory.mktemp("listen") / "out"
    (out / "sessions" / "old").mkdir(parents=True)
    (out / "old.png").touch()
    return out, run("--no-sound", "--scores", 1, "--score-minutes", 1, "--out", out)


def test_listen_composes_measures_and_ends_well(composed):
    out, result = composed
    assert result.exit_code == 0, result.output
    assert "score-101-calm-warm_pads" in result.output
    assert "1 sessions, 0 figures outside" in result.output
    found = json.loads((out / "figures.json").read_text(encoding="utf-8"))
    assert found["failures"] == []
    assert found["sessions"][0]["score"]["phrases"] >= 4
    assert "Everything within" in (out / "index.html").read_text(encoding="utf-8")


def test_listen_leaves_nothing_of_before_nor_of_silent_sessions(composed):
    out, _ = composed
    assert not (out / "old.png").exists()
    assert not (out / "sessions" / "old").exists()
    assert list((out / "sessions").iterdir()) == []


def test_listen_ends_with_1_and_names_what_is_outside(monkeypatch, tmp_path, session):
    failure = Failure(session="calm", figure="clicks", value=2.0, bound="0 (issue)")
    monkeypatch.setattr(listen, "listen", lambda *_: Heard(tmp_path / "index.html", [session], [failure]))
    result = run("--no-sound", "--out", tmp_path)
    assert result.exit_code == 1
    assert "OUTSIDE calm: clicks 2, bound 0 (issue)" in result.output
    assert "1 sessions, 1 figures outside" in result.output


def test_listen_says_what_is_not_installed(monkeypatch, tmp_path):
    monkeypatch.setattr(command, "NEEDED", ("librosa_of_the_moon",))
    result = run("--style", "nature", "--out", tmp_path)
    assert result.exit_code == 70
    assert "librosa_of_the_moon missing; `make listen` installs it" in result.output


def test_listen_refuses_what_it_does_not_know():
    assert run("--style", "techno").exit_code == 2
    assert run("--patient", "dog").exit_code == 2
    assert run("--minutes", "0.5").exit_code == 2


def test_listen_a_folder_that_cannot_be_written_is_named(tmp_path, models_dir):
    (tmp_path / "file").touch()
    options = ListenOptions(patients=(), styles=(), minutes=1.0, long_minutes=0.0, scores=0,
                            score_minutes=1.0, models=models_dir, out=tmp_path / "file" / "out")
    with pytest.raises(RenderError, match="cannot be written"):
        listen.listen(options, print)
