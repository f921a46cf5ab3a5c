"""`tranquillo bench`: what a real-time session costs, process by process, and how fast it answers."""

from __future__ import annotations

import contextlib
import os
import statistics
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from device.desk.figures import Figures
from device.desk.jack import SERVER_VARIABLE, JackServer, running
from device.desk.run import run_session
from device.desk.setup import RunOptions, choose_backend
from device.desk.up import SERVICES

CLOCK_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
SAMPLE_EVERY_S = 2.0
JACK_FRAMES: Final = 2048  # JACK holds one period where a sound card holds several: 46 ms
PM_QOS = Path("/dev/cpu_dma_latency")
REALTIME_PRIORITY = 20  # as in tranquillo-player.service


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """One service over the session: median proportional memory and mean share of one core."""

    service: str
    pss_mib: float
    cpu_percent: float


def find_processes(config: Path) -> dict[str, int]:
    """Return service name to process id of what runs with this configuration file."""
    found: dict[str, int] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue  # it has just ended
        module = next((word for word in words if word.startswith("device.services.")), "")
        if module and str(config) in words:
            found[module.rpartition(".")[2]] = int(folder.name)
    return found


def give_real_time(pid: int) -> None:
    """Let every thread of a process go before ordinary ones, as the player's unit does.

    The sound thread alone is not enough: it waits for Python's interpreter lock, which an ordinary thread
    of the same process may hold while another process has its processor.
    """
    for thread in Path(f"/proc/{pid}/task").iterdir():
        if os.sched_getscheduler(int(thread.name)) == os.SCHED_OTHER:
            os.sched_setscheduler(int(thread.name), os.SCHED_RR, os.sched_param(REALTIME_PRIORITY))


def pss_mib(pid: int) -> float:
    """Return a process's proportional set size in MiB (its own memory and its share of what is shared)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise OSError(f"/proc/{pid}/smaps_rollup has no Pss line")


def cpu_s(pid: int) -> float:
    """Return the processor seconds that a process has used, user and system (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS_PER_S


def stolen_s() -> float:
    """Return the processor seconds that the host of a virtual machine kept for others (proc(5), `steal`)."""
    fields = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0].split()
    return int(fields[8]) / CLOCK_TICKS_PER_S


@contextlib.contextmanager
def processors_awake() -> Iterator[bool]:
    """Keep the processors out of their idle states (Linux's PM QoS) where this user may; tell whether.

    A virtual processor that is woken from one is charged for what its host needs to do so, to the process
    that wakes: the same code then takes half as much again, and more in a busy hour of the host.
    """
    try:
        file = PM_QOS.open("r+b", buffering=0)  # made by the kernel, never by us
    except OSError:
        yield False
        return
    with file:
        file.write(struct.pack("=i", 0))  # microseconds
        yield True


class ProcessMeter:
    """Samples the services of one configuration file while they run."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._pss: dict[str, list[float]] = {}
        self._first: dict[str, tuple[float, float]] = {}
        self._last: dict[str, tuple[float, float]] = {}
        self._due_s = 0.0

    def sample(self) -> None:
        """Take one sample of every process when one is due; a process that has just ended is left out."""
        now = time.monotonic()
        if now < self._due_s:
            return
        self._due_s = now + SAMPLE_EVERY_S
        for service, pid in find_processes(self._config).items():
            try:
                memory, used = pss_mib(pid), cpu_s(pid)
            except OSError:
                continue
            self._pss.setdefault(service, []).append(memory)
            self._first.setdefault(service, (now, used))
            self._last[service] = (now, used)

    def usages(self) -> list[Usage]:
        """Return what every service used, the six of the device first."""
        order = [name for name in (*SERVICES, "simulator") if name in self._pss]
        return [
            Usage(service=name, pss_mib=round(statistics.median(self._pss[name]), 1),
                  cpu_percent=round(self._share(name), 2))
            for name in order
        ]

    def _share(self, service: str) -> float:
        """Return the percentage of one core between the first and the last sample."""
        (start_s, start_used), (end_s, end_used) = self._first[service], self._last[service]
        return 100.0 * (end_used - start_used) / max(end_s - start_s, 1e-9)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a session cost; `xruns` are those since its first second, None without a JACK server.

    `stolen_s` is what the host of a virtual machine took meanwhile, over all its processors;
    `awake` tells that these were kept out of their idle states.
    """

    services: list[Usage]
    xruns: int | None
    stolen_s: float
    awake: bool
    figures: Figures


