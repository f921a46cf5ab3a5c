"""The scripted session: the real conductor and player, an estimator that reads a script."""

from __future__ import annotations

import sys

import pytest

from device.bus import LocalHub
from device.clock import ManualClock
from device.desk.journal import read_journal
from device.desk.listening.cases import Case, RenderError, configure, render, score_cases, sounding_cases
from device.desk.wavfile import WavFile
from device.errors import EXIT_CONFIG
from device.messages import Features, Phrase, PlayerState, Session, SessionPhase, Stress, Style
from device.services import audition
from device.services.audition import ScriptedEstimator, roots_of

CASE = Case(patient="tense", style=Style.NATURE, minutes=1.0, seed=3)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """A minute of the tense patient, rendered by a process of its own."""
    folder = tmp_path_factory.mktemp("audition")
    render(CASE, folder)
    return folder


def test_audition_estimator_says_the_script_once_a_second():
    hub, clock = LocalHub(), ManualClock(start_s=100.0)
    reader = hub.connect((Stress, Features))
    estimator = ScriptedEstimator("falling", 60.0, clock, hub.connect(()))
    for second in range(70):
        clock.advance_to(100.0 + second)
        estimator.step()
    heard = reader.receive()
    levels = [each.level for each in heard if isinstance(each, Stress)]
    assert len(levels) == 70 == len(heard) / 2
    assert levels[0] > 0.8
    assert levels[-1] < 0.2
    assert [each.at_s for each in heard if isinstance(each, Features)][:2] == [100.0, 101.0]
    assert estimator.faults() == ()
    estimator.close()


def test_audition_services_are_the_shipped_ones():
    assert [root.name for root in roots_of("calm", sound=True)] == ["estimator", "conductor", "player"]
    assert [root.name for root in roots_of("calm", sound=False)] == ["estimator", "conductor"]


def test_audition_plays_a_session_to_its_end(rendered):
    messages = read_journal(rendered / "journal.bin")
    phases = list(dict.fromkeys(each.phase for each in messages if isinstance(each, Session)))
    assert phases == [SessionPhase.IDLE, SessionPhase.RUNNING, SessionPhase.ENDING]
    assert next(each.phase for each in reversed(messages) if isinstance(each, Session)) is SessionPhase.IDLE
    phrases = [each for each in messages if isinstance(each, Phrase)]
    assert len(phrases) >= 4
    assert all(phrase.style is Style.NATURE for phrase in phrases)
    assert phrases[1].target.tempo_bpm > 80  # met at the tense patient's own pace


def test_audition_leaves_the_sound_and_the_score(rendered):
    sound = WavFile(rendered / "session.wav")
    states = [each for each in read_journal(rendered / "journal.bin") if isinstance(each, PlayerState)]
    assert sound.frames / sound.rate_hz == pytest.approx(states[-1].position_s, abs=0.2)
    assert sound.frames / sound.rate_hz > 70
    assert max(state.notes_played for state in states) > 20
    assert (rendered / "session.mid").read_bytes()[:4] == b"MThd"


def test_audition_refuses_a_bad_configuration(tmp_path, monkeypatch, caplog):
    config = tmp_path / "run.toml"
    config.write_text("unit_id = 3\n")
    monkeypatch.setattr(sys, "argv", ["audition", "--config", str(config), "--journal",
                                      str(tmp_path / "journal.bin"), "--patient", "calm"])
    assert audition.main() == EXIT_CONFIG


def test_audition_a_failed_rendering_says_why(tmp_path):
    with pytest.raises(RenderError, match=r"nobody-nature-1min: could not be rendered \(exit 2\).*nobody"):
        render(Case(patient="nobody", style=Style.NATURE, minutes=1.0, seed=3), tmp_path)


def test_audition_configuration_names_style_and_seed(tmp_path):
    for style in Style:
        case = Case(patient="calm", style=style, minutes=2.5, seed=9)
        _, settings = configure(case, tmp_path / case.name)
        assert (settings.program.style, settings.program.seed) == (style.value, 9)
        assert settings.program.minutes == 2.5
        assert settings.player.record == str(tmp_path / case.name / "session.wav")


def test_audition_cases_cover_every_patient_and_style():
    cases = sounding_cases(("calm", "tense"), tuple(Style), 2.0, 10.0)
    assert len(cases) == 11
    assert {(case.patient, case.style) for case in cases[:10]} == {
        (patient, style) for patient in ("calm", "tense") for style in Style}
    assert (cases[-1].minutes, cases[-1].patient) == (10.0, "tense")
    assert sounding_cases((), tuple(Style), 2.0, 0.0) == []
    scores = score_cases(20, 30.0, tuple(Style))
    assert len({case.name for case in scores}) == len({case.seed for case in scores}) == 20
    assert {case.style for case in scores} == set(Style)
    assert len({(case.patient, case.style) for case in scores}) == 20
