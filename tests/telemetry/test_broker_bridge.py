"""A ward's broker passes on to the clinic's, as provisioning/broker/bridge.conf ships it."""

from __future__ import annotations

import contextlib

from support.mosquitto import until
from support.mqtt_probe import WELCOME, Probe

from device.desk.clinic import INSTALLED, SHIPPED, ClinicAuthority, ClinicBroker
from device.telemetry.certificate import context_of

STATE = "tranquillo/v1/fleet/{}/state"
OUTCOME = f"tranquillo/v1/outcomes/{'7' * 32}"


def bridge_lines(port: int, files) -> tuple[str, ...]:
    text = (SHIPPED / "broker" / "bridge.conf").read_text(encoding="utf-8")
    for old, new in (("central.clinic.example:8885", f"localhost:{port}"), (f"{INSTALLED}/ca.crt", files.ca),
                     (f"{INSTALLED}/bridge.crt", files.certificate), (f"{INSTALLED}/bridge.key", files.key),
                     ("restart_timeout 2 30", "restart_timeout 1 1")):
        assert old in text
        text = text.replace(old, new)
    return tuple(text.splitlines())


def test_broker_bridge_passes_both_streams_on_and_keeps_them_through_an_outage(tmp_path):
    authority = ClinicAuthority(tmp_path / "ca")
    central = ClinicBroker(tmp_path / "central", authority, {})
    ward = ClinicBroker(tmp_path / "ward", authority, {},
                        lines=bridge_lines(central.ports["readers"], authority.reader("bridge")))
    with contextlib.ExitStack() as opened:
        for broker in (central, ward):
            opened.callback(broker.stop)
            broker.start()

        def connect(broker: ClinicBroker, port: str, tls) -> Probe:
            probe = Probe(broker.ports[port], context_of(tls))
            opened.callback(probe.close)
            return probe

        unit = connect(ward, "units", authority.unit("ward-3"))
        shared = connect(ward, "units", authority.shared())
        assert unit.publish(STATE.format("ward-3"), b"1") == WELCOME
        fleet = authority.reader("dashboard-fleet")
        reader = connect(central, "readers", fleet)
        reader.subscribe("tranquillo/v1/fleet/+/+")
        until(lambda: reader.topics() == [STATE.format("ward-3")], what="the state at the clinic's broker")
        central.stop()
        assert unit.publish(STATE.format("ward-3"), b"2") == WELCOME
        assert shared.publish(OUTCOME, b"{}") == WELCOME
        central.start()
        again = connect(central, "readers", fleet)
        again.subscribe("tranquillo/v1/fleet/+/+")
        until(lambda: b"2" in [one.payload for one in again.received], what="what the ward's broker kept")
        late = connect(central, "readers", fleet)
        late.subscribe("tranquillo/v1/fleet/+/+")
        until(lambda: [(one.payload, one.retain) for one in late.received] == [(b"2", True)], what="retained")
        downward = connect(ward, "readers", fleet)
        downward.subscribe("tranquillo/v1/fleet/+/+")
        neighbour = connect(central, "units", authority.unit("ward-4"))
        assert neighbour.publish(STATE.format("ward-4")) == WELCOME
        until(lambda: STATE.format("ward-4") in late.topics(), what="the neighbour at the clinic's broker")
        assert STATE.format("ward-4") not in downward.topics(), "nothing comes back"
