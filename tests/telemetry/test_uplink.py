"""The uplink against a real Mosquitto: delivery, outages, last will, refusals, TLS both ways."""

from __future__ import annotations

import json
import random
import re
import socket

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from support.certificates import Authority
from support.mosquitto import Mosquitto, Reader, free_port, until

from device.clock import SystemClock
from device.config import Telemetry, Tls
from device.messages import Severity
from device.telemetry import tables
from device.telemetry.certificate import context_of
from device.telemetry.outbox import KEEP_S
from device.telemetry.uplink import Uplink

UNIT = "ward-3"


class Quick(SystemClock):
    """Real time, twenty times as fast for everything but the socket: back-offs pass quickly."""

    def monotonic(self) -> float:
        return super().monotonic() * 20


@pytest.fixture
def connect():
    """Make uplinks that are closed at the end."""
    made: list[Uplink] = []

    def make(outbox, port: int, **more) -> Uplink:
        values = {"outcome_delay_min_s": 0.0, "outcome_delay_max_s": 0.0, "letters_per_s": 1000.0,
                  "reconnect_max_s": 10.0} | more
        settings = Telemetry(broker_host="127.0.0.1", broker_port=port, **values)
        made.append(Uplink(settings, UNIT, outbox, Quick(), random.Random(2)))
        return made[-1]

    yield make
    for one in made:
        one.close()


def drive(uplink: Uplink, condition, seconds: float = 20.0, what: str = "it"):
    """Step the uplink until something is true."""
    def stepped():
        uplink.step()
        uplink._outbox.tick()
        return condition()
    return until(stepped, seconds, what)


def waiting(outbox) -> int:
    return outbox.depth("fleet") + outbox.depth("outcomes")


def codes(uplink: Uplink) -> dict[str, Severity]:
    return {fault.code: fault.severity for fault in uplink.faults()}


@pytest.fixture
def uplink(connect, live_outbox, broker):
    return connect(live_outbox, broker.port)


def test_uplink_delivers_health_faults_and_outcomes(uplink, live_outbox, reader, mint):
    letters = [mint.health(live_outbox), mint.fault(live_outbox), mint.outcome()]
    for letter in letters:
        assert live_outbox.enqueue(letter)
    live_outbox.tick()
    drive(uplink, lambda: waiting(live_outbox) == 0, what="an empty outbox")
    until(lambda: {letter.id for letter in letters} <= reader.ids("tranquillo/"), what="all received")
    by_topic = {one.topic: one.payload for one in reader.received}
    assert by_topic[f"tranquillo/v1/fleet/{UNIT}/state"] == json.loads(letters[0].payload)
    assert by_topic[f"tranquillo/v1/fleet/{UNIT}/faults"] == json.loads(letters[1].payload)
    assert by_topic[f"tranquillo/v1/outcomes/{letters[2].id}"] == json.loads(letters[2].payload)
    assert uplink.faults() == ()


def test_uplink_availability_is_retained_and_says_goodbye(uplink, reader, broker):
    drive(uplink, lambda: reader.on("availability"), what="the birth")
    assert reader.on("availability")[-1].payload["online"] is True
    uplink.close()
    until(lambda: reader.on("availability")[-1].payload["why"] == "stopped", what="the farewell")
    late = Reader(broker.port, "late")
    until(lambda: late.on("availability"), what="the retained word")
    assert late.on("availability")[0].retain
    assert late.on("availability")[0].payload["online"] is False
    late.close()


def test_uplink_last_will_is_sent_when_the_connection_breaks(uplink, reader):
    drive(uplink, lambda: reader.on("availability"), what="the birth")
    uplink._fleet._link._client.socket().close()  # what a power cut looks like from the broker
    until(lambda: reader.on("availability")[-1].payload["why"] == "lost", what="the last will")


def test_uplink_outcomes_come_from_another_client_without_the_units_name(
    uplink, live_outbox, broker, reader, mint,
):
    for _ in range(2):  # two batches
        live_outbox.enqueue(mint.outcome())
        live_outbox.tick()
        drive(uplink, lambda: waiting(live_outbox) == 0, what="the batch")
    until(lambda: len(reader.ids("outcomes")) == 2)
    senders = re.findall(r"Received PUBLISH from (\S+) .*'tranquillo/v1/outcomes/", broker.log())
    assert len(set(senders)) == 2, "a new random name for every batch"
    assert all(re.fullmatch("[0-9a-f]{32}", sender) for sender in senders)
    assert not set(senders) & reader.ids("outcomes")
    assert "SUBSCRIBE from tranquillo-ward-3" not in broker.log()


