"""The configuration refuses what is wrong, in one line that helps."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from device.config import PanelPins, Program, Settings, Wiring, load, load_wiring
from device.errors import ConfigError
from device.messages import Style

GOOD = 'unit_id = "unit-07"\nplayer.loudness.full_scale_dba = 100\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "tranquillo.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(write(folder, text))
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(folder / "tranquillo.toml"))
    return message


def test_config_two_keys_are_enough(tmp_path):
    settings = load(write(tmp_path, GOOD))
    assert settings.unit_id == "unit-07"
    assert settings.sensors.ppg.rate_hz == 100.0
    assert settings.program.minutes == 20.0
    assert settings.player.loudness.ceiling_dba == 65.0
    assert settings.telemetry.broker_host == ""


def test_config_a_sound_card_whose_loudness_nobody_told_is_refused(tmp_path):
    message = refused(tmp_path, 'unit_id = "a"\n')
    assert "missing key player.loudness.full_scale_dba" in message
    assert "measure it" in message
    assert load(write(tmp_path, 'unit_id = "a"\nplayer.backend = "file"\n')).player.backend == "file"


def test_config_long_buffers_are_not_for_a_sound_card(tmp_path):
    assert "1024 at most with alsa" in refused(tmp_path, GOOD + "player.frames = 2048\n")
    jack = 'unit_id = "a"\nplayer.backend = "jack"\nplayer.frames = 2048\n'
    assert load(write(tmp_path, jack)).player.frames == 2048


def test_config_tables_are_read_with_their_types(tmp_path):
    settings = load(write(tmp_path, GOOD + """
