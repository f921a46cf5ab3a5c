"""`tranquillo-player`: phrases to sound, loudness held, and its own back-end watched."""

from __future__ import annotations

import contextlib
import gc
import sys

from device.bus import Bus
from device.clock import Clock
from device.config import Settings
from device.errors import AudioLost, DeviceLost
from device.messages import Fault, Phrase, PlayerState, Session, Severity, Target
from device.music.loudness import SILENT_LUFS, LoudnessStage, ceiling_lufs
from device.music.playback import Playback
from device.music.synth import Synth
from device.runtime import Root, Worker, main
from drivers.audio import AudioOut, AudioSettings, open_audio
from drivers.open import Parts

LOCK_HELD_S = 0.0005  # chosen: well under a buffer
SOUNDING_STATE_S = 0.1
SILENT_STATE_S = 1.0
FIRST_RETRY_S, LAST_RETRY_S = 1.0, 30.0
SILENCE_LUFS = -90.0  # below it nothing is audible; 16 bit end at -96 dBFS
INTERRUPTED_S = 0.3  # a longer hole in the sound is heard as its end; what follows has to fade in
FAREWELL_S = 1.2  # the fade of a second, the ramp of the last stage, a few buffers under way
SILENCE_LU = -55.0  # so far below the ceiling nothing is audible, even where the amplifier is very strong


class Sound:
    """Everything that exists only while a back-end is open."""

    def __init__(self, settings: Settings, audio: AudioOut) -> None:
        self.audio = audio
        self._synth = Synth(audio.server)
        self.stage = LoudnessStage(self._synth.stream, audio.rate_hz, settings.player.loudness)
        self.playback = Playback(self._synth, settings.program.fade_in_s)
        ceiling = ceiling_lufs(settings.player.loudness)
        self._position_s = 0.0
        self._moved_s: float | None = None
        self._silence_lufs = min(SILENCE_LUFS, max(SILENT_LUFS + 1.0, ceiling + SILENCE_LU))

    def before_buffer(self, at_s: float) -> None:
        """Do what is due by the time that the next buffer sounds."""
        if self._interrupted(at_s):
            self.playback.interrupt(at_s)
        self.playback.play(at_s)
        self.stage.update(at_s, self.playback.fade(at_s), self.playback.target.intensity)

    def _interrupted(self, at_s: float) -> bool:
        """Tell whether the back-end took less sound than time has passed: stalled, or all was suspended."""
        position_s = self.audio.position_samples() / self.audio.rate_hz
        if position_s == self._position_s and self._moved_s is not None:
            return False
        moved_s, self._moved_s = self._moved_s, at_s
        heard_s, self._position_s = position_s - self._position_s, position_s
        return moved_s is not None and at_s - moved_s - heard_s > INTERRUPTED_S

    def state(self, at_s: float) -> PlayerState:
        """Return what is being heard."""
        sounding = self.playback.fade(at_s) > 0.0
        loudness = self.stage.guard.short_term_lufs
        return PlayerState(
            at_s=at_s, backend=self.audio.backend, sounding=sounding,
            gain_db=self.stage.guard.gain_db,
            loudness_lufs=loudness if sounding and loudness > self._silence_lufs else None,
            position_s=self.audio.position_samples() / self.audio.rate_hz,
            phrase_id=self.playback.phrase_id if sounding else None,
            audible=self.playback.target if sounding else None,
            notes_played=self.playback.notes_played,
        )


def _favour_sound() -> None:
    """See to it that the sound thread never waits long for the interpreter's lock.

    A thread that holds the lock is asked for it after 5 ms by default, half of a buffer. A full garbage
    collection holds it for as long as it takes to look at the thousands of objects of the patch, which
    live as long as the process: they are left out from now on.
    """
    sys.setswitchinterval(LOCK_HELD_S)
    gc.collect()
    gc.freeze()


