"""The page in a real Chromium, on the clinic's broker as shipped, before real processes of two units."""

from __future__ import annotations

import base64
import functools
import hashlib
import http.server
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from support.chromium import Browser, find_chromium
from support.mqtt_probe import Probe

from device.bus import ZmqBus
from device.config import Tls, load
from device.desk import keyboard
from device.desk.bench import find_processes
from device.desk.clinic import ClinicAuthority, ClinicBroker
from device.desk.setup import RunOptions, write_config
from device.desk.up import Supervisor
from device.messages import Fault, Health, Severity, StressBand
from device.telemetry.certificate import context_of
from device.telemetry.records import Outcome, seal

REPOSITORY = Path(__file__).resolve().parents[2]
PASSWORDS = {"dashboard-fleet": "fleet-word", "dashboard-outcomes": "outcomes-word"}
CABLE = Fault(code="adc_lost", severity=Severity.ATTENTION, advice="check the cable of the converter")
PASSING = Fault(code="headset_lost", severity=Severity.INFO, advice="check the battery")
CARD = "document.querySelector('[data-unit=\"{}\"]')"

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="no Chromium here: apt-get install chromium, as `make test` does")

# Every visible text against what lies behind it: WCAG 2.1, 1.4.3 (4.5 : 1, large text 3 : 1).
CONTRAST = """(() => {
  const linear = (v) => (v /= 255, v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b);
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    if (!own || !node.checkVisibility() || node.closest(".sr, .skip")) continue;
    const style = getComputedStyle(node), size = parseFloat(style.fontSize);
    const pair = [parse(style.color).slice(0, 3), behind(node)].map(light).sort((x, y) => y - x);
    const ratio = (pair[0] + .05) / (pair[1] + .05);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) poor.push(`${node.textContent.trim()}: ${ratio.toFixed(2)}`);
  }
  return poor;
})()"""


class Pulse:
    """A process of a unit whose words are in the test's hand: its sensors."""

    def __init__(self, run: Path) -> None:
        self.faults: tuple[Fault, ...] = ()
        self._bus = ZmqBus(run, "sensors", ())
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat)
        self._thread.start()

    def close(self) -> None:
        """Fall silent."""
        self._end.set()
        self._thread.join()
        self._bus.close()

    def _beat(self) -> None:
        """Speak five times a second."""
        while not self._end.wait(0.2):
            now_s = time.monotonic()
            self._bus.publish(
                Health(at_s=now_s, service="sensors", uptime_s=now_s, late_steps=0, faults=self.faults))


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Any web server; this one does not log."""

    def log_message(self, *_words) -> None:
        """Say nothing."""


class Clinic:
    """The broker, two units, the page on a web server and a browser."""

    def __init__(self, folder: Path, run: Path):
        self.folder = folder
        self.authority = ClinicAuthority(folder / "ca")
        server = self.authority.server("localhost")
        self.broker = ClinicBroker(folder / "broker", self.authority, PASSWORDS, server)
        self.broker.start()
        self.run = run
        self.ward_1 = self.appliance(run / "ward-1")
        self.ward_2, self.sensors = self.telemetry(run / "ward-2")
        subprocess.run(["sh", "provisioning/dashboard/install.sh", str(folder / "www"),
                        f"wss://localhost:{self.broker.ports['page']}"], check=True, cwd=REPOSITORY)
        self.web = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder / "www")))
        threading.Thread(target=self.web.serve_forever, daemon=True).start()
        self.browser = Browser(folder / "profile", (key_hash(server),))

    def written(self, run: Path) -> Path:
        """Write a unit's configuration: simulated hardware, the clinic's broker, a heartbeat a second."""
        out = self.folder / run.name
        out.mkdir()
        run.mkdir()
        options = RunOptions(patient="sim", minutes=10.0, speed=1.0, seed=3, interactive=False, out=out)
        path, _ = write_config(options, run, self.broker.ports["units"])
        text = path.read_text(encoding="utf-8")
        own = self.authority.unit(run.name)
        for old, new in (('unit_id = "desk"', f'unit_id = "{run.name}"'),
                         ("heartbeat_s = 15.0", "heartbeat_s = 1.0"),
                         ('broker_host = "127.0.0.1"', 'broker_host = "localhost"\nreconnect_max_s = 1.0')):
            assert old in text
            text = text.replace(old, new)
        path.write_text(f'{text}\n[telemetry.tls]\nca = "{own.ca}"\ncertificate = "{own.certificate}"\n'
                        f'key = "{own.key}"\n', encoding="utf-8")
        return path

    def appliance(self, run: Path) -> Supervisor:
        """Start all processes of a unit."""
        path = self.written(run)
        return Supervisor(path, load(path), self.folder / run.name / "logs")

    def telemetry(self, run: Path) -> tuple[subprocess.Popen[bytes], Pulse]:
        """Start the telemetry of another unit, with its sensors in our hand."""
        path = self.written(run)
        command = [sys.executable, "-m", "device.services.telemetry", "--config", str(path)]
        return subprocess.Popen(command, cwd=REPOSITORY), Pulse(run)

    def sign_in(self, name: str, password: str, *, outcomes: bool = False) -> None:
        """Fill in the form with the keyboard only."""
        page = self.browser
        page.wait("document.activeElement?.id === 'name'", what="the form")
        page.run("for (const id of ['name', 'password']) document.getElementById(id).value = ''")
        page.write(name)
        page.key("Tab", 9)
        page.write(password)
        if outcomes:
            page.key("Tab", 9)
            page.key("ArrowDown", 40)
        page.key("Enter", 13)

    def publish(self, tls: Tls, *messages: tuple[str, bytes]) -> None:
        """Publish with a certificate of the clinic."""
        probe = Probe(self.broker.ports["units"], context_of(tls))
        for topic, payload in messages:
            assert probe.publish(topic, payload) == 0
        probe.close()

    def close(self) -> None:
        """End everything."""
        self.browser.close()
        self.web.shutdown()
        self.web.server_close()
        running = find_processes(self.folder / "ward-1" / "run.toml")
        for pid in (self.ward_1.pid, *running.values(), self.ward_2.pid):
            os.kill(pid, signal.SIGKILL)  # in good order its music would fade first
        self.ward_1.wait()
        self.ward_2.wait()
        self.sensors.close()
        self.broker.stop()


def key_hash(tls: Tls) -> str:
    """Return the hash of a certificate's key, by which Chromium is told to trust it."""
    pem = subprocess.run(
        ["openssl", "x509", "-in", tls.certificate, "-noout", "-pubkey"], capture_output=True, check=True)
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "der"], input=pem.stdout, capture_output=True, check=True)
    return base64.b64encode(hashlib.sha256(der.stdout).digest()).decode()


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    with tempfile.TemporaryDirectory(prefix="tq-") as run:
        one = Clinic(tmp_path_factory.mktemp("clinic"), Path(run))
        try:
            one.browser.resize(1280, 800)
            one.browser.open(f"http://localhost:{one.web.server_port}/index.html",
                             "document.activeElement?.id === 'name'")
            yield one
        finally:
            one.close()


