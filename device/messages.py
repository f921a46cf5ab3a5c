"""Every struct on the bus: its topic, its one owner, its units.

Times named `at_s` and `start_s` are seconds of CLOCK_MONOTONIC, comparable between the processes
of one device and meaningless outside it. State topics (marked *state*) are republished at least
once a second, so a restarted reader is whole again within a second.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from device.vitals import EdaFeatures, EegFeatures, PpgFeatures, TemperatureFeatures

# The six services of the device; the simulator joins them on a desk only.
Service = Literal["sensors", "headset", "estimator", "conductor", "player", "telemetry", "simulator"]
Owner = Service | Literal["*"]
Voice = Literal["pad", "bass", "melody", "texture"]
Source = Literal["eda", "ppg", "temperature", "eeg"]

# Ranges of what decides the sound. A reader refuses anything beyond, NaN and infinity included: one such
# number in a filter silences the patch for good.
Share = Annotated[float, Meta(ge=0, le=1)]
Tempo = Annotated[float, Meta(ge=20, le=240)]  # bpm; the program keeps to 50 to 90
Beats = Annotated[float, Meta(ge=0, le=256)]
MidiPitch = Annotated[int, Meta(ge=0, le=127)]
FadeSeconds = Annotated[float, Meta(ge=0, le=600)]
MonotonicSeconds = Annotated[float, Meta(ge=0, le=1e9)]  # 30 years


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything that travels on the bus."""

    topic: ClassVar[str] = ""
    owner: ClassVar[Owner] = "*"

    at_s: float


class Quality(StrEnum):
    """How far a block of samples may be trusted; a block carries the worst of its samples."""

    GOOD = "good"
    OPEN = "open"  # no skin contact
    SHORT = "short"  # electrodes touch each other
    CLIPPED = "clipped"  # at the end of the converter's range
    STUCK = "stuck"  # the converter repeats itself
    MISSING = "missing"  # nothing was read


class SampleBlock(Message, frozen=True, kw_only=True):
    """Equally spaced samples of one ADC signal; a bad sample is NaN, never a plausible number.

    Units of `values`: `eda` microsiemens, `ppg` volts at the converter, `temperature` degrees Celsius.
    A jump between the end of one block and the `start_s` of the next is a gap.
    """

    topic: ClassVar[str] = "samples"
    owner: ClassVar[Owner] = "sensors"

    signal: Literal["eda", "ppg", "temperature"]
    start_s: float
    rate_hz: float
    values: tuple[float, ...]
    quality: Quality


class EegBlock(Message, frozen=True, kw_only=True):
    """Consecutive EEG samples; `microvolts` has one row of channel values per sample."""

    topic: ClassVar[str] = "eeg"
    owner: ClassVar[Owner] = "headset"

    start_s: float
    rate_hz: float
    microvolts: tuple[tuple[float, ...], ...]
    lost_samples: int  # counted by the packet counter since the previous block


class Features(Message, frozen=True, kw_only=True):
    """*State.* What the last window of each signal says, once a second; None where a signal is absent."""

    topic: ClassVar[str] = "features"
    owner: ClassVar[Owner] = "estimator"

    window_s: float
    eda: EdaFeatures | None
    ppg: PpgFeatures | None
    temperature: TemperatureFeatures | None
    eeg: EegFeatures | None