class PlayerWorker:
    """Opens the sound back-end, again and again if need be, and plays what the conductor sends."""

    period_s = 0.02

    def __init__(self, settings: Settings, clock: Clock, bus: Bus, _parts: Parts) -> None:
        self._settings = settings
        self._clock = clock
        self._bus = bus
        self._sound: Sound | None = None
        self._why_silent = ""
        self._retry_s = FIRST_RETRY_S
        self._open_due_s = clock.monotonic()
        self._state_due_s = clock.monotonic()
        self._sounding = False

    def step(self) -> None:
        """Take in messages, bring the sound up to now, tell what is heard.

        Raises:
            AudioLost: the open back-end died or the patch is ruined; only a new process sounds again.
        """
        now = self._clock.monotonic()
        messages = self._bus.receive()
        if self._sound is None:
            self._try_to_open(now)
        if self._sound is not None:
            for message in messages:
                self._sound.playback.receive(message, now)
            try:
                self._sound.audio.pump(now, self._sound.before_buffer)
            except DeviceLost as error:
                raise AudioLost(str(error)) from error
        self._publish(now)

    def _try_to_open(self, now: float) -> None:
        """Open the back-end when the next attempt is due, with a growing pause after each failure."""
        if now < self._open_due_s:
            return
        player = self._settings.player
        wanted = AudioSettings(player.backend, player.device, player.rate_hz, player.frames, player.record)
        try:
            audio = open_audio(wanted)
        except DeviceLost as error:
            self._why_silent = str(error)
            self._open_due_s = now + self._retry_s
            self._retry_s = min(LAST_RETRY_S, 2.0 * self._retry_s)
            return
        self._sound = Sound(self._settings, audio)
        _favour_sound()
        self._why_silent = ""

    def _publish(self, now: float) -> None:
        """Publish the state: at once when sound begins or ends, often while it lasts, seldom otherwise."""
        sounding = self._sound is not None and self._sound.playback.fade(now) > 0.0
        changed = sounding != self._sounding
        if now < self._state_due_s and not changed:
            return
        state = self._silent_state(now) if self._sound is None else self._sound.state(now)
        self._sounding = sounding
        period_s = SOUNDING_STATE_S if sounding else SILENT_STATE_S
        following = self._state_due_s + period_s
        self._state_due_s = following if not changed and following > now else now + period_s
        self._bus.publish(state)

    def _silent_state(self, now: float) -> PlayerState:
        """Return the state of a player without a back-end."""
        return PlayerState(
            at_s=now, backend=self._settings.player.backend, sounding=False, gain_db=-120.0,
            loudness_lufs=None, position_s=0.0, phrase_id=None, audible=None, notes_played=0,
        )

    def faults(self) -> tuple[Fault, ...]:
        """Return that no sound can be made, if so: the nurse has to act on that."""
        if not self._why_silent:
            return ()
        return (Fault(code="no_audio", severity=Severity.ACT_NOW, advice=self._why_silent),)

    def fade_out(self) -> None:
        """Let what sounds die away, within `FAREWELL_S`; a back-end that fails has nothing to fade."""
        sound, now = self._sound, self._clock.monotonic()
        if sound is None or sound.playback.fade(now) == 0.0:
            return
        until_s = now + FAREWELL_S
        sound.playback.end(now)
        with contextlib.suppress(DeviceLost, AudioLost):
            while now < until_s:
                sound.audio.pump(now, sound.before_buffer)
                self._clock.sleep(self.period_s)
                now = self._clock.monotonic()

    def close(self) -> None:
        """Finish the recording and release the back-end."""
        if self._sound is not None:
            self._sound.audio.close()


def leave(worker: Worker) -> None:
    """Fade out before the process ends: a session that is cut off would be a click."""
    if isinstance(worker, PlayerWorker):
        worker.fade_out()


ROOT = Root(name="player", reads=(Session, Phrase, Target), build=PlayerWorker, leave=leave, prompt=True)

if __name__ == "__main__":
    main(ROOT)
