"""Typed configuration from one TOML file: unknown keys refused, ranges checked, errors that help."""

from __future__ import annotations

import difflib
import ipaddress
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from device.errors import ConfigError

DEFAULT_PATH = Path("/etc/tranquillo/tranquillo.toml")
RUN_DIR = "/run/tranquillo"
LONGEST_BUFFER = 1024  # samples; 23 ms, of which a sound card holds several

Positive = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
AdcChannel = Annotated[int, Meta(ge=0, le=7)]
GpioLine = Annotated[int, Meta(ge=0, le=27)]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every table of the file."""


class Gsr(Section, frozen=True):
    """Skin conductance front end on one ADC channel.

    `circuit` is `divider` (constant voltage `supply_v` over skin and `reference_ohm` in series; the
    ADC sees the reference) or `grove` (Seeed Grove GSR: differential stage around half the supply).
    """

    channel: AdcChannel = 0
    rate_hz: Annotated[float, Meta(ge=4, le=100)] = 10.0
    circuit: Literal["divider", "grove"] = "divider"
    supply_v: Annotated[float, Meta(ge=0.1, le=5.0)] = 0.5
    reference_ohm: Annotated[float, Meta(ge=1_000, le=1_000_000)] = 47_000.0


class Ppg(Section, frozen=True):
    """Pulse sensor with an analogue output on one ADC channel."""

    channel: AdcChannel = 1
    rate_hz: Annotated[float, Meta(ge=25, le=250)] = 100.0


class SkinTemperature(Section, frozen=True):
    """NTC thermistor to ground under `series_ohm` to `supply_v` on one ADC channel."""

    channel: AdcChannel = 2
    rate_hz: Annotated[float, Meta(ge=0.5, le=10)] = 1.0
    series_ohm: Positive = 10_000.0
    nominal_ohm: Positive = 10_000.0
    beta_k: Annotated[float, Meta(ge=2_000, le=6_000)] = 3_950.0
    supply_v: Annotated[float, Meta(ge=0.1, le=5.5)] = 3.3


class Sensors(Section, frozen=True):
    """The ADC and what hangs on it; `adc` is SCHEME:PART, scheme `linux` or `sim`."""

    adc: Annotated[str, Meta(pattern=r"^(linux|sim):(ads1115|mcp3008)$")] = "linux:ads1115"
    i2c_bus: Annotated[int, Meta(ge=0, le=22)] = 1
    i2c_address: Annotated[int, Meta(ge=0x48, le=0x4B)] = 0x48
    spi_bus: Annotated[int, Meta(ge=0, le=6)] = 0
    spi_device: Annotated[int, Meta(ge=0, le=2)] = 0
    reference_v: Annotated[float, Meta(ge=1.0, le=5.5)] = 3.3
    gsr: Gsr = Gsr()
    ppg: Ppg = Ppg()
    temperature: SkinTemperature | None = None


class Headset(Section, frozen=True):
    """OpenBCI Cyton: `port` is `none`, `sim:cyton`, or `linux:` and the path of its serial device."""

    port: Annotated[str, Meta(pattern=r"^(none|sim:cyton|linux:/.+)$")] = "none"


class Estimator(Section, frozen=True):
    """The stress models and when to say *unknown*; the one for EEG counts only with a headset."""

    stress_model: str = "stress/stress.tflite"
    eeg_model: str = "stress/eeg/eeg.tflite"
    minimum_quality: Share = 0.4


class PanelPins(Section, frozen=True):
    """Button and light; `pins` is the scheme, GPIO numbers are BCM lines."""

    pins: Literal["linux:gpio", "sim:gpio"] = "linux:gpio"
    button: GpioLine = 17
    red: GpioLine = 22
    green: GpioLine = 27
    blue: GpioLine = 24


class Program(Section, frozen=True):
    """The session a press starts; `seed` 0 draws a fresh one for every session.

    `style` is the instruments' preset, or `auto`: the unit tries them and keeps counts of what helped.
    `mood` is where the arc leads; with `entry` `auto` it begins at a mood chosen from the patient's state.
    `mode` is `closed` (music follows the patient), `open` (the arc alone) or `sham` (for studies: music
    follows the course of stress in the file `sham_levels`, or one drawn from the seed).
    `self_rating` asks for taps after a session: 1 better, 2 the same, 3 worse.
    `resume_after_power_cut` goes on with a session that a power cut of at most five minutes has interrupted.
    """

    minutes: Annotated[float, Meta(ge=1, le=90)] = 20.0
    fade_in_s: Annotated[float, Meta(ge=8, le=60)] = 10.0
    fade_out_s: Annotated[float, Meta(ge=8, le=60)] = 12.0
    melody_model: str = "melody/melody.tflite"
    seed: Annotated[int, Meta(ge=0, lt=2**31)] = 0
    style: Literal[
        "warm_pads", "felt_piano", "plucked_strings", "glass_bells", "nature", "auto"] = "warm_pads"
    mood: Literal["calm", "content", "tired", "energetic"] = "calm"
    entry: Literal["standard", "auto"] = "standard"
    mode: Literal["closed", "open", "sham"] = "closed"
    sham_levels: str = ""
    self_rating: bool = False
    resume_after_power_cut: bool = False


class Loudness(Section, frozen=True):
    """What keeps the sound safe at the ear.

    `full_scale_dba` is the level at the ear for a full-scale 1 kHz sine (0 dBFS RMS of a sine) with
    the amplifier as installed; measure it or take it from the headphone's sensitivity. The ceiling
    in LUFS follows from both. `mixer_db` is where the card's own mixer stood then; the doctor compares.
    """

    ceiling_dba: Annotated[float, Meta(ge=40, le=75)] = 65.0
    full_scale_dba: Annotated[float, Meta(ge=70, le=130)] = 100.0
    mixer_db: Annotated[float, Meta(ge=-150, le=60)] | None = None


class Player(Section, frozen=True):
    """The sound back-end; `device` is a part of the ALSA device's name, `record` a WAV path or empty."""

    backend: Literal["alsa", "jack", "file"] = "alsa"
    device: str = "Headphones"
    rate_hz: Literal[44_100, 48_000] = 44_100
    frames: Literal[256, 512, 1024, 2048] = 512
    record: str = ""
    loudness: Loudness = Loudness()


