"""How a command fails: the project's own errors become one line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import click

from device.errors import (
    EXIT_CONFIG,
    EXIT_SOFTWARE,
    ConfigError,
    DeviceConfigError,
    RecordingError,
    TranquilloError,
)

P = ParamSpec("P")


def one_line_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Turn the project's own errors into one line on standard error and an exit code."""

    @wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        """Run the command."""
        try:
            command(*args, **kwargs)
        except (ConfigError, DeviceConfigError, RecordingError) as error:  # the services' rule as well
            click.echo(f"tranquillo: {error}", err=True)
            sys.exit(EXIT_CONFIG)
        except TranquilloError as error:
            click.echo(f"tranquillo: {error}", err=True)
            sys.exit(EXIT_SOFTWARE)

    return guarded
