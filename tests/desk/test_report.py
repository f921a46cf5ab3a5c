"""The report: one page, complete in itself, honest about what is missing."""

from __future__ import annotations

import base64
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from device.desk.journal import JournalWriter
from device.desk.report import gather, write_report
from device.messages import Message

CLAIM = "This is a simulation on recorded or simulated signals; it shows no medical effect."


class Page(HTMLParser):
    """Collects links, identifiers and visible text, and checks that tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open, f"not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in {"src", "href"}:
                self.links.append(value or "")
            if name == "id":
                self.names.append(value or "")
        if tag not in {"meta", "img", "br", "link"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def folder(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("report") / "out"
    shutil.copytree(run_folder, copy)
    write_report(copy)
    return copy


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def test_report_is_one_file_that_asks_for_nothing_from_outside(folder: Path, page: Page) -> None:
    source = (folder / "report.html").read_text(encoding="utf-8")

    assert not re.search(r"https?://|url\(|@import|<script|<link|<iframe", source)
    outside = [link for link in page.links if not link.startswith("data:image/png;base64,")]
    assert set(outside) == {"session.wav", "session.mid", "mqtt.jsonl", "journal.bin", "figures.json"}


def test_report_shows_every_plot_as_a_picture_inside(page: Page) -> None:
    assert [name for name in page.names if name.startswith("plot-")] == [
        "plot-panel", "plot-stress", "plot-heart", "plot-skin", "plot-temperature", "plot-brain",
        "plot-parameters", "plot-notes", "plot-sound", "plot-health"]
    pictures = [link for link in page.links if link.startswith("data:")]
    assert len(pictures) == 10
    for picture in pictures:
        assert base64.b64decode(picture.partition(",")[2]).startswith(b"\x89PNG")


def test_report_says_what_was_run_and_what_it_does_not_show(page: Page) -> None:
    assert CLAIM in page.text
    assert "Patient simulated" in page.text
    assert "Patient's seed 5" in page.text
    assert "Session's seed 7" in page.text
    assert "Program 3 minutes" in page.text


def test_report_gives_the_key_figures(page: Page) -> None:
    for words in ("0.50 s", "0.260 s", "−31.8 LUFS", "−26.0 dBFS", "Phrases composed 22",  # noqa: RUF001
                  "Notes composed 242", "9.9 %", "player 2", "2.0 bpm", "Messages at the broker 4"):
        assert words in page.text, words


def test_report_plays_the_recording(folder: Path) -> None:
    assert re.search(r'<audio controls [^>]*src="session\.wav"', (folder / "report.html").read_text("utf-8"))


def test_report_lists_topics_and_faults_and_escapes_them(folder: Path, page: Page) -> None:
    assert "tranquillo/fleet/desk/health 3" in page.text
    assert "sensors.open 1:00 1:18 check the finger <clip> & cable" in page.text
    assert "&lt;clip&gt; &amp; cable" in (folder / "report.html").read_text("utf-8")


def test_report_of_a_whole_run_misses_nothing(folder: Path) -> None:
    assert gather(folder).missing == []
    assert 'class="missing"' not in (folder / "report.html").read_text("utf-8")


def test_figures_are_left_for_machines(folder: Path) -> None:
    figures = json.loads((folder / "figures.json").read_text("utf-8"))

    assert figures["notes"] == 242
    assert figures["onset"]["to_player_s"] == pytest.approx(0.5)
    assert figures["mqtt_by_topic"] == {"tranquillo/fleet/desk/health": 3, "tranquillo/sessions": 1}


def test_report_of_an_empty_folder_says_what_is_missing(tmp_path: Path) -> None:
    page = Page(write_report(tmp_path).read_text("utf-8"))

    for name in ("journal.bin", "session.wav", "mqtt.jsonl", "session.mid", "run.toml"):
        assert f"{name} is missing:" in page.text
    assert CLAIM in page.text
    assert "Patient not known" in page.text
    assert "No message was received" in page.text
    assert "No service reported a fault." in page.text
    assert [link for link in page.links if not link.startswith("data:")] == ["figures.json"]
    assert len(page.links) == 11


@pytest.mark.parametrize(("name", "words"), [
    ("session.wav", "session.wav: is not a WAV file: the sound was not recorded."),
    ("journal.bin", "journal.bin: is not a journal of a run"),
    ("mqtt.jsonl", "mqtt.jsonl: is not one message a line"),
    ("run.toml", "run.toml: is not valid TOML"),
])
def test_report_names_a_file_that_is_damaged(run_folder: Path, tmp_path: Path, name: str, words: str) -> None:
    copy = tmp_path / "out"
    shutil.copytree(run_folder, copy)
    (copy / name).write_bytes(b"{damaged}")

    (sentence,) = gather(copy).missing

    assert words in sentence
    assert str(copy) not in sentence


def test_report_of_a_run_that_was_killed_shows_what_there_is(run_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "out"
    shutil.copytree(run_folder, copy)
    whole = (copy / "journal.bin").read_bytes()
    (copy / "journal.bin").write_bytes(whole[:len(whole) // 2])
    (copy / "session.wav").write_bytes((copy / "session.wav").read_bytes()[:5_000_001])
    received = (copy / "mqtt.jsonl").read_text("utf-8")
    (copy / "mqtt.jsonl").write_text(received[:-20], "utf-8")

    left = gather(copy)

    assert 80 < left.traces.duration_s < 100
    assert left.sound is not None
    assert left.sound.duration_s == pytest.approx(5e6 / 4 / 44_100, abs=0.01)
    assert len(left.topics) == 3
    (sentence,) = left.missing
    assert "ends within a record" in sentence
    assert "cut short" in sentence


def test_report_without_settings_tells_the_patient_from_the_truth(run_folder: Path, tmp_path: Path) -> None:
    shutil.copy(run_folder / "journal.bin", tmp_path)

    assert "Patient simulated" in Page(write_report(tmp_path).read_text("utf-8")).text


def test_report_names_a_recording_without_its_folder(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(
        'unit_id = "a"\nplayer.backend = "file"\n[simulator]\npatient = "/home/someone/data/S08"\n', "utf-8")

    text = Page(write_report(tmp_path).read_text("utf-8")).text

    assert "recording of a real person (S08)" in text
    assert "/home/someone" not in text


def test_report_shows_the_ceiling_that_the_run_was_configured_with(page: Page) -> None:
    assert "ceiling −35 LUFS" in page.text  # noqa: RUF001 - a true minus sign


def test_report_is_the_same_for_the_same_files(tmp_path: Path, messages: list[Message]) -> None:
    with JournalWriter(tmp_path / "journal.bin") as journal:
        for message in messages[::5]:
            journal.write(message)

    assert write_report(tmp_path).read_bytes() == write_report(tmp_path).read_bytes()
