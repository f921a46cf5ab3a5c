"""The processes of simulated units, and a reader that connects as the dashboard's page does."""

from __future__ import annotations

import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from device.desk.broker import BrokerError
from device.desk.clinic import ClinicAuthority
from device.desk.fleet_line import Told
from device.desk.fleet_unit import Plan, Size
from device.desk.fleet_worker import Job
from device.telemetry.records import ROOT

STOP_S = 30.0


class _Letter(msgspec.Struct):
    """What the reader needs of a message."""

    id: str
    online: bool | None = None


class Crew:
    """Processes of simulated units, each with a share of them.

    Args:
        folder: for jobs and certificates.
        authority: signs a certificate for each unit.
        port: of the broker's listener for units.
        size: how many; they are called `unit-0001` and so on.
        plan: how they live.
    """

    def __init__(
        self, folder: Path, authority: ClinicAuthority, port: int, size: Size, plan: Plan,
    ) -> None:
        self._jobs: list[Path] = []
        self._told: list[Path] = []
        self._running: list[subprocess.Popen[bytes]] = []
        files = authority.many([f"unit-{number:04d}" for number in range(1, size.units + 1)])
        names = list(files)
        for share in range(size.processes):
            told = folder / f"told-{share}.json"
            job = Job(units={name: files[name] for name in names[share::size.processes]}, port=port,
                      size=size, seed=share, told=str(told), plan=plan)
            path = folder / f"job-{share}.json"
            path.write_bytes(msgspec.json.encode(job))
            self._jobs.append(path)
            self._told.append(told)

    def start(self) -> None:
        """Switch the units on."""
        self._running = [subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "device.desk.fleet_worker", str(job)]) for job in self._jobs]

    def stop(self) -> Told:
        """Switch the units off and return what they have seen, all together.

        Raises:
            BrokerError: a process ended without a word.
        """
        for process in self._running:
            process.terminate()
        whole = Told()
        for process, path in zip(self._running, self._told, strict=True):
            process.wait(STOP_S)
            if not path.exists():
                raise BrokerError("simulated units ended early; see above")
            told = msgspec.json.decode(path.read_bytes(), type=Told)
            whole.sent_s.update(told.sent_s)
            whole.acknowledged_s.update(told.acknowledged_s)
            whole.up_s += told.up_s
            whole.refused += told.refused
            whole.failed_dials += told.failed_dials
        return whole

    def end(self) -> None:
        """End what still runs."""
        for process in self._running:
            if process.poll() is None:
                process.kill()
                process.wait()


class PageReader:
    """A subscriber like the page: WebSockets over TLS, name and password, QoS 1.

    `had_s` is when each message arrived, `births` the units that have said that they are there.
    """

    def __init__(self, port: int, authority: Path, user: str, password: str) -> None:
        self.had_s: dict[str, float] = {}
        self.births: set[str] = set()
        self._known: set[str] = set()
        self._retained = 0
        self._more = threading.Condition()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5,
                              transport="websockets")
        self._client.tls_set_context(ssl.create_default_context(cafile=str(authority)))
        self._client.username_pw_set(user, password)
        self._client.reconnect_delay_set(1, 2)
        self._client.on_connect = lambda client, *_: client.subscribe(f"{ROOT}/fleet/+/+", qos=1)
        self._client.on_message = self._take
        self._client.connect("localhost", port)
        self._client.loop_start()

    def wait_births(self, units: int, seconds: float) -> None:
        """Wait until so many units have said that they are there."""
        self._wait(lambda: len(self.births), units, seconds)

    def wait_retained(self, messages: int, seconds: float) -> None:
        """Wait for so many retained messages."""
        self._wait(lambda: self._retained, messages, seconds)

    def close(self) -> None:
        """Go away."""
        self._client.disconnect()
        self._client.loop_stop()

    def _wait(self, count: Callable[[], int], wanted: int, seconds: float) -> None:
        """Wait until a count is reached.

        Raises:
            BrokerError: it was not, in that time.
        """
        with self._more:
            if not self._more.wait_for(lambda: count() >= wanted, seconds):
                raise BrokerError(f"only {count()} of {wanted} after {seconds:.0f} s")

    def _take(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        """Note one message; the first arrival counts."""
        now_s = time.monotonic()
        letter = msgspec.json.decode(message.payload, type=_Letter)
        with self._more:
            self._retained += message.retain
            if letter.online and letter.id not in self._known:  # a retained word counts when it is a new one
                self.births.add(message.topic)
            self._known.add(letter.id)
            if not message.retain:
                self.had_s.setdefault(letter.id, now_s)
            self._more.notify()
