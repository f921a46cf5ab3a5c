"""The evaluation commands of `tranquillo`; what they need is imported when they run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import click

from device.failures import one_line_errors

EXIT_OUTSIDE = 1  # a bound is not kept
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


@click.command()
@click.option("--people", type=click.IntRange(10, 5000), default=400, show_default=True,
              help="How many simulated listeners.")
@click.option("--minutes", type=click.FloatRange(2, 60), default=20.0, show_default=True,
              help="Length of the program.")
@click.option("--seed", type=click.IntRange(1, 2**20), default=1, show_default=True,
              help="Repeats the population.")
@click.option("--chain", "chain_people", type=click.IntRange(0, 20), default=4, show_default=True,
              help="How many of them also live through the real chain, from volts to music.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("out/efficacy"),
              show_default=True, help="Where efficacy.json and efficacy.png are left.")
@one_line_errors
def efficacy(people: int, minutes: float, seed: int, chain_people: int, out: Path) -> None:
    """Compare closed loop, open loop, sham and silence on simulated listeners; exit 1 outside the bounds.

    A simulation: it shows whether the loop does what it should, and no medical effect.
    """
    from device.evaluation.efficacy.arms import run_sessions, unled
    from device.evaluation.efficacy.chain import pick, through_chain
    from device.evaluation.efficacy.listeners import draw_listeners
    from device.evaluation.efficacy.plot import draw
    from device.evaluation.efficacy.report import efficacy_of, json_text, table

    listeners = draw_listeners(people, seed)
    with click.progressbar(length=people, label="Listeners", file=sys.stderr,
                           hidden=not sys.stderr.isatty()) as bar:
        sessions = run_sessions(listeners, minutes=minutes, seed=seed, done=lambda: bar.update(1))
    program = unled(round(60 * minutes), None)
    courses = [through_chain(one, program, minutes=minutes) for one in pick(listeners, chain_people)]
    found = efficacy_of(sessions, courses, minutes=minutes, seed=seed)
    out.mkdir(parents=True, exist_ok=True)
    (out / "efficacy.json").write_text(json_text(found), encoding="utf-8")
    (out / "efficacy.png").write_bytes(draw(sessions, courses))
    click.echo(table(found))
    click.echo(f"Look at {out / 'efficacy.png'}; all figures are in {out / 'efficacy.json'}")
    if not found.passed:
        sys.exit(EXIT_OUTSIDE)


@click.command(name="evaluate-melody")
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
@one_line_errors
def evaluate_melody(folder: Path, as_json: bool) -> None:
    """Say how well the melody network foretells tunes, in bits per next interval and per next duration.

    FOLDER holds tunes in ABC notation (.abc), at or below it; of each the voice S1V1 or S1 counts, else the
    first or only one. Intervals are in 27 classes, rests are skipped. What cannot be read is left out and
    named.
    """
    import msgspec

    from device.evaluation import melody

    found = melody.evaluate_melody(folder)
    click.echo(msgspec.json.encode(found).decode() if as_json else melody.table(found))


COMMANDS: tuple[click.Command, ...] = (evaluate, evaluate_ppg, evaluate_eeg, efficacy, evaluate_melody)
