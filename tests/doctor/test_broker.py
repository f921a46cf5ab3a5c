"""A real Mosquitto with TLS that is greeted, refuses, is trusted or not; and the dates of certificates."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.certificates import Authority
from support.mosquitto import Mosquitto, free_port

from device.config import Telemetry, Tls
from device.doctor import broker
from device.doctor.broker import check_broker
from device.doctor.result import Outcome
from device.doctor.scene import Answer

DAY_S = 86_400.0


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def own(authority) -> Tls:
    return authority.issue("ward-3")


@pytest.fixture(scope="module")
def secured(tmp_path_factory, authority) -> Iterator[Mosquitto]:
    """A broker that wants a certificate of this authority."""
    server = authority.issue("broker")
    one = Mosquitto(tmp_path_factory.mktemp("broker"), (
        f"cafile {authority.certificate}", f"certfile {server.certificate}", f"keyfile {server.key}",
        "require_certificate true", "use_identity_as_username true"), anonymous=False)
    one.start()
    yield one
    one.stop()


@pytest.fixture
def clinic(stage):
    """Return a function that configures the broker; the unit's root is this machine's."""
    def configure(port: int, tls: Tls | None = None, outcome_tls: Tls | None = None, host="127.0.0.1"):
        stage.root = Path("/")
        stage.programs["getent"] = Answer("127.0.0.1       STREAM localhost\n127.0.0.1       DGRAM\n", 0)
        stage.change(telemetry=Telemetry(
            broker_host=host, broker_port=port, tls=tls, outcome_tls=outcome_tls))
        return stage.scene()
    return configure


def test_broker_that_trusts_us_is_reached_with_both_certificates(clinic, secured, own, authority, found):
    scene = clinic(secured.port, own, authority.issue("outcomes"))
    results = found(check_broker(scene, time.time()))
    assert results.pop("broker.outbox").outcome is Outcome.SKIPPED
    assert {result.outcome for result in results.values()} == {Outcome.OK}
    assert results["broker.reachable"].unit == "ms"
    assert "broker.outcomes" in results
    assert results["certificates.unit"].value == pytest.approx(364, abs=1)
    assert results["certificates.authority"].value == pytest.approx(399, abs=1)
    assert "certificates.outcome" in results


def test_broker_is_greeted_under_a_name_that_says_nothing(clinic, secured, own):
    check_broker(clinic(secured.port, own), time.time())
    check_broker(clinic(secured.port, own), time.time())
    names = [line.split(" as ")[1].split()[0] for line in secured.log().splitlines() if "New client" in line]
    assert len(set(names)) == len(names) >= 2
    assert not any("ward-3" in name for name in names)


@pytest.mark.parametrize(("case", "words"), [
    ("another authority", "its certificate is not trusted"),
    ("another name", "its certificate is not trusted"),
    ("ours has expired", "does not accept this unit's certificate"),
    ("ours is a stranger's", "does not accept this unit's certificate"),
    ("ours is missing", "does not accept this unit's certificate"),
    ("our file is gone", "the certificate files cannot be used"),
])
def test_broker_unfit_certificates_are_told_apart(
    tmp_path, clinic, secured, own, authority, found, case, words,
):
    host = "127.0.0.1"
    if case in {"another authority", "ours is a stranger's"}:
        stranger = Authority(tmp_path, "stranger")
        theirs = stranger.issue("ward-3")
        tls = Tls(ca=theirs.ca, certificate=own.certificate, key=own.key)
        if case == "ours is a stranger's":
            tls = Tls(ca=own.ca, certificate=theirs.certificate, key=theirs.key)
    elif case == "ours has expired":
        tls = authority.issue("old", days=-1)
    elif case == "ours is missing":
        tls = Tls(ca=own.ca)
    else:
        tls = own if case == "another name" else Tls(ca=own.ca, certificate="/none.pem", key="/none.key")
        host = "broker.example" if case == "another name" else host
    result = found(check_broker(clinic(secured.port, tls, host=host), time.time()))["broker.reachable"]
    assert result.outcome is Outcome.FAILED
    assert words in result.says
    assert result.advice
    assert "broker.example" not in result.says + result.advice


def test_broker_whose_own_certificate_ends_soon_needs_attention(tmp_path, clinic, own, authority, found):
    server = authority.issue("ending", days=20)
    ending = Mosquitto(tmp_path, (
        f"cafile {authority.certificate}", f"certfile {server.certificate}", f"keyfile {server.key}",
        "require_certificate true"))
    ending.start()
    scene = clinic(ending.port, own)
    scene.clock.set_wall(time.time())
    result = found(check_broker(scene, time.time()))["broker.reachable"]
    ending.stop()
    assert result.outcome is Outcome.ATTENTION
    assert "its own certificate" in result.says


def test_broker_without_tls_on_this_machine(tmp_path, clinic, found):
    plain = Mosquitto(tmp_path)
    plain.start()
    result = found(check_broker(clinic(plain.port), time.time()))["broker.reachable"]
    plain.stop()
    assert (result.outcome, result.says) == (Outcome.OK, "answers")


def test_broker_that_refuses_the_unit(tmp_path, clinic, found):
    strict = Mosquitto(tmp_path, anonymous=False)
    strict.start()
    result = found(check_broker(clinic(strict.port), time.time()))["broker.reachable"]
    strict.stop()
    assert result.outcome is Outcome.FAILED
    assert "refuses this unit (reason 0x" in result.says


def test_broker_that_does_not_listen(clinic, own, found):
    result = found(check_broker(clinic(free_port(), own), time.time()))["broker.reachable"]
    assert (result.outcome, result.says) == (Outcome.FAILED, "does not answer in time, or hangs up")


@pytest.mark.parametrize("with_tls", [True, False])
def test_broker_that_accepts_and_is_silent_costs_a_bounded_time(clinic, own, found, monkeypatch, with_tls):
    monkeypatch.setattr(broker, "TALK_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        scene = clinic(listener.getsockname()[1], own if with_tls else None)
        begun = time.monotonic()
        result = found(check_broker(scene, time.time()))["broker.reachable"]
    assert result.outcome is Outcome.FAILED
    assert time.monotonic() - begun < 1.0


def test_broker_that_is_something_else(clinic, found):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        import threading

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400\r\n")
        thread = threading.Thread(target=answer)
        thread.start()
        result = found(check_broker(clinic(listener.getsockname()[1]), time.time()))["broker.reachable"]
        thread.join(5)
    assert "no MQTT 5 broker" in result.says


def test_broker_whose_name_is_unknown(stage, clinic, found):
    scene = clinic(1883, host="127.0.0.1")
    stage.programs["getent"] = Answer("", 2)
    assert "name is not known" in found(check_broker(scene, time.time()))["broker.reachable"].says


def test_broker_none_is_left_out(stage, found):
    assert found(check_broker(stage.scene(), time.time()))["broker.reachable"].outcome is Outcome.SKIPPED


@pytest.mark.parametrize(("days", "outcome", "words"), [
    (0, Outcome.OK, "valid"), (340, Outcome.ATTENTION, "within a month"),
    (366, Outcome.FAILED, "has expired"),
    (-2, Outcome.ATTENTION, "not valid yet"),
])
def test_certificates_days_left_by_the_units_clock(clinic, own, found, days, outcome, words):
    scene = clinic(free_port(), own)
    result = found(check_broker(scene, time.time() + days * DAY_S))["certificates.unit"]
    assert result.outcome is outcome
    assert words in result.says
