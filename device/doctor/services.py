"""The processes: what systemd says of them, and what they say of themselves."""

from __future__ import annotations

from pathlib import Path

from device.config import Settings
from device.doctor.owners import Owner, owner_of
from device.doctor.result import AS_ROOT, Outcome, Result, attention, failed, ok
from device.doctor.scene import Ask, Scene, Unit
from device.messages import Health, Service, Severity

SERVICES: tuple[Service, ...] = ("sensors", "headset", "estimator", "conductor", "player", "telemetry")
PROPERTIES = "Id,LoadState,ActiveState,SubState,Result,NRestarts"
ASK_S = 4.0
RESTARTS_MANY = 3  # chosen: one restart is what a watchdog is for, a handful is a pattern
_OUTCOME = {Severity.ACT_NOW: Outcome.FAILED, Severity.ATTENTION: Outcome.ATTENTION,
            Severity.INFO: Outcome.OK}


def check_services(scene: Scene) -> list[Result]:
    """Look at every service: systemd's word where it runs, the service's own on the bus."""
    results = [_judge(name, scene.units.get(name), scene) for name in expected(scene.settings)]
    if scene.units and all(unit.get("ActiveState") == "inactive" for unit in scene.units.values()):
        return [attention("services.target", "all services are stopped", "systemctl start tranquillo.target"),
                *results]
    return results


def expected(settings: Settings) -> tuple[Service, ...]:
    """Return the services that a unit is configured to have: the simulator where a part is simulated."""
    names = (settings.sensors.adc, settings.headset.port, settings.panel.pins)
    return (*SERVICES, "simulator") if any(name.startswith("sim:") for name in names) else SERVICES


def units_of(settings: Settings, root: Path, ask: Ask) -> dict[str, Unit]:
    """Return what systemd says of each service's unit; empty where it does not run (sd_booted(3))."""
    if not (root / "run/systemd/system").is_dir():
        return {}
    names = [f"tranquillo-{name}.service" for name in expected(settings)]
    answer = ask(("systemctl", "show", *names, f"--property={PROPERTIES}"), ASK_S)
    return {} if answer is None else parse_units(answer.text)


def parse_units(text: str) -> dict[str, Unit]:
    """Return the units of `systemctl show`: KEY=VALUE lines, an empty line between units."""
    units: dict[str, Unit] = {}
    for paragraph in text.split("\n\n"):
        unit = dict(line.split("=", 1) for line in paragraph.splitlines() if "=" in line)
        if name := unit.get("Id", "").removeprefix("tranquillo-").removesuffix(".service"):
            units[name] = unit
    return units


def _judge(name: Service, unit: Unit | None, scene: Scene) -> Result:
    """Judge one service; what it says of itself counts before what systemd says."""
    label = f"services.{name}"
    refused = None if unit is None else _unit_trouble(label, name, unit)
    if refused is not None:
        return refused
    health = scene.heard.health.get(name)
    if health is not None:
        return _health(label, health, unit)
    owner = owner_of(scene.run_dir, name)
    if owner is Owner.UNKNOWN:
        return attention(label, "this user may not look", AS_ROOT)
    if owner is Owner.SERVICE:
        return failed(label, "runs but says nothing on the bus", f"see its log: tranquillo logs {name}; its "
                      "watchdog should restart it within seconds")
    how = "tranquillo up" if unit is None else "systemctl start tranquillo.target"
    return attention(label, "is not running", how)


def _unit_trouble(label: str, name: Service, unit: Unit) -> Result | None:
    """Return what systemd says is wrong, None when the unit is active or merely stopped."""
    state, result = unit.get("ActiveState", ""), unit.get("Result", "")
    if unit.get("LoadState") != "loaded":
        return failed(label, f"its unit is {unit.get('LoadState', 'unknown')}",
                      "provision the unit again (make provision)")
    if state == "failed":
        return failed(label, f"has failed ({result})", f"see its log: tranquillo logs {name}; then systemctl "
                      f"reset-failed tranquillo-{name} and systemctl start tranquillo.target")
    if unit.get("SubState") == "auto-restart":
        return failed(label, f"keeps ending ({result}) and is being restarted",
                      f"see its log: tranquillo logs {name}")
    return None


def _health(label: str, health: Health, unit: Unit | None) -> Result:
    """Judge a service by what it said of itself and how often it was restarted."""
    if health.faults:
        worst = min(health.faults, key=lambda fault: list(_OUTCOME).index(fault.severity))
        codes = ", ".join(fault.code for fault in health.faults)
        return Result(name=label, outcome=_OUTCOME[worst.severity], says=f"runs and reports {codes}",
                      advice=worst.advice, value=round(health.uptime_s), unit="s")
    restarts = int((unit or {}).get("NRestarts", "0") or 0)
    if restarts >= RESTARTS_MANY:
        return attention(label, f"runs, but was restarted {restarts} times",
                         f"see its log: tranquillo logs {health.service}", restarts, "restarts")
    return ok(label, "runs", round(health.uptime_s), "s")
