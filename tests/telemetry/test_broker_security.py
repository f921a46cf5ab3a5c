"""The broker's configuration as shipped, on a real Mosquitto: who gets in, who may say what, who may read."""

from __future__ import annotations

import contextlib
import random
import re
import socket
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from support.mosquitto import until
from support.mqtt_probe import WELCOME, Probe

from device.clock import SystemClock
from device.config import Telemetry, Tls
from device.desk.broker import BrokerError
from device.desk.clinic import ClinicAuthority, ClinicBroker
from device.messages import Severity
from device.telemetry.certificate import context_of
from device.telemetry.uplink import Uplink

REPOSITORY = Path(__file__).resolve().parents[2]
FLEET, OUTCOMES = "tranquillo/v1/fleet", "tranquillo/v1/outcomes"
NOT_AUTHORISED, BAD_USER = 0x87, 0x86  # MQTT 5, 3.2.2.2 and 3.4.2.1
PASSWORDS = {"dashboard-fleet": "fleet-word", "dashboard-outcomes": "outcomes-word"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return ClinicAuthority(tmp_path_factory.mktemp("clinic"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return ClinicAuthority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def thief(authority):
    """The certificate of one unit, stolen with the unit."""
    return authority.unit("ward-3")


@pytest.fixture(scope="module")
def clinic(tmp_path_factory, authority):
    folder = tmp_path_factory.mktemp("broker")
    broker = ClinicBroker(folder, authority, PASSWORDS, lines=("log_type subscribe",))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def probe(clinic, authority):
    """Make clients that are closed at the end: of a certificate, or of the page's listener by a name."""
    made: list[Probe] = []

    def make(tls: Tls | None = None, *, port: str = "units", **more) -> Probe:
        context = context_of(tls or Tls(ca=str(authority.certificate)))
        made.append(Probe(clinic.ports[port], context, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def page(probe):
    """Read as the page does: over WebSockets, by name and password."""
    def make(user: str) -> Probe:
        reader = probe(port="page", web=True, user=user, password=PASSWORDS[user])
        reader.subscribe("#", f"{FLEET}/+/+", f"{OUTCOMES}/+")
        return reader
    return make


def test_broker_gives_each_reader_its_own_stream_only(authority, thief, probe, page):
    fleet, outcomes = page("dashboard-fleet"), page("dashboard-outcomes")
    assert probe(thief).publish(f"{FLEET}/ward-3/state") == WELCOME
    shared = probe(authority.shared())
    assert shared.publish(f"{OUTCOMES}/{'0' * 32}") == WELCOME
    until(lambda: fleet.topics() and outcomes.topics(), what="both streams")
    assert probe(thief).publish(f"{FLEET}/ward-3/faults") == WELCOME
    until(lambda: f"{FLEET}/ward-3/faults" in fleet.topics(), what="a later message")
    assert {one.split("/")[2] for one in fleet.topics()} == {"fleet"}
    assert {one.split("/")[2] for one in outcomes.topics()} == {"outcomes"}
    for reader in (fleet, outcomes):
        assert reader.publish(f"{FLEET}/ward-3/state") == NOT_AUTHORISED, "a page only reads"


def test_broker_lets_a_stolen_unit_write_as_itself_only(thief, probe, page):
    fleet = page("dashboard-fleet")
    stolen = probe(thief)
    for topic in (f"{FLEET}/ward-4/state", f"{FLEET}/ward-4/availability", f"{FLEET}/ward-33/state",
                  f"{FLEET}/ward-3/state/more", FLEET, f"{OUTCOMES}/{'1' * 32}", "homeassistant/x/config",
                  "$SYS/broker/version", "anything"):
        assert stolen.publish(topic, b"forged") == NOT_AUTHORISED, topic
    assert stolen.publish(f"{FLEET}/ward-3/state", b"own") == WELCOME
    until(lambda: b"own" in [one.payload for one in fleet.received], what="its own")
    assert b"forged" not in [one.payload for one in fleet.received]


def test_broker_sends_no_last_will_in_another_units_name(thief, probe, page):
    fleet = page("dashboard-fleet")
    for unit in ("ward-4", "ward-3"):  # Mosquitto judges a will when it is due, not when it is left
        probe(thief, will=f"{FLEET}/{unit}/availability").vanish()
    until(lambda: f"{FLEET}/ward-3/availability" in fleet.topics(), what="its own last will")
    assert f"{FLEET}/ward-4/availability" not in fleet.topics()


def test_broker_shared_certificate_for_outcomes_writes_no_health(authority, probe):
    shared = probe(authority.shared())
    for unit in ("outcomes", "ward-3"):
        assert shared.publish(f"{FLEET}/{unit}/state") == NOT_AUTHORISED


def test_broker_lets_a_stolen_unit_read_nothing(authority, thief, probe):
    readers = [probe(thief), probe(authority.shared()), probe(thief, port="readers")]
    for reader in readers:
        reader.subscribe("#", "$SYS/#", f"{FLEET}/+/state", f"{FLEET}/ward-3/+", f"{OUTCOMES}/+",
                         f"$share/group/{FLEET}/#")
    assert probe(authority.unit("ward-4")).publish(f"{FLEET}/ward-4/state") == WELCOME
    allowed = probe(authority.reader("dashboard-fleet"), port="readers")
    allowed.subscribe(f"{FLEET}/+/+")
    until(lambda: f"{FLEET}/ward-4/state" in allowed.topics(), what="who may read, reads")
    for reader in readers:
        reader.subscribe("after")  # answered after whatever would have been sent before
        assert reader.topics() == []


def test_broker_caretaker_clears_what_a_gone_unit_left(authority, probe):
    assert probe(authority.unit("ward-9")).publish(f"{FLEET}/ward-9/state") == WELCOME
    caretaker = probe(authority.reader("caretaker"), port="readers")
    assert caretaker.publish(f"{FLEET}/ward-9/state", b"") == WELCOME
    caretaker.subscribe(f"{FLEET}/+/+")
    caretaker.subscribe("after")
    assert f"{FLEET}/ward-9/state" not in caretaker.topics()


@pytest.mark.parametrize(("user", "password"), [
    ("dashboard-fleet", "wrong"), ("dashboard-fleet", ""), ("", ""), ("ward-3", "fleet-word"),
    ("caretaker", "fleet-word")])
def test_broker_page_needs_a_name_and_its_password(probe, user, password):
    assert probe(port="page", web=True, user=user, password=password).welcome in {NOT_AUTHORISED, BAD_USER}


@pytest.mark.parametrize("port", ["units", "readers"])
@pytest.mark.parametrize("case", ["none", "expired", "stranger"])
def test_broker_refuses_unfit_certificates_on_both_listeners(clinic, authority, stranger, case, port):
    tls = Tls(ca=str(authority.certificate))
    if case == "expired":
        tls = authority.unit("ward-old", days=-1)
    elif case == "stranger":
        foreign = stranger.unit("ward-3")
        tls = Tls(ca=tls.ca, certificate=foreign.certificate, key=foreign.key)
    assert verdict(clinic.ports[port], context_of(tls)) == "refused"


@pytest.mark.parametrize("port", ["units", "page", "readers"])
def test_broker_speaks_tls_1_2_with_forward_secrecy_or_better(clinic, authority, thief, port):
    context = context_of(thief)
    assert verdict(clinic.ports[port], context) == "welcome"
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert verdict(clinic.ports[port], context) == "welcome"
    context.set_ciphers("AES256-GCM-SHA384:AES128-SHA")  # no key exchange of their own
    assert verdict(clinic.ports[port], context) == "refused"
    with pytest.deprecated_call():
        old = context_of(thief)
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("DEFAULT@SECLEVEL=0")
    assert verdict(clinic.ports[port], old) == "refused"
    with socket.create_connection(("127.0.0.1", clinic.ports[port]), timeout=10) as plain:
        plain.sendall(b"\x10\x10\x00\x04MQTT\x05\x02\x00\x0a\x00\x00\x03any")
        with contextlib.suppress(ConnectionResetError):
            assert not plain.recv(4).startswith(b"\x20"), "no CONNACK in the clear"


def verdict(port: int, context: ssl.SSLContext) -> str:
    """Shake hands and greet; with TLS 1.3 the broker judges a certificate only after the handshake."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain, \
                context.wrap_socket(plain, server_hostname="localhost") as secured:
            secured.sendall(b"\x00\x00")  # no MQTT packet, no HTTP: hung up without an alert
            secured.recv(1)
    except ssl.SSLError:
        return "refused"
    except OSError:
        return "welcome"
    return "welcome"


class Quick(SystemClock):
    """Real time, twenty times as fast: back-offs pass quickly."""

    def monotonic(self) -> float:
        return super().monotonic() * 20


def follow(port: int, tls: Tls, outbox, condition, what: str) -> Uplink:
    """Run a unit's uplink until something is true of it; the caller closes it."""
    uplink = Uplink(Telemetry(broker_host="localhost", broker_port=port, tls=tls), "ward-3", outbox, Quick(),
                    random.Random(4))

    def stepped():
        uplink.step()
        return condition(uplink)
    until(stepped, what=what)
    return uplink


def test_broker_refuses_a_revoked_unit_from_the_next_connection_on(tmp_path, live_outbox):
    authority = ClinicAuthority(tmp_path / "ca")
    broker = ClinicBroker(tmp_path / "broker", authority, {})
    stolen, other = authority.unit("ward-3"), authority.unit("ward-4")
    broker.start()
    try:
        follow(broker.ports["units"], stolen, live_outbox, lambda one: one.up, "welcome").close()
        authority.revoke(stolen)
        broker.reload()
        until(lambda: verdict(broker.ports["units"], context_of(stolen)) == "refused", what="the new list")
        wanted = {"certificate_refused": Severity.ATTENTION}
        refused = follow(
            broker.ports["units"], stolen, live_outbox,
            lambda one: {fault.code: fault.severity for fault in one.faults()} == wanted, "the fault")
        assert not refused.up
        refused.close()
        follow(broker.ports["units"], other, live_outbox, lambda one: one.up, "the others").close()
    finally:
        broker.stop()


@pytest.mark.parametrize("name", ["outcomes", "caretaker", "bridge", "dashboard-fleet", "home-assistant"])
def test_authority_signs_no_unit_under_a_readers_name(authority, name):
    with pytest.raises(BrokerError, match="no name for a unit"):
        authority.unit(name)


def test_broker_of_another_name_is_told_by_the_unit(tmp_path, authority, thief, live_outbox):
    server = authority.server("elsewhere.example")
    broker = ClinicBroker(tmp_path / "broker", authority, {}, server)
    broker.start()
    try:
        codes = ["broker_certificate"]
        follow(broker.ports["units"], thief, live_outbox,
               lambda one: [fault.code for fault in one.faults()] == codes, "the fault").close()
    finally:
        broker.stop()


@pytest.fixture
def unit(tmp_path, clinic, authority):
    """The telemetry process of one unit, as systemd starts it."""
    own = authority.unit("ward-7")
    with tempfile.TemporaryDirectory(prefix="tq-") as run:
        config = tmp_path / "tranquillo.toml"
        config.write_text(
            f'unit_id = "ward-7"\nrun_dir = "{run}"\nstate_dir = "{tmp_path / "state"}"\n'
            '[player]\nbackend = "file"\n'
            f'[telemetry]\nbroker_host = "localhost"\nbroker_port = {clinic.ports["units"]}\n'
            "heartbeat_s = 1\n"
            f'[telemetry.tls]\nca = "{own.ca}"\ncertificate = "{own.certificate}"\nkey = "{own.key}"\n',
            encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-m", "device.services.telemetry", "--config", str(config)], cwd=REPOSITORY)
        yield process
        process.terminate()
        assert process.wait(15) == 0


def test_telemetry_process_listens_on_no_port_and_subscribes_to_nothing(unit, clinic, page):
    fleet = page("dashboard-fleet")
    until(lambda: f"{FLEET}/ward-7/state" in fleet.topics(), what="the first heartbeat")
    found = sockets(unit.pid)
    assert [there for *_, there in found].count(clinic.ports["units"]) == 1
    assert {kind for kind, *_ in found} == {"tcp"}
    assert {state for _, _, state, _ in found} == {"01"}, "nothing in LISTEN (0A)"
    own = {port for _, port, _, _ in found}  # paho wakes itself through a pair of sockets of its own
    assert {there for *_, there in found} - own == {clinic.ports["units"]}
    subscribed = re.findall(r"^\d+: (\S+) \d tranquillo", clinic.log(), flags=re.MULTILINE)
    assert subscribed, "the broker writes down who subscribes"
    assert not [name for name in subscribed if "ward-7" in name]


def sockets(pid: int) -> list[tuple[str, int, str, int]]:
    """Return kind, own port, state and remote port of a process's internet sockets, by the kernel."""
    own: set[str] = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            own.update(re.findall(r"^socket:\[(\d+)\]$", str(link.readlink())))
    found = []
    for kind in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        for line in Path(f"/proc/{pid}/net/{kind}").read_text(encoding="ascii").splitlines()[1:]:
            words = line.split()
            if words[9] in own:
                here, there = (int(word.rpartition(":")[2], 16) for word in words[1:3])
                found.append((kind, here, words[3], there))
    return found
