"""systemd's own tools find nothing wrong with the units, the users, the folders and the rules."""

import os
import shutil
import subprocess

import pytest
from support.systemd_units import SOURCE, names

EXPOSURE = "20"  # in tenths of the scale
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="changes owners or mounts: needs root")


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                          timeout=60, env={"PATH": os.environ["PATH"], "SYSTEMD_COLORS": "0"})


@pytest.fixture
def machine(root, tmp_path):
    """A root folder in which the users have been made."""
    shutil.copytree(root / "usr", tmp_path / "usr")
    (tmp_path / "etc").mkdir()
    done = run("systemd-sysusers", f"--root={tmp_path}")
    assert done.returncode == 0, done.stderr
    return tmp_path


def table(machine, name):
    """Return the lines of a file in etc by their first field."""
    lines = (machine / "etc" / name).read_text(encoding="utf-8").splitlines()
    return {line.partition(":")[0]: line.split(":")[1:] for line in lines}


def instance(name):
    return name.replace("@.", "@conductor.")


def exposure(root, name):
    return run("systemd-analyze", "security", "--offline=true", "--no-pager", f"--root={root}",
               f"--threshold={EXPOSURE}", name)


def test_systemd_verify_finds_nothing_to_say(root):
    units = [root / "etc/systemd/system" / instance(name)
             for name in (*names("*.target"), *names("*.service"), *names("*.timer"))]
    assert len(units) == 11
    done = run("systemd-analyze", "verify", "--man=no", f"--root={root}", *units)
    assert done.stdout + done.stderr == "", "an unknown key is only a line on standard error"
    assert done.returncode == 0


def test_systemd_verify_would_name_a_key_that_does_not_exist(root, tmp_path):
    shutil.copytree(root, tmp_path / "r", symlinks=True)
    unit = tmp_path / "r/etc/systemd/system/tranquillo-player.service"
    unit.write_text(unit.read_text(encoding="utf-8") + "RestartSetps=4\n", encoding="utf-8")
    done = run("systemd-analyze", "verify", "--man=no", f"--root={tmp_path / 'r'}", unit)
    assert "RestartSetps" in done.stderr


@pytest.mark.parametrize("name", names("*.service"))
def test_systemd_security_exposure_is_at_most_2(root, name):
    done = exposure(root, name)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr
    assert "Overall exposure level" in done.stdout


def test_systemd_security_would_refuse_a_service_without_the_shared_sandbox(root, tmp_path):
    shutil.copytree(root, tmp_path / "r", symlinks=True)
    shutil.rmtree(tmp_path / "r/etc/systemd/system/tranquillo-.service.d")
    assert exposure(tmp_path / "r", "tranquillo-player.service").returncode != 0


def test_systemd_users_are_made_with_their_groups(machine):
    users, groups = table(machine, "passwd"), table(machine, "group")
    expected = [f"tranquillo-{name}" for name in (
        "conductor", "estimator", "headset", "player", "sensors", "simulator", "telemetry")]
    assert sorted(name for name in users if name.startswith("tranquillo")) == expected
    assert sorted(groups["tranquillo"][-1].split(",")) == expected
    for name in expected:
        assert name in groups, "a group of its own, for the keys that only it may read"
        assert users[name][-1] == "/usr/sbin/nologin"
    assert {"i2c", "spi", "gpio"} <= groups.keys()


@AS_ROOT
def test_systemd_folder_of_the_bus_is_for_its_group_alone(machine):
    done = run("systemd-tmpfiles", f"--root={machine}", "--create")
    assert done.returncode == 0, done.stderr
    bus, state = (machine / "run/tranquillo").stat(), (machine / "var/lib/tranquillo").stat()
    gid = int(table(machine, "group")["tranquillo"][1])
    assert gid != 0
    assert (bus.st_mode & 0o7777, bus.st_uid, bus.st_gid) == (0o3770, 0, gid)
    assert (state.st_mode & 0o7777, state.st_uid, state.st_gid) == (0o755, 0, 0)


@AS_ROOT
@pytest.mark.skipif(shutil.which("udevadm") is None, reason="needs udev")
def test_systemd_udev_reads_every_rule():
    if run("udevadm", "verify", "--help").returncode == 0:  # from systemd 254
        done = run("udevadm", "verify", "--resolve-names=never", SOURCE / "udev/90-tranquillo.rules")
        assert done.returncode == 0, done.stdout + done.stderr
        return
    done = run("unshare", "--mount", "sh", "-c", f"mount --bind {SOURCE / 'udev'} /etc/udev/rules.d && "
               "exec udevadm test /devices/virtual/mem/null")
    if "permission denied" in done.stderr.lower() and "mount" in done.stderr:
        pytest.skip("this machine lets nobody mount")
    said = [line for line in (done.stdout + done.stderr).splitlines()
            if "90-tranquillo.rules" in line and "Unknown group" not in line]  # sysusers makes them on a unit
    assert said == ["Reading rules file: /etc/udev/rules.d/90-tranquillo.rules"]


def test_systemd_udev_takes_the_delay_out_of_the_dongle_and_names_what_the_configuration_names():
    rules = (SOURCE / "udev/90-tranquillo.rules").read_text(encoding="utf-8")
    (latency,) = [line for line in rules.splitlines() if "latency_timer" in line]
    for part in ('DRIVER=="ftdi_sio"', 'ATTRS{idVendor}=="0403"', 'ATTRS{idProduct}=="6015"',
                 'ATTR{latency_timer}="1"'):
        assert part in latency
    for link in ("headset", "i2c", "spi", "sound-jack", "sound-dac"):
        assert f'SYMLINK+="tranquillo/{link}"' in rules
