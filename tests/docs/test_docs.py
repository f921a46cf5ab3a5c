"""What the documents promise exists."""

import re
from pathlib import Path

import click
import msgspec
import pytest

from device.cli import main
from device.config import Program, Section, Settings
from device.messages import LightPattern
from device.panel.gestures import HOLD_S
from device.panel.lights import SHAPES
from device.telemetry.trouble import Trouble

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])


def keys(section: type, prefix: str = "") -> list[str]:
    """Return the keys of a table as the page writes them: tables within a table with their name."""
    found = []
    for field in msgspec.structs.fields(section):
        options = [field.type, *getattr(field.type, "__args__", ())]
        inner = [o for o in options if isinstance(o, type) and issubclass(o, Section)]
        found += keys(inner[0], f"{prefix}{field.name}.") if inner else [prefix + field.name]
    return found


def test_docs_configuration_names_every_key_and_no_other():
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    named = {key for row in rows for key in re.findall(r"`([\w.]+)`", row)}
    real = set()
    for field in msgspec.structs.fields(Settings):
        is_table = isinstance(field.type, type) and issubclass(field.type, Section)
        real |= set(keys(field.type)) if is_table else {field.name}
    assert real - named == set()
    assert named - real == {"temperature", "tls"}, "only the names of optional tables come beside"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_docs_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_docs_links_into_a_page_find_their_heading(document):
    for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", document.read_text(encoding="utf-8")):
        page = document.parent / target if target else document
        headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert anchor in slugs, f"{document.name} links to {target}#{anchor}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_docs_named_files_exist(document):
    named = re.findall(r"`((?:device|drivers|models|tests|docs)/[\w./-]+\.\w+)`",
                       document.read_text(encoding="utf-8"))
    for path in named:
        assert (ROOT / path).exists(), f"{document.name} names {path}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_docs_named_commands_exist(document):
    text = document.read_text(encoding="utf-8")
    for line in re.findall(r"(?:`|sudo |bin/)tranquillo ([a-z][^`\n]*)", text):
        command, words = main, line.split()
        while isinstance(command, click.Group) and words:
            word = words.pop(0).rstrip(",.;:")
            assert word in command.commands, f"{document.name}: tranquillo {line}"
            command = command.commands[word]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        for option in re.findall(r"--[a-z][\w-]*", " ".join(words)):
            assert option in known, f"{document.name}: tranquillo {line}"


def test_docs_the_nurses_page_has_a_row_for_every_light():
    text = (ROOT / "docs" / "nurse.md").read_text(encoding="utf-8")
    words = {
        LightPattern.OFF: "dark |", LightPattern.READY: "green, steady",
        LightPattern.STARTING: "cyan, quick pulse",
        LightPattern.PLAYING: "cyan, slow breath", LightPattern.ENDING: "cyan, fading",
        LightPattern.ATTENTION: "amber, steady", LightPattern.PLAYING_ATTENTION: "amber, slow breath",
        LightPattern.FAULT: "red, slow blink", LightPattern.RATING: "cyan, two pulses and a pause",
    }
    assert set(words) == set(LightPattern) == set(SHAPES)
    for pattern, row in words.items():
        assert f"| {row}" in text, pattern


def test_docs_the_nurses_page_tells_the_gestures_as_they_are():
    text = (ROOT / "docs" / "nurse.md").read_text(encoding="utf-8")
    assert f"**hold {HOLD_S:.0f} seconds** at any time" in text
    assert f"ends it gently (about {Program().fade_out_s:.0f} seconds)" in text


def test_docs_the_nurses_printed_page_says_the_same():
    page = (ROOT / "docs" / "nurse.md").read_text(encoding="utf-8")
    printed = (ROOT / "docs" / "nurse.html").read_text(encoding="utf-8").partition("<body>")[2]
    words = page.replace("To print: [nurse.html](nurse.html).", "").replace(": one page for the ward", "")
    words = re.sub(r"^\|[-|]+\|$|[#*|]|^- ", " ", words, flags=re.MULTILINE)
    assert re.sub(r"<[^>]+>", " ", printed).split() == words.split()


def test_docs_every_fault_has_its_line_and_no_other():
    sources = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "device").rglob("*.py"))]
    codes = {code for text in sources for code in re.findall(r"\bcode=\"(\w+)\"", text)} | set(Trouble)
    told = set()
    for name in ("it-guide.md", "telemetry/README.md"):
        text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        light = "amber|red|dark|unchanged|info|attention"
        for first in re.findall(rf"^\| (`\w+`(?:, `\w+`)*) \| (?:{light})", text, re.MULTILINE):
            told |= set(re.findall(r"`(\w+)`", first))
    assert told == codes


def test_docs_evidence_has_a_row_for_every_system_of_the_literature(shared_data):
    seeds = (shared_data.parent / "design" / "SEEDS.md").read_text(encoding="utf-8")
    ids = [line.split("|")[1].strip() for line in seeds.splitlines()
           if line.startswith("| ") and not line.startswith("| id")]
    assert len(ids) > 25
    text = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    assert [name for name in ids if f"\n| {name} |" not in text] == []
