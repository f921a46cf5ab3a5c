"""The evaluation commands of `tranquillo`; what they need is imported when they run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import click

from device.failures import one_line_errors

folders_argument = click.argument(
    "folders", nargs=-1, required=True, metavar="FOLDER...", type=click.Path(path_type=Path))
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


@click.command()
@folders_argument
@click.option("--fast", is_flag=True, help="Skip the simulated converter; the figures agree closely.")
@json_option
@click.option("--context", type=click.Choice(["60", "120"]), default="60", show_default=True,
              help="Seconds of signal behind each scored level.")
@one_line_errors
def evaluate(folders: tuple[Path, ...], fast: bool, as_json: bool, context: Literal["60", "120"]) -> None:
    """Say how well stress is told from rest on Empatica E4 recordings with intervals.csv.

    The shipped path runs over each recording as if it were happening: volts, converter, driver, features,
    model. Each FOLDER holds one person's BVP, EDA and TEMP and the protocol in intervals.csv.
    """
    from device.evaluation.people import check_folders
    from device.evaluation.report import json_text, table
    from device.evaluation.stress import evaluate_people

    people = check_folders(folders)
    with click.progressbar(length=len(people), label="Recordings", file=sys.stderr,
                           hidden=not sys.stderr.isatty()) as bar:
        found = evaluate_people(people, fast=fast, context_s=float(context), done=lambda: bar.update(1))
    click.echo(json_text(found) if as_json else table(found))


@click.command(name="evaluate-ppg")
@click.argument("signal", metavar="CSV", type=click.Path(path_type=Path))
@click.option("--rate", "rate_hz", type=float, required=True, help="Sample rate of the recording in Hz.")
@click.option("--beats", type=click.Path(path_type=Path), required=True, metavar="CSV",
              help="Reference beats, one a line, in seconds or sample numbers.")
@json_option
@one_line_errors
def evaluate_ppg(signal: Path, rate_hz: float, beats: Path, as_json: bool) -> None:
    """Compare the pulse that the device finds in a recording with reference beats.

    The shipped tracker runs over CSV (the pulse in its last column, .gz or not) second by second.
    """
    import msgspec

    from device.evaluation.pulse import evaluate_pulse, table

    found = evaluate_pulse(signal, rate_hz, beats)
    click.echo(msgspec.json.encode(found).decode() if as_json else table(found))


@click.command(name="evaluate-eeg")
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
@one_line_errors
def evaluate_eeg(folder: Path, as_json: bool) -> None:
    """Say how well mental arithmetic is told from rest by EEG, by heart rate and by both.

    FOLDER holds NAME_rest.csv and NAME_task.csv (or .csv.gz) of each person: eight columns of microvolts at
    250 Hz (Fp1, Fp2, C3, C4, P7, P8, O1, O2); NAME_rest_rpeaks.csv and NAME_task_rpeaks.csv are optional.
    """
    from device.evaluation.headset import evaluate_folder, json_text, table

    found = evaluate_folder(folder)
    click.echo(json_text(found) if as_json else table(found))


COMMANDS: tuple[click.Command, ...] = (evaluate, evaluate_ppg, evaluate_eeg)
