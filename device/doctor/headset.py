"""The headset: its dongle, its board, its stream."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from device.doctor.owners import Owner, borrowed
from device.doctor.result import ADVICE_MARK, AS_ROOT, Result, attention, failed, ok, skipped
from device.doctor.scene import Scene
from device.errors import DeviceConfigError, DeviceLost
from device.messages import EegBlock
from drivers.cyton import RATE_HZ

LINUX = "linux:"
CHANNELS = 8
STREAM_S = 1.5
POLL_S = 0.02
STEADY = 0.8  # of the nominal rate
LATENCY_MS = 2  # FTDI's timer is 16 ms by default, which makes the stream come in bursts


def check_headset(scene: Scene) -> list[Result]:
    """Judge by what the headset service says; without it open the dongle."""
    port = scene.settings.headset.port
    if port == "none":
        return [skipped("headset.dongle", "no headset is configured")]
    path = port.removeprefix(LINUX)
    if port.startswith(LINUX) and not scene.path(path).exists():
        return [failed("headset.dongle", "the dongle is not plugged in",
                       "plug it in, or set headset.port to its device (ls -l /dev/serial/by-id)")]
    latency = _latency(scene, path) if port.startswith(LINUX) else []
    with borrowed(scene, "headset") as owner:
        if owner is Owner.UNKNOWN:
            return [attention("headset.dongle", "this user may not look", AS_ROOT)]
        return [*(_from_service(scene) if owner is Owner.SERVICE else _from_part(scene)), *latency]


def _from_service(scene: Scene) -> list[Result]:
    """Judge by the blocks of the last seconds and by the service's fault."""
    blocks = scene.heard.all(EegBlock)
    if blocks:
        counts = [len(block.microvolts) for block in blocks]
        lasted_s = blocks[-1].start_s + counts[-1] / blocks[-1].rate_hz - blocks[0].start_s
        last = blocks[-1].microvolts[-1]
        lost = sum(block.lost_samples for block in blocks[1:])
        return [ok("headset.dongle", "the headset service has it"),
                _stream(sum(counts) / max(lasted_s, 1e-3), lost, _channels_off(last))]
    health = scene.heard.health.get("headset")
    if health is not None and health.faults:
        return [_lost(health.faults[0].advice)]
    return [failed("headset.stream", "the headset service runs and sends nothing",
                   "see its log: tranquillo logs headset")]


def _from_part(scene: Scene) -> list[Result]:
    """Open the headset, which nobody else holds, and let it stream for a moment."""
    try:
        cyton = scene.parts.cyton(scene.settings.headset.port, scene.clock)
    except (DeviceLost, DeviceConfigError) as error:
        return [_lost(str(error))]
    count = lost = 0
    last: Sequence[float] = ()
    begun_s = scene.clock.monotonic()
    try:
        while scene.clock.monotonic() - begun_s < STREAM_S:
            while (samples := cyton.read()) is not None:
                count += len(samples.microvolts)
                lost += samples.lost if count > len(samples.microvolts) else 0
                last = [float(value) for value in samples.microvolts[-1]]
            scene.clock.sleep(POLL_S)
    except DeviceLost as error:
        return [_lost(str(error))]
    finally:
        cyton.close()
    return [ok("headset.dongle", f"the dongle and its board answer (firmware {cyton.firmware})"),
            _stream(count / STREAM_S, lost, _channels_off(last))]


def _lost(words: str) -> Result:
    """Return what the driver said; music plays without a headset, so it needs attention only."""
    says, _, advice = words.partition(ADVICE_MARK)
    return attention("headset.stream", says, advice)


def _stream(rate_hz: float, lost: int, off: int) -> Result:
    """Judge a stream by its rate and its gaps."""
    name, rate = "headset.stream", round(rate_hz)
    if rate_hz < STEADY * RATE_HZ:
        return attention(name, f"too few samples, {RATE_HZ:.0f} a second are expected ({lost} lost)",
                         "charge the headset's battery, bring it nearer, take the dongle off USB 3 ports",
                         rate, "samples/s")
    worn = "all electrodes carry a signal"
    if off:
        worn = "nobody wears it" if off >= CHANNELS else f"{off} of {CHANNELS} electrodes touch nobody"
    return ok(name, f"streams; {worn}", rate, "samples/s")


def _channels_off(sample: Sequence[float]) -> int:
    """Count the channels at the converter's rail."""
    return sum(math.isnan(value) for value in sample)


def _latency(scene: Scene, path: str) -> list[Result]:
    """Look at the FTDI chip's latency timer, where the kernel shows one."""
    name = scene.path(path).resolve().name
    found = scene.number(Path("/sys/bus/usb-serial/devices") / name / "latency_timer")
    if found is None:
        return []
    if found > LATENCY_MS:
        return [attention("headset.latency", "samples come in bursts",
                          "install this release's udev rule (make provision), then plug the dongle in again",
                          found, "ms")]
    return [ok("headset.latency", "the dongle passes samples on at once", found, "ms")]
