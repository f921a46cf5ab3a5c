"""What runs as PID 1 in the guest of the power-cut test: a unit in a session, and a ward of short ones.

Tells in lines of JSON what it finds on the disk, whether anything sounds before a press, and which
outcomes a reader of the outbox sees committed. It never ends by itself.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from device.bus import ZmqBus
from device.desk import keyboard
from device.messages import Message, PlayerState, Session, SessionPhase

DISK = Path("/mnt")
RUN = Path("/run/unit")
WARD_RUN = Path("/run/ward")
UNIT_BOX, WARD_BOX = (DISK / name / "telemetry" / "outbox.sqlite" for name in ("unit", "ward"))
RESUME = """
[program]
resume_after_power_cut = true
"""
SYNCHRONISED = Path("/run/systemd/timesync/synchronized")  # the conductor trusts no other clock
SERVICES = ("simulator", "conductor", "player", "telemetry")  # those that keep something, and the sound
FORGOTTEN, FORGOTTEN_BYTES = DISK / "forgotten", 1_000_000
KEPT = DISK / "unit" / "conductor" / "session.json"
SILENT_S = 1.5
PRESS_S = 0.8  # the one processor of the guest is busy starting things; below the 2 s of a hold
_started: list[subprocess.Popen[bytes]] = []
START_S = 45.0
TELEMETRY = """
[player]
backend = "file"
[telemetry]
broker_host = "127.0.0.1"
broker_port = 1
heartbeat_s = 2.0
"""
SIMULATED = """
[sensors]
adc = "sim:ads1115"
[panel]
pins = "sim:gpio"
"""


def say(event: str, **details: object) -> None:
    """Tell the test something."""
    sys.stdout.write(json.dumps({"event": event, **details}) + "\n")
    sys.stdout.flush()


def outcomes(path: Path) -> set[str]:
    """Return the ids of the outcomes that an outbox holds."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5) as db:
        return {row[0] for row in db.execute("SELECT id FROM outcomes")}


def inspect() -> None:
    """Tell what an earlier boot has left on the disk, before anything writes to it."""
    if FORGOTTEN.exists():
        say("forgotten", bytes=FORGOTTEN.stat().st_size, of=FORGOTTEN_BYTES)
        FORGOTTEN.unlink()
    for name, path in (("unit", UNIT_BOX), ("ward", WARD_BOX)):
        if path.exists():
            db = sqlite3.connect(path)
            (verdict,) = db.execute("PRAGMA integrity_check").fetchone()
            db.close()
            say("found", box=name, integrity=verdict, ids=sorted(outcomes(path)),
                damaged=len(list(path.parent.glob("*.damaged-*"))))
    say("inspected")


def configure(name: str, tables: str = "") -> Path:
    """Write a configuration and make its folders."""
    run_dir, state_dir = Path("/run", name), DISK / name
    for folder in (run_dir, state_dir):
        folder.mkdir(exist_ok=True)
    path = Path(f"/run/{name}.toml")
    path.write_text(
        f'unit_id = "{name}"\nrun_dir = "{run_dir}"\nstate_dir = "{state_dir}"\n{TELEMETRY}{tables}',
        encoding="utf-8")
    return path


def start(service: str, config: Path) -> None:
    """Start one service and leave it to itself."""
    with Path(f"/tmp/{config.stem}-{service}.log").open("wb") as log:  # noqa: S108 - the guest's own tmpfs
        _started.append(subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-m", f"device.services.{service}",
             "--config", str(config)], stdout=log, stderr=log))


