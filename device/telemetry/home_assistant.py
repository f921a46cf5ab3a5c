"""What makes a unit appear in Home Assistant by itself: one retained message of MQTT device discovery.

Off unless a clinic asks for it. Everything in the message is constant but the unit's name, the firmware's
version and the heartbeat's period, so it can tell nothing that the fleet stream does not. Home Assistant
reads the fleet topics themselves; the templates below pick the values out of them.
https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload (Home Assistant 2024.11 or later)
"""

from __future__ import annotations

from typing import Final

Entity = dict[str, str | int | list[str]]

_ON: Final = "{{ 'ON' if %s else 'OFF' }}"
_SERIOUS: Final = "value_json.faults | rejectattr('severity', 'eq', 'info') | list"
# A state of Home Assistant has 255 characters at most; a null becomes "None", which it reads as unknown.
_CODES: Final = "{{ ((value_json.faults | map(attribute='code') | unique | join(', ')) or 'none')[:255] }}"
_ENTITIES: Final[dict[str, Entity]] = {
    "program": {
        "platform": "sensor", "name": "Program", "device_class": "enum", "options": ["idle", "running"],
        "value_template": "{{ value_json.phase }}"},
    "minute": {
        "platform": "sensor", "name": "Program minute", "device_class": "duration",
        "unit_of_measurement": "min", "value_template": "{{ value_json.program_minute }}"},
    "sounding": {
        "platform": "binary_sensor", "name": "Sound", "device_class": "sound",
        "value_template": _ON % "value_json.sounding"},
    "attention": {
        "platform": "binary_sensor", "name": "Needs attention", "device_class": "problem",
        "value_template": _ON % _SERIOUS},
    "faults": {
        "platform": "sensor", "name": "Faults", "value_template": _CODES},
    "outbox": {
        "platform": "sensor", "name": "Messages waiting", "state_class": "measurement",
        "entity_category": "diagnostic", "value_template": "{{ value_json.outbox_rows }}"},
    "certificate": {
        "platform": "sensor", "name": "Certificate days left", "device_class": "duration",
        "unit_of_measurement": "d", "entity_category": "diagnostic",
        "value_template": "{{ value_json.certificate_days }}"},
    "restarts": {
        "platform": "sensor", "name": "Restarts of services", "state_class": "total_increasing",
        "entity_category": "diagnostic",
        "value_template": "{{ value_json.services | map(attribute='restarts') | sum }}"},
    **{f"contact_{signal}": {
        "platform": "binary_sensor", "name": f"Contact {signal}", "device_class": "connectivity",
        "entity_category": "diagnostic", "value_template": _ON % f"value_json.contact.{signal}"}
       for signal in ("eda", "ppg", "temperature", "eeg")},
}


def topic_of(prefix: str, unit: str) -> str:
    """Return where Home Assistant looks for a device; the unit is a level of its own, for access lists."""
    return f"{prefix}/device/tranquillo/{unit}/config"


def discovery(root: str, unit: str, version: str, expire_s: int) -> dict[str, object]:
    """Return the discovery message of a unit.

    Args:
        root: of the topics, as `tranquillo/v1`.
        unit: the unit's name.
        version: of the firmware.
        expire_s: a state older than this is shown as unavailable.
    """
    name = f"tranquillo_{unit}"
    return {
        "device": {"identifiers": [name], "name": f"Tranquillo {unit}", "model": "Tranquillo",
                   "sw_version": version},
        "origin": {"name": "tranquillo", "sw_version": version},
        "availability_topic": f"{root}/fleet/{unit}/availability",
        "availability_template": "{{ 'online' if value_json.online else 'offline' }}",
        "state_topic": f"{root}/fleet/{unit}/state",
        "qos": 1,
        "components": {
            key: {**entity, "unique_id": f"{name}_{key}", "expire_after": expire_s}
            for key, entity in _ENTITIES.items()},
    }
