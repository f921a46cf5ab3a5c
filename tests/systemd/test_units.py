"""The units say what the code does: names, exit codes, heartbeats, folders, and who may touch what."""

import importlib.util
from pathlib import Path

import pytest
from support.systemd_units import SOURCE, Unit, names

from device.config import DEFAULT_PATH, Settings
from device.desk.up import SERVICES, STOP_WAIT_S
from device.errors import EXIT_CONFIG
from device.runtime import HEARTBEAT_S
from device.services.faultlight import PERIOD_S

DEVICES = {
    "sensors": {"char-i2c", "char-spi"}, "headset": {"char-ttyUSB", "char-ttyACM"}, "estimator": set(),
    "conductor": {"char-gpiochip"}, "player": {"char-alsa"}, "telemetry": set(), "simulator": set(),
    "light": {"char-gpiochip"},
}
ALWAYS = ("simulator", "light")  # beside the six
SETTINGS = Settings(unit_id="x")


def unit(service):
    return Unit(f"tranquillo-{service}.service")


@pytest.fixture(params=[*SERVICES, *ALWAYS])
def service(request):
    return request.param


@pytest.fixture(params=SERVICES)
def one_of_six(request):
    return request.param


def test_units_are_one_a_service_and_the_target_wants_the_six():
    target = Unit("tranquillo.target")
    assert sorted(target.all("Wants")) == sorted(f"tranquillo-{name}.service" for name in SERVICES)
    assert "Requires" not in target, "one that is down leaves the others alone"
    assert target.all("WantedBy") == ["multi-user.target"]
    extra = {"tranquillo-light.service", "tranquillo-retry@.service", "tranquillo-simulator.service"}
    assert set(names("*.service")) == {f"tranquillo-{name}.service" for name in SERVICES} | extra


@pytest.mark.parametrize("name", [*names("*.target"), *names("*.service"), *names("*.timer")])
def test_units_wait_for_no_network_and_no_clock(name):
    started_after = {word for key in ("After", "Wants", "Requires", "BindsTo", "Requisite")
                     for word in Unit(name).all(key)}
    assert not [word for word in started_after if "network" in word or "time-" in word or "online" in word]


def test_units_start_the_module_of_their_name_with_the_configuration_of_the_unit(service):
    python, flag, module, option, config = unit(service).all("ExecStart")
    assert (python, flag, option) == ("/opt/tranquillo/current/venv/bin/python", "-m", "--config")
    assert Path(config) == DEFAULT_PATH
    assert importlib.util.find_spec(module) is not None
    assert module.removeprefix("device.services.") == {"light": "faultlight"}.get(service, service)


def test_units_run_as_a_user_of_their_own_on_the_bus(service):
    users = {"light": "tranquillo-conductor"}  # it stands in for the light's owner
    assert unit(service).one("User") == users.get(service, f"tranquillo-{service}")
    groups = unit(service).all("SupplementaryGroups") + unit(service).all("Group")
    assert "tranquillo" in groups


def test_units_are_not_restarted_on_a_wrong_configuration_and_always_on_anything_else(one_of_six):
    assert unit(one_of_six).one("Restart") == "always"
    assert int(unit(one_of_six).one("RestartPreventExitStatus")) == EXIT_CONFIG
    assert int(unit("light").one("RestartPreventExitStatus")) == EXIT_CONFIG


def test_units_watchdog_leaves_room_for_late_heartbeats(service):
    beat_s = PERIOD_S if service == "light" else HEARTBEAT_S
    assert unit(service).one("Type") == "notify"
    assert unit(service).seconds("WatchdogSec") >= 4.0 * beat_s
    assert unit(service).one("WatchdogSignal") == "SIGKILL", "a stopped process takes nothing else"


def test_units_button_and_sound_are_watched_most_closely():
    assert unit("conductor").seconds("WatchdogSec") <= 5.0
    assert unit("player").seconds("WatchdogSec") <= 5.0
    assert unit("player").seconds("RestartSec") <= 0.2, "of the 2 s that a gap in the sound may last"


def test_units_stop_in_the_time_that_the_desk_gives_them(one_of_six):
    assert unit(one_of_six).seconds("TimeoutStopSec") == STOP_WAIT_S


