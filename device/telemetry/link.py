"""One MQTT connection from dialling to its end, without ever blocking its owner.

Name look-up, TCP and the TLS handshake block, so they happen in a short-lived thread; everything
after that happens in `step`, on the owner's thread. A connection that has ended is not revived: the
next one is a new `Link`, so paho's queue in memory never outlives a connection.
"""

from __future__ import annotations

import queue
import ssl
import threading
from collections.abc import Callable
from typing import NamedTuple

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, LogLevel, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from device.telemetry.records import Letter
from device.telemetry.trouble import Trouble, is_alert, trouble_of_error, trouble_of_reason

KEEPALIVE_S = 20  # the broker sends the last will after 1.5 times this (MQTT 5, 3.1.2.10)
DIAL_TIMEOUT_S = 5.0  # for TCP and for the TLS handshake, in the thread
QOS = 1


class Receipt(NamedTuple):
    """The broker's answer to one published letter."""

    mid: int
    accepted: bool


class Up(NamedTuple):
    """The broker has welcomed us; `known`: it had a session of ours; `lasting`: it will keep this one."""

    known: bool
    lasting: bool


class Down(NamedTuple):
    """The connection is over."""

    trouble: Trouble


Event = Receipt | Up | Down


class Link:
    """One connection to the broker; dialling starts at once.

    Args:
        host, port: of the broker.
        client_id: must be unlike any other client's, or both are thrown out in turn for ever.
        context: makes the TLS context, or None for no TLS; called in the thread, raises `DialRefused`
            when the certificate files are unfit.
        will: what the broker publishes when we vanish.
        window: how many letters may wait for their receipt at once.
        session_s: how long the broker should remember this client afterwards.
        resume: take up the session that an earlier connection of this name has left.
    """

    def __init__(
        self, host: str, port: int, client_id: str, context: Callable[[], ssl.SSLContext | None],
        will: Letter | None, window: int, *, session_s: int = 0, resume: bool = False,
    ) -> None:
        self.up = False
        self.down: Trouble | None = None
        self._host = host
        self._port = port
        self._context = context
        self._session_s = session_s
        self._resume = resume
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._abandoned = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=client_id,
                              protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False)
        self._client.connect_timeout = DIAL_TIMEOUT_S
        self._client.max_inflight_messages = window
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_log = self._on_log
        if will is not None:
            self._client.will_set(will.topic, will.payload, qos=QOS, retain=will.retain)
        self._thread = threading.Thread(target=self._dial, name="dial", daemon=True)
        self._thread.start()

    def step(self) -> list[Event]:
        """Exchange what can be exchanged without waiting; return what has happened since the last call."""
        if not self._thread.is_alive() and self.down is None and self._client.socket() is not None:
            self._client.loop(timeout=0.0)
        events: list[Event] = []
        while not self._events.empty():
            event = self._events.get_nowait()
            if isinstance(event, Down):
                if self.down is not None:
                    continue  # only the first reason counts
                self.down, self.up = event.trouble, False
            elif isinstance(event, Up):
                self.up = True
            events.append(event)
        if self.down is None and not self._thread.is_alive() and self._client.socket() is None:
            self.down, self.up = Trouble.UNREACHABLE, False
            events.append(Down(self.down))
        return events

    def publish(self, letter: Letter) -> int | None:
        """Hand a letter to the connection; its number for the receipt, or None when it could not be taken."""
        if not self.up:
            return None
        info = self._client.publish(letter.topic, letter.payload, qos=QOS, retain=letter.retain)
        return info.mid if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def close(self) -> None:
        """Say goodbye if connected; a dialling thread closes its own socket when it returns."""
        self._abandoned.set()
        if not self._thread.is_alive():
            self._hang_up()
        self.up = False

    def _dial(self) -> None:
        """Connect; runs in the thread, speaks to the owner only through the queue of events."""
        try:
            context = self._context()
            if context is not None:
                self._client.tls_set_context(context)
            session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            session.SessionExpiryInterval = self._session_s
            self._client.connect_async(
                self._host, self._port, KEEPALIVE_S, clean_start=not self._resume, properties=session)
            self._client.reconnect()
        except (OSError, UnicodeError) as error:  # UnicodeError: a host that is no name at all
            self._events.put(Down(trouble_of_error(error)))
        if self._abandoned.is_set():
            self._hang_up()

    def _hang_up(self) -> None:
        """Disconnect and cut the references back to us, so that paho frees its sockets at once."""
        self._client.disconnect()
        self._client.on_connect = self._client.on_disconnect = None
        self._client.on_publish = self._client.on_log = None

    def _on_connect(
        self, client: Client, userdata: object, flags: ConnectFlags, reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        """Tell welcome from refusal."""
        del client, userdata
        if reason.is_failure:
            self._events.put(Down(trouble_of_reason(reason)))
            return
        granted = getattr(properties, "SessionExpiryInterval", self._session_s)  # absent: as asked for
        self._events.put(Up(known=flags.session_present, lasting=granted >= self._session_s))

    def _on_disconnect(
        self, client: Client, userdata: object, flags: DisconnectFlags, reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        """Note why the connection ended."""
        del client, userdata, properties
        said = flags.is_disconnect_packet_from_server
        self._events.put(Down(trouble_of_reason(reason) if said else Trouble.UNREACHABLE))

    def _on_publish(
        self, client: Client, userdata: object, mid: int, reason: ReasonCode, properties: Properties,
    ) -> None:
        """Note the broker's receipt; with MQTT 5 a refusal is told here."""
        del client, userdata, properties
        self._events.put(Receipt(mid, not reason.is_failure))

    def _on_log(self, client: Client, userdata: object, level: int, text: str) -> None:
        """Catch the one thing paho tells only its log: a TLS alert after the handshake.

        With TLS 1.3 the broker judges our certificate when the handshake is already over for us.
        """
        del client, userdata
        if level == LogLevel.MQTT_LOG_ERR and is_alert(text):
            self._events.put(Down(Trouble.CERTIFICATE_REFUSED))
