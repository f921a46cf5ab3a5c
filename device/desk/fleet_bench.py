"""`make bench-fleet`: one broker as shipped, thousands of simulated units, one reader like the dashboard."""

from __future__ import annotations

import argparse
import resource
import signal
import statistics
import tempfile
import time
from pathlib import Path

import click
import msgspec

from device.desk.bench import CLOCK_TICKS_PER_S, pss_mib
from device.desk.clinic import ClinicAuthority, ClinicBroker
from device.desk.fleet_crew import Crew, PageReader
from device.desk.fleet_line import Told
from device.desk.fleet_unit import Plan, Size

READER, PASSWORD = "dashboard-fleet", "a bench on the loopback"
TOGETHER_S = 300.0  # for all units to connect, on a busy machine
MOST_UNITS, MOST_SECONDS = 10_000, 600


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds from a unit's publishing to the reader's having it."""

    count: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class FleetFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What `out/bench-fleet.json` holds; `lost` are letters that the broker took and the reader never had."""

    units: int
    heartbeat_s: float
    connect_all_s: float
    messages_per_s: float
    latency: Latency
    lost: int
    broker_kib_per_unit: float
    broker_cpu_percent: float
    page_open_s: float
    storm_first_s: float
    storm_half_s: float
    storm_all_s: float
    storm_latency: Latency
    load_average: float


def latency_of(sent_s: dict[str, float], had_s: dict[str, float], begin_s: float, end_s: float) -> Latency:
    """Return the spread for what was sent in a span of time and arrived."""
    waits = sorted(1000.0 * (had_s[one] - at_s) for one, at_s in sent_s.items()
                   if begin_s <= at_s < end_s and one in had_s)
    if not waits:
        return Latency(count=0, p50_ms=0.0, p99_ms=0.0, max_ms=0.0)
    return Latency(count=len(waits), p50_ms=round(statistics.median(waits), 1),
                   p99_ms=round(waits[int(0.99 * (len(waits) - 1))], 1), max_ms=round(waits[-1], 1))


class _Course(msgspec.Struct, kw_only=True):
    """The times and readings of a run, by the monotonic clock."""

    connected_s: float = 0.0
    calm_s: tuple[float, float] = (0.0, 0.0)
    storm_s: tuple[float, float] = (0.0, 0.0)
    cpu_s: float = 0.0
    grown_mib: float = 0.0
    opened_s: float = 0.0
    load: float = 0.0


def measure(size: Size, seconds: float, folder: Path) -> FleetFigures:
    """Run the bench; everything it starts has ended when it returns."""
    authority = ClinicAuthority(folder / "ca")
    broker = ClinicBroker(folder / "broker", authority, {READER: PASSWORD})
    broker.start()
    reader = PageReader(broker.ports["page"], authority.certificate, READER, PASSWORD)
    crew = Crew(folder, authority, broker.ports["units"], size, Plan())
    course = _Course()
    try:
        _calm(course, broker, reader, crew, size, seconds)
        course.opened_s = _open_page(broker, authority, size.units)
        _storm(course, broker, reader, size)
        told = crew.stop()
    finally:
        crew.end()
        reader.close()
        broker.stop()
    return _figures(course, told, reader.had_s, size)


def _calm(
    course: _Course, broker: ClinicBroker, reader: PageReader, crew: Crew, size: Size, seconds: float,
) -> None:
    """Connect all units and let them live for a while."""
    empty_mib = pss_mib(broker.pid)
    _say("certificates are ready; the units connect")
    begun_s = time.monotonic()
    crew.start()
    reader.wait_births(size.units, TOGETHER_S)
    course.connected_s = time.monotonic() - begun_s
    _say(f"{size.units} units are there after {course.connected_s:.1f} s; measuring for {seconds:.0f} s")
    time.sleep(size.heartbeat_s)
    begun_s, before_s = time.monotonic(), _cpu_s(broker.pid)
    time.sleep(seconds)
    course.calm_s = (begun_s, time.monotonic())
    course.cpu_s = _cpu_s(broker.pid) - before_s
    course.grown_mib = pss_mib(broker.pid) - empty_mib
    course.load = float(Path("/proc/loadavg").read_text(encoding="ascii").split()[0])


