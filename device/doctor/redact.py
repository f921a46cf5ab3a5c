"""Takes out of a text what must not leave the clinic: keys, passwords, networks, addresses, names, serials.

It errs on the side of taking out too much. What a unit never writes (physiology) needs no pattern.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

GONE = "[removed]"
NO_SECRETS = frozenset({"localhost", "tranquillo", "broker", "ip6-localhost", "ip6-loopback", "ip6-allnodes",
                        "ip6-allrouters"})
SHORTEST_NAME = 3  # a shorter name would take half the words with it
_NAMES_OF_SECRETS = (r"pass(?:word|phrase|wd)?|secret|token|psk|wep_key\d?|api[_-]?key|private[_-]?key|"
                     r"credentials?|authorization|bearer")
_VALUE = r"""(?:\\?"[^"\n]*"|'[^'\n]*'|[^\s,;"'}\]]+)"""
_TOP = (r"local|lan|home|internal|intranet|corp|private|localdomain|arpa|example|test|invalid|onion|"
        r"com|net|org|edu|gov|int|info|biz|health|hospital|clinic|care|"
        r"at|au|be|br|ca|ch|cz|de|dk|es|eu|fi|fr|gr|hu|ie|it|jp|lu|nl|no|nz|pl|pt|se|uk|us")

# In this order: what is longer first, so that no half of it is left.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL),
     "[removed: PEM]"),
    (re.compile(r"\b([a-z][a-z0-9+.-]*://)[^\s/@\"']+@", re.IGNORECASE), rf"\1{GONE}@"),
    (re.compile(rf"""\b((?:{_NAMES_OF_SECRETS})["']?\s*(?:[=:]|\bis\b)\s*(?:bearer\s+|basic\s+)?){_VALUE}""",
                re.IGNORECASE), rf"\1{GONE}"),
    (re.compile(rf"""\b((?:e?ssid|bssid|wireless network|wi-?fi(?: network)?)["']?\s*[=:]?\s*){_VALUE}""",
                re.IGNORECASE), rf"\1{GONE}"),
    (re.compile(r"(/dev/serial/by-(?:id|path)/)[^\s\"']+"), rf"\1{GONE}"),
    (re.compile(r"(/home/)[^/\s\"']+"), rf"\1{GONE}"),
    (re.compile(r"\b(serial(?:[ _-]?(?:no|number))?[\"']?\s*[=:]\s*)[\"']?[\w-]+", re.IGNORECASE),
     rf"\1{GONE}"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[removed: mail address]"),
    (re.compile(r"\b[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5,7}\b", re.IGNORECASE), "[removed: MAC]"),
    # UUIDs, machine ids, the random ids of outcomes, hashes and serials; then keys in base64.
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "[removed: id]"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{16,}\b", re.IGNORECASE), "[removed: id]"),
    (re.compile(r"(?<![\w/+])(?=[\w/+]*\d)(?=[\w/+]*[A-Z])(?=[\w/+]*[a-z])[A-Za-z0-9+/]{40,}={0,2}"),
     "[removed: base64]"),
    (re.compile(rf"\b(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:{_TOP})\b\.?(?![\w(])", re.IGNORECASE),
     "[removed: host]"),
)
_ADDRESSES = (  # the longer kind first; times and versions that look alike are told apart later
    re.compile(r"(?<![\w.:])[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:.]*(?:%\w+)?(?![\w:])", re.IGNORECASE),
    re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)"),
)


class Redactor:
    """Takes out patterns, and names that are known of this machine.

    Args:
        names: host names, the broker's, Wi-Fi names, users, serials; whole words, case ignored.
    """

    def __init__(self, names: Iterable[str]) -> None:
        known = sorted({name for name in names if len(name) >= SHORTEST_NAME}, key=len, reverse=True)
        words = "|".join(map(re.escape, known))
        self._names = re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.IGNORECASE) if known else None

    def text(self, text: str) -> str:
        """Return a text without what must not leave."""
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        if self._names is not None:
            text = self._names.sub(GONE, text)
        for pattern in _ADDRESSES:
            text = pattern.sub(_without_address, text)
        return text


    def tree(self, value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Return a JSON document whose texts are without what must not leave; keys stay."""
        if isinstance(value, dict):
            return {key: self.tree(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.tree(inner) for inner in value]
        return self.text(value) if isinstance(value, str) else value


def _without_address(found: re.Match[str]) -> str:
    """Take out an address; leave what only looks like one (a time, a version) and this machine's own."""
    try:
        address = ipaddress.ip_address(found[0].partition("%")[0])
    except ValueError:
        return found[0]
    harmless = address.is_loopback or (address.version == 4 and int(address) >> 24 == 0)  # noqa: PLR2004 - 0.x.y.z
    return found[0] if harmless else "[removed: address]"


def names_of(root: Path, hostname: str, broker_host: str) -> set[str]:
    """Return the names of a machine: its own, the broker's, its Wi-Fi networks, users and serials."""
    names = {hostname, hostname.partition(".")[0], broker_host}
    names |= set(_read(root / "etc/hostname").split())
    names |= _lines(root / "etc/hosts", lambda line: line.partition("#")[0].split()[1:])
    names |= _lines(root / "etc/passwd", _person)
    for folder, pattern in (("etc/NetworkManager/system-connections", "*"), ("etc/wpa_supplicant", "*.conf"),
                            ("etc/netplan", "*.yaml"), ("run/NetworkManager/system-connections", "*")):
        for file in sorted((root / folder).glob(pattern)):
            names |= _lines(file, _network) | ({file.stem} if file.suffix == ".nmconnection" else set())
    names |= set(_read(root / "proc/device-tree/serial-number").strip("\0\n ").split())
    names |= _lines(root / "proc/cpuinfo", lambda line: line.split()[2:] if line.startswith("Serial") else [])
    return {name for name in names if name} - NO_SECRETS


def _person(line: str) -> list[str]:
    """Return the login name and full name of a person's account; services' names are no secret."""
    words = line.split(":")
    if len(words) < 7 or not words[2].isdigit() or not 1000 <= int(words[2]) < 60_000:  # noqa: PLR2004 - passwd(5)
        return []
    return [words[0], words[4].partition(",")[0]]


def _network(line: str) -> list[str]:
    """Return the name and the password of a network from a line of its configuration."""
    key, separator, value = line.strip().partition("=")
    if separator and key.strip() in {"ssid", "id", "psk", "password", "identity", "wep-key0"}:
        return [value.strip().strip('"')]
    quoted = re.match(r'^"(.+)":$', line.strip())  # netplan: the name is a key
    return [quoted[1]] if quoted else []


def _lines(path: Path, names: Callable[[str], list[str]]) -> set[str]:
    """Return what each line of a file names."""
    return {name for line in _read(path).splitlines() for name in names(line)}


def _read(path: Path) -> str:
    """Return a file's text, empty when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
