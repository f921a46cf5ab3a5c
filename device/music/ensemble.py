"""The players of one style: their voices in fixed pools, their buses, and how they come and go.

A style that is not played costs nothing: its voices sleep one by one as they ring out, then its buses.
When styles change, the old players ring on under a falling ramp while the new ones begin under a rising
one; both are ramps of the whole bus, so nothing clicks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol

from device.music.air import Surf
from device.music.styles import StyleSheet
from device.music.tables import Wave
from device.music.voices import ChordVoice, Held, HeldVoice, Strike, Struck, StruckVoice

Part = Literal["pad", "bass", "melody"]
POOL_SIZES: Final[dict[Part, int]] = {"pad": 6, "bass": 2, "melody": 5}

ENTER_S, LEAVE_S = 2.0, 4.5  # the new style rises while the old one is still there
LINGER_S = 3.0  # time constant with which the old style's notes die away, whatever their own
DAMP_S = 0.05  # time constant with which a style nobody hears any more is put to sleep
SEATS = ((3, 3), (4, 2), (2, 4), (5, 1), (1, 5), (3, 3))  # how often a voice enters the left, the right sum
SITTING = 4.0  # two thirds of a seat's shares, so a voice in the middle has 3 / 4 of its level a side


class Playable(Protocol):
    """What a pool needs of any voice; `tail_s` is how long it still sounds after its last command."""

    sustained: bool
    strike_s: float
    tail_s: float

    def start(self, strike: Strike) -> None:
        """Begin a note."""

    def soften(self) -> None:
        """Hold on softly."""

    def close_gate(self) -> None:
        """End the strike."""

    def release(self, fall_s: float | None = None) -> None:
        """End the note."""

    def sleep(self) -> None:
        """Stop computing."""

    def wake(self) -> None:
        """Go on computing."""


class Slot:
    """One voice of a pool: which note it plays, until when its gate is open, from when it may sleep."""

    def __init__(self, voice: Playable) -> None:
        self.voice = voice
        self.note_id = 0
        self.busy = False
        self.awake = False
        self.started_s = 0.0
        self._gate_until_s: float | None = None
        self._quiet_s: float | None = None
        self._ended = False

    def start(self, note_id: int, strike: Strike, at_s: float) -> None:
        """Begin a note."""
        if not self.awake:
            self.voice.wake()
            self.awake = True
        self.note_id, self.started_s, self.busy, self._ended = note_id, at_s, True, False
        self.voice.start(strike)
        self._gate_until_s = at_s + self.voice.strike_s if self.voice.strike_s > 0.0 else None
        self._quiet_s = None if self.voice.sustained else at_s + self.voice.tail_s

    def end(self, fall_s: float | None = None) -> None:
        """End the note."""
        self.voice.release(fall_s)
        self.busy, self._ended = False, True
        self._gate_until_s = None

    def tick(self, at_s: float) -> None:
        """Leave a string whose strike is over; sleep when the note has rung out."""
        if self._gate_until_s is not None and self._gate_until_s <= at_s:
            self.voice.close_gate()
            self._gate_until_s = None
        if self._ended:
            self._ended = False
            self._quiet_s = at_s + self.voice.tail_s
        if self._quiet_s is not None and self._quiet_s <= at_s:
            self.voice.sleep()
            self.awake = self.busy = False
            self._quiet_s = None


class Ensemble:
    """The players of one style.

    Args:
        sheet: what they play and how they are mixed.
        waves: the tables by name.
        breath: the slow sine that paces breathing.
        corner: the filters' corner in Hz, as a stream.
        density: gain of what is not notes, as a stream.

    `pads` and `strings` are stereo streams, `bass` is mono; `surf` is None without waves.
    """

    def __init__(self, pyo: Any, sheet: StyleSheet, waves: Mapping[str, Wave], breath: Any,  # noqa: ANN401
                 corner: Any, density: Any) -> None:  # noqa: ANN401
        self.awake = False
        self._gone_s: float | None = None
        beds = [HeldVoice(pyo, sheet.pad, waves) for _ in range(POOL_SIZES["pad"])]
        chords = [StruckVoice(pyo, sheet.chord, waves) for _ in beds] if sheet.chord is not None else []
        basses = [_bass(pyo, sheet.bass, waves) for _ in range(POOL_SIZES["bass"])]
        melodies = [StruckVoice(pyo, sheet.melody, waves) for _ in range(POOL_SIZES["melody"])]
        self.slots: dict[Part, list[Slot]] = {
            "pad": [Slot(bed) for bed in beds],
            "bass": [Slot(bass) for bass in basses],
            "melody": [Slot(melody) for melody in melodies],
        }
        if chords:
            self.slots["pad"] = [Slot(ChordVoice(*pair)) for pair in zip(chords, beds, strict=True)]
        self._wire(pyo, sheet, beds, chords, basses, melodies)
        self.surf: Surf | None = None
        if sheet.surf > 0.0:
            self.surf = Surf(pyo, waves["noise"], breath, corner, self._ramp * density * sheet.surf)
        self._sleep()

    def _wire(self, pyo: Any, sheet: StyleSheet, beds: list[HeldVoice], chords: list[StruckVoice],  # noqa: ANN401
              basses: list[HeldVoice | StruckVoice], melodies: list[StruckVoice]) -> None:
        """Add the voices up to the buses, under the ramp."""
        self._ramp = pyo.SigTo(0.0, time=ENTER_S, init=0.0)
        levels = [self._ramp * level for level in (
            sheet.pad_level, sheet.melody_level / SITTING, sheet.bass_level, sheet.chord_level / SITTING)]
        pads, sung, low, struck = levels
        self.pads = pyo.Mix([stream for bed in beds for stream in bed.streams], voices=2, mul=pads)
        self.strings = pyo.Mix(_seated(melodies), voices=2, mul=sung)
        self.bass = pyo.Mix([stream for bass in basses for stream in bass.streams], voices=1, mul=low)
        self._buses = [self._ramp, *levels, self.pads, self.strings, self.bass]
        if chords:
            chord = pyo.Mix(_seated(chords), voices=2, mul=struck)
            self.strings = pyo.Mix([self.strings, chord], voices=2)
            self._buses += [chord, self.strings]

    def enter(self, *, at_once: bool = False) -> None:
        """Begin to be heard, over `ENTER_S` or (before anything sounds) at once."""
        if not self.awake:
            for bus in self._buses:
                bus.play()
            if self.surf is not None:
                self.surf.wake()
        self.awake = True
        self._gone_s = None
        self._ramp.time = 0.0 if at_once else ENTER_S
        self._ramp.value = 1.0

    def leave(self, at_s: float) -> None:
        """Ring out under a falling ramp, then sleep."""
        self.release_all(LINGER_S)
        self._ramp.time = LEAVE_S
        self._ramp.value = 0.0
        self._gone_s = at_s + LEAVE_S

    def start(self, part: Part, note_id: int, strike: Strike, at_s: float) -> Slot:
        """Begin a note on the voice that has been free the longest, or else on the oldest note's."""
        slot = min(self.slots[part], key=lambda s: (s.busy, s.started_s, s.note_id))
        slot.start(note_id, strike, at_s)
        return slot

    def release_all(self, fall_s: float | None = None) -> None:
        """End all notes."""
        for slots in self.slots.values():
            for slot in slots:
                if slot.awake:
                    slot.end(fall_s)

    def tick(self, at_s: float) -> None:
        """Let time pass; call before every buffer while awake."""
        if self._gone_s is not None and at_s >= self._gone_s:
            self.release_all(DAMP_S)
            self._gone_s = None if not self._stirring() else at_s + 1.0
            if self._gone_s is None:
                self._sleep()
        for slots in self.slots.values():
            for slot in slots:
                if slot.awake:
                    slot.tick(at_s)

    def _stirring(self) -> bool:
        """Tell whether any voice is awake."""
        return any(slot.awake for slots in self.slots.values() for slot in slots)

    def _sleep(self) -> None:
        """Stop computing."""
        self.awake = False
        for bus in self._buses:
            bus.stop()
        if self.surf is not None:
            self.surf.sleep()


def _bass(pyo: Any, recipe: Held | Struck, waves: Mapping[str, Wave]) -> HeldVoice | StruckVoice:  # noqa: ANN401
    """Return a bass voice of either kind."""
    return HeldVoice(pyo, recipe, waves) if isinstance(recipe, Held) else StruckVoice(pyo, recipe, waves)


def _seated(players: list[StruckVoice]) -> list[Any]:
    """Return the streams to add up alternately left and right: panning without a pyo object per voice."""
    left: list[Any] = []
    right: list[Any] = []
    for player, (in_left, in_right) in zip(players, SEATS, strict=False):
        left += player.streams * in_left
        right += player.streams * in_right
    return [stream for pair in zip(left, right, strict=True) for stream in pair]
