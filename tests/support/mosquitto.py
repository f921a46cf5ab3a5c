"""A real Mosquitto on the loopback that can be stopped, killed and started again, and a real reader."""

from __future__ import annotations

import getpass
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from support.contract import violations

START_S = 10.0


def free_port() -> int:
    """Return a TCP port of the loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], Any], seconds: float = 20.0, what: str = "it") -> Any:
    """Poll until something is true and return it; fail after the deadline."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.01)
    return found


class Mosquitto:
    """The broker, with its persistence in a folder; `lines` are added to its configuration."""

    def __init__(self, folder: Path, lines: tuple[str, ...] = (), *, anonymous: bool = True) -> None:
        self.port = free_port()
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._config = folder / "mosquitto.conf"
        self._config.write_text("\n".join((
            f"user {getpass.getuser()}", f"listener {self.port} 127.0.0.1",
            f"allow_anonymous {'true' if anonymous else 'false'}",
            "persistence true", f"persistence_location {folder}/", "autosave_interval 1", *lines, "")),
            encoding="utf-8")
        self._program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        assert self._program, "mosquitto is not installed; apt-get install mosquitto"

    def start(self) -> None:
        """Start and wait until it listens."""
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._program), "-v", "-c", str(self._config)], stdout=log, stderr=log)
        until(self._listens, START_S, f"mosquitto listening; its log:\n{self.log()}")

    def stop(self) -> None:
        """Stop in good order; it saves what it has."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def kill(self) -> None:
        """Stop like a power cut."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)
        self._process = None

    def log(self) -> str:
        """Return what the broker wrote about itself."""
        path = self.folder / "mosquitto.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _listens(self) -> bool:
        """Tell whether the port answers."""
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


class Received(NamedTuple):
    """One message as a subscriber got it."""

    topic: str
    payload: dict[str, Any]
    retain: bool


class Reader:
    """A dashboard: subscribes to everything with a session that outlives outages, and keeps all it gets.

    Closing it fails when a message did not keep the published contract.
    """

    def __init__(
        self, port: int, name: str = "reader", context: Any = None, topic: str = "tranquillo/#",
    ) -> None:
        self.received: list[Received] = []
        self._ready = threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5)
        if context is not None:
            self._client.tls_set_context(context)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._keep
        lasting = Properties(PacketTypes.CONNECT)
        lasting.SessionExpiryInterval = 3600
        self._client.connect("127.0.0.1", port, keepalive=5, clean_start=False, properties=lasting)
        self._client.loop_start()
        assert self._ready.wait(10), "the broker did not accept the reader"

    def on(self, ending: str) -> list[Received]:
        """Return what arrived on topics that hold these words."""
        return [one for one in list(self.received) if ending in one.topic]

    def ids(self, part: str) -> set[str]:
        """Return the distinct message ids that arrived on topics that hold these words."""
        return {one.payload["id"] for one in self.on(part)}

    def close(self) -> None:
        """Go away, and hold all that came to the contract; a repetition is looked at once."""
        self._client.disconnect()
        self._client.loop_stop()
        distinct = {(one.topic, one.payload["id"]): one for one in self.on("tranquillo/v1/")}.values()
        found = {words for one in distinct for words in violations(one.topic, one.payload)}
        assert not found, found

    def _keep(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        """Keep one message."""
        self.received.append(Received(message.topic, json.loads(message.payload), message.retain))
