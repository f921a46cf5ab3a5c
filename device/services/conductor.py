"""`tranquillo-conductor`: the button, the light, the session, and what the music should be."""

from __future__ import annotations

import random
from pathlib import Path

from device.bus import Bus
from device.clock import Clock
from device.config import Settings
from device.control.direction import Director
from device.control.performance import Composer, Performance
from device.control.power_cut import SYNCHRONISED_PATH, PowerCutKeeper, PowerCutStore
from device.control.resume import SavedSession, SessionKeeper, SessionStore, read_boot_id
from device.control.session import SessionMachine, SessionState
from device.errors import DeviceLost, ModelError
from device.machine import MachineWatch
from device.messages import (
    Fault,
    Features,
    Health,
    Message,
    Panel,
    Phrase,
    PlayerState,
    Reason,
    Service,
    SessionPhase,
    Severity,
    Stress,
    Style,
)
from device.music import composer as music
from device.music.melody import LstmMelody, MelodySource, RuleMelody
from device.panel.gestures import Gesture, Gestures
from device.panel.lights import Light
from device.panel.watch import Watch
from device.reopen import Reopener
from device.runtime import Root, main
from drivers.open import Parts
from drivers.panel import Panel as PanelPart

STATE_EVERY_S = 0.9  # so that polling still gives a state a second
PANEL_EVERY_S = 0.2  # often enough to draw the light's breath

PANEL_LOST = Fault(
    code="panel_lost", severity=Severity.ATTENTION,
    advice="no session can be started or stopped by hand until the panel answers; music that plays goes on",
)


def expected_services(settings: Settings) -> tuple[Service, ...]:
    """Return the services this unit is configured to have beside the conductor."""
    services: list[Service] = ["sensors", "estimator", "player"]
    if settings.headset.port != "none":
        services.append("headset")
    if settings.telemetry.broker_host:
        services.append("telemetry")
    return tuple(services)


