// The connection to the broker: MQTT 5 over a WebSocket; it only reads.
import mqtt from "./vendor/mqtt.js";

const KEEPALIVE_S = 30;
const RETRY_MS = [2000, 6000]; // each page draws its own wait, so that many pages do not come back at once
const REFUSED = new Set([0x85, 0x86, 0x87, 0x8a, 0x8c]); // MQTT 5, 3.2.2.2: who one is, or what one may

/** Where the broker is: as stamped into the page by install.sh, else the same server under /mqtt. */
export function brokerUrl() {
  const stamped = document.querySelector('meta[name="tranquillo-broker"]').content;
  if (stamped) return stamped;
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/mqtt`;
}

/** 64 random bits in hex; `crypto.randomUUID` would need a secure context. */
export function randomName() {
  return [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Connect and subscribe.
 * @param {{name: string, password: string, topic: string, client: string, keepS: number}} wish `keepS`: for how
 *   long the broker keeps what arrives while this page is away.
 * @param {{up, down, refused, message}} tell called on each event; `message(topic, bytes, retained)`.
 * @returns {{end: function}}
 */
export function connect(wish, tell) {
  const client = mqtt.connect(brokerUrl(), {
    protocolVersion: 5, clientId: wish.client, username: wish.name, password: wish.password, clean: false,
    properties: { sessionExpiryInterval: wish.keepS }, keepalive: KEEPALIVE_S, timerVariant: "native",
    reconnectPeriod: RETRY_MS[0] + Math.random() * (RETRY_MS[1] - RETRY_MS[0]), connectTimeout: 8000,
    resubscribe: false, manualConnect: false,
  });
  client.on("connect", () => {
    client.subscribe(wish.topic, { qos: 1 }, (error) => (error ? tell.down() : tell.up()));
  });
  client.on("message", (topic, payload, packet) => tell.message(topic, payload, packet.retain));
  client.on("close", () => tell.down());
  client.on("error", (error) => {
    if (!REFUSED.has(error.code)) return;
    client.end(true);
    tell.refused();
  });
  const wake = () => {
    if (document.visibilityState === "visible" && !client.connected && !client.disconnecting) client.reconnect();
  };
  document.addEventListener("visibilitychange", wake);
  return {
    end() {
      document.removeEventListener("visibilitychange", wake);
      client.end(true);
    },
  };
}
