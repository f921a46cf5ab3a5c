"""The commands of `tranquillo` that look after a unit; what they need is imported when they run."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import click

from device.config import DEFAULT_PATH, load
from device.errors import TranquilloError
from device.failures import one_line_errors

LOGS = ("sensors", "headset", "estimator", "conductor", "player", "telemetry", "light", "simulator")
FAMILIES = ("services", "models", "storage", "machine", "clock", "broker", "sound", "adc", "headset")
config_option = click.option(
    "--config", "config_path", type=click.Path(path_type=Path), default=DEFAULT_PATH, show_default=True,
    help="The device's configuration file.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")


class BundleError(TranquilloError, OSError):
    """The support bundle cannot be written."""


@click.command()
@config_option
@json_option
@click.option("--only", "families", type=click.Choice(FAMILIES), multiple=True,
              help="Look at this only; repeat for more [default: everything].")
@one_line_errors
def doctor(config_path: Path, as_json: bool, families: tuple[str, ...]) -> None:
    """Examine this unit and say what to do.

    Exits with 0 when all is well, 2 when something needs attention, 1 when something does not work, and 78
    when the configuration is wrong. A running session is not disturbed: what a service holds is judged by
    what the service says.
    """
    import msgspec

    from device.doctor.examine import examine, look
    from device.doctor.result import exit_status
    from device.doctor.text import text_of

    with contextlib.closing(look(load(config_path))) as scene:
        report = examine(scene, families or FAMILIES)
    click.echo(msgspec.json.encode(report).decode() if as_json else text_of(report))
    sys.exit(exit_status(report.outcome))


@click.command()
@config_option
@json_option
@one_line_errors
def status(config_path: Path, as_json: bool) -> None:
    """Show what this unit does now, on one screen; nothing of the patient but contact."""
    import msgspec

    from device.doctor.heard import listen
    from device.doctor.scene import ask_system
    from device.doctor.services import units_of
    from device.doctor.status import LISTEN_S, screen, status_of

    settings = load(config_path)
    heard = listen(Path(settings.run_dir), LISTEN_S)
    found = status_of(settings, heard, units_of(settings, Path("/"), ask_system))
    click.echo(msgspec.json.encode(found).decode() if as_json else screen(found))


@click.group()
def calibrate() -> None:
    """Calibrate a sensor."""


@calibrate.command()
@config_option
@click.option("--resistor", "resistors", multiple=True, metavar="OHM",
              help="A resistor that will be connected, such as 47k; repeat for more [default: asked for].")
@click.option("--samples", type=click.IntRange(10, 10_000), default=200, show_default=True,
              help="Reads a resistor, 100 a second.")
@click.option("--write", is_flag=True, help="Write the values into the configuration file; comments stay.")
@one_line_errors
def gsr(config_path: Path, resistors: tuple[str, ...], samples: int, write: bool) -> None:
    """Calibrate the skin conductance circuit with known resistors.

    Needs the sensors service stopped, and two resistors or more (better four: 47k, 100k, 220k, 1M, of 1 %)
    that are clipped in turn between the electrodes' wires, with nobody touching them.
    """
    from device.clock import SystemClock
    from device.doctor.bench import collect, converter
    from device.doctor.calibrate import fit, table
    from device.doctor.edit import toml_lines, write_calibration
    from drivers.open import default_parts

    settings, clock = load(config_path), SystemClock()
    with (contextlib.closing(default_parts(Path(settings.run_dir))) as parts,
          converter(settings, parts, clock) as adc):
        points = collect(
            adc, clock, settings.sensors.gsr.channel, samples, known=resistors, tell=click.echo,
            ask=lambda question: str(click.prompt(question, default="", show_default=False)))
    found = fit(points, settings.sensors.gsr)
    click.echo(table(points, found))
    if write:
        write_calibration(config_path, found.gsr)
        click.echo(f"{config_path} now holds:")
    else:
        click.echo(f"Put these lines into {config_path}; on a provisioned unit, into the host's variables:")
    click.echo(toml_lines(found.gsr))


@click.command()
@click.argument("service", type=click.Choice(LOGS), required=False, default=None)
@click.option("--since", default="", metavar="TIME", help="As journalctl has it: -1h, today, 2026-03-01.")
@click.option("--lines", type=click.IntRange(1), default=None, help="Only the newest so many.")
@click.option("--follow", is_flag=True, help="Go on as lines arrive, until Ctrl-C.")
@one_line_errors
def logs(service: str | None, since: str, lines: int | None, follow: bool) -> None:
    """Show the log of one SERVICE, or of all."""
    import subprocess

    from device.doctor.journal import find_journalctl, journal_words

    words = journal_words(service or "", since=since, follow=follow, lines=lines or 0)
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(subprocess.run([find_journalctl(), *words[1:]], check=False).returncode)  # noqa: S603


@click.command(name="support-bundle")
@config_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=None,
              help="The file [default: tranquillo-support-TIME.tar.gz here].")
@one_line_errors
def support_bundle(config_path: Path, out: Path | None) -> None:
    """Write a file for whoever helps from outside.

    It holds what doctor, status and config show say, the log of the last week, and versions. Keys, names,
    networks and addresses are taken out. Look through it before you send it.
    """
    import socket
    import time

    from device.doctor.bundle import contents, write_bundle
    from device.doctor.examine import examine, look
    from device.doctor.redact import Redactor, names_of
    from device.doctor.status import status_of

    settings = load(config_path)
    with contextlib.closing(look(settings)) as scene:
        redactor = Redactor(names_of(scene.root, socket.gethostname(), settings.telemetry.broker_host))
        status_now = status_of(settings, scene.heard, scene.units, scene.root)
        files = contents(scene, examine(scene), status_now, redactor)
    path = out or Path(time.strftime("tranquillo-support-%Y%m%d-%H%M%S.tar.gz"))
    try:
        write_bundle(path, files)
    except OSError as error:
        raise BundleError(f"{path}: cannot be written ({error.strerror}); name another with --out") from error
    click.echo(f"{path}: {len(files)} files; look through it before you send it")


COMMANDS: tuple[click.Command, ...] = (doctor, status, calibrate, logs, support_bundle)
