"""The dates of certificates, checked against openssl's own reading."""

from __future__ import annotations

import ssl
import subprocess
import time
from pathlib import Path

import pytest
from support.certificates import Authority

from device.clock import ManualClock
from device.config import Tls
from device.telemetry.certificate import LOOK_S, MOST_DAYS, Days, Expiry, context_of, days_left, validity


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def dates_by_openssl(path: str) -> list[float]:
    done = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-dates"],
                          capture_output=True, text=True, check=True, timeout=60)
    return [ssl.cert_time_to_seconds(line.partition("=")[2]) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("days", [-1, 1, 365, 36_500])  # the last ends beyond 2049, in GeneralizedTime
def test_certificate_validity_is_what_openssl_reads(authority, days):
    path = authority.issue(f"unit{days}", days=days).certificate
    assert list(validity(Path(path))) == dates_by_openssl(path)


def test_certificate_validity_of_an_authority(authority):
    found = validity(authority.certificate)
    assert found.not_before_s == pytest.approx(time.time(), abs=600)
    assert found.not_after_s - found.not_before_s == 400 * 86_400


@pytest.mark.parametrize("text", ["", "-----BEGIN CERTIFICATE-----", "nothing of the kind"])
def test_certificate_file_without_one_is_refused(tmp_path, text):
    path = tmp_path / "odd.pem"
    path.write_text(text, encoding="ascii")
    with pytest.raises(ValueError, match="holds no PEM certificate"):
        validity(path)


def test_certificate_cut_short_is_refused(authority, tmp_path):
    der = ssl.PEM_cert_to_DER_cert(authority.certificate.read_text(encoding="ascii"))
    path = tmp_path / "short.pem"
    path.write_text(ssl.DER_cert_to_PEM_cert(der[:100]), encoding="ascii")
    with pytest.raises(ValueError, match="cut short"):
        validity(path)


def test_certificate_absent_file_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        validity(tmp_path / "none.pem")


def test_certificate_context_checks_name_and_chain_from_tls_1_2(authority):
    context = context_of(authority.issue("unit"))
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_flags & ssl.VERIFY_X509_STRICT, "alike on every Python"
    assert len(context.get_ca_certs()) == 1, "only the clinic's authority is trusted"


def test_certificate_context_with_a_foreign_key_is_refused(authority):
    one, other = authority.issue("one"), authority.issue("other")
    with pytest.raises(ssl.SSLError, match=r"(?i)mismatch"):
        context_of(Tls(ca=one.ca, certificate=one.certificate, key=other.key))


@pytest.mark.parametrize(("days", "left"), [(-1, 0), (1, 0), (365, 364), (36_500, MOST_DAYS)])
def test_certificate_days_left_are_whole_and_within_ten_years(authority, days, left):
    path = authority.issue(f"left{days}", days=days).certificate
    assert days_left(path, time.time() + 60) == left


def test_certificate_days_left_without_a_file_are_not_known(tmp_path):
    (tmp_path / "empty").write_text("", encoding="ascii")
    for path in ("", str(tmp_path / "none"), str(tmp_path / "empty")):
        assert days_left(path, 0.0) is None


def test_certificate_expiry_is_read_anew_when_files_are_renewed(authority):
    clock = ManualClock()
    clock.set_wall(time.time() + 60)
    tls = authority.issue("renewed", days=10)
    expiry = Expiry(tls, clock)
    assert expiry.left() == Days(certificate=9, authority=399)
    longer = authority.issue("longer", days=100)
    Path(tls.certificate).write_bytes(Path(longer.certificate).read_bytes())
    assert expiry.left().certificate == 9
    clock.sleep(LOOK_S)
    assert expiry.left().certificate == 99


def test_certificate_expiry_is_unknown_without_a_clock_or_a_certificate(authority):
    clock = ManualClock()
    assert Expiry(None, clock).left() == Days()
    clock.set_wall(1_000.0)
    assert Expiry(authority.issue("unset"), clock).left() == Days()
