"""What a person is told about each trouble."""

from __future__ import annotations

import ssl

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from device.messages import Severity
from device.telemetry.anonymise import scrub
from device.telemetry.trouble import (
    ADVICE,
    DialRefused,
    Trouble,
    fault_of,
    is_alert,
    trouble_of_error,
    trouble_of_reason,
)


@pytest.mark.parametrize("trouble", list(Trouble))
def test_trouble_advice_says_what_to_do_and_leaves_whole(trouble):
    fault = fault_of(trouble)
    assert fault.code == trouble.value
    assert "; " in fault.advice, "what is wrong; what to do"
    assert scrub(fault.advice, []) in {fault.advice, fault.advice.replace("telemetry.tls", "…")}


def test_trouble_that_passes_by_itself_leaves_the_light_green():
    info = {trouble for trouble in ADVICE if fault_of(trouble).severity is Severity.INFO}
    assert info == {Trouble.UNREACHABLE, Trouble.CLOCK_UNSET, Trouble.UNSTEADY, Trouble.EXPIRING}
    assert not [one for one in ADVICE if fault_of(one).severity is Severity.ACT_NOW], "the patient is well"


@pytest.mark.parametrize(("packet", "code", "trouble"), [
    (PacketTypes.DISCONNECT, 0x8E, Trouble.TAKEN_OVER),
    (PacketTypes.CONNACK, 0x87, Trouble.REFUSED),
    (PacketTypes.CONNACK, 0x86, Trouble.REFUSED),
    (PacketTypes.CONNACK, 0x88, Trouble.UNREACHABLE),
    (PacketTypes.DISCONNECT, 0x8B, Trouble.UNREACHABLE),
])
def test_trouble_of_the_brokers_reason(packet, code, trouble):
    assert trouble_of_reason(ReasonCode(packet, identifier=code)) is trouble


def not_yet_valid() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("certificate is not yet valid")
    error.verify_code = 9
    return error


@pytest.mark.parametrize(("error", "trouble"), [
    (ConnectionRefusedError(), Trouble.UNREACHABLE),
    (TimeoutError(), Trouble.UNREACHABLE),
    (UnicodeError("label empty or too long"), Trouble.UNREACHABLE),
    (not_yet_valid(), Trouble.CLOCK_UNSET),
    (ssl.SSLError("[SSL: SSLV3_ALERT_BAD_CERTIFICATE] ssl alert"), Trouble.CERTIFICATE_REFUSED),
    (ssl.SSLError("[SSL: WRONG_VERSION_NUMBER] wrong version number"), Trouble.UNREACHABLE),
    (DialRefused(Trouble.UNREADABLE), Trouble.UNREADABLE),
])
def test_trouble_of_an_error(error, trouble):
    assert trouble_of_error(error) is trouble


def test_trouble_alert_is_told_from_other_log_lines():
    assert is_alert("failed to receive on socket: [SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert")
    assert not is_alert("failed to receive on socket: [Errno 104] Connection reset by peer")
