"""The simulator at a desk: one body behind all simulated parts, hearing what the player plays."""

from __future__ import annotations

from pathlib import Path

from device.bus import Bus
from device.clock import Clock
from device.config import Settings, SkinTemperature
from device.messages import Fault, PlayerState, Truth
from device.runtime import Root, main
from device.sensing.circuits import gsr_circuit, thermistor_circuit
from drivers.open import Parts
from drivers.sim.body import Body, Heard
from drivers.sim.faults import Schedule, load_faults
from drivers.sim.patient import SimulatedPatient
from drivers.sim.protocol import SOCKET_NAME
from drivers.sim.recording import open_recording
from drivers.sim.server import SimulatorServer
from drivers.sim.world import Circuits, World

TELL_EVERY_S = 1.0
SILENT_LUFS = -120.0


def make_body(settings: Settings, start_s: float) -> Body:
    """Return the patient or the recording that the configuration names.

    Raises:
        RecordingError: the folder holds no readable recording.
    """
    chosen = settings.simulator
    if chosen.patient == "sim":
        return SimulatedPatient(chosen.seed, start_s)
    return open_recording(Path(chosen.patient), start_s)


def make_world(settings: Settings, clock: Clock, body: Body | None = None) -> World:
    """Return the simulated hardware as the configuration wires it, around a body.

    Raises:
        DeviceConfigError: the scenario of faults is wrong.
        RecordingError: the folder holds no readable recording.
    """
    sensors, panel = settings.sensors, settings.panel
    skin = sensors.temperature
    circuits = Circuits(
        gsr_channel=sensors.gsr.channel, gsr=gsr_circuit(sensors.gsr), ppg_channel=sensors.ppg.channel,
        temperature_channel=None if skin is None else skin.channel,
        thermistor=thermistor_circuit(skin or SkinTemperature()),
        i2c_address=sensors.i2c_address, reference_v=sensors.reference_v,
        button=panel.button, red=panel.red, green=panel.green, blue=panel.blue,
    )
    chosen = settings.simulator
    faults = load_faults(Path(chosen.faults)) if chosen.faults else Schedule()
    behind = body or make_body(settings, clock.monotonic())
    return World(behind, clock, circuits, seed=chosen.seed, faults=faults)


class Ears:
    """Lets the body hear what the player plays, and tells what the body knows of itself."""

    period_s = 0.1

    def __init__(self, world: World, clock: Clock, bus: Bus) -> None:
        self._world = world
        self._clock = clock
        self._bus = bus
        self._due_s = clock.monotonic()

    def step(self) -> None:
        """Pass on what is heard now; tell the truth once a second."""
        for message in self._bus.receive():
            if isinstance(message, PlayerState):
                self._world.hear(heard(message))
        now = self._clock.monotonic()
        if now < self._due_s:
            return
        self._due_s = now + TELL_EVERY_S
        truth = self._world.truth()
        self._bus.publish(Truth(
            at_s=now, arousal=truth.arousal, label=truth.label, skin_us=truth.skin_us,
            hr_bpm=truth.hr_bpm, skin_c=truth.skin_c,
        ))

    def faults(self) -> tuple[Fault, ...]:
        """Have none."""
        return ()

    def close(self) -> None:
        """Hold nothing."""


def heard(state: PlayerState) -> Heard | None:
    """Return what reaches the ear in this state of the player."""
    if not state.sounding or state.audible is None:
        return None
    music = state.audible
    return Heard(
        tempo_bpm=music.tempo_bpm, pitch=music.pitch, timbre=music.timbre, intensity=music.intensity,
        density=music.density, percussiveness=music.percussiveness,
        loudness_lufs=SILENT_LUFS if state.loudness_lufs is None else state.loudness_lufs,
    )


class Simulator(Ears):
    """The ears, and the socket through which other processes reach the simulated parts."""

    def __init__(self, settings: Settings, clock: Clock, bus: Bus, _parts: Parts) -> None:
        world = make_world(settings, clock)
        super().__init__(world, clock, bus)
        self._server = SimulatorServer(world, Path(settings.run_dir) / SOCKET_NAME)

    def step(self) -> None:
        """Do what the ears do; a socket that nobody answers any more ends the process."""
        if not self._server.alive():
            raise RuntimeError("the simulator's socket has died; see the line above")
        super().step()

    def close(self) -> None:
        """Hang up on all clients."""
        self._server.close()


ROOT = Root(name="simulator", reads=(PlayerState,), build=Simulator)

if __name__ == "__main__":
    main(ROOT)