def test_units_that_fail_for_good_go_on_being_tried_and_show_amber(one_of_six):
    failed = unit(one_of_six).all("OnFailure")
    assert failed[0] == f"tranquillo-retry@{one_of_six}.service"
    assert failed[1:] == (["tranquillo-light.service"] if one_of_six == "conductor" else [])
    assert int(unit(one_of_six).one("StartLimitBurst")) == 5
    timer = Unit("tranquillo-retry@.timer")
    assert timer.seconds("OnActiveSec") >= unit(one_of_six).seconds("StartLimitIntervalSec")
    assert timer.one("RemainAfterElapse") == "no", "or it would be started once only"
    assert timer.one("Unit") == "tranquillo-%i.service"


def test_units_conductor_whose_start_hangs_is_followed_by_the_amber_light_too():
    after = unit("conductor").one("ExecStopPost")
    assert '"$$SERVICE_RESULT" != timeout' in after
    assert after.endswith("start tranquillo-retry@conductor.service tranquillo-light.service'")


def test_units_retry_is_not_for_a_wrong_configuration():
    retry = Unit("tranquillo-retry@.service")
    assert f'$$MONITOR_EXIT_STATUS" != {EXIT_CONFIG}' in retry.one("ExecStart")
    assert retry.all("OnSuccess") == ["tranquillo-retry@%i.timer"]


def test_units_fault_light_and_conductor_never_hold_the_lines_together():
    conductor = unit("conductor")
    assert conductor.all("Conflicts") == ["tranquillo-light.service"]
    assert "tranquillo-light.service" in conductor.all("After")
    light = unit("light")
    assert "PartOf" not in light, "a restart of the target would restart it against the conductor"
    assert light.all("StopPropagatedFrom") == ["tranquillo.target"]


def test_units_stop_with_the_target(one_of_six):
    assert unit(one_of_six).all("PartOf") == ["tranquillo.target"]


def test_units_may_touch_their_own_devices_by_class_and_no_others(service):
    allowed = unit(service).all("DeviceAllow")
    assert unit(service).one("DevicePolicy") == "closed"
    assert set(allowed[::2]) == DEVICES[service]
    assert ("PrivateDevices" in unit(service)) == (not DEVICES[service])


def test_units_only_telemetry_has_a_network(service):
    if service == "telemetry":
        assert "PrivateNetwork" not in unit(service)
        assert unit(service).all("RestrictAddressFamilies") == ["AF_UNIX", "AF_INET", "AF_INET6"]
    else:
        assert unit(service).one("PrivateNetwork") == "yes"
        assert unit(service).all("RestrictAddressFamilies") == ["AF_UNIX"]
        assert unit(service).all("InaccessiblePaths") == ["-/etc/tranquillo/pki", "-/dev/shm"]


def test_units_write_to_the_bus_and_to_a_state_folder_of_their_own_only(service):
    run_dir = [] if service == "light" else [SETTINGS.run_dir]
    assert unit(service).all("ReadWritePaths") == run_dir
    keeps = {"conductor", "telemetry"}
    expected = [f"{Path(SETTINGS.state_dir).name}/{service}"] if service in keeps else []
    assert unit(service).all("StateDirectory") == expected
    assert unit(service).one("ProtectSystem") == "strict"


def test_units_no_process_has_a_capability_and_the_player_is_real_time_without_one(service):
    assert unit(service).all("CapabilityBoundingSet") == []
    assert "CapabilityBoundingSet" in unit(service)
    assert ("CPUSchedulingPolicy" in unit(service)) == (service == "player")
    assert "CPUSchedulingResetOnFork" not in unit(service), "threads would lose what the process has"


def test_units_what_is_heard_is_never_throttled_and_ends_last():
    assert "CPUQuota" not in unit("player")
    assert "CPUQuota" not in unit("conductor")
    scores = {name: int(unit(name).one("OOMScoreAdjust")) for name in SERVICES}
    assert sorted(scores, key=scores.get)[:2] == ["player", "conductor"]


def test_units_every_file_is_told_of_in_the_readme():
    told = (SOURCE / "README.md").read_text(encoding="utf-8")
    for path in SOURCE.rglob("*"):
        if path.is_file() and path.name != "README.md":
            name = path.relative_to(SOURCE).as_posix()
            assert name in told or name.startswith("tranquillo-") or path.name in told, name
