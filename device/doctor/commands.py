"""The commands of `tranquillo` that look after a unit; what they need is imported when they run."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from device.config import DEFAULT_PATH, load
from device.failures import one_line_errors

FAMILIES = ("services", "models", "storage", "machine", "clock", "sound", "adc", "headset", "broker")
config_option = click.option(
    "--config", "config_path", type=click.Path(path_type=Path), default=DEFAULT_PATH, show_default=True,
    help="The device's configuration file.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")


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

    report = examine(look(load(config_path)), families or FAMILIES)
    click.echo(msgspec.json.encode(report).decode() if as_json else text_of(report))
    sys.exit(exit_status(report.outcome))


COMMANDS: tuple[click.Command, ...] = (doctor,)
