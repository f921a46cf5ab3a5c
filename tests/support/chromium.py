"""A real headless Chromium, driven by its own protocol over a pipe: no driver, no port, no other package."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

ANSWER_S = 30.0
TRIES = 3
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic",
    "--disable-extensions", "--disable-default-apps", "--hide-scrollbars", "--remote-debugging-pipe",
)


def find_chromium() -> str | None:
    """Return the browser's path, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    """One browser with one tab.

    Args:
        folder: its profile, made anew.
        trusted_keys: hashes of public keys that it takes without an authority, for a broker of a test.
    """

    def __init__(self, folder: Path, trusted_keys: tuple[str, ...] = ()) -> None:
        self.events: list[dict[str, Any]] = []
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        flags = [*FLAGS, f"--user-data-dir={folder}"]
        if trusted_keys:
            flags.append(f"--ignore-certificate-errors-spki-list={','.join(trusted_keys)}")
        words = " ".join([str(find_chromium()), *flags, "about:blank"])
        self._process = subprocess.Popen(  # Chromium speaks on the descriptors 3 and 4
            ["bash", "-c", f"exec {words} 3<&{to_read} 4>&{to_write}"], pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self._number = 0
        self._rest = b""
        self._session = ""
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(one["targetId"] for one in targets if one["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the browser for something and return its answer; what else it says is kept in `events`."""
        answer = self._ask(method, params)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return dict(answer["result"])

    def _ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Ask the browser for something and return all it answers."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        deadline_s = time.monotonic() + ANSWER_S
        while True:
            answer = self._hear(deadline_s, method)
            if answer.get("id") == self._number:
                return answer
            self.events.append(answer)

    def open(self, address: str, ready: str) -> None:
        """Go to a page and wait until an expression is true there.

        Chromium gives up what it is loading whenever a network interface of the machine comes or goes, as
        they do beside tests of whole machines: so it is tried three times.
        """
        for _ in range(TRIES):
            self.call("Page.navigate", url=address)
            deadline_s = time.monotonic() + ANSWER_S / TRIES
            while time.monotonic() < deadline_s:
                if self.run(ready):
                    return
                time.sleep(0.05)
        raise AssertionError(f"{address} did not open: {self.text()} {self.complaints()}")

    def run(self, script: str) -> Any:
        """Evaluate JavaScript in the page and return its value; None when the page was left meanwhile."""
        wish = {"expression": script, "returnByValue": True, "awaitPromise": True}
        reply = self._ask("Runtime.evaluate", wish)
        if "error" in reply:
            assert "navigated" in reply["error"]["message"], reply["error"]
            return None
        answer = reply["result"]
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, script: str, seconds: float = 20.0, what: str = "") -> Any:
        """Wait until an expression is true in the page, and return it."""
        deadline_s = time.monotonic() + seconds
        while not (found := self.run(script)):
            assert time.monotonic() < deadline_s, \
                f"{what or script} did not come; the page says:\n{self.text()}\n{self.complaints()}"
            time.sleep(0.05)
        return found

    def text(self) -> str:
        """Return what a person reads."""
        return str(self.run("document.body.innerText"))

    def key(self, name: str, code: int) -> None:
        """Press a key, such as ("Tab", 9)."""
        text = {"Enter": "\r"}.get(name, "")
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code,
                      **({"text": text} if text and kind == "keyDown" else {}))

    def write(self, text: str) -> None:
        """Type text into what has the focus."""
        self.call("Input.insertText", text=text)

    def resize(self, width: int, height: int, *, phone: bool = False, dark: bool = False) -> None:
        """Make the window a phone's, a desk's or a wall's."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=phone)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def screenshot(self, path: Path) -> None:
        """Save what can be seen now."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def requests(self) -> list[str]:
        """Return the addresses that the page has asked for, WebSockets among them."""
        found = []
        for event in self.events:
            params = event.get("params", {})
            if event.get("method") == "Network.requestWillBeSent":
                found.append(str(params["request"]["url"]))
            elif event.get("method") == "Network.webSocketCreated":
                found.append(str(params["url"]))
        return found

    def complaints(self) -> list[str]:
        """Return what the browser's console holds against the page: exceptions, refused loads."""
        found = []
        for event in self.events:
            params = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                found.append(json.dumps(params["exceptionDetails"]))
            elif event.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
                found.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        return found

    def close(self) -> None:
        """End the browser."""
        self._session = ""
        self.call("Browser.close")
        self._process.wait(15)
        os.close(self._read)
        os.close(self._write)

    def _hear(self, deadline_s: float, method: str) -> dict[str, Any]:
        """Return the next message; messages end with a zero byte."""
        while b"\0" not in self._rest:
            ready, *_ = select.select([self._read], [], [], max(0.0, deadline_s - time.monotonic()))
            assert ready, f"no answer to {method}"
            chunk = os.read(self._read, 1 << 20)
            assert chunk, f"the browser ended during {method}"
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(line))
