"""The patch: the players of five styles through shared filters, echo and room to one stereo stream.

What the six parameters do here: pitch and timbre open the filters, timbre also moves the balance of
partials; percussiveness sharpens onsets and brings hammer or fingernail; tempo sets the echo's time;
density the amount of texture; the notes bring the rest. Intensity is a level under the loudness ceiling
and belongs to the last stage (`device.music.loudness`).
"""

from __future__ import annotations

from typing import Any

from device.messages import MusicalTarget, Style, Voice
from device.music import tables
from device.music.air import TextureVoice
from device.music.ensemble import Ensemble, Slot
from device.music.styles import SPECTRA, STYLE_SHEETS
from device.music.tables import Wave
from device.music.voices import Strike

BREATHS_PER_S = 6.0 / 60.0  # preset pacing near 6 per minute, the commonest in HRV biofeedback
SWELL, PAD_SWELL, BRIGHT_SWELL = 0.07, 0.10, 0.18  # depth of the breath in all, in the pad, in the filters
TEXTURE_LEVEL = 0.055
AIR_RANGE = 6.0  # by how much the noise grows from density 0 to 1
HUSH = 1e-6  # a trace of the noise in filters and echo, which would end in denormal numbers while all sleep
DARK_HZ, BRIGHT_HZ = 400.0, 4800.0  # the pad's filter at timbre 0 and 1
HIGH_OCTAVES = 0.6  # by how much the filters rise from pitch 0 to pitch 1
SMOOTHING_S = 0.6
ECHO_TURN_S = 1.0  # time constant of the echo's time; faster would bend its pitch
STYLE_S = 3.0  # the room and the filters follow a change of style in this time
# The glue: what stands out of the mix is held back by a gain for both sides, so the image stands still.
GLUE_DB, GLUE_RATIO, GLUE_RISE_S, GLUE_FALL_S = -27.0, 4.0, 0.010, 0.45
MAKEUP = 2.4  # gain that makes up for what the glue takes off ordinary music