def hear(bus: ZmqBus, seconds: float) -> Iterator[Message]:
    """Yield what the unit's processes say until the time is over."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        bus.wait(left)
        yield from bus.receive()


def await_(bus: ZmqBus, seconds: float, wanted: Callable[[Message], bool]) -> list[Message]:
    """Return everything said up to the first message that is wanted."""
    heard: list[Message] = []
    for message in hear(bus, seconds):
        heard.append(message)
        if wanted(message):
            return heard
    say("late", waited_s=seconds, logs=_last_words())
    while True:
        time.sleep(3600.0)  # until the plug is pulled


def _last_words() -> dict[str, str]:
    """End the services, each with a trace of where it is, and return the ends of their logs."""
    for process in _started:
        process.send_signal(signal.SIGABRT)
    for process in _started:
        process.wait(20)
    return {path.name: path.read_text()[-1500:] for path in Path("/tmp").glob("*.log")}  # noqa: S108


def begin_session(bus: ZmqBus, *, kept: bool) -> None:
    """Wait for the unit, tell that it is silent, press, tell that it sounds and is written down."""
    heard = await_(bus, START_S, lambda message: isinstance(message, PlayerState))
    if not any(isinstance(message, Session) for message in heard):
        heard += await_(bus, START_S, lambda message: isinstance(message, Session))
    heard += list(hear(bus, SILENT_S))
    sessions = [message for message in heard if isinstance(message, Session)]
    say("waiting", phases=sorted({session.phase for session in sessions}), seed=sessions[-1].seed,
        states=sum(isinstance(message, PlayerState) for message in heard),
        sounding=any(message.sounding for message in heard if isinstance(message, PlayerState)))
    before = draft()
    keyboard.press(RUN, PRESS_S)
    await_(bus, START_S, lambda message: isinstance(message, PlayerState) and message.sounding)
    await_(bus, START_S, lambda _: draft() not in {None, before})
    await_(bus, START_S, lambda _: not kept or KEPT.exists())
    heard = await_(bus, START_S, lambda message: isinstance(message, Session))
    say("playing", seed=heard[-1].seed if isinstance(heard[-1], Session) else None, kept=KEPT.exists())


def draft() -> bytes | None:
    """Return what the unit's telemetry has written down of a running session."""
    with sqlite3.connect(f"file:{UNIT_BOX}?mode=ro", uri=True, timeout=5) as db:
        row = db.execute("SELECT body FROM draft").fetchone()
    return row[0] if row else None


def run_ward(bus: ZmqBus, first_seed: int) -> None:
    """Let a telemetry process count many short sessions, and tell what is committed; forever.

    A reader sees a row only after its commit, and SQLite commits in WAL mode with synchronous=FULL only
    after the log is on the disk: what is told is what the outbox has promised to keep.
    """
    told = _committed()
    seed = first_seed
    while True:
        seed += 1
        bus.publish(Session(at_s=time.monotonic(), phase=SessionPhase.RUNNING, seed=seed, elapsed_s=1.0,
                            duration_s=60.0, fade_s=8.0))
        time.sleep(0.05)
        if fresh := _committed() - told:
            say("stored", ids=sorted(fresh))
            told |= fresh


def _committed() -> set[str]:
    """Return the ward's outcomes; none while its telemetry is still making the file."""
    try:
        return outcomes(WARD_BOX)
    except sqlite3.OperationalError:
        return set()


def main() -> None:
    """Inspect, start a session, run the ward until the plug is pulled."""
    inspect()
    ward = configure("ward")
    bus = ZmqBus(WARD_RUN, "conductor", ())
    start("telemetry", ward)
    resume = "resume" in sys.argv
    if resume:
        SYNCHRONISED.parent.mkdir(parents=True)
        SYNCHRONISED.touch()
    unit = configure("unit", SIMULATED + RESUME if resume else SIMULATED)
    for service in SERVICES:
        start(service, unit)
    begin_session(ZmqBus(RUN, "", (Session, PlayerState)), kept=resume)
    with FORGOTTEN.open("wb") as file:
        file.write(b"x" * FORGOTTEN_BYTES)  # never flushed: were it there after a cut, nothing would be shown
    run_ward(bus, int.from_bytes(os.urandom(3)))


if __name__ == "__main__":
    main()
