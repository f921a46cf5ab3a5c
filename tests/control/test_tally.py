"""Counts of the styles are coarse, survive power cuts, and are set aside when damaged."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.control.tally import CAP, Counts, ScratchTally, SiteTally
from device.messages import Severity, Style

GLASS, PADS = Style.GLASS_BELLS, Style.WARM_PADS


def codes(tally):
    return [fault.code for fault in tally.faults()]


def test_tally_of_a_new_unit_knows_nothing_and_writes_nothing(tmp_path):
    tally = SiteTally(tmp_path)
    assert all(tally.counts(style) == Counts() for style in Style)
    assert list(tmp_path.iterdir()) == []
    assert codes(tally) == []


def test_tally_is_kept_for_the_next_process(tmp_path):
    tally = SiteTally(tmp_path / "state")
    for helped in (True, True, False):
        tally.add(GLASS, helped=helped)
    again = SiteTally(tmp_path / "state")
    assert again.counts(GLASS) == Counts(helped=2, failed=1)
    assert again.counts(PADS) == Counts()


def test_tally_file_holds_two_small_whole_numbers_a_style_and_nothing_else(tmp_path):
    tally = SiteTally(tmp_path)
    for style in Style:
        tally.add(style, helped=True)
    held = json.loads((tmp_path / "styles.json").read_text())
    assert held == {"styles": {style: {"helped": 1, "failed": 0} for style in Style}}
    assert [path.name for path in tmp_path.iterdir()] == ["styles.json"]


def test_tally_forgets_what_was_long_ago():
    counts = Counts()
    for _ in range(CAP):
        counts = counts.plus(helped=True)
    assert counts == Counts(helped=CAP)
    for _ in range(CAP):
        counts = counts.plus(helped=False)
    assert counts.failed > 2 * counts.helped


@given(outcomes=st.lists(st.booleans(), max_size=300))
def test_tally_never_passes_its_cap(outcomes):
    counts = Counts()
    for helped in outcomes:
        counts = counts.plus(helped=helped)
        assert counts.helped >= 0
        assert counts.failed >= 0
        assert counts.helped + counts.failed <= CAP


@pytest.mark.parametrize("content", [
    b"", b"\x00" * 64, b"{", b'{"styles": {"techno": {"helped": 1, "failed": 1}}}',
    b'{"styles": {"nature": {"helped": -1, "failed": 1}}}', b'{"styles": {"nature": {"helped": 1e9}}}',
    b'{"styles": {"nature": {"helped": 1, "patient": "x"}}}', b'{"styles": {}, "patient": "x"}', b"[]",
])
def test_tally_sets_a_damaged_file_aside_says_so_and_begins_anew(tmp_path, content):
    path = tmp_path / "styles.json"
    path.write_bytes(content)
    tally = SiteTally(tmp_path)
    assert (tmp_path / "styles.json.aside").read_bytes() == content
    assert codes(tally) == ["style_counts_damaged"]
    assert all(fault.severity is Severity.INFO for fault in tally.faults())
    tally.add(GLASS, helped=True)
    assert SiteTally(tmp_path).counts(GLASS) == Counts(helped=1)


@given(cut=st.integers(0, 200))
def test_tally_cut_at_any_byte_is_whole_or_set_aside(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("state")
    SiteTally(folder).add(GLASS, helped=True)
    path = folder / "styles.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    expected = Counts(helped=1) if cut >= len(whole) else Counts()
    assert SiteTally(folder).counts(GLASS) == expected


def test_tally_half_written_by_a_power_cut_leaves_the_old_counts(tmp_path):
    SiteTally(tmp_path).add(GLASS, helped=True)
    (tmp_path / "styles.json.new").write_bytes(b'{"styl')
    tally = SiteTally(tmp_path)
    assert tally.counts(GLASS) == Counts(helped=1)
    tally.add(GLASS, helped=True)
    assert SiteTally(tmp_path).counts(GLASS) == Counts(helped=2)


def test_tally_that_cannot_be_kept_counts_on_and_says_so_until_it_can(tmp_path):
    (tmp_path / "state").write_text("a file where the folder should be")
    tally = SiteTally(tmp_path / "state")
    tally.add(GLASS, helped=True)
    assert tally.counts(GLASS) == Counts(helped=1)
    assert codes(tally) == ["style_counts"]
    (tmp_path / "state").unlink()
    tally.add(GLASS, helped=False)
    assert codes(tally) == []
    assert SiteTally(tmp_path / "state").counts(GLASS) == Counts(helped=1, failed=1)


def test_tally_that_cannot_be_read_says_so(tmp_path):
    (tmp_path / "styles.json").mkdir()
    assert codes(SiteTally(tmp_path)) == ["style_counts"]


def test_tally_copy_teaches_the_unit_nothing(tmp_path):
    tally = SiteTally(tmp_path)
    tally.add(GLASS, helped=True)
    copy = ScratchTally(tally)
    copy.add(GLASS, helped=False)
    copy.add(PADS, helped=True)
    assert (copy.counts(GLASS), copy.counts(PADS)) == (Counts(helped=1, failed=1), Counts(helped=1))
    assert (tally.counts(GLASS), tally.counts(PADS)) == (Counts(helped=1), Counts())
    assert SiteTally(tmp_path).counts(PADS) == Counts()
