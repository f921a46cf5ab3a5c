"""What each service's sandbox denies: the same attempts, made with the same unit file, by the same user.

A probe runs in place of each service, under a unit made of the service's own with another program; the
prefix drop-in holds for it as well. The first test is the probe without a sandbox: where that is refused
nothing can be concluded from a refusal.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.clinic import OTHER_PORT, PORT
from support.container import WARD_ADDRESS, wait_for
from support.unit import SIX, Unit

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

PROBE = Path(__file__).resolve().parents[1] / "support" / "sandbox_probe.py"
FOLDER = "/run/probe"
REPLACED = ("ExecStart", "ExecStopPost", "Type", "Restart", "WatchdogSec", "OnFailure", "Conflicts",
            "StandardOutput")
OWN_STATE = {"conductor": "/var/lib/tranquillo/conductor", "telemetry": "/var/lib/tranquillo/telemetry"}
PRIVATE = {"/tmp", "/var/tmp", "/run/tranquillo"}  # noqa: S108 - where a service may write: its own /tmp, the bus
SECRETS = ("/etc/tranquillo/pki/unit.key", "/etc/tranquillo/pki/outcome.key", "/etc/shadow",
           "/root/.ssh/authorized_keys", "/proc/1/environ")
OUTBOX = "/var/lib/tranquillo/telemetry/outbox.sqlite"
SCHED_OTHER, SCHED_RR = 0, 2


def arguments(unit: Unit, service: str) -> str:
    """Return the probe's arguments; the process that it looks at is another service's."""
    pids = unit.pids()
    somebody = pids["conductor" if service != "conductor" else "estimator"]
    return f"{FOLDER}/probe.py {WARD_ADDRESS} {PORT} {OTHER_PORT} {somebody}"


def probe_unit(text: str, command: str, name: str) -> str:
    """Return a service's unit file with another program in it, which runs once."""
    kept = [line for line in text.splitlines() if not line.startswith(REPLACED)]
    place = kept.index("[Service]") + 1
    ours = ["Type=oneshot", f"ExecStart=/opt/tranquillo/current/venv/bin/python {command}",
            f"StandardOutput=truncate:{FOLDER}/{name}.json"]
    return "\n".join([*kept[:place], *ours, *kept[place:], ""])


def run_probe(unit: Unit, service: str) -> dict[str, Any]:
    """Run the probe in a service's place and return what it could do."""
    machine, name = unit.machine, f"tranquillo-probe{service}"
    text = machine.run(f"cat /etc/systemd/system/tranquillo-{service}.service")
    machine.run(f"cat > /run/systemd/system/{name}.service",
                text=probe_unit(text, arguments(unit, service), service))
    machine.run(f"systemctl daemon-reload && systemctl start {name} || journalctl -n 20 -u {name}")
    return json.loads(machine.run(f"cat {FOLDER}/{service}.json"))


@pytest.fixture(scope="module")
def prepared(unit: Unit) -> Unit:
    """The unit, running, with the probe on it."""
    unit.ready()
    unit.machine.run(f"mkdir -m 755 {FOLDER} && cat > {FOLDER}/probe.py", text=PROBE.read_text())
    wait_for(lambda: unit.broker.received("ward-7"), 60.0, "a message at the broker")
    return unit


@pytest.fixture(scope="module")
def free(prepared: Unit) -> dict[str, Any]:
    """What the probe can do as root without a sandbox."""
    return json.loads(prepared.machine.run(f"python3 {arguments(prepared, 'none')}"))


@pytest.fixture(scope="module", params=SIX)
def tried(request: pytest.FixtureRequest, prepared: Unit) -> tuple[str, dict[str, Any]]:
    """A service and what the probe could do in its place."""
    return request.param, run_probe(prepared, request.param)


def test_sandbox_probe_can_do_everything_without_one(free):
    assert free["connect"]["broker"] == "ok"
    for what in ("inet_socket", "packet_socket", "signal", "unshare", "write_and_execute", "device"):
        assert free[what] == "ok", what
    assert set(free["write"].values()) == {"ok"}
    assert set(free["read"].values()) == {"ok"}
    assert free["sees"]
    assert int(free["status"]["CapEff"], 16) != 0


def test_sandbox_gives_no_network_but_to_telemetry(tried):
    service, found = tried
    if service == "telemetry":
        assert found["connect"]["broker"] == "ok"
        assert found["inet_socket"] == "ok"
    else:
        assert found["connect"]["broker"] != "ok"
        assert found["inet_socket"] != "ok"
        assert found["interfaces"] in ([], ["lo"])
    assert found["connect"]["other"] != "ok"  # the firewall's part: no other port than the broker's
    assert found["packet_socket"] != "ok"


def test_sandbox_lets_a_service_write_to_its_own_folders_only(tried):
    service, found = tried
    allowed = PRIVATE | {OWN_STATE.get(service, "/tmp")}  # noqa: S108
    written = {folder for folder, said in found["write"].items() if said == "ok"}
    assert written == allowed - ({"/var/tmp"} - written)  # noqa: S108


def test_sandbox_keeps_secrets_and_the_state_of_others(tried):
    service, found = tried
    read = {path for path, said in found["read"].items() if said == "ok"}
    own = {"/etc/tranquillo/pki/unit.key", "/etc/tranquillo/pki/outcome.key", "/etc/tranquillo/pki/unit.crt",
           OUTBOX} if service == "telemetry" else set()
    assert read == {"/etc/tranquillo/tranquillo.toml"} | own
    listed = {path for path, said in found["list"].items() if said == "ok"}
    assert listed <= {OWN_STATE.get(service, "")}


def test_sandbox_gives_no_rights_over_others_or_the_kernel(tried):
    _, found = tried
    assert found["uid"] >= 100
    for what in ("signal", "device", "unshare", "write_and_execute", "root_again"):
        assert found[what] != "ok", what
    assert not found["sees"]
    assert {int(found["status"][name], 16) for name in ("CapEff", "CapBnd", "CapAmb")} == {0}
    assert found["status"]["NoNewPrivs"] == "1"
    assert found["status"]["Seccomp"] == "2"


def test_sandbox_gives_real_time_to_the_player_alone(tried):
    service, found = tried
    assert found["policy"] & 0xFF == (SCHED_RR if service == "player" else SCHED_OTHER)
    assert found["real_time"] != "ok"


@pytest.mark.parametrize("service", SIX)
def test_limits_that_this_container_does_not_enforce_are_set(unit, service):
    """Read from systemd: the host's cgroup version 1 keeps memory and tasks from being limited here."""
    names = ("MemoryMax", "TasksMax", "OOMScoreAdjust", "WatchdogUSec")
    shown = unit.machine.show(f"tranquillo-{service}", *names)
    assert 64 << 20 <= int(shown["MemoryMax"]) <= 256 << 20
    assert int(shown["TasksMax"]) <= 64
    assert -1000 < int(shown["OOMScoreAdjust"]) <= 1000
    assert shown["WatchdogUSec"] not in {"0", "infinity"}


def test_press_starts_music_after_all_that(unit):
    assert unit.play().sounding
