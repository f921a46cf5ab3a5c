"""Whatever the bus carries, nothing measured, no name, no address and no exact time leaves the unit.

The whole service runs, on a manual clock and into connections that keep what they are handed: topics,
payloads, last wills and client ids are all that a broker ever gets from a unit.
"""

from __future__ import annotations

import json
import random
import re
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support.contract import violations

from device.bus import LocalHub
from device.clock import ManualClock
from device.config import Settings, Telemetry
from device.messages import (
    EegBlock,
    Fault,
    Features,
    Health,
    PlayerState,
    Quality,
    SampleBlock,
    Session,
    SessionPhase,
    Severity,
    Stress,
    StressBand,
)
from device.services import telemetry
from device.telemetry.fleet import FleetView, build_here
from device.telemetry.link import Receipt, Up
from device.telemetry.outbox import Outbox
from device.telemetry.uplink import Uplink
from device.vitals import EdaFeatures, PpgFeatures

UNIT, HOST = "ward-3", "tranq-pi-bed7"
SECRETS = (
    "Anna Meier", "Müller", "anna-laptop", HOST, "broker.clinic.example", "10.20.30.40", "fe80::dead:beef",
    "b8:27:eb:12:34:56", "100000003d1d1c36", "SN-48812", "/home/anna/notes", "anna@clinic.example",
    "21:47:13", "2026-05-28T20:27:13Z", "1780000033.25")
READING = st.floats(min_value=10.01, max_value=9_999.99).map(lambda x: round(x, 5)).filter(
    lambda x: len(repr(x)) >= 7)


class Kept:
    """A connection that is there at once, keeps what it is handed and acknowledges it."""

    def __init__(self, said: list, client_id: str, will) -> None:
        self.up, self.down = False, None
        self._said = said
        self._mid = 0
        self._events: list = []
        said.append(("client", client_id, None))
        if will is not None:
            said.append(("will", will.topic, json.loads(will.payload)))

    def step(self) -> list:
        events, self._events = self._events, []
        if not self.up:
            self.up = True
            events.append(Up(known=False, lasting=True))
        return events

    def publish(self, letter) -> int:
        self._mid += 1
        self._said.append(("letter", letter.topic, json.loads(letter.payload)))
        self._events.append(Receipt(self._mid, accepted=True))
        return self._mid

    def close(self) -> None:
        self.up = False


class Unit:
    """The service over such connections; `said` is all that left it."""

    def __init__(self, folder: Path, wall_s: float) -> None:
        self.clock = ManualClock()
        self.clock.set_wall(wall_s)
        self.said: list = []
        self._hub = LocalHub()
        self._bus = self._hub.connect(())
        whole = Settings(unit_id=UNIT, state_dir=str(folder), telemetry=Telemetry(
            broker_host="127.0.0.1", heartbeat_s=5, outcome_delay_min_s=0, outcome_delay_max_s=0,
            home_assistant=True))
        rng = random.Random(4)
        outbox = Outbox(folder / "outbox.sqlite", self.clock, rng, 1000)
        uplink = Uplink(whole.telemetry, UNIT, outbox, self.clock, rng,
                        lambda host, port, name, context, will, window, **more: Kept(self.said, name, will),
                        announcement=telemetry.announcement_of(whole, "0.1.0"))
        names = (HOST, "broker.clinic.example")
        self._worker = telemetry.Telemetry(
            whole, self.clock, self._hub.connect(telemetry.ROOT.reads), outbox, uplink,
            FleetView(UNIT, names, build_here("0.1.0")), rng)

    def hear(self, messages: list) -> None:
        """Let a second pass in which these are said."""
        for message in messages:
            self._bus.publish(message)
        for _ in range(4):
            self._worker.step()
            self.clock.sleep(0.25)

    def close(self) -> None:
        self._worker.close()


