"""An MQTT 5 client that tries things and keeps what the broker said to each."""

from __future__ import annotations

import ssl
import threading
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from support.mosquitto import until

WELCOME = 0
REFUSALS = 0x80  # MQTT 5, 4.13: below it all went well, such as 0x10, taken but nobody reads


class Probe:
    """One connection; `welcome` is the CONNACK's reason, `answers` the PUBACKs' reasons by message number."""

    def __init__(
        self, port: int, context: ssl.SSLContext, *, user: str = "", password: str = "", web: bool = False,
        will: str = "", name: str = "",
    ) -> None:
        self.received: list[MQTTMessage] = []
        self.answers: dict[int, int] = {}
        self.welcome: int | None = None
        self._subscribed = threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5,
            transport="websockets" if web else "tcp", reconnect_on_failure=False)
        self._client.tls_set_context(context)
        if user:
            self._client.username_pw_set(user, password)
        if will:
            self._client.will_set(will, b"forged", qos=1, retain=True)
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish
        self._client.on_message = lambda _client, _data, message: self.received.append(message)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect("localhost", port)
        self._client.loop_start()
        until(lambda: self.welcome is not None, what="the broker's word")

    def publish(self, topic: str, payload: bytes = b"{}") -> int:
        """Publish one retained message and return the broker's reason: `WELCOME`, or why it was refused."""
        mid = self._client.publish(topic, payload, qos=1, retain=True).mid
        reason = int(until(lambda: str(self.answers.get(mid, "")), what="the receipt"))
        return reason if reason >= REFUSALS else WELCOME

    def subscribe(self, *topics: str) -> None:
        """Ask for topics and wait for the broker's answer; what is retained comes right after it."""
        for topic in topics:
            self._subscribed.clear()
            self._client.subscribe(topic, qos=1)
            assert self._subscribed.wait(10), "no SUBACK"

    def topics(self) -> list[str]:
        """Return what has arrived so far."""
        return [message.topic for message in list(self.received)]

    def close(self) -> None:
        """Go away."""
        self._client.disconnect()
        self._client.loop_stop()

    def vanish(self) -> None:
        """Break the connection as a power cut does."""
        self._client.socket().close()

    def _on_connect(self, _client: Client, _data: object, _flags: object, reason: Any, _more: object) -> None:
        """Keep the broker's word."""
        self.welcome = reason.value

    def _on_publish(self, _client: Client, _data: object, mid: int, reason: Any, _more: object) -> None:
        """Keep the receipt."""
        self.answers[mid] = reason.value