def measure(out: Path, seconds: int, *, jack: bool, awake: bool = True) -> Result:
    """Run a real-time session of that length and leave bench.json in `out`.

    Args:
        out: folder of the results.
        seconds: length of the session.
        jack: play through a JACK server of its own, which counts the player's missed deadlines.
        awake: keep the processors out of their idle states, as `processors_awake` tells.

    Raises:
        TranquilloError: something is missing or wrong; the text says what to do.
    """
    out.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as opened:
        backend, audio_device = choose_backend(1.0)
        server: JackServer | None = None
        if jack:
            server = opened.enter_context(
                running(f"tranquillo-bench-{os.getpid()}", out / "jackd.log", frames=JACK_FRAMES,
                        realtime=os.geteuid() == 0))
            os.environ[SERVER_VARIABLE] = server.name  # the player's process inherits it
            backend, audio_device = "jack", ""
        options = RunOptions(
            patient="sim", minutes=max(1.0, seconds / 60.0), speed=1.0, seed=1, interactive=False, out=out,
            backend=backend, audio_device=audio_device,
            frames=JACK_FRAMES if jack else 512,
            record=not jack,  # a unit does not record; the disk would be asked to keep up with the sound
        )
        awake = awake and opened.enter_context(processors_awake())
        stolen = stolen_s()
        usages, before = _run(options, server)
        stolen = stolen_s() - stolen
        xruns = None if server is None else server.missed_deadlines() - before
    figures = msgspec.json.decode((out / "figures.json").read_bytes(), type=Figures)
    result = Result(services=usages, xruns=xruns, stolen_s=round(stolen, 2), awake=awake, figures=figures)
    (out / "bench.json").write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    return result


def _run(options: RunOptions, server: JackServer | None) -> tuple[list[Usage], int]:
    """Run the session; return what every service used while music played, and the xruns before it did."""
    config = options.out / "run.toml"
    meter = ProcessMeter(config)
    begun: dict[int, int] = {}  # a player's process id: xruns until it was first seen to play

    def progress(_elapsed_s: float, word: str) -> None:
        """Take a sample while music plays."""
        if word == "playing":
            player = find_processes(config).get("player", 0)
            if player and player not in begun:
                begun[player] = 0 if server is None else server.missed_deadlines()
                if os.geteuid() == 0:
                    give_real_time(player)
            meter.sample()

    run_session(options, progress)
    return meter.usages(), next(iter(begun.values()), 0)


def describe(result: Result) -> str:
    """Return the result as text: the table, missed deadlines, and the least music in the queue."""
    lines = [table(result.services), f"the processors' idle states were {'off' if result.awake else 'on'}"]
    if result.xruns is not None:
        lines.append(f"missed deadlines (xruns): {result.xruns} in {result.figures.duration_s:.0f} s")
    if result.stolen_s:
        lines.append(f"taken by the host of this virtual machine: {result.stolen_s:.1f} s")
    if result.figures.least_queued_s is not None:
        lines.append(f"least music queued: {result.figures.least_queued_s:.1f} s")
    return "\n".join(lines)


def table(usages: list[Usage]) -> str:
    """Return the usages as text, with the sum over the six services of the device."""
    of_device = [usage for usage in usages if usage.service in SERVICES]
    total = Usage(
        service="the six", pss_mib=round(sum(usage.pss_mib for usage in of_device), 1),
        cpu_percent=round(sum(usage.cpu_percent for usage in of_device), 2),
    )
    rows = [
        f"{usage.service:<12}{usage.pss_mib:>10.1f}{usage.cpu_percent:>10.2f}" for usage in (*usages, total)
    ]
    return "\n".join([f"{'service':<12}{'PSS MiB':>10}{'CPU %':>10}", *rows])