def test_uplink_outage_loses_nothing_and_window_in_memory_stays_small(
    uplink, live_outbox, broker, reader, mint,
):
    drive(uplink, lambda: uplink.up, what="connected")
    broker.stop()
    drive(uplink, lambda: not uplink.up, what="noticed")
    letters = [mint.health(live_outbox) for _ in range(60)] + [mint.fault(live_outbox)]
    for letter in letters:
        live_outbox.enqueue(letter)
    broker.start()
    most = 0

    def arrived():
        nonlocal most
        if uplink._fleet._link is not None:
            most = max(most, len(uplink._fleet._link._client._out_messages))
        return {letter.id for letter in letters} <= reader.ids("fleet/")
    drive(uplink, arrived, what="everything after the outage")
    assert most <= 11, "the window, and the birth"
    numbers = [one.payload["number"] for one in reader.on("/state")]
    assert numbers == sorted(numbers), "the last retained state is the newest"


def test_uplink_sends_again_what_a_killed_broker_had_only_in_memory(start_broker, connect, live_outbox, mint):
    broker = start_broker("autosave_interval 1800")
    uplink = connect(live_outbox, broker.port)
    letters = [mint.fault(live_outbox) for _ in range(5)] + [mint.outcome() for _ in range(3)]
    for letter in letters:
        live_outbox.enqueue(letter)
    live_outbox.tick()
    drive(uplink, lambda: marked(live_outbox), what="all acknowledged")
    broker.kill()
    broker.start()
    reader = Reader(broker.port)
    drive(uplink, lambda: {letter.id for letter in letters} <= reader.ids("tranquillo/"), what="sent again")
    reader.close()


def marked(outbox) -> bool:
    """Tell whether everything has been sent and lies before a bookmark that the broker has."""
    unmarked = outbox._db.execute(tables.UNMARKED).fetchone()
    making = outbox._db.execute("SELECT count(*) FROM bookmarks WHERE made_s IS NULL").fetchone()
    return waiting(outbox) == 0 and unmarked == (0, 0) and making == (0,)


def test_uplink_repeats_no_outcome_to_a_broker_that_has_it(
    uplink, live_outbox, broker, reader, mint,
):
    letters = [mint.outcome() for _ in range(2)]
    for letter in letters:
        live_outbox.enqueue(letter)
    live_outbox.tick()
    drive(uplink, lambda: marked(live_outbox), what="sent and marked")
    for _ in range(2):  # a loose plug: only this unit reconnects, and all of the ward sees it
        births = len(reader.on("availability"))
        uplink._fleet._link._client.socket().shutdown(socket.SHUT_RDWR)
        drive(uplink, lambda births=births: len(reader.on("availability")) > births + 1, what="back again")
        drive(uplink, lambda: live_outbox.question() is None, what="the bookmarks are found")
    assert len(reader.on("outcomes")) == 2
    assert stored_outcomes(live_outbox) == 2, "found too early to prove anything"


def stored_outcomes(outbox) -> int:
    return outbox._db.execute("SELECT count(*) FROM outcomes").fetchone()[0]


def test_uplink_forgets_what_the_broker_has_saved(uplink, live_outbox, broker, mint):
    live_outbox.enqueue(mint.outcome())
    live_outbox.enqueue(mint.fault(live_outbox))
    live_outbox.tick()
    drive(uplink, lambda: marked(live_outbox), what="sent and marked")
    live_outbox._base_s += KEEP_S
    drive(uplink, lambda: stored_outcomes(live_outbox) == 0, what="the bookmark is found")
    assert live_outbox._db.execute("SELECT count(*) FROM fleet").fetchone()[0] == 0


def test_uplink_coming_back_does_not_say_whose_the_outcomes_are(
    broker, connect, live_outbox, reader, mint,
):
    uplink = connect(live_outbox, broker.port, outcome_delay_min_s=3600, outcome_delay_max_s=7200)
    kept, released, letter = mint.outcome(), mint.outcome(), mint.fault(live_outbox)
    for one in (kept, released, letter):
        live_outbox.enqueue(one)
    live_outbox.tick()
    live_outbox.acknowledge("outcomes", [kept.id])  # as an earlier process did
    drive(uplink, lambda: uplink.up and letter.id in reader.ids("fleet/"), what="the unit is back")
    live_outbox.tick()
    assert live_outbox.peek("outcomes", 10) == []
    assert live_outbox.depth("outcomes") == 2, "both wait a random while again"
    assert reader.on("outcomes") == []