[sensors]
adc = "sim:mcp3008"
[sensors.gsr]
circuit = "grove"
rate_hz = 20
[sensors.temperature]
channel = 5
[telemetry]
broker_host = "broker"
[telemetry.tls]
ca = "/etc/tranquillo/ca.pem"
"""))
    assert settings.sensors.adc == "sim:mcp3008"
    assert settings.sensors.gsr.rate_hz == 20.0
    assert isinstance(settings.sensors.gsr.rate_hz, float)
    assert settings.sensors.temperature is not None
    assert settings.sensors.temperature.channel == 5
    assert settings.telemetry.tls is not None
    assert settings.telemetry.tls.ca == "/etc/tranquillo/ca.pem"


def test_config_missing_key_is_named(tmp_path):
    assert "missing key unit_id" in refused(tmp_path, "")


def test_config_missing_nested_key_is_named_in_full(tmp_path):
    text = GOOD + '[telemetry]\nbroker_host = "b"\n[telemetry.tls]\n'
    assert "missing key telemetry.tls.ca" in refused(tmp_path, text)


@pytest.mark.parametrize(("text", "wrong", "right"), [
    ("unit = 1\n", "unit", "unit_id"),
    ("[sensors.gsr]\nrate = 10\n", "sensors.gsr.rate", "sensors.gsr.rate_hz"),
    ("[sensors.temperature]\nbeta = 4000\n", "sensors.temperature.beta", "sensors.temperature.beta_k"),
    ("player.loudness.ceiling = 60\n", "player.loudness.ceiling", "player.loudness.ceiling_dba"),
    ("[programm]\nminutes = 10\n", "programm", "program"),
])
def test_config_unknown_key_names_the_nearest(tmp_path, text, wrong, right):
    message = refused(tmp_path, GOOD + text)
    assert f"unknown key {wrong};" in message
    assert f"did you mean {right}?" in message


@pytest.mark.parametrize(("text", "key", "value", "bound"), [
    ("player.loudness.ceiling_dba = 95\n", "player.loudness.ceiling_dba", "95", "75"),
    ("[program]\nminutes = 0\n", "program.minutes", "0", "1"),
    ("[sensors.gsr]\nreference_ohm = 10\n", "sensors.gsr.reference_ohm", "10", "1000"),
    ("[telemetry]\nbroker_port = 70000\n", "telemetry.broker_port", "70000", "65535"),
    ("[program]\nfade_in_s = 1\n", "program.fade_in_s", "1", "8"),
])
def test_config_out_of_range_names_key_value_and_bound(tmp_path, text, key, value, bound):
    message = refused(tmp_path, GOOD + text)
    assert f"{key} is {value}: expected" in message
    assert bound in message


def test_config_wrong_type_is_named(tmp_path):
    message = refused(tmp_path, GOOD + '[program]\nminutes = "twenty"\n')
    assert "program.minutes is 'twenty': expected float" in message


@pytest.mark.parametrize("unit_id", ["", "Bed 7", "ä", "x" * 33, "../etc"])
def test_config_unit_id_is_safe_in_a_topic(tmp_path, unit_id):
    assert "unit_id is" in refused(tmp_path, f'unit_id = "{unit_id}"\n')


def test_config_unknown_scheme_is_refused(tmp_path):
    assert "sensors.adc is 'usb:ads1115'" in refused(tmp_path, GOOD + '[sensors]\nadc = "usb:ads1115"\n')


def test_config_same_channel_twice_is_refused(tmp_path):
    message = refused(tmp_path, GOOD + "[sensors.ppg]\nchannel = 0\n")
    assert "sensors.ppg.channel is 0, which sensors.gsr uses already" in message


def test_config_channel_beyond_the_chip_is_refused(tmp_path):
    message = refused(tmp_path, GOOD + "[sensors.ppg]\nchannel = 6\n")
    assert "sensors.ppg.channel is 6, allowed are 0 to 3 with linux:ads1115" in message


def test_config_delays_must_be_in_order(tmp_path):
    message = refused(tmp_path, GOOD + "[telemetry]\noutcome_delay_max_s = 30000\n")
    assert "outcome_delay_min_s is 86400, above outcome_delay_max_s 30000" in message


def test_config_absent_file_says_what_to_do(tmp_path):
    with pytest.raises(ConfigError, match=re.escape("--config")):
        load(tmp_path / "none.toml")


@pytest.mark.parametrize("content", [b"unit_id = \n", b"\xff\xfe", b"unit_id = 'a'\nunit_id = 'b'\n"])
def test_config_broken_toml_is_one_line(tmp_path, content):
    path = tmp_path / "tranquillo.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="not valid TOML") as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_config_is_a_value_error_too(tmp_path):
    with pytest.raises(ValueError, match="unit_id"):
        load(write(tmp_path, ""))


def test_config_cannot_be_changed_after_reading(tmp_path):
    settings = load(write(tmp_path, GOOD))
    with pytest.raises(AttributeError):
        settings.unit_id = "other"  # type: ignore[misc]


@pytest.mark.parametrize(("key", "value", "choice"), [
    ("style", "techno", "glass_bells"), ("mood", "tense", "content"), ("mode", "placebo", "sham"),
    ("entry", "sad", "standard"),
])
def test_config_a_wrong_choice_of_the_program_lists_the_right_ones(tmp_path, key, value, choice):
    message = refused(tmp_path, GOOD + f'[program]\n{key} = "{value}"\n')
    assert f"program.{key} is '{value}': expected one of" in message
    assert choice in message


def test_config_a_wrong_sample_rate_lists_the_right_ones(tmp_path):
    message = refused(tmp_path, GOOD + "player.rate_hz = 22050\n")
    assert "player.rate_hz is 22050: expected one of 44100, 48000" in message


def test_config_styles_are_those_of_the_messages_and_auto():
    hint = next(field.type for field in msgspec.structs.fields(Program) if field.name == "style")
    assert set(get_args(hint)) == {*Style, "auto"}


def test_config_program_is_by_default_the_closed_loop_to_calm_on_warm_pads():
    program = Program()
    assert (program.style, program.mood, program.entry, program.mode) == (
        "warm_pads", "calm", "standard", "closed")
    assert program.self_rating is False


def test_config_a_course_of_stress_needs_the_sham_mode(tmp_path):
    text = GOOD + '[program]\nsham_levels = "/etc/tranquillo/course.txt"\n'
    assert "program.mode is 'closed'; set the mode to 'sham'" in refused(tmp_path, text)
    assert load(write(tmp_path, text + 'mode = "sham"\n')).program.sham_levels


def test_config_default_models_lie_in_the_project():
    settings = Settings(unit_id="a")
    assert Path(settings.models_dir).name == "models"
    assert Path(settings.models_dir).is_dir()


@pytest.mark.parametrize("host", ["broker.clinic.example", "192.0.2.7", "2001:db8::7", "localhost.example"])
def test_config_nothing_is_sent_in_the_clear_to_another_machine(tmp_path, host):
    message = refused(tmp_path, GOOD + f'[telemetry]\nbroker_host = "{host}"\n')
    assert "telemetry.tls.ca" in message
    assert host in message


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_config_a_broker_on_this_machine_needs_no_certificate(tmp_path, host):
    assert load(write(tmp_path, GOOD + f'[telemetry]\nbroker_host = "{host}"\n')).telemetry.tls is None


def test_config_wiring_is_read_from_a_file_that_is_wrong_elsewhere(tmp_path):
    path = write(tmp_path, 'run_dir = "/x"\nnonsense = 1\n[panel]\nred = 5\n[program]\nminutes = 0\n')
    assert load_wiring(path) == Wiring(run_dir="/x", panel=PanelPins(red=5))


@pytest.mark.parametrize("text", ["[panel]\nred = 99\n", "[panel]\nread = 5\n", "not = = toml", None])
def test_config_wiring_is_the_default_where_the_file_is_of_no_use(tmp_path, text):
    path = tmp_path / "none.toml" if text is None else write(tmp_path, text)
    assert load_wiring(path) == Wiring(run_dir=Settings(unit_id="x").run_dir, panel=PanelPins())
