"""The `tranquillo` command: run the appliance at a desk, check its configuration."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from device.config import DEFAULT_PATH, load
from device.doctor.commands import COMMANDS as CARE
from device.evaluation.commands import COMMANDS as EVALUATION
from device.failures import one_line_errors
from device.messages import Style

SIMULATED_MINUTES = 3.0
EVENTFUL_SEED = 620  # this simulated patient is disturbed at 1.7 minutes, so a short run shows the loop

config_option = click.option(
    "--config", "config_path", type=click.Path(path_type=Path), default=DEFAULT_PATH, show_default=True,
    help="The device's configuration file.",
)


@click.group()
@click.version_option(package_name="tranquillo")
def main() -> None:
    """Tranquillo, a bedside relaxation device."""


@main.command()
@click.option("--patient", default="sim", show_default=True, metavar="sim|PATH",
              help="A simulated patient, or the folder of an Empatica E4 recording.")
@click.option("--minutes", type=click.FloatRange(1, 90), default=None,
              help="Length of the program [default: 3, or the whole recording].")
@click.option("--speed", type=click.FloatRange(0, 1000), default=1.0, show_default=True,
              help="1 is real time with six processes; more is the manual clock; 0 as fast as it goes.")
@click.option("--seed", type=click.IntRange(1, 2**31 - 1), default=EVENTFUL_SEED, show_default=True,
              help="Repeats patient and music.")
@click.option("--interactive", is_flag=True, help="Press the button yourself: Enter; h Enter holds it.")
@click.option("--faults", default="", metavar="FILE", help="A scenario of faults (TOML).")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("out"),
              show_default=True, help="Where audio, score, messages and report are left.")
@one_line_errors
def run(patient: str, minutes: float | None, speed: float, seed: int, interactive: bool,
        faults: str, out: Path) -> None:
    """Run a session on simulated hardware and leave a report."""
    from device.desk.run import run_session
    from device.desk.setup import RunOptions, choose_backend, program_minutes

    backend, audio_device = choose_backend(speed)
    options = RunOptions(
        patient=patient, minutes=minutes or program_minutes(patient, SIMULATED_MINUTES), speed=speed,
        seed=seed, interactive=interactive, out=out, faults=faults, backend=backend,
        audio_device=audio_device,
    )
    click.echo(f"Sound: {audio_device or 'no sound card found, to the file only'}")
    with click.progressbar(length=round(60 * options.minutes), label="Session", show_pos=False) as bar:
        def progress(elapsed_s: float, word: str) -> None:
            """Show what happens and how far the session is."""
            bar.label = word.capitalize().ljust(22)
            bar.update(max(0, round(elapsed_s) - bar.pos))

        report = run_session(options, progress)
    click.echo(f"Look at {report}, listen to {out / 'session.wav'}")


@main.command()
@config_option
@one_line_errors
def up(config_path: Path) -> None:
    """Run all services here under a process manager until interrupted or terminated."""
    from device.desk.up import Supervisor, termination_as_interrupt

    with termination_as_interrupt():
        supervisor = Supervisor(config_path, load(config_path))
        try:
            sys.exit(supervisor.wait())
        except KeyboardInterrupt:
            supervisor.stop()


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), default=Path("out"))
@one_line_errors
def report(folder: Path) -> None:
    """Write the report of a finished run again."""
    from device.desk.report import write_report

    click.echo(f"Report: {write_report(folder)}")


@main.command()
@click.option("--seconds", type=click.IntRange(10, 3600), default=60, show_default=True,
              help="How long to watch the processes during a session.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("out"),
              show_default=True, help="Where bench.json is left.")
@click.option("--jack", is_flag=True,
              help="Play through a JACK server of its own without a sound card; counts missed deadlines.")
@click.option("--idle", is_flag=True,
              help="Let the processors go idle; a virtual machine then charges every wake-up dearly.")
@one_line_errors
def bench(seconds: int, out: Path, jack: bool, idle: bool) -> None:
    """Measure latency, memory and processor time of a real-time session."""
    from device.desk.bench import describe, measure

    click.echo(describe(measure(out, seconds, jack=jack, awake=not idle)))


@main.command()
@click.option("--patient", "patients", type=click.Choice(["calm", "tense", "falling"]), multiple=True,
              help="Whose sessions are heard; repeat for more [default: all].")
@click.option("--style", "styles", type=click.Choice([style.value for style in Style]), multiple=True,
              help="In which style; repeat for more [default: all].")
@click.option("--minutes", type=click.FloatRange(1, 90), default=2.0, show_default=True,
              help="Length of each session that is heard.")
@click.option("--long", "long_minutes", type=click.FloatRange(0, 90), default=10.0, show_default=True,
              help="Length of one more, for the spectrum of its loudness; 0 leaves it out.")
@click.option("--scores", type=click.IntRange(0, 1000), default=20, show_default=True,
              help="How many sessions are composed without sound.")
@click.option("--score-minutes", type=click.FloatRange(1, 90), default=30.0, show_default=True,
              help="Length of each of these.")
@click.option("--no-sound", is_flag=True, help="Only the sessions without sound.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("out/listen"),
              show_default=True, help="Where pages, figures and recordings are left.")
@one_line_errors
def listen(patients: tuple[str, ...], styles: tuple[str, ...], minutes: float, long_minutes: float,
           scores: int, score_minutes: float, no_sound: bool, out: Path) -> None:
    """Render sessions, measure them, and fail if the music is outside its bounds (docs/listening.md)."""
    from device.desk.listening.command import run

    sys.exit(run(patients=() if no_sound else patients or ("calm", "tense", "falling"),
                 styles=tuple(Style(style) for style in styles) or tuple(Style), minutes=minutes,
                 long_minutes=0.0 if no_sound else long_minutes, scores=scores,
                 score_minutes=score_minutes, out=out))


@main.group()
def config() -> None:
    """Look at the configuration."""


@config.command()
@config_option
@one_line_errors
def check(config_path: Path) -> None:
    """Say whether the configuration is good; exit 78 and one line if it is not."""
    load(config_path)
    click.echo(f"{config_path}: good")


@config.command()
@config_option
@one_line_errors
def show(config_path: Path) -> None:
    """Show every key with the value in force; secrets are masked."""
    from device.doctor.masked import masked

    click.echo(msgspec.json.format(msgspec.json.encode(masked(load(config_path))), indent=2).decode())


for command in (*CARE, *EVALUATION):
    main.add_command(command)

if __name__ == "__main__":
    main()
