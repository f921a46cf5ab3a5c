"""The clinic's broker: reached, trusted, trusting us; and how long the certificates last."""

from __future__ import annotations

import random
import select
import socket
import ssl
from pathlib import Path

from device.config import Tls
from device.doctor.outbox import outbox_path, read_depth
from device.doctor.result import AS_ROOT, Outcome, Result, attention, failed, ok, skipped
from device.doctor.scene import Scene
from device.telemetry.certificate import WARN_S, context_of, validity
from device.telemetry.trouble import ADVICE, Trouble, trouble_of_error

NAME_S, CONNECT_S, TALK_S = 2.0, 2.0, 3.0  # a silent host costs 7 s at most
VERDICT_S = 0.5  # chosen: a broker farther away is told from one that trusts us by what follows
DAY_S = 86_400.0
FULL_SHARE = 0.8  # of outbox_max_rows
# MQTT 5: CONNECT (0x10) with clean start, keep-alive 10 s, no properties, and the client's name.
_CONNECT_HEAD = b"\x00\x04MQTT\x05\x02\x00\x0a\x00"
_DISCONNECT = b"\xe0\x00"
_CONNACK = 0x20
_ANSWER_BYTES = 4


def check_broker(scene: Scene, wall_s: float) -> list[Result]:
    """Greet the broker with each certificate that this unit has, and look at their dates.

    Args:
        scene: the unit.
        wall_s: the unit's wall time, seconds since the Unix epoch.
    """
    telemetry = scene.settings.telemetry
    if not telemetry.broker_host:
        return [skipped("broker.reachable", "no broker is configured; nothing is sent")]
    fleet = _greet("broker.reachable", scene, telemetry.tls)
    results = [fleet]
    if telemetry.outcome_tls is not None:
        results.append(_greet("broker.outcomes", scene, telemetry.outcome_tls) if fleet.outcome is Outcome.OK
                       else skipped("broker.outcomes", "the broker has to be reached first"))
    return [*results, *_dates(scene, wall_s), *_outbox(scene)]


def _greet(name: str, scene: Scene, tls: Tls | None) -> Result:
    """Say hello and goodbye under a name that is used this once, so nobody is thrown out."""
    telemetry = scene.settings.telemetry
    context = None
    if tls is not None:
        try:
            context = context_of(_at(scene, tls))
        except PermissionError:
            return attention(name, "this user may not read the key", AS_ROOT)
        except (OSError, ValueError):
            return failed(name, "the certificate files cannot be used", ADVICE[Trouble.UNREADABLE])
    address = _address(scene, telemetry.broker_host)
    if address is None:
        return failed(name, "its name is not known here",
                      "check the network and its DNS: getent ahosts, ip address, ip route")
    begun_s = scene.clock.monotonic()
    try:
        code, until_s = _hello(address, telemetry.broker_host, telemetry.broker_port, context)
    except (OSError, ValueError) as error:
        return _refusal(name, error)
    if code:
        return failed(name, f"the broker refuses this unit (reason 0x{code:02x})", ADVICE[Trouble.REFUSED])
    left_s = None if until_s is None else until_s - scene.clock.wall()
    return _welcome(name, round(1e3 * (scene.clock.monotonic() - begun_s)), left_s)


def _welcome(name: str, took_ms: int, left_s: float | None) -> Result:
    """Judge a broker that has welcomed us by how long its certificate lasts; None without TLS."""
    if left_s is None:
        return ok(name, "answers", took_ms, "ms")
    if left_s < WARN_S:
        return attention(name, "answers, but its own certificate expires within a month",
                         "renew the broker's certificate", took_ms, "ms")
    return ok(name, "answers, and both certificates are trusted", took_ms, "ms")


def _refusal(name: str, error: OSError | ValueError) -> Result:
    """Say what a failed greeting means."""
    if not isinstance(error, OSError):
        return failed(name, "what answers there is no MQTT 5 broker", "check telemetry.broker_port")
    trouble = trouble_of_error(error)
    says = {
        Trouble.UNREACHABLE: "does not answer in time, or hangs up",
        Trouble.CLOCK_UNSET: "its certificate is not valid yet by this unit's clock",
        Trouble.BROKER_CERTIFICATE: "its certificate is not trusted",
        Trouble.CERTIFICATE_REFUSED: "it does not accept this unit's certificate",
    }
    return failed(name, says.get(trouble, "cannot be spoken to"), ADVICE[trouble])


def _address(scene: Scene, host: str) -> str | None:
    """Return an address of a host, asked for in a process that can be given up; Python's own cannot."""
    answer = scene.ask(("getent", "ahosts", host), NAME_S)
    words = answer.text.split() if answer is not None and answer.code == 0 else []
    return words[0] if words else None


