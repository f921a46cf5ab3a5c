"""The unit's certificate tool against the small CA: made once, kept, and renewed for a reason only."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

PROVISIONING = Path(__file__).resolve().parents[2] / "provisioning"
TOOL = PROVISIONING / "roles/tranquillo/files/tranquillo-certificate"
CA = PROVISIONING / "ca/clinic-ca"


class Clinic(NamedTuple):
    """A unit's folder of keys and a CA."""

    pki: Path
    ca: Path
    programs: Path

    def tool(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run tranquillo-certificate; chown is left out, the test may not be root."""
        return subprocess.run([TOOL, *words], capture_output=True, text=True, check=False,
                              env={**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}"})

    def sign(self, days: int = 397, ca: Path | None = None) -> Path:
        """Have the request signed; return the certificate beside it."""
        signed = self.pki / "signed.crt"
        subprocess.run([CA, "sign", ca or self.ca, self.pki / "unit.csr", signed, "unit-07", str(days)],
                       check=True, capture_output=True)
        return signed

    def install(self, days: int = 397, ca: Path | None = None) -> None:
        """Put a signed certificate in place without asking."""
        self.sign(days, ca).replace(self.pki / "unit.crt")

    def judge(self, unit: str = "unit-07") -> tuple[int, str]:
        """Return the exit code and the reason for a new certificate."""
        done = self.tool("judge", self.pki, unit, "30")
        return done.returncode, done.stdout.strip()


def make_ca(folder: Path) -> Path:
    """Make a CA."""
    subprocess.run([CA, "init", folder, "Clinic"], check=True, capture_output=True)
    return folder


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    """A unit that has made its request."""
    pki, programs = tmp_path / "pki", tmp_path / "bin"
    pki.mkdir()
    programs.mkdir()
    (programs / "chown").symlink_to("/bin/true")
    ca = make_ca(tmp_path / "ca")
    (pki / "ca.crt").write_bytes((ca / "ca.crt").read_bytes())
    made = Clinic(pki, ca, programs)
    assert made.judge() == (3, "there is no key yet")
    done = made.tool("request", pki, "unit-07")
    assert done.returncode == 0, done.stderr
    assert made.judge() == (3, "there is no certificate yet")
    return made


def test_certificate_of_the_clinic_is_kept(clinic):
    key = (clinic.pki / "unit.key").read_bytes()
    assert (clinic.pki / "unit.key").stat().st_mode & 0o777 == 0o640
    assert clinic.tool("check", clinic.pki, "unit-07", "30", clinic.sign()).returncode == 0
    clinic.install()
    assert clinic.judge() == (0, "")
    assert clinic.tool("request", clinic.pki, "unit-07").returncode == 0
    assert (clinic.pki / "unit.key").read_bytes() == key


def test_certificate_that_ends_soon_is_renewed(clinic):
    clinic.install(days=29)
    assert clinic.judge() == (3, "the certificate ends within 30 days")


def test_certificate_of_another_ca_or_unit_or_key_is_refused(clinic, tmp_path):
    clinic.install(ca=make_ca(tmp_path / "other"))
    assert clinic.judge() == (3, "the certificate is not signed by the clinic's CA")
    assert clinic.tool("check", clinic.pki, "unit-07", "30", clinic.pki / "unit.crt").returncode == 1
    clinic.install()
    assert clinic.judge("unit-08") == (3, "the certificate is not for unit-08")
    (clinic.pki / "unit.key").unlink()
    clinic.tool("request", clinic.pki, "unit-07")
    assert clinic.judge() == (3, "the certificate is for another key than this unit's")


def test_ca_is_the_one_that_was_meant(clinic):
    words = ["openssl", "x509", "-in", clinic.ca / "ca.crt", "-noout", "-fingerprint", "-sha256"]
    shown = subprocess.run(words, check=True, capture_output=True, text=True)
    fingerprint = shown.stdout.strip().partition("=")[2]
    assert clinic.tool("ca", clinic.ca / "ca.crt").returncode == 0
    assert clinic.tool("ca", clinic.ca / "ca.crt", fingerprint).returncode == 0
    assert clinic.tool("ca", clinic.ca / "ca.crt", "AA:BB").returncode == 1
    assert clinic.tool("ca", clinic.sign()).returncode == 1


def test_ca_signs_a_request_for_its_own_unit_only(clinic):
    done = subprocess.run([CA, "sign", clinic.ca, clinic.pki / "unit.csr", clinic.pki / "x.crt", "unit-08"],
                          check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "is not a request of unit-08" in done.stderr