def speech(at_s: float, elapsed_s: float, readings: list[float], secret: str, seed: int, phase) -> list:
    """Return what all processes say in one second, with readings and a secret wherever a field takes them."""
    one, two, *_ = readings
    words = f"the cable of {secret} reads {one} since {two}, check {secret}"
    fault = Fault(code=secret, severity=Severity.ATTENTION, advice=words)
    return [
        SampleBlock(at_s=at_s, signal="eda", start_s=at_s, rate_hz=10.0, values=tuple(readings),
                    quality=Quality.GOOD),
        EegBlock(at_s=at_s, start_s=at_s, rate_hz=250.0, microvolts=(tuple(readings),), lost_samples=0),
        Features(at_s=at_s, window_s=60.0, temperature=None, eeg=None,
                 eda=EdaFeatures(tonic_us=one, tonic_slope_us_per_min=two, scr_per_min=one,
                                 scr_amplitude_us=two, quality=0.9),
                 ppg=PpgFeatures(hr_bpm=one, rmssd_ms=two, sdnn_ms=one, pulse_amplitude_v=two, quality=0.9)),
        Stress(at_s=at_s, level=one, confidence=two, band=StressBand.HIGH, sources=("eda",), reason=words),
        Session(at_s=at_s, phase=phase, seed=seed, elapsed_s=elapsed_s, duration_s=1200.0, fade_s=12.0),
        PlayerState(at_s=at_s, backend="alsa", sounding=True, gain_db=one, loudness_lufs=two,
                    position_s=one, phrase_id=seed, audible=None, notes_played=seed),
        Health(at_s=at_s, service="sensors", uptime_s=at_s, late_steps=0, faults=(fault,)),
    ]


def texts(part: object) -> list[str]:
    """Return every key, word and number within a payload, as it is written."""
    if isinstance(part, dict):
        return [one for key, value in part.items() for one in (key, *texts(value))]
    if isinstance(part, list):
        return [one for value in part for one in texts(value)]
    return [part if isinstance(part, str) else json.dumps(part)]


def check(said: list, secret: str, readings: list[float], seed: int, wall_s: float) -> None:
    """Hold all that left to the contract, and look for each secret in it."""
    hidden = {secret.lower(), str(seed), *(repr(one) for one in readings), str(int(wall_s))}
    for how, where, payload in said:
        if how == "client":
            assert where == f"tranquillo-{UNIT}" or re.fullmatch(r"[0-9a-f]{32}", where)
            continue
        assert where.startswith("homeassistant/") or violations(where, payload) == []
        found = [where, *texts(payload)]
        random_ones = {payload.get("id"), payload.get("epoch")}
        whole = "\n".join(one for one in found if one not in random_ones).lower()
        assert not [one for one in hidden if one in whole]
        assert not re.search(r"\d\d:\d\d:\d\d|anna|meier|müller|clinic\.example", whole)
        assert not re.search(r"(?m)^-?\d+\.\d+$", whole), "no number with a fraction"


@settings(max_examples=25, deadline=None)
@given(st.lists(READING, min_size=2, max_size=6), st.sampled_from(SECRETS),
       st.integers(10_000_000, 2**31 - 1), st.floats(1.75e9, 4e9))
def test_leaks_nothing_whatever_the_bus_carries(readings, secret, seed, wall_s):
    with tempfile.TemporaryDirectory() as folder:
        unit = Unit(Path(folder), wall_s)
        for second in range(12):
            phase = SessionPhase.RUNNING if second < 7 else SessionPhase.IDLE
            now = unit.clock.monotonic()
            unit.hear(speech(now, 600.0 + second, readings, secret, seed, phase))
        unit.close()
    kinds = {where.split("/")[2] + "/" + where.rpartition("/")[2] for how, where, _ in unit.said
             if how == "letter" and where.startswith("tranquillo/v1/fleet")}
    assert kinds == {"fleet/availability", "fleet/state", "fleet/faults"}
    assert any("/outcomes/" in where for _, where, _ in unit.said)
    check(unit.said, secret, readings, seed, wall_s)


def test_leaks_the_check_itself_finds_one():
    letter = ("letter", f"tranquillo/v1/fleet/{UNIT}/availability",
              {"id": "a" * 32, "v": 1, "unit": UNIT, "online": True, "why": "connected"})
    check([letter], "Anna Meier", [61.2345], 12_345_678, 1.78e9)
    for more in ({"hr": 61.2345}, {"why": "Anna Meier"}, {"why": "21:47:13"}):
        try:
            check([(*letter[:2], letter[2] | more)], "Anna Meier", [61.2345], 12_345_678, 1.78e9)
        except AssertionError:
            continue
        raise AssertionError(f"{more} was not found")
