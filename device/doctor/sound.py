"""The sound card, found by its name, and what its own mixer does to the level."""

from __future__ import annotations

import json
import re
import sys
from typing import NamedTuple

from device.doctor.owners import Owner, owner_of
from device.doctor.result import Result, attention, failed, ok, skipped
from device.doctor.scene import Scene
from device.messages import PlayerState
from device.music.loudness import ceiling_lufs

ASK_S = 2.0
NAMES_S = 5.0
NAMES_CODE = "import json; from drivers.audio import output_names; print(json.dumps(output_names()))"
TOLERANCE_DB = 0.5
METER_LU = 1.0  # chosen: rounding and the meter's window
_CARD = re.compile(r"^\s*(\d+) \[(\S+)\s*\]: (.+)$")
_CONTROL = re.compile(r"^Simple mixer control '(.+)',\d+$")
_LEVEL = re.compile(r"Playback -?\d+ \[\d+%\] \[(-?\d+\.\d+)dB\](?: \[(on|off)\])?")
_INPUTS = re.compile(r"mic|line|capture|aux|loopback|iec958|spdif|s/pdif", re.IGNORECASE)
_SWITCH = re.compile(r"Playback \[(on|off)\]")


class Card(NamedTuple):
    """One sound card of the kernel."""

    number: int
    name: str


class Control(NamedTuple):
    """One control of a card's mixer: the loudest of its channels, and whether any is on."""

    name: str
    level_db: float | None
    is_on: bool


def check_sound(scene: Scene) -> list[Result]:
    """Look for the configured card, its mixer, and the ceiling that the level is held under."""
    player = scene.settings.player
    full_dba = player.loudness.full_scale_dba
    ceiling = ok("sound.ceiling", f"held at the ear if a full-scale tone gives {full_dba:g} dBA there",
                 player.loudness.ceiling_dba, "dBA")
    if player.backend != "alsa":
        return [skipped("sound.device", f"sound goes to {player.backend}, not to a card"), ceiling]
    health = scene.heard.health.get("player")
    for fault in () if health is None else health.faults:
        if fault.code == "no_audio":
            return [failed("sound.device", "the player cannot make sound", fault.advice), ceiling]
    card = find_card(scene, player.device)
    if card is None:
        return [_other_device(scene, player.device), ceiling]
    held = scene.heard.newest(PlayerState) is not None
    device = ok("sound.device", f"card {card.number} is there" + (", the player has it" if held else ""))
    return [device, _mixer(scene, card), ceiling, *_loudness(scene)]


def _loudness(scene: Scene) -> list[Result]:
    """Compare what is heard now, if anything is, with the ceiling in LUFS."""
    loudest = max((state.loudness_lufs for state in scene.heard.all(PlayerState)
                   if state.loudness_lufs is not None), default=None)
    if loudest is None:
        return []
    ceiling = ceiling_lufs(scene.settings.player.loudness)
    if loudest > ceiling + METER_LU:
        return [failed("sound.loudness", f"louder than the ceiling of {ceiling:g} LUFS",
                       "systemctl stop tranquillo-player, and tell whoever maintains the software",
                       round(loudest, 1), "LUFS")]
    return [ok("sound.loudness", f"under the ceiling of {ceiling:g} LUFS", round(loudest, 1), "LUFS")]


def cards_of(text: str) -> list[Card]:
    """Return the cards of /proc/asound/cards: number, [id], driver - name, and a longer name below."""
    cards: list[Card] = []
    for line in text.splitlines():
        if found := _CARD.match(line):
            cards.append(Card(int(found[1]), f"{found[2]} {found[3]}"))
        elif cards and line.strip():
            cards[-1] = cards[-1]._replace(name=f"{cards[-1].name} {line.strip()}")
    return cards