class Tls(Section, frozen=True):
    """Paths of the clinic's CA and of this unit's certificate and key."""

    ca: str
    certificate: str = ""
    key: str = ""


class Telemetry(Section, frozen=True):
    """The clinic's MQTT broker; no `broker_host` means no telemetry. Outcomes wait a random while.

    A broker on another machine needs `tls`: nothing travels in the clear.

    `outcome_tls` is a certificate that many units share, so that the broker cannot tell whose outcome
    it is; without it outcomes are sent with `tls`.

    What waited for the broker is sent at `letters_per_s` at most, after a random wait of up to
    `reconnect_max_s`, so that a whole hospital's units can share a broker; heartbeats that have waited
    for `outbox_max_days` are dropped, faults and outcomes never.

    With `home_assistant` the unit also describes itself under `home_assistant_prefix`, for Home Assistant.
    """

    broker_host: str = ""
    broker_port: Annotated[int, Meta(ge=1, le=65_535)] = 8883
    tls: Tls | None = None
    outcome_tls: Tls | None = None
    heartbeat_s: Annotated[float, Meta(ge=1, le=3600)] = 60.0
    outcome_delay_min_s: Annotated[float, Meta(ge=0, le=2_592_000)] = 86_400.0
    outcome_delay_max_s: Annotated[float, Meta(ge=0, le=2_592_000)] = 1_209_600.0
    outbox_max_rows: Annotated[int, Meta(ge=100, le=1_000_000)] = 20_000
    outbox_max_days: Annotated[float, Meta(ge=1, le=365)] = 30.0
    reconnect_max_s: Annotated[float, Meta(ge=1, le=600)] = 30.0
    letters_per_s: Annotated[float, Meta(ge=0.1, le=1000)] = 5.0
    home_assistant: bool = False
    home_assistant_prefix: Annotated[
        str, Meta(max_length=64, pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$")] = "homeassistant"


class Simulator(Section, frozen=True):
    """What stands behind the `sim:` parts: `patient` is `sim` or the folder of an E4 recording."""

    patient: str = "sim"
    seed: Annotated[int, Meta(ge=0, lt=2**31)] = 1
    faults: str = ""


class Settings(Section, frozen=True):
    """The whole file."""

    unit_id: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    run_dir: str = RUN_DIR
    state_dir: str = "/var/lib/tranquillo"
    models_dir: str = str(Path(__file__).resolve().parent.parent / "models")
    sensors: Sensors = Sensors()
    headset: Headset = Headset()
    estimator: Estimator = Estimator()
    panel: PanelPins = PanelPins()
    program: Program = Program()
    player: Player = Player()
    telemetry: Telemetry = Telemetry()
    simulator: Simulator = Simulator()


def load(path: Path) -> Settings:
    """Read and check a configuration file.

    Raises:
        ConfigError: the file is absent, is not TOML, or a key is missing, unknown or out of range;
            the one-line text names the file, the key, its value and what is allowed.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); create it or name another "
                          "with --config") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}") from error
    try:
        settings = msgspec.convert(raw, Settings)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {_explain(str(error), raw)}") from error
    _check_together(path, settings)
    _check_sound_card(path, settings.player, raw)
    return settings


class Wiring(msgspec.Struct, frozen=True, kw_only=True):
    """What the light needs of the file; all other keys are passed over, however wrong."""

    run_dir: str = RUN_DIR
    panel: PanelPins = PanelPins()


def load_wiring(path: Path) -> Wiring:
    """Return where the light is wired, by the defaults where the file does not say so in a usable way.

    For the one process that has to show that a configuration is wrong; all others use `load`.
    """
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Wiring)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError):
        return Wiring()


def _check_together(path: Path, settings: Settings) -> None:
    """Refuse values that are each in range but contradict one another."""
    telemetry = settings.telemetry
    if telemetry.outcome_delay_min_s > telemetry.outcome_delay_max_s:
        raise ConfigError(
            f"{path}: telemetry.outcome_delay_min_s is {telemetry.outcome_delay_min_s:g}, above "
            f"outcome_delay_max_s {telemetry.outcome_delay_max_s:g}; lower the first or raise the second")
    if telemetry.broker_host and telemetry.tls is None and not _is_this_machine(telemetry.broker_host):
        raise ConfigError(
            f"{path}: missing key telemetry.tls.ca; without it everything sent to "
            f"{telemetry.broker_host} could be read on the way (only a broker on this machine goes without)")
    program = settings.program
    if program.sham_levels and program.mode != "sham":
        raise ConfigError(
            f"{path}: program.sham_levels is {program.sham_levels!r} but program.mode is {program.mode!r}; "
            "set the mode to 'sham' or remove the file")
    _check_channels(path, settings.sensors)


def _check_sound_card(path: Path, player: Player, raw: dict[str, Any]) -> None:
    """Refuse long buffers, and a loudness that nobody has told: the ceiling at the ear would be a guess."""
    if player.backend != "alsa":
        return
    if player.frames > LONGEST_BUFFER:
        raise ConfigError(
            f"{path}: player.frames is {player.frames}; a sound card holds several buffers, and a held "
            f"button has to silence it at once: {LONGEST_BUFFER} at most with alsa")
    if "full_scale_dba" not in raw.get("player", {}).get("loudness", {}):
        raise ConfigError(
            f"{path}: missing key player.loudness.full_scale_dba, the dBA at the ear of a full-scale tone; "
            "without it nothing keeps the sound under its ceiling: measure it (docs/bring-up.md), or compute "
            "it and add 10")


def _check_channels(path: Path, sensors: Sensors) -> None:
    """Refuse two sensors on one channel, and channels that the converter has not."""
    named = [("sensors.gsr", sensors.gsr.channel), ("sensors.ppg", sensors.ppg.channel)]
    if sensors.temperature is not None:
        named.append(("sensors.temperature", sensors.temperature.channel))
    seen: dict[int, str] = {}
    highest = 3 if sensors.adc.endswith("ads1115") else 7
    for table, channel in named:
        if channel in seen:
            raise ConfigError(f"{path}: {table}.channel is {channel}, which {seen[channel]} uses already; "
                              "give each sensor a channel of its own")
        if channel > highest:
            raise ConfigError(f"{path}: {table}.channel is {channel}, allowed are 0 to {highest} "
                              f"with {sensors.adc}")
        seen[channel] = table


def _is_this_machine(host: str) -> bool:
    """Tell whether a host name or address never leaves this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _explain(text: str, raw: dict[str, Any]) -> str:
    """Turn msgspec's words into the full key, its value, what is allowed and the nearest known key."""
    what, _, where = text.partition(" - at `$")
    prefix = where.rstrip("`").lstrip(".")
    if found := re.match(r"Object contains unknown field `(.+)`", what):
        key = found.group(1)
        near = difflib.get_close_matches(key, _known_keys(prefix), n=1, cutoff=0.0)
        return f"unknown key {_join(prefix, key)}; did you mean {_join(prefix, near[0])}?"
    if found := re.match(r"Object missing required field `(.+)`", what):
        return f"missing key {_join(prefix, found.group(1))}; add it (see docs/configuration.md)"
    return f"{prefix} is {_value(prefix, raw)!r}: {_allowed(what, prefix)}"


def _allowed(what: str, dotted: str) -> str:
    """Say in plain words what msgspec expected of the value at a dotted key."""
    if what.startswith("Invalid enum value"):
        table, _, key = dotted.rpartition(".")
        hint = next(field.type for field in msgspec.structs.fields(_table(table)) if field.name == key)
        return "expected one of " + ", ".join(str(choice) for choice in get_args(hint))
    return what.replace("Expected", "expected").replace("`", "")


def _join(prefix: str, key: str) -> str:
    """Return the full dotted key."""
    return f"{prefix}.{key}" if prefix else key


def _value(dotted: str, raw: Any) -> Any:  # noqa: ANN401 - TOML holds anything
    """Return what the file holds at a dotted key."""
    for part in dotted.split("."):
        raw = raw.get(part) if isinstance(raw, dict) else None
    return raw


def _known_keys(prefix: str) -> list[str]:
    """Return the keys that the table at a dotted prefix may hold."""
    return [field.name for field in msgspec.structs.fields(_table(prefix))]


def _table(prefix: str) -> type[Section]:
    """Return the struct of the table at a dotted prefix."""
    table: type[Section] = Settings
    for part in filter(None, prefix.split(".")):
        hint = next(field.type for field in msgspec.structs.fields(table) if field.name == part)
        options = [hint, *getattr(hint, "__args__", ())]
        table = next(option for option in options if isinstance(option, type) and issubclass(option, Section))
    return table
