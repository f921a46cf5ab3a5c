"""The pages say what holds and what does not."""

from __future__ import annotations

import json

import msgspec
import pytest

from device.desk.listening.bounds import failures_of
from device.desk.listening.pages import write_json, write_overview, write_session
from device.desk.listening.separation import separate


@pytest.fixture
def bad(session, change):
    return change(session, "levels", rise_400ms_lu=7.25)


def test_pages_overview_of_what_holds(session, hearing_of, tmp_path):
    silent = msgspec.structs.replace(session, sound=None)
    effects = {"warm_pads": separate(hearing_of(1), hearing_of(2, shift=3.0))}
    page = write_overview(tmp_path, [session, silent], effects, [], ["a note & more"])
    text = page.read_text(encoding="utf-8")
    assert "Everything within the bounds" in text
    assert "1 sessions heard, 1 composed without sound" in text
    assert "a note &amp; more" in text
    assert 'href="sessions/calm-warm_pads-10min/index.html"' in text
    assert "\N{MINUS SIGN}32.0" in text
    for picture in ("scores.png", "separation.png"):
        assert f'src="{picture}"' in text
        assert (tmp_path / picture).read_bytes()[:4] == b"\x89PNG"


def test_pages_overview_names_what_is_outside(bad, tmp_path):
    text = write_overview(tmp_path, [bad], {}, failures_of(bad), []).read_text(encoding="utf-8")
    assert "1 outside the bounds" in text
    assert "calm-warm_pads-10min: rise of loudness in 400 ms 7.25, bound at most 3 LU" in text


def test_pages_of_a_session(run_folder, bad, tmp_path):
    for name in ("journal.bin", "session.wav", "session.mid"):
        (tmp_path / name).write_bytes((run_folder / name).read_bytes())
    text = write_session(tmp_path, bad).read_text(encoding="utf-8")
    assert '<audio controls preload="none" src="session.wav">' in text
    assert '<td class="bad">7.2</td>' in text
    for name in ("parameters", "notes", "sound", "hearing", "line", "similarity"):
        assert f'src="{name}.png"' in text
        assert (tmp_path / f"{name}.png").stat().st_size > 5000


def test_pages_json_holds_every_figure(bad, hearing_of, tmp_path):
    effects = {"nature": separate(hearing_of(1), hearing_of(2, shift=3.0))}
    write_json(tmp_path / "figures.json", [bad], effects, failures_of(bad), ["note"])
    found = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert found["failures"][0]["value"] == 7.25
    assert found["sessions"][0]["case"]["style"] == "warm_pads"
    assert len(found["sessions"][0]["sound"]["hearing"]["centroid_hz"]) == 12
    assert found["sessions"][0]["score"]["intervals"]["-2"] == 100
    assert found["separation"]["nature"][0]["large"]
    assert found["notes"] == ["note"]