def find_card(scene: Scene, wanted: str) -> Card | None:
    """Return the first card with a playback stream and `wanted` in any of its names, case ignored."""
    streams = [line.split(":") for line in (scene.text("/proc/asound/pcm") or "").splitlines()]
    playing = {int(words[0][:2]): " ".join(words[1:3]) for words in reversed(streams)
               if len(words) > 1 and any("playback" in word for word in words)}
    for card in cards_of(scene.text("/proc/asound/cards") or ""):
        names = f"{card.name} {playing.get(card.number, '')}"
        if card.number in playing and wanted.lower() in names.lower():
            return card
    return None


def _other_device(scene: Scene, wanted: str) -> Result:
    """Judge a name that is no kernel card: perhaps one of ALSA's own devices, which the player knows."""
    if owner_of(scene.run_dir, "player") is not Owner.NOBODY:
        if scene.heard.newest(PlayerState) is not None:
            return ok("sound.device", "the player has it")
        return skipped("sound.device", "the player holds the sound device and says nothing of it")
    names = _output_names(scene)
    if any(wanted.lower() in name.lower() for name in names):
        return ok("sound.device", "there")
    advice = ("set player.device to a part of one of: " + "; ".join(names)) if names else (
        "enable the jack (dtparam=audio=on) or plug in a USB sound card; aplay -l lists them")
    return failed("sound.device", f"no sound output has {wanted!r} in its name", advice)


def _output_names(scene: Scene) -> list[str]:
    """Return the outputs as the player would see them, asked for in a process of its own: it is large."""
    answer = scene.ask((sys.executable, "-c", NAMES_CODE), NAMES_S)
    if answer is None or answer.code != 0 or not answer.text.strip():
        return []
    return [str(name) for name in json.loads(answer.text.splitlines()[-1])]


def _mixer(scene: Scene, card: Card) -> Result:
    """Judge the card's own mixer: never muted, and where it stood when the loudness was measured."""
    name = "sound.level"
    answer = scene.ask(("amixer", "-c", str(card.number), "scontents"), ASK_S)
    if answer is None or answer.code != 0:
        return skipped(name, "the mixer cannot be asked", "apt-get install alsa-utils")
    controls = controls_of(answer.text)
    if not controls:
        return ok(name, "the card has no mixer of its own")
    for control in controls:
        if not control.is_on:
            return failed(name, f"{control.name} is muted",
                          f"amixer -c {card.number} set '{control.name}' unmute; then alsactl store")
    level_db = sum(control.level_db or 0.0 for control in controls)
    return _level(name, card, level_db, scene.settings.player.loudness.mixer_db)


def _level(name: str, card: Card, level_db: float, measured_db: float | None) -> Result:
    """Compare the mixer with where it stood when full_scale_dba was measured; louder breaks the ceiling."""
    value = round(level_db, 2)
    if measured_db is None:
        return ok(name, "not muted; set player.loudness.mixer_db to have this level watched", value, "dB")
    back = f"alsamixer -c {card.number}: back to {measured_db:g} dB, then alsactl store"
    if level_db > measured_db + TOLERANCE_DB:
        return failed(name, f"louder than {measured_db:g} dB, so the ceiling at the ear does not hold", back,
                      value, "dB")
    if level_db < measured_db - TOLERANCE_DB:
        return attention(name, f"quieter than {measured_db:g} dB, where the loudness was measured", back,
                         value, "dB")
    return ok(name, "where it was when the loudness was measured", value, "dB")


def controls_of(text: str) -> list[Control]:
    """Return the playback controls of `amixer scontents`."""
    found: list[Control] = []
    for paragraph in re.split(r"(?=^Simple mixer control )", text, flags=re.MULTILINE):
        title = _CONTROL.match(paragraph.partition("\n")[0])
        levels = _LEVEL.findall(paragraph)
        switches = [state for _, state in levels if state] or _SWITCH.findall(paragraph)
        if title is None or _INPUTS.search(title[1]) or not (levels or switches):
            continue
        level_db = max((float(level) for level, _ in levels), default=None)
        found.append(Control(title[1], level_db, "off" not in switches or "on" in switches))
    return found
