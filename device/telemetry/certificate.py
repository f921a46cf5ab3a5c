"""The dates of a certificate file, and TLS as the clinic's broker is spoken to."""

from __future__ import annotations

import calendar
import ssl
import time
from pathlib import Path
from typing import NamedTuple

from device.clock import Clock
from device.config import Tls
from device.telemetry.anonymise import is_clock_set

DAY_S = 86_400.0
WARN_S = 30 * DAY_S  # an expiring certificate is reported 30 days ahead
LOOK_S = 600.0  # between two looks at the files
MOST_DAYS = 3650  # ten years or more are told as ten years

_SEQUENCE, _UTC_TIME, _GENERALIZED_TIME, _VERSION = 0x30, 0x17, 0x18, 0xA0  # X.690 tags used in X.509


class Validity(NamedTuple):
    """From when until when a certificate holds, seconds since the Unix epoch."""

    not_before_s: float
    not_after_s: float


class Days(NamedTuple):
    """Whole days left of the unit's certificate and of its authority; None where that is not known."""

    certificate: int | None = None
    authority: int | None = None


class Expiry:
    """Looks now and then at how long a lane's certificates hold; the files may be renewed while we run."""

    def __init__(self, tls: Tls | None, clock: Clock) -> None:
        self._tls = tls
        self._clock = clock
        self._look_s = clock.monotonic()
        self._days = Days()

    def left(self) -> Days:
        """Return the days left; unknown without certificates and while the clock is not set."""
        if self._clock.monotonic() >= self._look_s:
            self._look_s = self._clock.monotonic() + LOOK_S
            wall_s, tls = self._clock.wall(), self._tls
            self._days = Days()
            if tls is not None and is_clock_set(wall_s):
                self._days = Days(days_left(tls.certificate, wall_s), days_left(tls.ca, wall_s))
        return self._days


class TidySocket(ssl.SSLSocket):
    """A TLS socket that is closed when its handshake fails; paho would leave it to the collector."""

    def do_handshake(self, block: bool = False) -> None:
        """Shake hands, or close and raise."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def validity(path: Path) -> Validity:
    """Return the validity of the first certificate in a PEM file (RFC 5280, section 4.1).

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no certificate in PEM.
    """
    text = path.read_text(encoding="ascii")
    begin, end = text.find("-----BEGIN CERTIFICATE-----"), text.find("-----END CERTIFICATE-----")
    if not 0 <= begin < end:
        raise ValueError(f"{path} holds no PEM certificate; install one")
    der = ssl.PEM_cert_to_DER_cert(text[begin:end] + "-----END CERTIFICATE-----\n")
    to_be_signed = _children(_children(der)[0][1])[0][1]
    fields = _children(to_be_signed)
    if fields[0][0] == _VERSION:
        fields = fields[1:]
    _serial, _algorithm, _issuer, dates = fields[:4]
    before, after = _children(dates[1])
    return Validity(_seconds(*before), _seconds(*after))


def days_left(path: str, wall_s: float) -> int | None:
    """Return the whole days left of a certificate file, 0 to `MOST_DAYS`; None without one or unreadable."""
    try:
        left_s = validity(Path(path)).not_after_s - wall_s if path else None
    except (OSError, ValueError):
        return None
    return None if left_s is None else max(0, min(MOST_DAYS, int(left_s // DAY_S)))


def context_of(tls: Tls) -> ssl.SSLContext:
    """Return a client context: TLS 1.2 or later, broker's name and chain checked, own certificate if given.

    The chain is held to RFC 5280: an authority says in its key usage that it may sign certificates, and
    certificates name the key that signed them.

    Raises:
        OSError: a file is missing or is not what it should be (`ssl.SSLError` is an OSError).
    """
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=tls.ca)
    context.sslsocket_class = TidySocket
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # as Python 3.13 does by itself: one rule for every unit
    if tls.certificate:
        context.load_cert_chain(tls.certificate, tls.key or None)
    return context


def _children(der: bytes) -> list[tuple[int, bytes]]:
    """Return tag and content of each DER element in a row.

    Raises:
        ValueError: a length points past the end.
    """
    found = []
    place = 0
    while place + 2 <= len(der):
        tag, length = der[place], der[place + 1]
        place += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(der[place:place + size], "big")
            place += size
        if place + length > len(der):
            raise ValueError("the certificate is cut short; install it again")
        found.append((tag, der[place:place + length]))
        place += length
    return found


def _seconds(tag: int, content: bytes) -> float:
    """Return the Unix time of a UTCTime (two-digit year, 1950 to 2049) or GeneralizedTime."""
    text = content.decode("ascii")
    if tag == _UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("the certificate's dates cannot be read; install it again")
    return float(calendar.timegm(time.strptime(text, "%Y%m%d%H%M%SZ")))
