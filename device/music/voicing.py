"""How a chord is laid out: bass and pad voices that move little, and never in parallel fifths or octaves.

What a chord may hold beside its triad follows from the tension: open fifths and pure triads when calm, a
ninth, sixths and sevenths as it grows. The rules of movement are those of common practice (Aldwell and
Schachter, Harmony and Voice Leading, 1989): keep common tones, move by step, avoid parallel perfects.
"""

from __future__ import annotations

import itertools

import numpy as np

from device.music.harmony import HARSH, Chord, Key

PAD_LOW, PAD_HIGH = 45, 76
BASS_LOW, BASS_HIGH = 33, 52
PERFECT = frozenset({0, 7})

# Tension from which a chord may be more than its triad (chosen).
OPEN_BELOW, NINTH_FROM, SEVENTH_FROM, HARSH_FROM = 0.25, 0.3, 0.45, 0.65
_OPEN_CHANCE = 0.5  # of an open fifth at home at no tension, none at OPEN_BELOW
_REACH_DOWN, _REACH_UP = 9, 12  # semitones from the centre
_OVER_BASS = 19  # a twelfth: room for three voices over a high bass
_SPAN = 16  # a tenth: what two hands hold together
_MUDDY_BELOW = 52  # close intervals sound thick under this pitch

# What counts against a voicing, in semitones of movement.
_STRAY, _TOP, _PARALLEL, _FORBIDDEN, _THICK = 0.5, 0.5, 40.0, 200.0, 3.0
_INVERSION, _STEP = 4.0, 2  # a third in the bass has to save a leap


def sounded(chord: Chord, key: Key, tension: float, rng: np.random.Generator) -> tuple[int, ...]:
    """Return the pitch classes that the pad plays for a chord: three, four, or two for an open home chord.

    Args:
        chord: the triad.
        key: whose scale lends the added tone.
        tension: 0 to 1.
        rng: seeded generator; two numbers are drawn whatever the tension.
    """
    whim, choice = rng.random(), rng.random()
    root, third, fifth = chord.triad
    if chord.degree == 0 and tension < OPEN_BELOW and whim < _OPEN_CHANCE * (1.0 - tension / OPEN_BELOW):
        return root, fifth
    added = [
        tone for tone in key.scale
        if tone not in chord.triad and _admitted((tone - root) % 12, tone, chord, tension)]
    if not added or whim > 1.3 * tension:
        return chord.triad
    return root, third, fifth, added[int(choice * len(added))]


def _admitted(over_root: int, tone: int, chord: Chord, tension: float) -> bool:
    """Return whether a tone may be added: ninth, sixth or minor seventh first, what rubs only later."""
    if over_root == 5:  # noqa: PLR2004 - a fourth beside the third is a suspension's business
        return False
    rubs = any((tone - part) % 12 in HARSH or (part - tone) % 12 in HARSH for part in chord.triad)
    if rubs:
        return tension >= HARSH_FROM
    return tension >= (NINTH_FROM if over_root == 2 else SEVENTH_FROM)  # noqa: PLR2004 - a whole-tone ninth


def bass_pitch(pitch_class: int, before: int | None) -> int:
    """Return the MIDI pitch of a pitch class in the bass that lies nearest to the one before."""
    near = 40 if before is None else before
    options = [pitch for pitch in range(BASS_LOW, BASS_HIGH + 1) if pitch % 12 == pitch_class]
    return min(options, key=lambda pitch: (abs(pitch - near) + 0.3 * abs(pitch - 41), pitch))


def bass_line(chords: tuple[Chord, ...], before: int | None) -> tuple[int, ...]:
    """Return the bass under each chord: roots, or the third inside a phrase where that makes a step."""
    line: list[int] = []
    for place, chord in enumerate(chords):
        last = line[-1] if line else before
        root = bass_pitch(chord.triad[0], last)
        third = bass_pitch(chord.triad[1], last)
        inside = 0 < place < len(chords) - 2 and last is not None
        if inside and last is not None and abs(third - last) <= _STEP < abs(root - last) - _INVERSION + _STEP:
            line.append(third)
        else:
            line.append(root)
    return tuple(line)


def pad_voicing(
    tones: tuple[int, ...], basses: tuple[int | None, int], before: tuple[int, ...], centre: float,
    tension: float,
) -> tuple[int, ...]:
    """Return three or four ascending MIDI pitches, all tones among them, that follow from those before.

    Args:
        tones: pitch classes that must sound, two to four.
        basses: the bass note before (None at the start) and the one that sounds under this chord.
        before: the voicing that sounds now, empty at the start.
        centre: MIDI pitch around which to stay, 55 to 68.
        tension: from `HARSH_FROM` on semitones, tritones and major sevenths are allowed.
    """
    low = max(PAD_LOW, round(centre) - _REACH_DOWN)
    high = min(PAD_HIGH, max(round(centre) + _REACH_UP, basses[1] + _OVER_BASS))
    reachable = [pitch for pitch in range(low, high + 1) if pitch % 12 in tones]
    size = max(3, len(tones))
    fitting = [
        voices for voices in itertools.combinations(reachable, size)
        if {voice % 12 for voice in voices} == set(tones) and voices[-1] - voices[0] <= _SPAN]
    return min(fitting, key=lambda voices: (
        _cost(voices, basses, before, centre, tension), voices))


def harsh(voices: tuple[int, ...]) -> bool:
    """Return whether any two voices make a semitone, tritone or major seventh (octaves aside)."""
    return any((high - low) % 12 in HARSH for low, high in itertools.combinations(voices, 2))


def parallels(before: tuple[int, ...], after: tuple[int, ...]) -> int:
    """Count pairs of voices that move the same way into the same perfect interval.

    Args:
        before: pitches of all voices, bass first.
        after: the next ones; with another number of voices only bass, lowest and highest are compared.
    """
    if len(before) != len(after):
        before, after = ((*chord[:2], chord[-1]) for chord in (before, after))
    count = 0
    for (low, next_low), (high, next_high) in itertools.combinations(zip(before, after, strict=True), 2):
        same_way = (next_low - low) * (next_high - high) > 0
        interval = (high - low) % 12
        count += same_way and interval in PERFECT and interval == (next_high - next_low) % 12
    return count


def _cost(
    voices: tuple[int, ...], basses: tuple[int | None, int], before: tuple[int, ...], centre: float,
    tension: float,
) -> float:
    """Return how ill a voicing follows: movement, straying, parallels, thickness."""
    cost = _STRAY * abs(sum(voices) / len(voices) - centre)
    cost += _FORBIDDEN * (voices[0] <= basses[1]) + _FORBIDDEN * (tension < HARSH_FROM and harsh(voices))
    cost += _THICK * sum(
        1 for low, high in itertools.pairwise(voices) if low < _MUDDY_BELOW and high - low < 4)  # noqa: PLR2004
    if not before:
        return cost
    cost += sum(min(abs(voice - old) for old in before) for voice in voices)
    cost += _TOP * abs(voices[-1] - before[-1])
    if basses[0] is not None:
        cost += _PARALLEL * parallels((basses[0], *before), (basses[1], *voices))
    return cost
