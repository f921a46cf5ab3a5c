"""The clinic's side: its CA (the one that is shipped), and a broker in the ward of one machine."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from support.container import WARD_ADDRESS, Container, wait_for
from support.controller import PROVISIONING

from device.desk.clinic import ClinicAuthority

PORT, OTHER_PORT = 8883, 1883
MOSQUITTO = "/usr/sbin/mosquitto"
START_S = 10.0


class Authority:
    """A CA in a folder, made when it is not there, with the broker's and the outcomes' certificates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate = folder / "ca.crt"
        if not self.certificate.exists():
            made = ClinicAuthority(folder)
            made.server(WARD_ADDRESS)
            made.shared()

    def variables(self) -> dict[str, str]:
        """Return what the inventory says of CA and broker."""
        return {
            "tranquillo_broker_host": WARD_ADDRESS, "tranquillo_ca_certificate": str(self.certificate),
            "tranquillo_ca_command":
                f"{PROVISIONING}/ca/clinic-ca sign {self.folder} {{csr}} {{certificate}} {{unit}}",
            "tranquillo_certificates": str(self.folder / "units"),
            "tranquillo_outcome_certificate": str(self.folder / "outcomes.crt"),
            "tranquillo_outcome_key": str(self.folder / "outcomes.key"),
        }


class Broker:
    """Mosquitto with the shipped access list in a machine's ward, and a reader of everything it gets.

    It listens without TLS on `OTHER_PORT` too: what a unit's firewall must not let it reach.
    """

    def __init__(self, machine: Container, authority: Authority, folder: Path) -> None:
        self._heard: list[tuple[str, dict[str, object]]] = []
        self._log = folder / "mosquitto.log"
        ca, socket = authority.folder, folder / "broker.sock"
        config = folder / "mosquitto.conf"
        config.write_text("\n".join((
            "per_listener_settings true", "user root", f"listener {PORT} {WARD_ADDRESS}",
            f"cafile {ca}/ca.crt", f"crlfile {ca}/crl.pem",
            f"certfile {ca}/broker-{WARD_ADDRESS}.crt", f"keyfile {ca}/broker-{WARD_ADDRESS}.key",
            "require_certificate true", "use_identity_as_username true",
            f"acl_file {PROVISIONING}/broker/units.acl", f"listener {OTHER_PORT} {WARD_ADDRESS}",
            "allow_anonymous true", f"listener 0 {socket}", "allow_anonymous true", "")), encoding="utf-8")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen([*machine.from_ward, MOSQUITTO, "-c", str(config)],
                                             stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5,
                              transport="unix")
        try:
            wait_for(socket.exists, START_S, lambda: f"the broker; {self.log()}")
            self._read(socket)
        except BaseException:
            self.close()
            raise

    def received(self, part: str) -> list[dict[str, object]]:
        """Return what arrived on topics that hold these words."""
        return [payload for topic, payload in list(self._heard) if part in topic]

    def log(self) -> str:
        """Return what the broker said of itself."""
        return self._log.read_text(errors="replace")[-2000:]

    def close(self) -> None:
        """Stop reader and broker."""
        self._client.disconnect()
        self._client.loop_stop()
        self._process.kill()
        self._process.wait(10)

    def _read(self, socket: Path) -> None:
        """Subscribe to everything."""
        ready = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe("tranquillo/#", qos=1)
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.on_message = self._keep
        self._client.connect(str(socket))
        self._client.loop_start()
        assert ready.wait(START_S), f"the broker did not accept the reader; {self.log()}"

    def _keep(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        """Keep one message."""
        self._heard.append((message.topic, json.loads(message.payload)))
