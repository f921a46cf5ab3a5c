"""The root of the error tree, and what a driver raises."""

from __future__ import annotations


class TranquilloError(Exception):
    """Base of every error of the project; its text says what the operator should do next."""


class DeviceLost(TranquilloError, OSError):
    """A part stopped answering after the driver's own retries; reopen it with backoff."""


class DeviceConfigError(TranquilloError, ValueError):
    """A part cannot be opened as configured; the configuration has to change."""


class RecordingError(TranquilloError, ValueError):
    """A recording on disk is not in the format its folder claims; names the file and the line."""
