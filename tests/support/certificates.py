"""Certificates made by openssl for one test: an authority, and what it signs."""

from __future__ import annotations

import subprocess
from pathlib import Path

from device.config import Tls

NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def openssl(*words: str | Path) -> None:
    """Run openssl and fail with its own words."""
    command = ["openssl", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder: Path, name: str = "ward") -> None:
        self._folder = folder
        self._name = name
        self.certificate = folder / f"{name}-ca.pem"
        self._key = folder / f"{name}-ca.key"
        openssl("req", "-x509", *NEW_KEY, "-days", "400", "-subj", f"/CN={name}",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                "-keyout", self._key, "-out", self.certificate)

    def issue(self, name: str, *, days: int = 365, alternative: str = "IP:127.0.0.1,DNS:localhost") -> Tls:
        """Return the files of a certificate for a name, trusting this authority; days below 0: expired."""
        base = self._folder / f"{self._name}-{name}"
        key, request, certificate, extra = (base.with_suffix(end) for end in (".key", ".csr", ".pem", ".ext"))
        extra.write_text(f"subjectAltName={alternative}\nauthorityKeyIdentifier=keyid\n", encoding="utf-8")
        openssl("req", *NEW_KEY, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key,
                "-CAcreateserial", "-days", str(days), "-extfile", extra, "-out", certificate)
        return Tls(ca=str(self.certificate), certificate=str(certificate), key=str(key))