def condition(unit: str) -> str:
    return f"{CARD.format(unit)}?.dataset.condition"


def test_dashboard_refuses_a_wrong_password_and_takes_the_right_one(clinic):
    clinic.sign_in("dashboard-fleet", "wrong")
    clinic.browser.wait("document.getElementById('login-problem').textContent.includes('does not know')")
    clinic.sign_in("dashboard-fleet", PASSWORDS["dashboard-fleet"])
    clinic.browser.wait("document.getElementById('link').dataset.up === 'true'", what="the connection")
    clinic.browser.wait("document.querySelectorAll('.cards li').length === 2", what="both units")


def test_dashboard_follows_a_press_on_the_units_button(clinic):
    page = clinic.browser
    page.wait(f"{condition('ward-1')} === 'ready'", 30, "the unit ready")
    keyboard.press(clinic.run / "ward-1", keyboard.PRESS_S)
    page.wait(f"{condition('ward-1')} === 'playing'", what="the session")
    assert "Playing, 0 of 10 min" in page.run(f"{CARD.format('ward-1')}.innerText")
    page.wait(f"{CARD.format('ward-1')}.innerText.includes('pulse')", what="the sensors")


def test_dashboard_shows_a_fault_with_its_advice_and_reads_it_aloud(clinic):
    page = clinic.browser
    clinic.sensors.faults = (CABLE,)
    page.wait(f"{condition('ward-2')} === 'attention'", what="the fault")
    assert "Check the cable of the converter" in page.run("document.querySelector('.wanting').innerText")
    assert page.run("document.title") == "(1) Tranquillo"
    news = "document.getElementById('news')"
    page.wait(f"{news}.textContent.includes('ward-2: Needs attention')", what="the words")
    assert page.run(f"{news}.getAttribute('aria-live')") == "polite"