def _hello(address: str, host: str, port: int, context: ssl.SSLContext | None) -> tuple[int, float | None]:
    """Connect and greet; return the broker's reason code (0 is welcome) and when its certificate ends.

    Raises:
        OSError: no connection, no trust, or no answer in time.
        ValueError: the answer is not MQTT.
    """
    with socket.create_connection((address, port), CONNECT_S) as plain:
        plain.settimeout(TALK_S)
        if context is None:
            return _greeting(plain), None
        with context.wrap_socket(plain, server_hostname=host) as secured:
            _hear_verdict(secured)
            theirs = secured.getpeercert() or {}
            return _greeting(secured), ssl.cert_time_to_seconds(str(theirs["notAfter"]))


def _hear_verdict(secured: ssl.SSLSocket) -> None:
    """Wait for the broker's word on our certificate, before what we send could make it hang up unheard.

    With TLS 1.3 it judges us only after the handshake: by an alert, or by tickets, which hold no data.

    Raises:
        OSError: an alert, or it hung up.
    """
    if not select.select([secured], [], [], VERDICT_S)[0]:
        return
    secured.setblocking(False)
    try:
        if not secured.recv(1):
            raise ConnectionResetError("the broker hung up")
    except ssl.SSLWantReadError:
        return
    finally:
        secured.settimeout(TALK_S)


def _greeting(connection: socket.socket) -> int:
    """Exchange CONNECT and CONNACK, then leave.

    Raises:
        OSError: it hung up or was silent.
        ValueError: the answer is not MQTT.
    """
    client = f"{random.SystemRandom().getrandbits(128):032x}".encode()
    body = _CONNECT_HEAD + len(client).to_bytes(2, "big") + client
    connection.sendall(bytes([0x10, len(body)]) + body)
    answer = b""
    while len(answer) < _ANSWER_BYTES:
        chunk = connection.recv(_ANSWER_BYTES - len(answer))
        if not chunk:
            raise ConnectionResetError("the broker hung up")
        answer += chunk
    if answer[0] != _CONNACK:
        raise ValueError("the answer is not MQTT")
    if not answer[3]:
        connection.sendall(_DISCONNECT)
    return answer[3]


def _dates(scene: Scene, wall_s: float) -> list[Result]:
    """Return the days left of every certificate file that is configured."""
    telemetry = scene.settings.telemetry
    files: dict[str, str] = {}
    for tls, label in ((telemetry.tls, "unit"), (telemetry.outcome_tls, "outcome")):
        if tls is not None:
            files.setdefault(tls.ca, "authority" if label == "unit" else "outcome_authority")
            if tls.certificate:
                files.setdefault(tls.certificate, label)
    return [_days_left(f"certificates.{label}", scene.path(file), wall_s) for file, label in files.items()]


def _days_left(name: str, path: Path, wall_s: float) -> Result:
    """Judge the dates of one certificate."""
    renew = "issue a new one and install it (make provision)"
    try:
        dates = validity(path)
    except PermissionError:
        return attention(name, "this user may not read it", AS_ROOT)
    except (OSError, ValueError):
        return failed(name, "is missing or no certificate", renew)
    if wall_s < dates.not_before_s:
        return attention(name, "is not valid yet by this unit's clock", ADVICE[Trouble.CLOCK_UNSET])
    days = int((dates.not_after_s - wall_s) // DAY_S)
    if dates.not_after_s <= wall_s:
        return failed(name, "has expired", renew, days, "days")
    if dates.not_after_s - wall_s < WARN_S:
        return attention(name, "expires within a month", renew, days, "days")
    return ok(name, "valid", days, "days")


def _outbox(scene: Scene) -> list[Result]:
    """Judge what waits on the unit for the broker."""
    name = "broker.outbox"
    waiting = read_depth(scene.path(outbox_path(scene.settings.state_dir)))
    if waiting is None:
        return [skipped(name, "the outbox cannot be read (not made yet, or not by this user)")]
    rows = waiting.fleet + waiting.outcomes
    if rows > FULL_SHARE * scene.settings.telemetry.outbox_max_rows:
        return [attention(name, "nearly full: soon the oldest health is dropped",
                          "let the unit reach the broker", rows, "letters")]
    return [ok(name, "letters wait for the broker" if rows else "nothing waits", rows, "letters")]


def _at(scene: Scene, tls: Tls) -> Tls:
    """Return the same files where this unit's root is."""
    paths = (str(scene.path(path)) if path else "" for path in (tls.ca, tls.certificate, tls.key))
    ca, certificate, key = paths
    return Tls(ca=ca, certificate=certificate, key=key)