def test_uplink_unreachable_broker_is_information_after_a_minute(connect, live_outbox):
    uplink = connect(live_outbox, free_port())
    drive(uplink, lambda: uplink._fleet._trouble is not None, what="the first failure")
    assert uplink.faults() == (), "nobody is told of a short outage"
    drive(uplink, lambda: codes(uplink) == {"broker_unreachable": Severity.INFO}, what="the fault")


def test_uplink_waits_between_attempts_grow_to_half_a_minute_and_differ(live_outbox, clock):
    settings = Telemetry(broker_host="127.0.0.1", broker_port=free_port())
    uplink = Uplink(settings, UNIT, live_outbox, clock, random.Random(3))
    lane, waits = uplink._fleet, []
    for _ in range(40):
        drive(uplink, lambda: lane._link is None and lane._retry_s > clock.monotonic(), what="a failure")
        waits.append(lane._retry_s - clock.monotonic())
        clock.advance_to(lane._retry_s)
        uplink.step()
    assert min(waits) >= 1.0
    assert max(waits[:1]) <= 2.0
    assert 20.0 < max(waits) <= 30.0
    assert len({round(wait, 3) for wait in waits}) > 30
    drive(uplink, lambda: lane._link is None, what="the last attempt over")
    uplink.close()


def test_uplink_step_never_blocks_while_a_broker_does_not_answer(connect, live_outbox):
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes the connection and says nothing
        uplink = connect(live_outbox, mute.getsockname()[1])
        assert longest_step(uplink) < 0.3
        assert not uplink.up


def longest_step(uplink: Uplink) -> float:
    """Return the longest of one second's steps."""
    clock, longest = SystemClock(), 0.0
    end_s = clock.monotonic() + 1.0
    while (start_s := clock.monotonic()) < end_s:
        uplink.step()
        longest = max(longest, clock.monotonic() - start_s)
        clock.sleep(0.01)
    return longest


def test_uplink_denied_publish_is_told_kept_and_sent_when_allowed(
    tmp_path, start_broker, connect, live_outbox, mint,
):
    rules = tmp_path / "acl"
    rules.write_text("topic read #\ntopic write tranquillo/v1/fleet/ward-3/availability\n", encoding="utf-8")
    broker = start_broker(f"acl_file {rules}")
    uplink = connect(live_outbox, broker.port)
    letter = mint.fault(live_outbox)
    live_outbox.enqueue(letter)
    drive(uplink, lambda: codes(uplink) == {"broker_refused": Severity.ATTENTION}, what="the refusal")
    assert waiting(live_outbox) == 1
    broker.stop()
    rules.write_text("topic readwrite #\n", encoding="utf-8")
    broker.start()
    drive(uplink, lambda: waiting(live_outbox) == 0 and uplink.faults() == (), what="delivery")


def test_uplink_refused_connection_is_told(start_broker, connect, live_outbox):
    uplink = connect(live_outbox, start_broker(anonymous=False).port)
    drive(uplink, lambda: codes(uplink) == {"broker_refused": Severity.ATTENTION}, what="the refusal")


def test_uplink_second_device_of_the_same_name_shows_as_unsteady(uplink, broker):
    for _ in range(3):  # Mosquitto 2.0.11 throws the older client out without a word
        drive(uplink, lambda: uplink.up, what="connected")
        twin = Client(CallbackAPIVersion.VERSION2, client_id=f"tranquillo-{UNIT}",
                      protocol=MQTTProtocolVersion.MQTTv5)
        twin.connect("127.0.0.1", broker.port)
        drive(uplink, lambda twin=twin: twin.loop(0.0) or not uplink.up, what="thrown out")
        twin.disconnect()
    assert codes(uplink).get("broker_unsteady") is Severity.INFO
    drive(uplink, lambda: uplink.up, what="connected again")
    drive(uplink, lambda: uplink.faults() == (), what="steady again")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture
def secured(tmp_path, start_broker, authority):
    """Start a broker that wants certificates of its clients and names them by these."""
    rules = tmp_path / "acl"
    rules.write_text("pattern write tranquillo/v1/fleet/%u/#\n"
                     "user outcomes\ntopic write tranquillo/v1/outcomes/+\n"
                     "user dashboard\ntopic read tranquillo/#\n", encoding="utf-8")

    def start(server: Tls) -> Mosquitto:
        return start_broker(
            f"cafile {authority.certificate}", f"certfile {server.certificate}", f"keyfile {server.key}",
            "require_certificate true", "use_identity_as_username true", "tls_version tlsv1.2",
            f"acl_file {rules}", anonymous=False)
    return start


