"""What can keep reports from the clinic, and what a person should do about it."""

from __future__ import annotations

import ssl
from enum import StrEnum

from paho.mqtt.reasoncodes import ReasonCode

from device.errors import TranquilloError
from device.messages import Fault, Severity

_NOT_YET_VALID = 9  # X509_V_ERR_CERT_NOT_YET_VALID of OpenSSL
_SESSION_TAKEN_OVER = 0x8E  # MQTT 5, 3.14.2.1
# MQTT 5, 3.2.2.2: client id not valid, bad user, not authorised, banned, bad method
_FORBIDDEN = frozenset({0x85, 0x86, 0x87, 0x8A, 0x8C})


class Trouble(StrEnum):
    """Why a connection did not come about, or ended."""

    UNREACHABLE = "broker_unreachable"
    UNREADABLE = "certificate_unreadable"  # our own certificate files
    CLOCK_UNSET = "clock_unset"  # certificates are not valid yet
    BROKER_CERTIFICATE = "broker_certificate"  # theirs is not trusted here
    CERTIFICATE_REFUSED = "certificate_refused"  # ours is not trusted there
    REFUSED = "broker_refused"
    TAKEN_OVER = "unit_id_twice"  # another device uses our client id, says the broker
    UNSTEADY = "broker_unsteady"  # connections come up and break; old brokers do not say why
    EXPIRING = "certificate_expiring"


class DialRefused(TranquilloError, OSError):
    """Dialling makes no sense as things are; says which trouble it is."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(f"not dialling the broker: {ADVICE[trouble]}")
        self.trouble = trouble


ADVICE = {
    Trouble.UNREACHABLE:
        "reports wait on the unit until the broker answers; check the network and the broker",
    Trouble.UNREADABLE:
        "the certificate files named under telemetry.tls are missing or unfit; install them again",
    Trouble.CLOCK_UNSET:
        "certificates are not valid yet by this unit's clock; let it reach a time server",
    Trouble.BROKER_CERTIFICATE: (
        "the broker's certificate is not trusted: wrong authority, wrong name or expired; "
        "renew it, or install the right authority under telemetry.tls"),
    Trouble.CERTIFICATE_REFUSED: (
        "the broker does not accept this unit's certificate: wrong authority, expired or missing; "
        "issue a new one"),
    Trouble.REFUSED:
        "the broker does not allow this unit to publish; correct its access list",
    Trouble.TAKEN_OVER:
        "another device speaks under this unit's name; give each unit its own unit_id",
    Trouble.UNSTEADY: (
        "the connection to the broker keeps breaking; check the network, "
        "and that no other unit has this unit_id"),
    Trouble.EXPIRING:
        "this unit's certificate expires within a month; issue a new one",
}
# The nurse's light stays green for what passes by itself (alarm fatigue); the clinic's dashboard shows it.
_PASSING = frozenset({Trouble.UNREACHABLE, Trouble.CLOCK_UNSET, Trouble.UNSTEADY, Trouble.EXPIRING})


def fault_of(trouble: Trouble) -> Fault:
    """Return what is reported for a trouble."""
    severity = Severity.INFO if trouble in _PASSING else Severity.ATTENTION
    return Fault(code=trouble.value, severity=severity, advice=ADVICE[trouble])


def trouble_of_error(error: OSError | UnicodeError) -> Trouble:
    """Say what a failed dial means for the operator."""
    if isinstance(error, DialRefused):
        return error.trouble
    if isinstance(error, ssl.SSLCertVerificationError):
        return Trouble.CLOCK_UNSET if error.verify_code == _NOT_YET_VALID else Trouble.BROKER_CERTIFICATE
    if isinstance(error, ssl.SSLError) and is_alert(str(error)):
        return Trouble.CERTIFICATE_REFUSED
    return Trouble.UNREACHABLE


def trouble_of_reason(reason: ReasonCode) -> Trouble:
    """Sort the broker's reason codes."""
    if reason.value == _SESSION_TAKEN_OVER:
        return Trouble.TAKEN_OVER
    return Trouble.REFUSED if reason.value in _FORBIDDEN else Trouble.UNREACHABLE


def is_alert(text: str) -> bool:
    """Tell whether an OpenSSL error is an alert sent by the other side, which refuses our certificate."""
    return "SSL" in text and "alert" in text.lower()