class StressBand(StrEnum):
    """The three levels that a person reads, and the honest fourth."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    UNKNOWN = "unknown"


class Stress(Message, frozen=True, kw_only=True):
    """*State.* The stress estimate, once a second.

    `level` 0 (calm) to 1 (stressed) or None when unknown: the mean of a distribution whose variance is
    `variance`; `confidence` 0 to 1 says how far the baseline is this person's own and the signals are
    clean, whatever the level; `sources` that were used; `reason` why it is unknown, or empty.
    `reaction` is the change of skin conductance within the last seconds, -1 (falls fast) to 1 (jumps),
    0 when nothing happens or nothing is known. `valence` (unpleasant to pleasant) and `arousal`, -1 to
    1, are exploratory and need EEG.
    """

    topic: ClassVar[str] = "stress"
    owner: ClassVar[Owner] = "estimator"

    level: float | None
    confidence: float
    band: StressBand
    sources: tuple[Source, ...]
    reason: str
    variance: float | None = None
    reaction: float = 0.0
    valence: float | None = None
    arousal: float | None = None


class MusicalTarget(msgspec.Struct, frozen=True, kw_only=True):
    """The six bounded parameters of the music; all 0 to 1 but the tempo.

    `pitch` register low to high; `tempo_bpm` 50 to 90; `timbre` dark to bright; `intensity` soft to
    full (loudness under the ceiling); `density` sparse to busy; `percussiveness` soft to marked onsets.
    """

    pitch: Share
    tempo_bpm: Tempo
    timbre: Share
    intensity: Share
    density: Share
    percussiveness: Share


class Reason(StrEnum):
    """Why the musical target moved; every change carries at least one."""

    ARC = "arc"  # the program itself
    MEET = "meet"  # entry at the patient's own pace (iso principle)
    STRESS_UP = "stress_up"
    STRESS_DOWN = "stress_down"
    STRESS_UNKNOWN = "stress_unknown"
    SKIN_ROSE = "skin_rose"  # skin conductance jumped within the last seconds
    SKIN_FELL = "skin_fell"
    GIVE_WAY = "give_way"  # fuller music has met stress in vain for minutes and gives its fullness up
    SENSORS_BACK = "sensors_back"
    SLEW_LIMIT = "slew_limit"
    BOUND = "bound"
    ENDING = "ending"
    RESUMED = "resumed"
    MOOD = "mood"  # the entry was chosen from the patient's state
    STYLE = "style"  # the style that has done best here so far takes over
    EXPLORE = "explore"  # a style takes over of which too little is known here
    SHAM = "sham"  # a study's control: the stress that is followed is not this patient's


class Style(StrEnum):
    """Which instruments play, and how their music is set; a clinic chooses one, or lets sessions try them."""

    WARM_PADS = "warm_pads"
    FELT_PIANO = "felt_piano"
    PLUCKED_STRINGS = "plucked_strings"
    GLASS_BELLS = "glass_bells"
    NATURE = "nature"


class Target(Message, frozen=True, kw_only=True):
    """*State.* Where the music should be now, once a second while a session runs.

    `loop` is `closed` while the music follows the patient, `sham` while it follows a course of stress
    that is not this patient's, and `open` while the program plays alone. `style` is that of the phrase
    written last.
    """

    topic: ClassVar[str] = "target"
    owner: ClassVar[Owner] = "conductor"

    values: MusicalTarget
    reasons: tuple[Reason, ...]
    loop: Literal["closed", "open", "sham"]
    elapsed_s: float
    style: Style = Style.WARM_PADS


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One note of a phrase: MIDI `pitch`, beats from the start of the phrase, `velocity` 0 to 1."""

    voice: Voice
    pitch: MidiPitch
    start_beat: Beats
    beats: Beats
    velocity: Share


class Phrase(Message, frozen=True, kw_only=True):
    """Music to play from `start_s` on, in one tempo and style; sent before it is due and sent only once."""

    topic: ClassVar[str] = "phrase"
    owner: ClassVar[Owner] = "conductor"

    phrase_id: int
    start_s: MonotonicSeconds
    beats: Beats
    notes: tuple[Note, ...]
    target: MusicalTarget
    style: Style = Style.WARM_PADS

    @property
    def duration_s(self) -> float:
        """Length in seconds at the phrase's own tempo."""
        return self.beats * 60.0 / self.target.tempo_bpm