class Synth:
    """Plays notes on fixed pools of voices, in one style after the other.

    Args:
        server: the booted pyo server (`AudioOut.server`); voices belong to it.

    `stream` is the stereo pyo object that the last stage takes. A pool that is full gives its oldest
    note away. All methods are meant to be called between buffers or from one thread.
    """

    def __init__(self, server: Any) -> None:  # noqa: ANN401 - pyo has no types
        import pyo

        server.setServer()
        self.style = Style.WARM_PADS
        self._target: MusicalTarget | None = None
        self._last_id = 0
        self._notes: dict[int, Slot] = {}
        self._waves = _waves(pyo, server.getSamplingRate())
        self._breath = pyo.Sine(BREATHS_PER_S, phase=0.15)
        self._noise = TextureVoice(pyo, self._waves["noise"], self._breath)
        self._texture = Slot(self._noise)
        self._make_controls(pyo)
        self._ensembles = {
            style: Ensemble(pyo, sheet, self._waves, self._breath, self._corner, self._air)
            for style, sheet in STYLE_SHEETS.items()}
        self._wire(pyo)
        self._ensembles[self.style].enter(at_once=True)

    def _make_controls(self, pyo: Any) -> None:  # noqa: ANN401 - pyo has no types
        """Make the smoothed values that targets and styles move."""
        sheet = STYLE_SHEETS[self.style]
        self._cutoff = pyo.SigTo(1200.0, time=SMOOTHING_S, init=1200.0)
        self._brightness = pyo.SigTo(sheet.brightness, time=STYLE_S, init=sheet.brightness)
        # Not SigTo: its steps over seconds are lost in single precision, and its last one jumps the rest,
        # which a delay line makes a click. A one-pole stops up to 3 ms short instead.
        self._echo_goal_s = pyo.Sig(0.75)
        self._echo_s = pyo.Port(self._echo_goal_s, risetime=ECHO_TURN_S, falltime=ECHO_TURN_S, init=0.75)
        self._echo = pyo.SigTo(sheet.echo, time=STYLE_S, init=sheet.echo)
        self._room = pyo.SigTo(sheet.room, time=STYLE_S, init=sheet.room)
        self._texture_share = pyo.SigTo(sheet.texture, time=STYLE_S, init=sheet.texture)
        self._air = pyo.SigTo(1.0, time=STYLE_S, init=1.0)
        self._corner = self._cutoff * self._brightness

    def _wire(self, pyo: Any) -> None:  # noqa: ANN401 - pyo has no types
        """Connect the players to the stereo stream; even streams are left, odd ones right."""
        players = list(self._ensembles.values())
        hush = self._noise.stream * HUSH
        pads = pyo.Mix([hush, *(p.pads for p in players)], voices=2)
        pad = pyo.Biquad(pads, freq=self._corner * (self._breath * BRIGHT_SWELL + 1.0), q=0.707, type=0,
                         mul=self._breath * PAD_SWELL + 1.0)
        bass = pyo.Mix([p.bass for p in players], voices=1)
        strings = pyo.Mix([hush, *(p.strings for p in players)], voices=2)
        melody = pyo.Tone(strings, freq=self._corner * 1.2 + 300.0)
        waves = [p.surf.stream for p in players if p.surf is not None]
        level = self._air * self._texture_share * (self._breath * 0.45 + 0.55)
        texture = pyo.Mix([self._noise.stream], voices=2, mul=level * TEXTURE_LEVEL)
        echo = pyo.Delay(melody.mix(1), delay=[self._echo_s, self._echo_s * 1.3333], feedback=0.28,
                         maxdelay=3.0, mul=self._echo)
        send = pad * 0.55 + melody + echo + texture
        room = pyo.Freeverb(send, size=[0.84, 0.85], damp=0.75, bal=1.0, mul=self._room)
        mixed = pyo.Mix([pad, melody, echo, texture, room, *waves, bass, bass], voices=2)
        glue = pyo.Compress(mixed.mix(1), thresh=GLUE_DB, ratio=GLUE_RATIO, risetime=GLUE_RISE_S,
                            falltime=GLUE_FALL_S, lookahead=0.0, knee=0.5, outputAmp=True)
        self.stream = mixed * (glue * (self._breath * (MAKEUP * SWELL) + MAKEUP))
        self._parts = (hush, pads, pad, bass, strings, melody, texture, echo, send, room, mixed, glue)

    def choose(self, style: Style, at_s: float) -> None:
        """Play notes in another style from now on; the old players ring out under the new ones."""
        if style is self.style:
            return
        self._ensembles[self.style].leave(at_s)
        self.style = style
        self._ensembles[style].enter()
        self._follow()

    def shape(self, target: MusicalTarget) -> None:
        """Move the continuous parameters towards a target, smoothly."""
        self._target = target
        self._follow()

    def _follow(self) -> None:
        """Send the smoothed values to where target and style want them."""
        sheet = STYLE_SHEETS[self.style]
        self._brightness.value, self._echo.value, self._room.value = sheet.brightness, sheet.echo, sheet.room
        target = self._target
        if target is not None:
            height = 2.0 ** (HIGH_OCTAVES * (target.pitch - 0.5))
            self._cutoff.value = DARK_HZ * (BRIGHT_HZ / DARK_HZ) ** target.timbre * height
            self._echo_goal_s.value = 0.75 * 60.0 / target.tempo_bpm
            self._air.value = AIR_RANGE ** (target.density - 0.5)
        self._texture_share.value = sheet.texture

    def open(self) -> None:
        """Answer the beginning of a session with a breath of texture, before any note is due."""
        self._noise.inhale()

    def settle(self) -> None:
        """Let the texture go back behind the notes, unless one of its own sounds."""
        if not self._texture.busy:
            self._noise.release()

    def note_on(self, voice: Voice, pitch: int, velocity: float, at_s: float) -> int:
        """Begin a note in the present style and return its id, for `note_off`."""
        self._last_id += 1
        target = self._target
        strike = Strike(pitch, min(1.0, max(0.0, velocity)), 0.3 if target is None else target.percussiveness,
                        0.5 if target is None else target.timbre)
        if voice == "texture":
            slot = self._texture
            slot.start(self._last_id, strike, at_s)
        else:
            slot = self._ensembles[self.style].start(voice, self._last_id, strike, at_s)
        self._notes.pop(slot.note_id, None)
        self._notes[self._last_id] = slot
        return self._last_id

    def note_off(self, note_id: int) -> None:
        """End a note; one that has lost its voice meanwhile is passed over."""
        slot = self._notes.pop(note_id, None)
        if slot is not None and slot.note_id == note_id and slot.awake:
            slot.end()

    def soften(self, note_id: int) -> None:
        """Hold a note on softly until its `note_off`."""
        slot = self._notes.get(note_id)
        if slot is not None and slot.note_id == note_id and slot.busy:
            slot.voice.soften()

    def tick(self, at_s: float) -> None:
        """Let time pass; call before every buffer."""
        for ensemble in self._ensembles.values():
            if ensemble.awake:
                ensemble.tick(at_s)

    def release_all(self) -> None:
        """End all notes."""
        self._notes.clear()
        for ensemble in self._ensembles.values():
            ensemble.release_all()
        self._texture.end()


def _waves(pyo: Any, rate_hz: float) -> dict[str, Wave]:  # noqa: ANN401 - pyo has no types
    """Compute all tables; the caller keeps them alive."""
    waves = {name: tables.filled(pyo, tables.loop(spectrum), spectrum.cycles)
             for name, spectrum in SPECTRA.items()}
    waves["noise"] = tables.filled(pyo, tables.white_noise())
    waves["thud"] = tables.filled(pyo, tables.band_noise(70.0, 600.0, rate_hz))
    waves["scrape"] = tables.filled(pyo, tables.band_noise(1500.0, 6000.0, rate_hz))
    return waves