class Repeat:
    """Tells when a state topic is due: at once when it changes, else once a period."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._last: object = None
        self._due_s = float("-inf")

    def due(self, state: object, at_s: float) -> bool:
        """Tell whether to publish now; if so, the next is due a period later."""
        if state == self._last and at_s < self._due_s:
            return False
        self._last = state
        self._due_s = at_s + self._every_s
        return True


class Conductor:
    """Hears the others, reads the button, moves the session, writes the music, shows the light.

    Args:
        settings: the unit's configuration.
        clock: paces everything.
        bus: this process's end.
        panel: the button and the light, reopened when lost.
        director: makes the music of each session.
        keeper: of the session that survives a restart.
        generator: draws session seeds.
        cut: of the session that survives a power cut, None where a site does not want that.
        faults: of the building, they last as long as this process.
        machine: what the computer says of itself; None beside a simulated panel, which has none of its own.
    """

    period_s = 0.02

    def __init__(self, settings: Settings, clock: Clock, bus: Bus, *, panel: Reopener[PanelPart],
                 director: Director, keeper: SessionKeeper, generator: random.Random,
                 cut: PowerCutKeeper | None = None, faults: tuple[Fault, ...] = (),
                 machine: MachineWatch | None = None) -> None:
        at_s = clock.monotonic()
        self._program = settings.program
        self._clock = clock
        self._bus = bus
        self._panel = panel
        self._director = director
        self._keeper = keeper
        self._cut = cut
        self._built_faults = faults
        self._computer = machine
        self._gestures = Gestures()
        self._light = Light()
        self._watch = Watch(expected_services(settings), at_s)
        self._stress: Stress | None = None
        self._features: Features | None = None
        self._session_repeat = Repeat(STATE_EVERY_S)
        self._panel_repeat = Repeat(PANEL_EVERY_S)
        self._performance: Performance | None = None
        self._performed_s: float | None = None  # the start of the session that is performed
        self._style: Style | None = None  # that the last session ended with, until it is rated
        self._machine = self._resume(generator, at_s)

    def step(self) -> None:
        """Do everything that is due now."""
        at_s = self._clock.monotonic()
        for message in self._bus.receive():
            self._hear(message, at_s)
        self._touch(at_s)
        self._machine.update(at_s)
        self._go_on(at_s)
        self._play(at_s)
        self._show(at_s)

    def faults(self) -> tuple[Fault, ...]:
        """Return what is wrong with panel, button, melody model, what is kept on disk, and the computer."""
        at_s = self._clock.monotonic()
        return (*self._built_faults, *self._panel.faults(), *self._gestures.faults(), *self._keeper.faults(),
                *(self._cut.faults() if self._cut else ()), *self._director.faults(),
                *(self._computer.faults(at_s) if self._computer else ()),
                *self._watch.faults(self._machine.phase, at_s))

    def close(self) -> None:
        """Release the panel; a running session stays saved for a restart."""
        self._panel.close()

    def _resume(self, generator: random.Random, at_s: float) -> SessionMachine:
        """Go on with the session that a predecessor of this boot left, if there is one."""
        saved = self._keeper.resume(at_s)
        if saved is None:
            return SessionMachine(self._program, generator)
        self._perform_again(saved, at_s)
        return SessionMachine(self._program, generator, saved.session)

    def _go_on(self, at_s: float) -> None:
        """Go on with the session that a power cut interrupted, as soon as its age is known."""
        if self._cut is None:
            return
        if self._machine.state is not None or self._gestures.down:
            self._cut.forget()
        saved = self._cut.take(at_s, self._clock.wall())
        if saved is not None:
            self._perform_again(saved, at_s)
            self._machine.resume(saved.session)

    def _perform_again(self, saved: SavedSession, at_s: float) -> None:
        """Go on with the music of a saved session."""
        performance = self._director.perform(saved.session.seed, saved.performance, Reason.RESUMED)
        self._perform(saved.session, performance, at_s)

    def _perform(self, session: SessionState, performance: Performance, at_s: float) -> None:
        """Take on the music of a session."""
        self._performance = performance
        self._style = None
        self._performed_s = session.started_s
        self._watch.start(at_s)

    def _hear(self, message: Message, at_s: float) -> None:
        """Take one message from another service."""
        if isinstance(message, Stress):
            self._stress = message
            if message.level is not None:
                self._watch.hear_contact(at_s)
        elif isinstance(message, Features):
            self._features = message
        elif isinstance(message, Health):
            self._watch.hear_health(message)
        elif isinstance(message, PlayerState):
            self._hear_player(message)

    def _hear_player(self, state: PlayerState) -> None:
        """Take the player's state; one that knows nothing is told the session and a phrase at once."""
        new = self._watch.hear_player(state)
        if self._performance is None:
            return
        if new:
            self._session_repeat = Repeat(STATE_EVERY_S)
            self._performance.lose()
        elif self._machine.phase is SessionPhase.RUNNING:
            self._performance.hear(state)

    def _touch(self, at_s: float) -> None:
        """Read the button and let the session react."""
        panel = self._panel.part()
        if panel is None:
            return
        try:
            gesture = self._gestures.update(panel.pressed(), at_s)
        except DeviceLost as error:
            self._lose_panel(error)
            return
        if gesture is Gesture.PRESS:
            self._machine.press(at_s)
        elif gesture is Gesture.TAP:
            self._machine.tap(at_s)
        elif gesture is Gesture.HOLD:
            self._machine.hold(at_s)
        elif gesture is Gesture.RELEASE:
            self._machine.release()

    def _lose_panel(self, error: DeviceLost) -> None:
        """Plan to open the panel again; a finger on a lost one counts as gone."""
        self._panel.lost(error)
        self._gestures = Gestures()
        self._machine.release()

    def _play(self, at_s: float) -> None:
        """Tell where the session is, and send the targets and phrases that are due."""
        state = self._machine.state
        session = self._machine.message(at_s)
        if self._session_repeat.due((state, session.rating), at_s):
            self._bus.publish(session)
        if self._style and session.rating:
            self._director.rate(session.rating, self._style)
            self._style = None
        if state is None or not self._machine.playing:
            self._style = self._performance.style if self._performance else self._style
            self._performance = None
            self._performed_s = None
        elif state.started_s != self._performed_s:
            fading = self._performance.state() if self._performance else None
            self._perform(state, self._director.perform(state.seed, fading), at_s)
        wrote_phrase = False
        if self._performance:
            for message in self._performance.step(at_s, session, self._stress, self._features):
                self._bus.publish(message)
                wrote_phrase = wrote_phrase or isinstance(message, Phrase)
        self._keeper.update(at_s, state, self._performance, wrote_phrase=wrote_phrase)
        if self._cut:
            self._cut.update(at_s, self._clock.wall(), state, self._performance, hurried=self._gestures.down)

    def _show(self, at_s: float) -> None:
        """Show the light and tell what it shows."""
        pattern = self._watch.pattern(self._machine.phase, self.faults(), at_s, asking=self._machine.asking)
        rgb = self._light.update(pattern, at_s, self._program.fade_out_s)
        panel = self._panel.part()
        if panel is not None:
            try:
                panel.light(rgb)
                self._panel.working()
            except DeviceLost as error:
                self._lose_panel(error)
        if self._panel_repeat.due((self._light.pattern, self._gestures.down), at_s):
            self._bus.publish(Panel(at_s=at_s, light=self._light.pattern, rgb=rgb,
                                    button_down=self._gestures.down))


def open_melody(path: Path) -> tuple[MelodySource, tuple[Fault, ...]]:
    """Return the melody model, or rules in its place and the fault that says so."""
    try:
        return LstmMelody(path), ()
    except ModelError as error:
        return RuleMelody(), (Fault(
            code="melody_model", severity=Severity.ATTENTION,
            advice=f"melodies come from rules, not from the model: {error}",
        ),)


def build(settings: Settings, clock: Clock, bus: Bus, parts: Parts) -> Conductor:
    """Wire the conductor of a configured unit."""
    melody, faults = open_melody(Path(settings.models_dir) / settings.program.melody_model)
    pins = settings.panel

    def open_panel() -> PanelPart:
        """Open the button and the light where they are wired."""
        return parts.panel(pins.pins, button=pins.button, red=pins.red, green=pins.green, blue=pins.blue)

    def compose(seed: int) -> Composer:
        """Return a composer for a session's seed."""
        return music.Composer(melody, seed)

    state_dir = Path(settings.state_dir) / "conductor"
    boot_id = read_boot_id()
    cut = None
    if settings.program.resume_after_power_cut:
        cut = PowerCutKeeper(PowerCutStore(state_dir), boot_id, SYNCHRONISED_PATH.exists, clock.monotonic())
    return Conductor(
        settings, clock, bus, panel=Reopener(open_panel, clock, PANEL_LOST),
        director=Director(settings.program, compose, state_dir), generator=random.Random(),
        keeper=SessionKeeper(SessionStore(Path(settings.run_dir), boot_id)), cut=cut, faults=faults,
        machine=MachineWatch(Path("/")) if pins.pins.startswith("linux:") else None,
    )


ROOT = Root(name="conductor", reads=(Stress, Features, PlayerState, Health), build=build)

if __name__ == "__main__":
    main(ROOT)
