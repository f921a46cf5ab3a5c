"""The patch: pad, bass, melody and texture through filters, echo and room to one stereo stream.

What the six parameters do here: timbre opens the filters, percussiveness sharpens onsets, tempo sets
the echo's time; pitch and density come with the notes; intensity is a level under the loudness
ceiling and belongs to the last stage (`device.music.loudness`).
"""

from __future__ import annotations

from typing import Any, Final, Protocol

from device.messages import MusicalTarget, Voice
from device.music import voices
from device.music.voices import Strike

POOL_SIZES: Final[dict[Voice, int]] = {"pad": 5, "bass": 1, "melody": 5, "texture": 1}

BREATHS_PER_S = 6.0 / 60.0  # preset pacing near 6 per minute, the commonest in HRV biofeedback
NOISE_SEED = 17
PAD_LEVEL, BASS_LEVEL, MELODY_LEVEL, TEXTURE_LEVEL = 0.030, 0.046, 0.19, 0.055
ROOM_LEVEL, ECHO_LEVEL = 0.55, 0.30
DARK_HZ, BRIGHT_HZ = 400.0, 4800.0  # the pad's filter at timbre 0 and 1
SMOOTHING_S = 0.6
SEATS = ((3, 3), (4, 2), (2, 4), (4, 2), (2, 4))  # how often each melody voice enters the left, the right sum


class _Playable(Protocol):
    """What the patch needs of any voice."""

    sustained: bool
    strike_s: float

    def start(self, strike: Strike) -> None:
        """Begin a note."""

    def soften(self) -> None:
        """Hold on softly."""

    def close_gate(self) -> None:
        """End the strike."""

    def release(self) -> None:
        """End the note."""


class _Slot:
    """One voice of a pool: which note it plays and until when its gate is open."""

    def __init__(self, voice: _Playable) -> None:
        self.voice = voice
        self.note_id = 0
        self.started_s = 0.0
        self.gate_until_s: float | None = None
        self.busy = False