class SessionPhase(StrEnum):
    """Where the session is."""

    IDLE = "idle"  # silent, ready
    RUNNING = "running"
    ENDING = "ending"  # gentle fade, asked for or at the end of the arc
    MUTED = "muted"  # silenced at once by a held button; becomes idle when the button is released


class Rating(StrEnum):
    """How somebody felt after a session, told by presses of the button; only where a clinic asks for it."""

    BETTER = "better"
    SAME = "same"
    WORSE = "worse"


class Session(Message, frozen=True, kw_only=True):
    """What the conductor wants sounded. *State.* `seed` makes the session repeatable.

    `rating` is of the session that ended last, told while idle and until the next one starts.
    """

    topic: ClassVar[str] = "session"
    owner: ClassVar[Owner] = "conductor"

    phase: SessionPhase
    seed: int
    elapsed_s: float
    duration_s: float
    fade_s: FadeSeconds  # how long the ending fade takes
    rating: Rating | None = None


class LightPattern(StrEnum):
    """What the light says; colours follow IEC 60601-1-8 practice."""

    OFF = "off"
    READY = "ready"  # green, steady
    STARTING = "starting"  # cyan, quick pulse: a press was understood, sound is coming
    PLAYING = "playing"  # cyan, slow breath
    ENDING = "ending"  # cyan, fading
    ATTENTION = "attention"  # amber, steady: needs attention; a program can still be started
    PLAYING_ATTENTION = "playing_attention"  # amber, slow breath: music plays, something needs attention
    RATING = "rating"  # cyan, slow double pulse: how was it? taps are counted; never unless configured
    FAULT = "fault"  # red, slow blink: no sound can be made; act now


class Panel(Message, frozen=True, kw_only=True):
    """What the nurse sees and touches. *State.* `rgb` 0 to 1 is the light at this moment."""

    topic: ClassVar[str] = "panel"
    owner: ClassVar[Owner] = "conductor"

    light: LightPattern
    rgb: tuple[float, float, float]
    button_down: bool


class PlayerState(Message, frozen=True, kw_only=True):
    """What is being heard. *State*, ten times a second while sounding.

    `position_s` is samples consumed by the back-end over the rate; `loudness_lufs` short-term (3 s),
    None while silent; `audible` are the parameters the ear gets now, None while silent.
    """

    topic: ClassVar[str] = "player"
    owner: ClassVar[Owner] = "player"

    backend: Literal["alsa", "jack", "file"]
    sounding: bool
    gain_db: float
    loudness_lufs: float | None
    position_s: float
    phrase_id: int | None
    audible: MusicalTarget | None
    notes_played: int


class Severity(StrEnum):
    """How soon a person has to act."""

    INFO = "info"
    ATTENTION = "attention"
    ACT_NOW = "act_now"


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong now: stable `code`, and `advice` in words for the ward's IT."""

    code: str
    severity: Severity
    advice: str


class Health(Message, frozen=True, kw_only=True):
    """One service's own word on itself. *State.* Every service owns `health` on its own socket."""

    topic: ClassVar[str] = "health"
    owner: ClassVar[Owner] = "*"

    service: Service
    uptime_s: float
    late_steps: int
    faults: tuple[Fault, ...]


class Truth(Message, frozen=True, kw_only=True):
    """What the simulator knows of its patient; exists on a desk only, never on a device in use.

    `arousal` 0 to 1 of the simulated patient; `label` the protocol's word in a recording
    (`stress`, `rest` or empty); physiology is what the sensors ought to show.
    """

    topic: ClassVar[str] = "truth"
    owner: ClassVar[Owner] = "simulator"

    arousal: float | None
    label: str
    skin_us: float
    hr_bpm: float | None
    skin_c: float | None


MESSAGE_TYPES: tuple[type[Message], ...] = (
    SampleBlock, EegBlock, Features, Stress, Target, Phrase, Session, Panel, PlayerState, Health, Truth,
)  # fmt: skip
