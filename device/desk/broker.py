"""A real Mosquitto on the loopback and a real subscriber, for runs at a desk."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from device.errors import TranquilloError

START_DEADLINE_S = 10.0


class BrokerError(TranquilloError, RuntimeError):
    """Mosquitto is not there or does not start."""


def free_port() -> int:
    """Return a TCP port of the loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find_mosquitto() -> str:
    """Return the path of the broker.

    Raises:
        BrokerError: it is not installed.
    """
    found = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if found is None:
        raise BrokerError("mosquitto is not installed; run `make install` or `apt-get install mosquitto`")
    return found


class DeskBroker:
    """Mosquitto for the time of a run, and a subscriber that writes down all it receives.

    Args:
        folder: where the broker's configuration and log go.
        received: JSON-lines file, one object a message: topic, payload, retain and wall time `at`.
    """

    def __init__(self, folder: Path, received: Path) -> None:
        self.port = free_port()
        config = folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n", encoding="utf-8")
        with (folder / "mosquitto.log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the system's own broker
                [find_mosquitto(), "-c", str(config)], stdout=log, stderr=subprocess.STDOUT)
        self._file = received.open("w", encoding="utf-8")
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_connect = lambda client, *_: client.subscribe("tranquillo/#", qos=1)
        self._client.on_message = self._write
        self._listening = threading.Event()
        self._client.on_subscribe = lambda *_: self._listening.set()
        self._connect()

    def _connect(self) -> None:
        """Connect the subscriber as soon as the broker listens."""
        deadline = time.monotonic() + START_DEADLINE_S
        while True:
            try:
                self._client.connect("127.0.0.1", self.port)
            except OSError as error:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    self.close()
                    raise BrokerError(f"mosquitto did not start; see its log ({error})") from error
                time.sleep(0.05)
            else:
                break
        self._client.loop_start()
        if not self._listening.wait(START_DEADLINE_S):
            self.close()
            raise BrokerError("mosquitto did not accept the subscriber; see its log")

    def _write(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:  # noqa: ANN401
        """Append one received message to the file."""
        try:
            payload = json.loads(message.payload)
        except ValueError:
            payload = message.payload.decode("utf-8", errors="replace")
        line = {"topic": message.topic, "payload": payload, "retain": message.retain, "at": time.time()}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Stop the subscriber and the broker."""
        self._client.disconnect()
        self._client.loop_stop()
        self._file.close()
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
