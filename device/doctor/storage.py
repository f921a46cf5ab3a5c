"""The memory card: room, errors, wear as far as the kernel tells, and whether it can be written."""

from __future__ import annotations

import os
from pathlib import Path

from device.doctor.result import Result, attention, failed, ok, skipped
from device.doctor.scene import Scene
from device.machine import CARD_ADVICE, file_system_errors

MIB = 1024 * 1024
SCARCE_MIB, FULL_MIB = 512, 64  # chosen: a release is some 400 MiB; below 64 the journal stops
WORN_STEP, SPENT_STEP = 8, 11  # of eMMC life time, 10 % each (JEDEC JESD84-B51, EXT_CSD 268 and 269)
PRE_EOL_WARNING, PRE_EOL_URGENT = 2, 3  # JESD84-B51, EXT_CSD 267: 80 % and 90 % of the reserve used
BUSY_MIB_PER_H = 100.0  # chosen: 0.9 TB a year, where small cards begin to die
CARD = "mmcblk"  # what the kernel calls memory cards and eMMC; disks stand more
MOUNT_WORDS = 4  # device, place, type, options: fstab(5)
OBSERVED_H = 1.0  # the start itself writes much


def check_storage(scene: Scene) -> list[Result]:
    """Look at free room, file system errors, wear, writes, and a root that turned read-only."""
    return [*_room(scene), _readonly(scene), *_errors_and_writes(scene), *_wear(scene)]


def _room(scene: Scene) -> list[Result]:
    """Judge the room on every file system that is written to."""
    seen: set[int] = set()
    results = []
    for label, folder in (("state", scene.settings.state_dir), ("log", "/var/log")):
        place = _nearest(scene.path(folder))
        device = place.stat().st_dev
        if device in seen:
            continue
        seen.add(device)
        results.append(_free(f"storage.{label}", place))
    return results


def _nearest(path: Path) -> Path:
    """Return a folder, or the nearest above it that exists."""
    return next(place for place in (path, *path.parents) if place.is_dir())


def _free(name: str, place: Path) -> Result:
    """Judge the free room of one file system."""
    found = os.statvfs(place)
    free_mib = found.f_bavail * found.f_frsize // MIB
    share = round(100 * found.f_bavail / max(1, found.f_blocks))
    advice = "journalctl --vacuum-size=50M; remove old releases under /opt/tranquillo/releases"
    if free_mib < SCARCE_MIB:
        word = failed if free_mib < FULL_MIB else attention
        return word(name, f"little room ({share} % free)", advice, free_mib, "MiB")
    return ok(name, f"enough room ({share} % free)", free_mib, "MiB")


def _readonly(scene: Scene) -> Result:
    """Tell a root that is meant to be read-only from one that the kernel made so."""
    name = "storage.root"
    options = {words[1]: (words[2], words[3].split(",")) for words in _lines(scene, "/proc/self/mounts")}
    if "/" not in options:
        return skipped(name, "the kernel does not tell how it is mounted")
    kind, flags = options["/"]
    if kind == "overlay":
        return ok(name, "an overlay: the file system below it is not written")
    if "ro" not in flags:
        return ok(name, "can be written")
    meant = any(words[1] == "/" and "ro" in words[3].split(",") for words in _lines(scene, "/etc/fstab"))
    if meant:
        return ok(name, "read-only, as /etc/fstab says")
    return failed(name, "read-only, though /etc/fstab does not say so: the kernel found errors",
                  f"journalctl -k | grep -i ext4; {CARD_ADVICE}")


def _lines(scene: Scene, path: str) -> list[list[str]]:
    """Return the words of each line that holds at least four, comments left out."""
    lines = [line.split() for line in (scene.text(path) or "").splitlines() if not line.startswith("#")]
    return [words for words in lines if len(words) >= MOUNT_WORDS]


def _errors_and_writes(scene: Scene) -> list[Result]:
    """Judge what ext4 counts of each file system: errors, and how much is written."""
    results = []
    for name, errors in file_system_errors(scene.root).items():
        if errors:
            results.append(failed(f"storage.{name}.errors", "the file system has had errors",
                                  f"{CARD_ADVICE}; check it at the next start (fsck.mode=force)", errors,
                                  "errors"))
        results.extend(_writes(scene, name, f"/sys/fs/ext4/{name}"))
    return results


def _writes(scene: Scene, name: str, place: str) -> list[Result]:
    """Judge the writes since the mount, once the machine has been up for an hour."""
    total, session = (scene.number(f"{place}/{what}_write_kbytes") for what in ("lifetime", "session"))
    if total is None or session is None or not name.startswith(CARD):
        return []
    label, whole = f"storage.{name}.writes", f"{total / MIB:.1f} GiB in its life"
    hours = float((scene.text("/proc/uptime") or "0").split()[0]) / 3600.0
    if hours < OBSERVED_H:
        return [ok(label, f"{whole}; by the hour it is told after an hour")]
    rate = round(session / 1024.0 / hours, 1)
    if rate > BUSY_MIB_PER_H:
        return [attention(label, f"much is written, {whole}", "see what writes: journalctl --disk-usage; "
                          "iotop -a; consider the read-only root", rate, "MiB/h")]
    return [ok(label, f"little is written, {whole}", rate, "MiB/h")]


def _wear(scene: Scene) -> list[Result]:
    """Judge the wear that an eMMC tells of itself; memory cards tell nothing."""
    results = []
    for folder in sorted(scene.path("/sys/block").glob(f"{CARD}[0-9]")):
        device = f"/sys/block/{folder.name}/device"
        steps = [int(word, 16) for word in (scene.text(f"{device}/life_time") or "").split()]
        reserve = scene.number(f"{device}/pre_eol_info", 16) or 0
        label = f"storage.{folder.name}.wear"
        if not steps or max(steps) == 0:
            results.append(skipped(label, "the card does not tell its wear; its writes are counted above"))
        else:
            results.append(_judge_wear(label, max(steps), reserve))
    return results


def _judge_wear(label: str, step: int, reserve: int) -> Result:
    """Judge a step of 10 % and the state of the reserve."""
    used = 10 * step
    if step >= SPENT_STEP or reserve >= PRE_EOL_URGENT:
        return failed(label, "worn out", CARD_ADVICE, used, "% of its life")
    if step >= WORN_STEP or reserve >= PRE_EOL_WARNING:
        return attention(label, "nearly worn out", CARD_ADVICE, used, "% of its life")
    return ok(label, "at most so much of its life is used", used, "% of its life")
