"""Sensors, headset and estimator as they are shipped, on a manual clock over a body and its faults.

What the sensors say before the first fault does not depend on it, so one undisturbed run per body is
recorded, and every other run of that body begins with its sample blocks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from device.bus import LocalHub
from device.clock import ManualClock
from device.config import Headset, Sensors, Settings, SkinTemperature
from device.messages import EegBlock, Features, Message, SampleBlock, Stress
from device.services import estimator, headset, sensors
from device.services.lockstep import Schedule
from device.services.simulator import make_world
from drivers.open import Parts
from drivers.sim.body import Body
from drivers.sim.faults import Kind

START_S = 1000.0
LEAD_S = 5.0  # how long before a fault the simulated parts take over from the recorded blocks
SEED = 1

BodyMaker = Callable[[float], Body]


class EstimateRun(NamedTuple):
    """What was said, by whole seconds since the start; `blocks` of samples in the order they came."""

    features: dict[int, Features]
    stress: dict[int, Stress]
    blocks: tuple[Message, ...]


class Replay:
    """A worker that publishes recorded blocks when they are due."""

    period_s = 0.01

    def __init__(self, blocks: Iterable[Message], until_s: float, clock: ManualClock, hub: LocalHub) -> None:
        self._clock = clock
        self._bus = hub.connect(())
        self._left = iter([block for block in blocks if block.at_s < until_s])
        self._next = next(self._left, None)

    def step(self) -> None:
        while self._next is not None and self._next.at_s <= self._clock.monotonic():
            self._bus.publish(self._next)
            self._next = next(self._left, None)


def settings(*, with_headset: bool, with_thermistor: bool) -> Settings:
    """The defaults, simulated: skin and pulse."""
    return Settings(
        unit_id="desk",
        sensors=Sensors(adc="sim:ads1115", temperature=SkinTemperature() if with_thermistor else None),
        headset=Headset(port="sim:cyton" if with_headset else "none"))


def estimate(
    body: BodyMaker, until_s: float, *, kinds: tuple[Kind, ...] = (), at_s: float = math.inf,
    lasts_s: float = 0.0, known: tuple[Message, ...] = (), with_headset: bool = False,
    with_thermistor: bool = False,
) -> EstimateRun:
    """Run to `until_s`, with these faults from `at_s` on, over `known` blocks until shortly before."""
    clock, hub = ManualClock(START_S), LocalHub()
    chosen = settings(with_headset=with_headset, with_thermistor=with_thermistor)
    world = make_world(chosen, clock, body(START_S))
    parts = Parts({"sim": lambda: world})
    ear = hub.connect((SampleBlock, EegBlock, Features, Stress))
    schedule = Schedule(clock)
    live_s = START_S + at_s - LEAD_S if known else START_S
    run = EstimateRun({}, {}, ())
    blocks: list[Message] = []

    def run_to(end_s: float) -> None:
        while clock.monotonic() < end_s:
            schedule.step()
            for message in ear.receive():
                _take(message, run, blocks)

    roots = (sensors.ROOT, headset.ROOT) if with_headset else (sensors.ROOT,)
    schedule.add(estimator.ROOT.build(chosen, clock, hub.connect(estimator.ROOT.reads), parts))
    schedule.add(Replay(known, live_s, clock, hub))
    run_to(live_s)
    for root in roots:
        schedule.add(root.build(chosen, clock, hub.connect(root.reads), parts))
    if kinds:
        run_to(START_S + at_s)
    for kind in kinds:
        world.inject(kind, lasts_s)
    run_to(START_S + until_s)
    return run._replace(blocks=tuple(blocks))


def _take(message: Message, run: EstimateRun, blocks: list[Message]) -> None:
    """Put a message where it belongs."""
    second = round(message.at_s - START_S)
    if isinstance(message, Features):
        run.features[second] = message
    elif isinstance(message, Stress):
        run.stress[second] = message
    else:
        blocks.append(message)
