"""Allow-list anonymiser, on-disk outbox and MQTT uplink."""
