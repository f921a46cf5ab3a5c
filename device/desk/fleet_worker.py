"""One process of simulated units: `python -m device.desk.fleet_worker JOB.json`, until it is terminated."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import sys
import time
from pathlib import Path

import msgspec

from device.config import Tls
from device.desk.fleet_line import Line, Told
from device.desk.fleet_unit import FleetUnit, Plan, Size
from device.telemetry.certificate import context_of


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a process of simulated units has to do.

    `units` are names with their certificates; `told` is where it writes at its end what it has seen.
    """

    units: dict[str, Tls]
    port: int
    size: Size
    seed: int
    told: str
    plan: Plan


async def work(job: Job) -> Told:
    """Run all units until SIGTERM or SIGINT and return what they have seen."""
    told, rng, stop = Told(), random.Random(job.seed), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tasks = []
    for name, tls in job.units.items():
        own = random.Random(rng.getrandbits(64))
        line = Line(FleetUnit(name, job.plan, own), job.port, context_of(tls), job.size, told,
                    time.monotonic, time.time, own)
        tasks.append(asyncio.create_task(line.run(rng.uniform(0.0, job.size.ramp_s))))
    ended = asyncio.gather(*tasks)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait((ended, stopped), return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await ended
    return told


def main() -> None:
    """Do the job that is named, and write down what was seen."""
    job = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Job)
    Path(job.told).write_bytes(msgspec.json.encode(asyncio.run(work(job))))


if __name__ == "__main__":
    main()
