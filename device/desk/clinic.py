"""The clinic's broker as `provisioning/broker` ships it, on free ports of the loopback; its authority."""

from __future__ import annotations

import contextlib
import getpass
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from device.config import Tls
from device.desk.broker import BrokerError, find_mosquitto, free_port

SHIPPED = Path(__file__).resolve().parents[2] / "provisioning"
INSTALLED = "/etc/mosquitto/tranquillo"  # where tranquillo.conf expects its files
START_S = 10.0
STOP_S = 10.0
PORTS = {"units": "8883", "page": "8084", "readers": "8885"}  # as in tranquillo.conf
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class ClinicAuthority:
    """The small authority of `provisioning/ca`, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._script("init", "desk clinic")
        self.certificate = folder / "ca.crt"
        self.crl = folder / "crl.pem"

    def unit(self, name: str, days: int = 365) -> Tls:
        """Return the files of a unit: its key and request, signed; `days` below 0 gives an expired one."""
        tls, request = self._files(name), self._folder / f"{name}.csr"
        _run("openssl", "req", *_NEW_KEY, "-subj", f"/CN={name}", "-keyout", tls.key, "-out", request)
        self._script("sign", request, tls.certificate, name, days)
        return tls

    def many(self, names: list[str]) -> dict[str, Tls]:
        """Return the files of many units that share one key, made quickly: for simulated fleets."""
        key = self._folder / "many.key"
        _run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
        found = {}
        for name in names:
            found[name] = Tls(ca=str(self.certificate), certificate=str(self._folder / f"{name}.crt"),
                              key=str(key))
            _run("openssl", "req", "-x509", "-CA", self.certificate, "-CAkey", self._folder / "ca.key",
                 "-key", key, "-subj", f"/CN={name}", "-days", 2, "-out", found[name].certificate)
        return found

    def shared(self) -> Tls:
        """Return the files that all units share for outcomes."""
        tls = self._files("outcomes")
        self._script("outcomes", tls.certificate, tls.key)
        return tls

    def reader(self, name: str) -> Tls:
        """Return the files of a reader."""
        tls = self._files(name)
        self._script("reader", tls.certificate, tls.key, name)
        return tls

    def server(self, host: str) -> Tls:
        """Return the files of a broker under a host name."""
        tls = self._files(f"broker-{host}")
        self._script("serve", tls.certificate, tls.key, host)
        return tls

    def revoke(self, tls: Tls) -> None:
        """Put a certificate on the list of revoked ones."""
        self._script("revoke", tls.certificate)

    def _files(self, name: str) -> Tls:
        """Return the paths for a name."""
        return Tls(ca=str(self._folder / "ca.crt"), certificate=str(self._folder / f"{name}.crt"),
                   key=str(self._folder / f"{name}.key"))

    def _script(self, what: str, *words: str | int | Path) -> None:
        """Run the authority's script."""
        _run("sh", SHIPPED / "ca" / "clinic-ca", what, self._folder, *words)


class ClinicBroker:
    """Mosquitto under the shipped configuration; only its paths and ports are replaced.

    Args:
        folder: everything goes there; made when missing.
        authority: signs the broker's certificate and those it accepts.
        passwords: of the readers by name, for the page's listener.
        server: the broker's own certificate; None issues one for `localhost`.
        lines: added after the shipped file.
    """

    def __init__(
        self, folder: Path, authority: ClinicAuthority, passwords: dict[str, str],
        server: Tls | None = None, lines: tuple[str, ...] = (),
    ) -> None:
        self.folder = folder
        self._lines = lines
        self.ports = {name: free_port() for name in PORTS}
        self._authority = authority
        self._process: subprocess.Popen[bytes] | None = None
        etc = folder / "etc"
        etc.mkdir(parents=True, exist_ok=True)
        server = server or authority.server("localhost")
        for source, name in ((authority.certificate, "ca.crt"), (server.certificate, "broker.crt"),
                             (server.key, "broker.key"), (SHIPPED / "broker" / "units.acl", "units.acl"),
                             (SHIPPED / "broker" / "dashboard.acl", "dashboard.acl")):
            shutil.copy(source, etc / name)
        self._passwords(etc / "dashboard.passwords", passwords)
        self._write_config(etc)

    def start(self) -> None:
        """Start and wait until every listener answers.

        Raises:
            BrokerError: it did not come up; the message holds its log.
        """
        shutil.copy(self._authority.crl, self.folder / "etc" / "crl.pem")
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the system's own broker
                [find_mosquitto(), "-c", str(self.folder / "mosquitto.conf")], stdout=log, stderr=log)
        deadline_s = time.monotonic() + START_S
        while not all(_answers(port) for port in self.ports.values()):
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                self.stop()
                raise BrokerError(f"mosquitto did not start; its log:\n{self.log()}")
            time.sleep(0.02)

    @property
    def pid(self) -> int:
        """Process id of the broker, 0 while it does not run."""
        return self._process.pid if self._process is not None else 0

    def reload(self) -> None:
        """Install the present list of revoked certificates and tell the broker, as `systemctl` does."""
        shutil.copy(self._authority.crl, self.folder / "etc" / "crl.pem")
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """Stop in good order; it saves what it has."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Stop like a power cut."""
        self._end(signal.SIGKILL)

    def log(self) -> str:
        """Return what the broker wrote about itself."""
        path = self.folder / "mosquitto.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _end(self, number: signal.Signals) -> None:
        """Send a signal and wait for the end."""
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _write_config(self, etc: Path) -> None:
        """Write what Debian's mosquitto.conf says, and the shipped file with our paths and ports."""
        text = (SHIPPED / "broker" / "tranquillo.conf").read_text(encoding="utf-8")
        text = text.replace(INSTALLED, str(etc))
        for name, port in PORTS.items():
            text = text.replace(f"listener {port}\n", f"listener {self.ports[name]} 127.0.0.1\n")
        conf_d = self.folder / "conf.d"
        conf_d.mkdir(exist_ok=True)
        (conf_d / "tranquillo.conf").write_text(text, encoding="utf-8")
        (self.folder / "mosquitto.conf").write_text(
            f"user {getpass.getuser()}\npersistence true\npersistence_location {self.folder}/\n"
            + "\n".join((f"include_dir {conf_d}", *self._lines, "")), encoding="utf-8")

    def _passwords(self, path: Path, passwords: dict[str, str]) -> None:
        """Write the file of hashed passwords."""
        path.touch(mode=0o600)
        for name, password in passwords.items():
            _run("mosquitto_passwd", "-b", path, name, password)


def _run(*words: str | int | Path) -> None:
    """Run a program of the system and fail with its own words."""
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, check=False,  # noqa: S603
                          timeout=60)
    if done.returncode:
        raise BrokerError(f"{words[0]} failed: {done.stderr.strip()}")


def _answers(port: int) -> bool:
    """Tell whether somebody listens."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
