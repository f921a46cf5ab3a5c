"""The error tree: one base, a builtin beside it, and the exit code that systemd sees."""

from __future__ import annotations

from drivers.errors import DeviceConfigError, DeviceLost, RecordingError, TranquilloError

__all__ = [
    "EXIT_AUDIO_LOST",
    "EXIT_CONFIG",
    "EXIT_OK",
    "EXIT_SOFTWARE",
    "AlreadyRunning",
    "AudioLost",
    "ConfigError",
    "DeviceConfigError",
    "DeviceLost",
    "ModelError",
    "RecordingError",
    "TranquilloError",
]

EXIT_OK = 0
EXIT_SOFTWARE = 70  # EX_SOFTWARE: a defect; systemd restarts the unit
EXIT_AUDIO_LOST = 74  # EX_IOERR: the sound back-end died; systemd restarts the unit
EXIT_CONFIG = 78  # EX_CONFIG: restarting cannot help (RestartPreventExitStatus=78)


class ConfigError(TranquilloError, ValueError):
    """The configuration is wrong; names file, key, value, allowed range and the nearest known key."""


class ModelError(TranquilloError, ValueError):
    """A model file is absent, damaged or not the one its card describes."""


class AudioLost(TranquilloError, RuntimeError):
    """The sound back-end stopped consuming samples; the process must be restarted."""


class AlreadyRunning(TranquilloError, RuntimeError):
    """Another process of this service uses the same run directory; two players would play at once."""