def test_dashboard_unit_opens_and_closes_by_keyboard(clinic):
    page = clinic.browser
    page.run(f"{CARD.format('ward-2')}.querySelector('a').focus()")
    page.key("Enter", 13)
    page.wait("document.activeElement.id === 'unit-name'", what="the unit")
    text = page.text()
    for part in ("Sensor converter lost", "Needs attention, Sensors", "Fault began", "Telemetry", "days left",
                 "Reports waiting on it"):
        assert part in text
    page.run("document.getElementById('unit-name').drawnOnce = true")
    clinic.sensors.faults = (CABLE, PASSING)
    page.wait("document.body.innerText.includes('Headset lost')", what="a redrawing")
    assert page.run("document.activeElement.drawnOnce") is True, "the focus stays through redrawing"
    page.key("Escape", 27)
    page.wait(f"document.activeElement === {CARD.format('ward-2')}.querySelector('a')", what="the focus back")


@pytest.mark.parametrize(("width", "height"), [(320, 640), (390, 844), (1280, 800), (1920, 1080)])
def test_dashboard_is_readable_on_phone_and_wall(clinic, width, height):
    page = clinic.browser
    for dark in (False, True):
        for place in ("#ward", "#unit/ward-2"):
            page.resize(width, height, phone=width < 500, dark=dark)
            page.run(f"location.hash = '{place}'")
            page.wait(f"document.body.dataset.view === '{'all' if place == '#ward' else 'unit'}'")
            assert page.run("document.scrollingElement.scrollWidth") <= width, "nothing hangs over"
            page.wait(f"{CONTRAST}.length === 0", 2, f"enough contrast: {page.run(CONTRAST)}")
    page.run("location.hash = '#ward'")


def test_dashboard_leaves_out_what_it_does_not_understand(clinic):
    topic = "tranquillo/v1/fleet/ward-9/state"
    clinic.publish(clinic.authority.unit("ward-9"), (topic, b"rubbish"), (topic, b'{"v": 2}'), (topic, b""))
    clinic.browser.wait("document.getElementById('ignored').textContent.includes('1 of a newer version')")
    assert "1 malformed" in clinic.browser.text()
    assert clinic.browser.run("document.querySelectorAll('.cards li').length") == 2


def test_dashboard_says_that_the_broker_is_away_and_comes_back(clinic):
    page = clinic.browser
    clinic.broker.stop()
    page.wait("!document.getElementById('banner').hidden", what="the banner")
    assert "No connection to the broker since" in page.text()
    assert page.run("getComputedStyle(document.getElementById('app')).filter") == "grayscale(1)"
    clinic.broker.start()
    page.wait("document.getElementById('banner').hidden", 30, "the way back")
    page.wait(f"{condition('ward-1')} === 'playing'", 30, "the music that went on")


def test_dashboard_shows_a_killed_unit_as_offline(clinic):
    page = clinic.browser
    page.wait(f"{condition('ward-2')} === 'attention'", 30, "the unit back")
    clinic.ward_2.send_signal(signal.SIGKILL)
    page.wait(f"{condition('ward-2')} === 'offline'", what="the last will")
    assert "Offline for under a minute" in page.text()


def test_dashboard_asks_nobody_else_and_the_browser_has_no_complaint(clinic):
    hosts = {address.split("/")[2] for address in clinic.browser.requests()}
    assert hosts == {f"localhost:{clinic.web.server_port}", f"localhost:{clinic.broker.ports['page']}"}
    others = [one for one in clinic.browser.complaints() if "WebSocket connection to" not in one]
    assert others == [], "nothing refused by the policy, no exception"


def test_dashboard_outcomes_are_shown_from_five_up_and_survive_a_reload(clinic):
    page = clinic.browser
    page.run("document.getElementById('sign-out').click()")
    page.wait("document.getElementById('login')?.hidden === false", what="the form")
    assert page.run("localStorage.length + sessionStorage.length") == 0, "signing out leaves nothing"
    clinic.sign_in("dashboard-outcomes", PASSWORDS["dashboard-outcomes"], outcomes=True)
    page.wait("document.getElementById('link').dataset.up === 'true'", what="the connection")
    letters = [seal(Outcome(id=f"{number:032x}", year=2026, stress_first_third=StressBand.HIGH,
                            stress_last_third=StressBand.LOW, rating=None)) for number in range(6)]
    shared = clinic.authority.shared()
    clinic.publish(shared, *((one.topic, one.payload) for one in letters[:4]))
    page.wait("document.body.innerText.includes('Fewer than 5 sessions so far')")
    clinic.publish(shared, *((one.topic, one.payload) for one in letters))  # four of them once more
    page.wait("document.body.innerText.includes('5 or a few more')", what="the aggregate")
    page.run("location.reload()")
    page.wait("document.readyState === 'complete' && document.body.innerText.includes('5 or a few more')")
    kept = json.loads(page.run("localStorage.getItem('tranquillo-outcomes')"))
    assert kept["pairs"] == {"high low": 6}