def _storm(course: _Course, broker: ClinicBroker, reader: PageReader, size: Size) -> None:
    """Restart the broker and wait until every unit is back."""
    _say("the broker restarts")
    reader.births.clear()
    broker.stop()
    broker.start()
    begun_s = time.monotonic()
    reader.wait_births(size.units, TOGETHER_S)
    time.sleep(size.heartbeat_s)
    course.storm_s = (begun_s, time.monotonic())


def _figures(course: _Course, told: Told, had_s: dict[str, float], size: Size) -> FleetFigures:
    """Put together what the units, the reader and the broker say."""
    begin_s, end_s = course.calm_s
    storm_s = course.storm_s[0]
    back = sorted(at_s - storm_s for at_s in told.up_s if at_s >= storm_s)
    taken = [one for one, at_s in told.acknowledged_s.items() if begin_s <= at_s < end_s]
    return FleetFigures(
        units=size.units, heartbeat_s=size.heartbeat_s, connect_all_s=round(course.connected_s, 1),
        messages_per_s=round(len(taken) / (end_s - begin_s), 1),
        latency=latency_of(told.sent_s, had_s, begin_s, end_s), lost=sum(one not in had_s for one in taken),
        broker_kib_per_unit=round(1024.0 * course.grown_mib / size.units, 1),
        broker_cpu_percent=round(100.0 * course.cpu_s / (end_s - begin_s), 1),
        page_open_s=round(course.opened_s, 2), storm_first_s=round(back[0], 1),
        storm_half_s=round(back[len(back) // 2], 1), storm_all_s=round(back[-1], 1),
        storm_latency=latency_of(told.sent_s, had_s, *course.storm_s), load_average=course.load)


def text_of(figures: FleetFigures) -> str:
    """Return the figures for a person."""
    calm, storm = figures.latency, figures.storm_latency
    return "\n".join((
        f"{figures.units} units on TLS with own certificates, a heartbeat every {figures.heartbeat_s:g} s",
        f"connected          all after {figures.connect_all_s:g} s",
        f"messages           {figures.messages_per_s:g} a second, {figures.lost} lost",
        f"publish to reader  p50 {calm.p50_ms:g} ms, p99 {calm.p99_ms:g} ms, most {calm.max_ms:g} ms",
        f"broker             {figures.broker_kib_per_unit:g} KiB a unit",
        f"                   {figures.broker_cpu_percent:g} % of a core",
        f"page opened        whole after {figures.page_open_s:g} s",
        f"broker restarted   first unit back after {figures.storm_first_s:g} s",
        f"                   half {figures.storm_half_s:g} s, all {figures.storm_all_s:g} s",
        f"                   meanwhile p50 {storm.p50_ms:g} ms, p99 {storm.p99_ms:g} ms",
        f"load of the machine {figures.load_average:g}"))


def _open_page(broker: ClinicBroker, authority: ClinicAuthority, units: int) -> float:
    """Return the seconds until a page that opens now has the retained words of every unit."""
    begun_s = time.monotonic()
    page = PageReader(broker.ports["page"], authority.certificate, READER, PASSWORD)
    try:
        page.wait_retained(2 * units, TOGETHER_S)
    finally:
        page.close()
    return time.monotonic() - begun_s


def _cpu_s(pid: int) -> float:
    """Return the processor time that a process has used so far."""
    words = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / CLOCK_TICKS_PER_S


def _say(words: str) -> None:
    """Tell the person who waits."""
    click.echo(words)


def main() -> None:
    """Run the bench and leave its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=2000)
    parser.add_argument("--heartbeat", type=float, default=10.0, help="seconds; a real unit's is 60")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("out"))
    options = parser.parse_args()
    size = Size(
        units=min(options.units, MOST_UNITS), processes=options.processes, heartbeat_s=options.heartbeat)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what it started ends with it
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="tq-fleet-") as folder:
        figures = measure(size, min(options.seconds, MOST_SECONDS), Path(folder))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "bench-fleet.json").write_bytes(msgspec.json.format(msgspec.json.encode(figures)))
    _say(text_of(figures))


if __name__ == "__main__":
    main()