def test_uplink_mutual_tls_delivers_both_streams(secured, authority, connect, live_outbox, mint):
    broker = secured(authority.issue("broker"))
    reader = Reader(broker.port, context=context_of(authority.issue("dashboard")))
    uplink = connect(
        live_outbox, broker.port, tls=authority.issue(UNIT), outcome_tls=authority.issue("outcomes"))
    letters = [mint.fault(live_outbox), mint.outcome()]
    for letter in letters:
        live_outbox.enqueue(letter)
    live_outbox.tick()
    drive(uplink, lambda: {letter.id for letter in letters} <= reader.ids("tranquillo/"), what="both streams")
    assert uplink.faults() == ()
    names = re.findall(r"New client connected from \S+ as (\S+) \(.*u'([^']+)'", broker.log())
    assert (f"tranquillo-{UNIT}", UNIT) in names
    assert {user for client, user in names if re.fullmatch("[0-9a-f]{32}", client)} == {"outcomes"}
    reader.close()


@pytest.mark.parametrize(("case", "code", "severity"), [
    ("our authority is another", "broker_certificate", Severity.ATTENTION),
    ("the broker's has expired", "broker_certificate", Severity.ATTENTION),
    ("the broker's is for another name", "broker_certificate", Severity.ATTENTION),
    ("ours has expired", "certificate_refused", Severity.ATTENTION),
    ("ours is a stranger's", "certificate_refused", Severity.ATTENTION),
    ("ours is missing", "certificate_refused", Severity.ATTENTION),
    ("our file is gone", "certificate_unreadable", Severity.ATTENTION),
    ("our file is no certificate", "certificate_unreadable", Severity.ATTENTION),
])
def test_uplink_unfit_certificates_are_told_apart(
    tmp_path, secured, authority, stranger, connect, live_outbox, mint, case, code, severity,
):
    server, own = authority.issue("broker"), authority.issue(UNIT)
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("not a certificate\n", encoding="utf-8")
    if case == "our authority is another":
        own = Tls(ca=str(stranger.certificate), certificate=own.certificate, key=own.key)
    elif case == "the broker's has expired":
        server = authority.issue("old-broker", days=-1)
    elif case == "the broker's is for another name":
        server = authority.issue("elsewhere", alternative="DNS:elsewhere.example")
    elif case == "ours has expired":
        own = authority.issue("old-unit", days=-1)
    elif case == "ours is a stranger's":
        foreign = stranger.issue(UNIT)
        own = Tls(ca=own.ca, certificate=foreign.certificate, key=foreign.key)
    elif case == "ours is missing":
        own = Tls(ca=own.ca)
    elif case == "our file is gone":
        own = Tls(ca=own.ca, certificate=str(tmp_path / "gone.pem"), key=own.key)
    else:
        own = Tls(ca=own.ca, certificate=str(rubbish), key=own.key)
    broker = secured(server)
    live_outbox.enqueue(mint.health(live_outbox))
    uplink = connect(live_outbox, broker.port, tls=own)
    drive(uplink, lambda: codes(uplink).get(code) is severity, what=f"{code}; broker:\n{broker.log()}")
    assert not uplink.up
    assert waiting(live_outbox) == 1


def test_uplink_waits_for_the_clock_before_tls(authority, live_outbox, clock):
    clock.set_wall(0.0)  # a Pi before its first synchronisation
    settings = Telemetry(broker_host="127.0.0.1", broker_port=free_port(), tls=authority.issue(UNIT))
    uplink = Uplink(settings, UNIT, live_outbox, clock, random.Random(2))
    drive(uplink, lambda: codes(uplink) == {"clock_unset": Severity.INFO}, what="the fault")
    uplink.close()


def test_uplink_warns_a_month_before_its_certificate_expires(authority, live_outbox, clock):
    clock.set_wall(SystemClock().wall())
    for days, expected in ((29, {"certificate_expiring": Severity.INFO}), (31, {})):
        settings = Telemetry(broker_host="127.0.0.1", tls=authority.issue(f"unit-{days}", days=days))
        assert codes(Uplink(settings, UNIT, live_outbox, clock, random.Random(2))) == expected
