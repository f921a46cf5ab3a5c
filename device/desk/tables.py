"""The key figures in words, as the tables of the report."""

from __future__ import annotations

from typing import NamedTuple

from device.desk.figures import Figures, HeartFigures, Loudness, Onset, ReactionFigures, StressFigures


class Row(NamedTuple):
    """One figure: its name, its value with unit, and how it was measured."""

    name: str
    value: str
    note: str = ""


class Table(NamedTuple):
    """Figures that belong together."""

    title: str
    rows: list[Row]


def tables_of(figures: Figures, ceiling_lufs: float | None) -> list[Table]:
    """Return the tables of the report.

    Args:
        figures: what was measured.
        ceiling_lufs: the configured loudness ceiling, None when it is not known.
    """
    return [
        Table("From the press to the sound", _onset_rows(figures.onset)),
        Table("Sound", _sound_rows(figures.loudness, ceiling_lufs)),
        Table("Stress", _stress_rows(figures.stress) + _reaction_rows(figures.reactions)),
        Table("Pulse", _heart_rows(figures.heart)),
        Table("Music", [
            Row("Phrases composed", f"{figures.phrases}"),
            Row("Notes composed", f"{figures.notes}"),
        ]),
        Table("Unit", [
            Row("Faults", f"{len(figures.faults)}", "each spell counts"),
            Row("Steps that came late", _late(figures.late_steps), "more than one period overdue"),
            Row("Messages at the broker", f"{sum(figures.mqtt_by_topic.values())}"),
        ]),
    ]


def _onset_rows(onset: Onset) -> list[Row]:
    return [
        Row("Player sounds", _number(onset.to_player_s, " s", 2), "its own word, to 0.1 s"),
        Row("First sample", _number(onset.to_sample_s, " s", 3), "the recording's first that is not 0"),
        Row("First audible", _number(onset.to_audible_s, " s", 2), "first 50 ms above \N{MINUS SIGN}60 dBFS"),
    ]


def _sound_rows(loudness: Loudness | None, ceiling_lufs: float | None) -> list[Row]:
    if loudness is None:
        return [Row("Recording", "absent")]
    ceiling = "ceiling not known" if ceiling_lufs is None else f"ceiling {_number(ceiling_lufs, ' LUFS', 0)}"
    return [
        Row("Integrated loudness", _number(loudness.integrated_lufs, " LUFS", 1), "ITU-R BS.1770-4"),
        Row("Loudest 3 seconds", _number(loudness.loudest_3s_lufs, " LUFS", 1), ceiling),
        Row("Sample peak", _number(loudness.peak_dbfs, " dBFS", 1)),
        Row("Largest rise in 50 ms", _number(loudness.rise_db, " dB", 1), _where(loudness.rise_at_s)),
        Row("Largest fall in 50 ms", _number(loudness.fall_db, " dB", 1), _where(loudness.fall_at_s)),
    ]


def _stress_rows(stress: StressFigures) -> list[Row]:
    rows = [Row("Unknown", _percent(stress.unknown_share), f"of {stress.seconds} estimates")]
    if stress.arousal_correlation is not None:
        rows.append(Row("Correlation with true arousal", _number(stress.arousal_correlation, "", 2),
                        "Pearson's r, simulated patient"))
    if stress.labelled_seconds or stress.labelled_unknown:
        rows += [
            Row("Mean level under stress", _number(stress.mean_in_stress, "", 2), "labelled, after 5 min"),
            Row("Mean level at rest", _number(stress.mean_in_rest, "", 2), "the same"),
            Row("AUC", _number(stress.auc, "", 2),
                f"{stress.labelled_seconds} labelled s with an estimate, {stress.labelled_unknown} without"),
            Row("Balanced accuracy", _number(stress.balanced_accuracy, "", 2),
                "stressed from 0.5 up; flattered if the model was trained on this person"),
        ]
    elif stress.arousal_correlation is None:
        rows.append(Row("Truth", "absent", "neither a simulated arousal nor labels after the first 5 min"))
    return rows


def _reaction_rows(reactions: ReactionFigures) -> list[Row]:
    most, least = _number(reactions.largest_rise, "", 2), _number(reactions.largest_fall, "", 2)
    return [
        Row("Skin jumped", f"{reactions.rises} times", f"the most {most} of 1"),
        Row("Skin fell", f"{reactions.falls} times", f"the most {least} of 1"),
    ]


def _heart_rows(heart: HeartFigures) -> list[Row]:
    return [
        Row("Mean absolute error", _number(heart.window_mae_bpm, " bpm", 1), "truth over the same window"),
        Row("The same, at once", _number(heart.instant_mae_bpm, " bpm", 1), "truth at that second"),
        Row("Usable pulse", _percent(heart.usable_share), "of the seconds"),
        Row("Session, first minute", _number(heart.first_bpm, " bpm", 1), "as measured"),
        Row("Session, last minute", _number(heart.last_bpm, " bpm", 1), "as measured; no claim of an effect"),
    ]


def _number(value: float | None, unit: str, digits: int) -> str:
    """Return a number for reading, with a true minus sign, or an en dash when it is not known."""
    return "–" if value is None else f"{value:.{digits}f}{unit}".replace("-", "−")  # noqa: RUF001 - typography


def _percent(share: float | None) -> str:
    """Return a share in percent."""
    return _number(None if share is None else 100 * share, " %", 1)


def _where(at_s: float) -> str:
    """Say where in the recording something is."""
    return f"at {int(at_s // 60)}:{at_s % 60:05.2f} of the recording"


def _late(steps: dict[str, int]) -> str:
    """Name the services that were late, and how often."""
    late = [f"{service} {count}" for service, count in sorted(steps.items()) if count]
    return ", ".join(late) or "none"
