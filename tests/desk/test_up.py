"""The process manager starts what is configured and restarts as systemd will."""

import configparser
import shlex
import sys
from pathlib import Path

import pytest

from device.config import Headset, PanelPins, Sensors, Settings
from device.desk.up import SERVICES, Supervisor, services_of, supervisor_config
from device.errors import ConfigError

DEVICE = Settings(unit_id="a")
DESK = Settings(unit_id="a", sensors=Sensors(adc="sim:ads1115"))


def parsed(
    services: tuple[str, ...], logs: Path | None = None, config: str = "/etc/t.toml",
) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(supervisor_config(Path(config), services, logs, Path("/run/t/supervisor.pid")))
    return parser


def test_up_a_device_runs_the_six_services_alone():
    assert services_of(DEVICE) == SERVICES
    assert len(SERVICES) == 6


@pytest.mark.parametrize("settings", [
    DESK,
    Settings(unit_id="a", headset=Headset(port="sim:cyton")),
    Settings(unit_id="a", panel=PanelPins(pins="sim:gpio")),
])
def test_up_any_simulated_part_brings_the_simulator(settings):
    assert services_of(settings) == ("simulator", *SERVICES)


def test_up_every_service_has_the_one_entry_point():
    config = parsed(SERVICES)
    for name in SERVICES:
        command = config[f"program:{name}"]["command"]
        assert command == f"{sys.executable} -m device.services.{name} --config /etc/t.toml"


def test_up_restarts_on_all_exit_codes_but_a_stop_and_a_bad_configuration():
    config = parsed(("player",))
    assert config["program:player"]["autorestart"] == "unexpected"
    assert config["program:player"]["exitcodes"] == "0,78"


def test_up_the_simulated_hardware_comes_first_and_goes_last():
    config = parsed(("simulator", *SERVICES))
    priorities = [int(config[f"program:{name}"]["priority"]) for name in ("simulator", *SERVICES)]
    assert priorities == sorted(set(priorities))


def test_up_a_path_may_hold_spaces():
    command = parsed(("player",), config="/home/a nurse/t.toml")["program:player"]["command"]
    assert shlex.split(command)[-1] == "/home/a nurse/t.toml"


def test_up_a_percent_sign_in_a_path_is_refused_in_one_line(tmp_path):
    folder = tmp_path / "100 %"
    settings = Settings(unit_id="a", run_dir=str(folder / "run"), state_dir=str(folder / "state"))
    with pytest.raises(ConfigError, match="choose other folders") as caught:
        Supervisor(folder / "t.toml", settings)
    assert "\n" not in str(caught.value)


def test_up_logs_go_to_a_file_each_or_to_standard_error(tmp_path):
    assert parsed(("player",))["program:player"]["stdout_logfile"] == "/dev/stderr"
    assert parsed(("player",), tmp_path)["program:player"]["stdout_logfile"] == str(tmp_path / "player.log")
