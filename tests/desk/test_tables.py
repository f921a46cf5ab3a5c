"""Figures in words: units, signs, and a dash where nothing is known."""

from __future__ import annotations

import msgspec

from device.desk.figures import Figures, Loudness, Onset, ReactionFigures, measure
from device.desk.tables import tables_of
from device.desk.traces import Traces


def words(figures: Figures, ceiling_lufs: float | None = None) -> dict[str, tuple[str, str]]:
    rows = [row for table in tables_of(figures, ceiling_lufs) for row in table.rows]
    return {row.name: (row.value, row.note) for row in rows}


def nothing() -> Figures:
    return measure(Traces([]), None, [])


def test_tables_of_nothing_say_so() -> None:
    rows = words(nothing())

    assert rows["Player sounds"][0] == "–"  # noqa: RUF001
    assert rows["Recording"][0] == "absent"
    assert rows["Truth"][0] == "absent"
    assert rows["Unknown"] == ("–", "of 0 estimates")  # noqa: RUF001
    assert rows["Steps that came late"][0] == "none"
    assert "AUC" not in rows


def test_tables_round_to_what_was_measured() -> None:
    rows = words(msgspec.structs.replace(
        nothing(), onset=Onset(to_player_s=0.51234, to_sample_s=0.26034, to_audible_s=None)))

    assert rows["Player sounds"][0] == "0.51 s"
    assert rows["First sample"][0] == "0.260 s"
    assert rows["First audible"][0] == "–"  # noqa: RUF001


def test_tables_give_loudness_beside_its_ceiling() -> None:
    loudness = Loudness(duration_s=100.0, integrated_lufs=-39.0, loudest_3s_lufs=-36.24, peak_dbfs=-12.0,
                        rise_db=3.04, rise_at_s=75.5, fall_db=2.0, fall_at_s=10.0)
    figures = msgspec.structs.replace(nothing(), loudness=loudness)

    rows = words(figures, -35.0)

    assert rows["Loudest 3 seconds"] == ("−36.2 LUFS", "ceiling −35 LUFS")  # noqa: RUF001
    assert rows["Largest rise in 50 ms"] == ("3.0 dB", "at 1:15.50 of the recording")
    assert "not known" in words(figures)["Loudest 3 seconds"][1]


def test_tables_show_the_comparison_with_labels_when_there_is_one() -> None:
    stress = msgspec.structs.replace(
        nothing().stress, seconds=900, unknown_share=0.125, labelled_seconds=500, labelled_unknown=100,
        mean_in_stress=0.61, mean_in_rest=0.38, auc=0.744, balanced_accuracy=0.66)

    rows = words(msgspec.structs.replace(nothing(), stress=stress))

    assert rows["Unknown"] == ("12.5 %", "of 900 estimates")
    assert rows["Mean level under stress"][0] == "0.61"
    assert rows["Mean level at rest"][0] == "0.38"
    assert rows["AUC"] == ("0.74", "500 labelled s with an estimate, 100 without")
    assert rows["Balanced accuracy"][0] == "0.66"
    assert "Truth" not in rows


def test_tables_show_the_correlation_of_a_simulated_patient() -> None:
    stress = msgspec.structs.replace(nothing().stress, arousal_correlation=-0.123)

    rows = words(msgspec.structs.replace(nothing(), stress=stress))

    assert rows["Correlation with true arousal"][0] == "−0.12"  # noqa: RUF001
    assert "AUC" not in rows
    assert "Truth" not in rows


def test_tables_show_the_reactions_of_the_skin_with_their_sign() -> None:
    reactions = ReactionFigures(rises=2, falls=1, largest_rise=0.713, largest_fall=-0.3)
    rows = words(msgspec.structs.replace(nothing(), reactions=reactions))

    assert rows["Skin jumped"] == ("2 times", "the most 0.71 of 1")
    assert rows["Skin fell"] == ("1 times", "the most −0.30 of 1")  # noqa: RUF001
    assert words(nothing())["Skin jumped"] == ("0 times", "the most – of 1")  # noqa: RUF001


def test_tables_name_services_that_were_late() -> None:
    rows = words(msgspec.structs.replace(nothing(), late_steps={"player": 3, "sensors": 0, "conductor": 1}))

    assert rows["Steps that came late"][0] == "conductor 1, player 3"