class Synth:
    """Plays notes on fixed pools of voices.

    Args:
        server: the booted pyo server (`AudioOut.server`); voices belong to it.

    `stream` is the stereo pyo object that the last stage takes. A pool that is full gives its oldest
    note away. All methods are meant to be called between buffers or from one thread.
    """

    def __init__(self, server: Any) -> None:  # noqa: ANN401 - pyo has no types
        import pyo

        server.setServer()
        self._percussiveness = 0.3
        self._last_id = 0
        self._breath = pyo.Sine(BREATHS_PER_S, phase=0.15)
        self._cutoff = pyo.SigTo(1200.0, time=SMOOTHING_S, init=1200.0)
        self._echo_s = pyo.SigTo(0.75, time=2.0, init=0.75)
        self._slots = self._make_voices(pyo)
        self._wire(pyo)

    def _make_voices(self, pyo: Any) -> dict[Voice, list[_Slot]]:  # noqa: ANN401 - pyo has no types
        """Build the pools and keep the tables alive."""
        pad, bass, melody, tine = (
            voices.harmonic_table(pyo, partials)
            for partials in (voices.PAD_PARTIALS, voices.BASS_PARTIALS, voices.MELODY_PARTIALS, [1.0]))
        noise = voices.noise_table(pyo, NOISE_SEED)
        self._tables = (pad, bass, melody, tine, noise)
        self._pads = [voices.PadVoice(pyo, pad) for _ in range(POOL_SIZES["pad"])]
        self._basses = [voices.BassVoice(pyo, bass) for _ in range(POOL_SIZES["bass"])]
        self._melodies = [voices.MelodyVoice(pyo, melody, tine) for _ in range(POOL_SIZES["melody"])]
        self._textures = [voices.TextureVoice(pyo, noise, self._breath) for _ in range(POOL_SIZES["texture"])]
        return {
            "pad": [_Slot(voice) for voice in self._pads],
            "bass": [_Slot(voice) for voice in self._basses],
            "melody": [_Slot(voice) for voice in self._melodies],
            "texture": [_Slot(voice) for voice in self._textures],
        }

    def _wire(self, pyo: Any) -> None:  # noqa: ANN401 - pyo has no types
        """Connect the voices to the stereo stream; even streams are left, odd ones right."""
        swell = self._breath * 0.16 + 1.0
        brightness = self._cutoff * (self._breath * 0.18 + 1.0)
        pads = pyo.Mix([v.stream for v in self._pads], voices=2, mul=PAD_LEVEL)
        pad = pyo.ButLP(pads, freq=brightness, mul=swell)
        bass = pyo.Mix([v.stream for v in self._basses], voices=1, mul=BASS_LEVEL)
        strings = pyo.Mix(_seated(self._melodies), voices=2, mul=MELODY_LEVEL / 4.0)
        melody = pyo.Tone(strings, freq=self._cutoff * 1.2 + 300.0)
        air = self._breath * 0.45 + 0.55
        texture = pyo.Mix([v.stream for v in self._textures], voices=2, mul=air * TEXTURE_LEVEL)
        echo = pyo.Delay(melody.mix(1), delay=[self._echo_s, self._echo_s * 1.3333], feedback=0.28,
                         maxdelay=3.0, mul=ECHO_LEVEL)
        send = pad * 0.55 + melody + echo + texture
        room = pyo.Freeverb(send, size=[0.84, 0.85], damp=0.75, bal=1.0, mul=ROOM_LEVEL)
        self.stream = pyo.Mix([pad, melody, echo, texture, room, bass, bass], voices=2)
        self._parts = (swell, brightness, pads, pad, bass, strings, melody, air, texture, echo, send,
                       room)

    def shape(self, target: MusicalTarget) -> None:
        """Move the continuous parameters towards a target, smoothly."""
        self._percussiveness = target.percussiveness
        self._cutoff.value = DARK_HZ * (BRIGHT_HZ / DARK_HZ) ** target.timbre
        self._echo_s.value = 0.75 * 60.0 / target.tempo_bpm

    def open(self) -> None:
        """Answer the beginning of a session with a breath of texture, before any note is due."""
        for voice in self._textures:
            voice.inhale()

    def settle(self) -> None:
        """Let the texture go back behind the notes, unless one of its own sounds."""
        for slot in self._slots["texture"]:
            if not slot.busy:
                slot.voice.release()

    def note_on(self, voice: Voice, pitch: int, velocity: float, at_s: float) -> int:
        """Begin a note and return its id, for `note_off`."""
        slot = self._free_slot(voice)
        self._last_id += 1
        slot.note_id = self._last_id
        slot.started_s = at_s
        slot.busy = True
        slot.voice.start(Strike(pitch, min(1.0, max(0.0, velocity)), self._percussiveness))
        slot.gate_until_s = None if slot.voice.sustained else at_s + slot.voice.strike_s
        return self._last_id

    def _free_slot(self, voice: Voice) -> _Slot:
        """Return the voice that has been free the longest, or else the oldest note's."""
        return min(self._slots[voice], key=lambda slot: (slot.busy, slot.started_s, slot.note_id))

    def note_off(self, note_id: int) -> None:
        """End a note; one that has lost its voice meanwhile is passed over."""
        for slots in self._slots.values():
            for slot in slots:
                if slot.busy and slot.note_id == note_id:
                    slot.voice.release()
                    slot.busy = False
                    slot.gate_until_s = None

    def soften(self, note_id: int) -> None:
        """Hold a note on softly until its `note_off`."""
        for slots in self._slots.values():
            for slot in slots:
                if slot.busy and slot.note_id == note_id:
                    slot.voice.soften()

    def tick(self, at_s: float) -> None:
        """Leave the strings whose strike is over by now; call before every buffer."""
        for slot in self._slots["melody"]:
            if slot.gate_until_s is not None and slot.gate_until_s <= at_s:
                slot.voice.close_gate()
                slot.gate_until_s = None

    def release_all(self) -> None:
        """End all notes."""
        for slots in self._slots.values():
            for slot in slots:
                slot.voice.release()
                slot.busy = False
                slot.gate_until_s = None


def _seated(players: list[voices.MelodyVoice]) -> list[Any]:
    """Return the streams to add up alternately left and right: panning without a pyo object per voice."""
    left: list[Any] = []
    right: list[Any] = []
    for player, (in_left, in_right) in zip(players, SEATS, strict=True):
        left += [player.strings, player.tine] * in_left
        right += [player.strings, player.tine] * in_right
    return [stream for pair in zip(left, right, strict=True) for stream in pair]
