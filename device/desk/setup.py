"""The configuration of a run at a desk: simulated parts, a local broker, everything under one folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import msgspec

from device.config import Settings, load
from drivers.audio import output_names
from drivers.sim.faults import load_faults
from drivers.sim.recording import open_recording

PROGRAM_LIMITS_MIN = (1.0, 90.0)
DESK_FULL_SCALE_DBA = 85.0  # a small loudspeaker at a desk (assumed), so that the WAV is easy to hear
RECORDING_MARGIN_MIN = 0.5  # so that the program ends before the recording does


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the person asked for.

    `patient` is `sim` or a folder; `minutes` of program; `speed` 1 for real time, above for the manual
    clock (0: as fast as it goes); `out` is where everything is left, the sound if `record`;
    `frames` is the length of a sound buffer.
    """

    patient: str
    minutes: float
    speed: float
    seed: int
    interactive: bool
    out: Path
    faults: str = ""
    backend: Literal["alsa", "jack", "file"] = "file"
    audio_device: str = ""
    record: bool = True
    frames: Literal[512, 1024, 2048] = 512


def check_inputs(options: RunOptions) -> None:
    """Read the recording and the scenario of faults, so that a bad one is refused before anything starts.

    Raises:
        DeviceConfigError: the scenario cannot be read or is wrong.
        RecordingError: the folder holds no readable recording.
    """
    if options.patient != "sim":
        open_recording(Path(options.patient), 0.0)
    if options.faults:
        load_faults(Path(options.faults))


def write_config(options: RunOptions, run_dir: Path, broker_port: int) -> tuple[Path, Settings]:
    """Write the configuration of a run and read it back as the services will.

    Raises:
        ConfigError: an option is out of the range that its key allows.
    """
    is_recording = options.patient != "sim"
    patient = str(Path(options.patient).resolve()) if is_recording else options.patient
    tables: dict[str, dict[str, object]] = {
        "": {"unit_id": "desk", "run_dir": str(run_dir), "state_dir": str(run_dir / "state")},
        "sensors": {"adc": "sim:ads1115"},
        "sensors.temperature": {"channel": 2},
        "headset": {"port": "none" if is_recording else "sim:cyton"},
        "panel": {"pins": "sim:gpio"},
        "program": {"minutes": options.minutes, "seed": options.seed},
        "player": {
            "backend": options.backend, "device": options.audio_device, "frames": options.frames,
            "record": str(options.out.resolve() / "session.wav") if options.record else "",
        },
        "player.loudness": {"full_scale_dba": DESK_FULL_SCALE_DBA},
        "telemetry": {
            "broker_host": "127.0.0.1", "broker_port": broker_port, "heartbeat_s": 15.0,
            "outcome_delay_min_s": 0.0, "outcome_delay_max_s": 0.0,
        },
        "simulator": {"patient": patient, "seed": options.seed, "faults": options.faults},
    }
    path = options.out / "run.toml"
    path.write_text("\n".join(_table(name, keys) for name, keys in tables.items()), encoding="utf-8")
    return path, load(path)


def _table(name: str, keys: dict[str, object]) -> str:
    """Return one TOML table; JSON's strings, numbers and booleans are TOML's as well."""
    header = [f"[{name}]"] if name else []
    lines = (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in keys.items())
    return "\n".join([*header, *lines, ""])


def program_minutes(patient: str, simulated_minutes: float) -> float:
    """Return the program's length: the default, or what fits into a recording.

    Raises:
        RecordingError: the folder holds no readable recording.
    """
    if patient == "sim":
        return simulated_minutes
    shortest, longest = PROGRAM_LIMITS_MIN
    minutes = open_recording(Path(patient), 0.0).duration_s / 60.0
    return min(longest, max(shortest, minutes - RECORDING_MARGIN_MIN))


def choose_backend(speed: float) -> tuple[Literal["alsa", "jack", "file"], str]:
    """Return the sound back-end and device of a run: the first sound card, or only the file."""
    names = output_names() if speed == 1.0 else []
    return ("alsa", names[0]) if names else ("file", "")
