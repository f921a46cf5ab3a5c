"""Hold the discovery message to Home Assistant's own rules; run by hand where `homeassistant` is installed.

    python3.13 -m venv ha && ha/bin/pip install homeassistant && ha/bin/python tests/support/home_assistant.py
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from homeassistant.components.mqtt import binary_sensor, discovery, schemas, sensor
from homeassistant.core import HomeAssistant
from homeassistant.helpers.template import Template

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "telemetry"
TOPIC = "device/tranquillo/ward-3/config"
PLATFORMS = {"sensor": sensor, "binary_sensor": binary_sensor}


async def check() -> list[str]:
    """Return a line for each entity and each example state; raise where Home Assistant would refuse."""
    said = []
    assert discovery.TOPIC_MATCHER.fullmatch(TOPIC)
    message = json.loads((FOLDER / "home-assistant.json").read_text(encoding="utf-8"))
    states = [path.read_text(encoding="utf-8") for path in sorted((FOLDER / "examples").glob("state-*.json"))]
    with tempfile.TemporaryDirectory() as folder:
        home = HomeAssistant(folder)
        schemas.DEVICE_DISCOVERY_SCHEMA(json.loads(json.dumps(message)))
        for key, component in message["components"].items():
            whole = {**component, "device": message["device"], "origin": message["origin"]}
            discovery._merge_common_device_options(whole, message)
            platform = PLATFORMS[whole.pop("platform")]
            platform.DISCOVERY_SCHEMA(whole)
            template = Template(component["value_template"], home)
            said.append(f"{key}: {[template.async_render_with_possible_json_value(one) for one in states]}")
        await home.async_stop(force=True)
    return said


if __name__ == "__main__":
    sys.stdout.write("\n".join(asyncio.run(check())) + "\n")
