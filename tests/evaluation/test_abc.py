"""The lead voice is read as written: pitches, lengths, places in the bar."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.errors import RecordingError
from device.evaluation.abc import Tune, read_folder, read_tune, read_tunes
from device.music.tokens import Place

HEADER = "X: 1\nT: A tune\nM: {metre}\nL: {unit}\nV: S1V1\nK: {key} % key signature\n"


@pytest.fixture(scope="module")
def tunes(shared_data: Path) -> list[Tune]:
    return read_folder(shared_data / "melody").tunes


@pytest.fixture
def read(tmp_path: Path):
    def of(*lines: str, key: str = "C", metre: str = "4/4 % time", unit: str = "1/4") -> Tune:
        path = tmp_path / "tune.abc"
        music = "".join(f"[V: S1V1] {line}\n" for line in lines)
        path.write_text(HEADER.format(key=key, metre=metre, unit=unit) + music, "latin-1")
        return read_tune(path)

    return of


def pitches(tune: Tune) -> list[int]:
    return [tone.pitch for tone in tune.tones]


def lengths(tune: Tune) -> list[float]:
    return [tone.beats for tone in tune.tones]


def test_read_tune_octaves(read) -> None:
    assert pitches(read("C, C c c'")) == [48, 60, 72, 84]


def test_read_tune_key_signatures(read) -> None:
    assert pitches(read("F C G B", key="D")) == [66, 61, 67, 71]
    assert pitches(read("B E A D", key="Eb")) == [70, 63, 68, 62]


@pytest.mark.parametrize(("key", "tonic"), [("C", 0), ("G", 7), ("F", 5), ("Eb", 3), ("A", 9), ("Db", 1)])
def test_read_tune_tonic(read, key: str, tonic: int) -> None:
    assert read("C2 C2", key=key).tonic == tonic


def test_read_tune_accidentals_hold_to_the_bar_line(read) -> None:
    assert pitches(read("^F F =F F | F ^f F _B")) == [66, 66, 65, 65, 65, 78, 65, 70]


def test_read_tune_lengths(read) -> None:
    assert lengths(read("C C2 C/ C3/2 C// C/4")) == [1.0, 2.0, 0.5, 1.5, 0.25, 0.25]
    assert lengths(read("C C2", unit="1/8")) == [0.5, 1.0]


def test_read_tune_triplets_and_broken_rhythm(read) -> None:
    assert lengths(read("(3CDE F")) == pytest.approx([2 / 3, 2 / 3, 2 / 3, 1.0])
    assert lengths(read("C>D E<F")) == [1.5, 0.5, 0.5, 1.5]


def test_read_tune_joins_ties_also_over_the_bar_line(read) -> None:
    tune = read("C2 D2- | D E- E2 |")
    assert pitches(tune) == [60, 62, 64]
    assert lengths(tune) == [2.0, 3.0, 3.0]
    assert tune.ends[1] == Place(1.0, 1, 0)


def test_read_tune_drops_words_decorations_slurs_and_graces(read) -> None:
    tune = read('!fermata!C "^Refrain"(D E) {FG}F |]', metre="4/4")
    assert pitches(tune) == [60, 62, 64, 65]
    assert lengths(tune) == [1.0] * 4


def test_read_tune_takes_the_top_of_a_chord(read) -> None:
    tune = read("[C2E2] [CG]2 [Ac]")
    assert pitches(tune) == [64, 67, 72]
    assert lengths(tune) == [2.0, 2.0, 1.0]


def test_read_tune_lets_rests_pass(read) -> None:
    tune = read("C z D x2 E")
    assert [tone.start_beat for tone in tune.tones] == [0.0, 2.0, 5.0]


def test_read_tune_leaves_out_a_second_layer(read) -> None:
    assert pitches(read("C D & E F | G2")) == [60, 62, 67]


def test_read_tune_counts_an_upbeat_to_the_end_of_its_bar(read) -> None:
    tune = read("G | C D E F | G4 |")
    assert tune.starts[:3] == (Place(3.0, -1, 0), Place(0.0, 0, 0), Place(1.0, 0, 0))
    assert tune.ends[0] == Place(0.0, 0, 0)
    assert tune.ends[4] == Place(0.0, 1, 0)


def test_read_tune_goes_on_in_the_bar_over_a_line_end(read) -> None:
    tune = read("C D E F | G3", "A | B4 |")
    assert tune.starts[5] == Place(3.0, 1, 0)


@pytest.mark.parametrize(("metre", "kind"), [
    ("4/4", 0), ("2/2", 0), ("3/4", 1), ("3/2", 1), ("6/8", 2), ("none", 3)])
def test_read_tune_tells_metres_apart(read, metre: str, kind: int) -> None:
    assert read("C D", metre=metre).starts[0].metre == kind


def test_read_tune_follows_a_change_inside(read) -> None:
    tune = read("C D E F | [M:3/4] [K:G] F [L:1/8] G2 A |")
    assert pitches(tune)[4:] == [66, 67, 69]
    assert lengths(tune)[4:] == [1.0, 1.0, 0.5]
    assert [place.metre for place in (tune.starts[0], tune.starts[4])] == [0, 1]
    assert tune.tonic == 0  # the key that it begins in


def test_read_tune_knows_a_minor_tune_by_its_end(read) -> None:
    assert read("A c B A").minor
    assert not read("C E D C").minor


def test_read_tune_refuses_a_file_without_melody(tmp_path: Path) -> None:
    path = tmp_path / "empty.abc"
    path.write_text(HEADER.format(metre="4/4", unit="1/4", key="C"))
    with pytest.raises(ValueError, match="empty: no notes in voice S1V1"):
        read_tune(path)


@pytest.mark.parametrize("key", ["Hp", "G# maj", "Dxyz", "?"])
def test_read_tune_refuses_a_key_that_it_does_not_know(read, key: str) -> None:
    with pytest.raises(ValueError, match=r"tune: key .* (is no major, minor or church mode|has more than)"):
        read("C D", key=key)


@pytest.mark.parametrize(("key", "tonic"), [
    ("Am", 0), ("Bmin", 2), ("D dorian", 0), ("G mix", 0), ("F#m", 9), ("none", 0), ("G clef=treble", 7)])
def test_read_tune_takes_the_signature_of_other_modes(read, key: str, tonic: int) -> None:
    assert read("C D", key=key).tonic == tonic


@pytest.mark.parametrize("line", ["C0 D", "C/0 D", "[L:1/0] C D", "[L:x] C D"])
def test_read_tune_refuses_lengths_of_nothing(read, line: str) -> None:
    with pytest.raises(ValueError, match=r"^tune: length"):
        read(line)


def test_read_tune_double_broken_rhythm_and_bars_of_rest(read) -> None:
    assert lengths(read("C>>D E<<F")) == [1.75, 0.25, 0.25, 1.75]
    assert [tone.start_beat for tone in read("C4 | Z2 | D4").tones] == [0.0, 12.0]


def test_read_tune_of_one_voice_and_several_tunes_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "book.abc"
    path.write_text(
        "X: 7\nT: One, Two\nM: 6/8\nK: Am\nA2B c2d | e3-e3 |\nw: some words\n\nX: 9\nT: bad\nK: Zz\nABC\n\n"
        "X: 12\nM: C|\nL: 1/4\nK: D\n|: F G A2 :|\n")
    found = read_tunes(path)
    assert [tune.name for tune in found.tunes] == ["book#7", "book#12"]
    assert list(found.skipped) == ["book#9"]
    one, other = found.tunes
    assert pitches(one) == [69, 71, 72, 74, 76]
    assert lengths(one) == [1.0, 0.5, 1.0, 0.5, 3.0]  # an unmarked note is an eighth
    assert one.bar_beats == 3.0
    assert pitches(other) == [66, 67, 69]
    with pytest.raises(ValueError, match="book#9: key 'Zz'"):
        read_tune(path)


def test_read_tune_takes_the_voice_named_as_lead_wherever_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "score.abc"
    body = "X:1\nM:4/4\nL:1/4\nK:C\nV:{0}\nCDEF|\nV:{1}\nGABc|\n[V:{0}] G4|\n"
    path.write_text(body.format("S1V2", "S1V1"))
    assert pitches(read_tune(path)) == [67, 69, 71, 72]
    path.write_text(body.format("soprano", "alto"))
    assert pitches(read_tune(path)) == [60, 62, 64, 65, 67]  # no lead by name: the first


def test_read_folder_skips_what_it_cannot_read_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "good.abc").write_text("X:1\nK:C\nCDE|\n")
    (tmp_path / "good.ABC").write_text("X:1\nK:C\nEDC|\n")
    (tmp_path / "empty.abc").write_text("")
    (tmp_path / "binary.abc").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "silent.abc").write_text("X:1\nK:C\nz4|z4|\n")
    found = read_folder(tmp_path)
    assert sorted(tune.name for tune in found.tunes) == ["good", "sub/good.abc"]
    assert set(found.skipped) == {"empty", "binary", "silent"}
    assert found.skipped["silent"].startswith("no notes in voice S1V1 or S1")
    assert found.skipped["empty"].startswith("no ABC notation")


written = st.text("ABCKVMLXG:|[]1/2<>(3'-z&\n ^_=!", max_size=300).map(str.encode)


@given(content=st.binary(max_size=300) | written)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_read_tunes_survives_any_content(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.abc"
    path.write_bytes(content)
    found = read_tunes(path)
    assert all(reason for reason in found.skipped.values())
    for tune in found.tunes:
        assert len(tune.tones) == len(tune.starts) == len(tune.ends) >= 2
        assert all(tone.beats > 0 for tone in tune.tones)


@pytest.mark.parametrize("there", [True, False])
def test_read_folder_refuses_a_folder_without_tunes(tmp_path: Path, there: bool) -> None:
    with pytest.raises(RecordingError, match="give the folder that holds the"):
        read_folder(tmp_path if there else tmp_path / "absent")


def test_read_folder_refuses_when_no_file_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.abc").write_text("words")
    with pytest.raises(RecordingError, match=r"none of 1 \.abc files .* first, a: no ABC notation"):
        read_folder(tmp_path)


def test_read_folder_agrees_with_the_table_of_tunes(tunes: list[Tune], shared_data: Path) -> None:
    with (shared_data / "melody" / "tunes.csv").open(encoding="utf-8") as file:
        table = {row["file"].removesuffix(".abc"): row for row in csv.DictReader(file)}
    differing = []
    for tune in tunes:
        row, heights = table[tune.name], pitches(tune)
        measured = len(heights), max(heights) - min(heights)
        if measured != (int(row["notes"]), int(row["range_semitones"])):
            differing.append(tune.name)
    # One score writes two layers into its melody; the table counts a note of the second.
    assert differing == ["Jesus_Wants_All_Of_His_Children-Blessed_Are_They"]


def test_read_folder_gives_the_known_statistics(tunes: list[Tune]) -> None:
    steps = Counter[str]()
    for tune in tunes:
        heights = pitches(tune)
        for before, after in itertools.pairwise(heights):
            leap = abs(after - before)
            steps["repeat" if leap == 0 else "step" if leap <= 2 else "third" if leap <= 4 else "wide"] += 1
    total = steps.total()
    # The data's README, over 282 tunes: repeats 16.6 %, steps 58.4 %, thirds 14.9 %.
    assert steps["repeat"] / total == pytest.approx(0.166, abs=0.01)
    assert steps["step"] / total == pytest.approx(0.584, abs=0.01)
    assert steps["third"] / total == pytest.approx(0.149, abs=0.01)
