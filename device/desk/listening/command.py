"""What `tranquillo listen` prints, and its exit code."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

from device.config import Settings
from device.errors import TranquilloError
from device.messages import Style

EXIT_OUTSIDE = 1
NEEDED = ("librosa", "pyloudnorm")


class NotInstalled(TranquilloError, ImportError):
    """The libraries that the listening test measures with are absent."""


def run(*, patients: tuple[str, ...], styles: tuple[Style, ...], minutes: float, long_minutes: float,
        scores: int, score_minutes: float, out: Path) -> int:
    """Run a listening test as asked for and return 0, or 1 if anything is outside its bounds.

    Sessions without sound need nothing beside the desk's own libraries.

    Raises:
        NotInstalled: the extra `listen` is not installed.
        RenderError: a session could not be rendered.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing and (patients or long_minutes):
        raise NotInstalled(f"{' and '.join(missing)} missing; `make listen` installs it, or "
                           "pip install -e '.[listen]'")
    from device.desk.listening.listen import ListenOptions, listen

    options = ListenOptions(
        patients=patients, styles=styles, minutes=minutes, long_minutes=long_minutes, scores=scores,
        score_minutes=score_minutes, models=Path(Settings(unit_id="desk").models_dir), out=out)
    found = listen(options, lambda name: click.echo(f"  {name}"))
    for failure in found.failures:
        value = "not known" if failure.value is None else f"{failure.value:.3g}"
        click.echo(f"OUTSIDE {failure.session}: {failure.figure} {value}, bound {failure.bound}")
    click.echo(f"{len(found.sessions)} sessions, {len(found.failures)} figures outside their bounds. "
               f"Look at {found.page}")
    return EXIT_OUTSIDE if found.failures else 0
