"""The words that the firmware itself can say, gathered from its own sentences."""

from __future__ import annotations

import ast
import errno
import os
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from device.telemetry.anonymise import bare_word

ROOT: Final = Path(__file__).resolve().parents[2]
FILE: Final = ROOT / "device" / "telemetry" / "words.py"
FOLDERS: Final = ("device", "drivers")
# What never runs beside telemetry on a unit, what holds no sentences, and the file that is written here.
LEFT_OUT: Final = (
    "device/desk", "device/evaluation", "device/doctor", "device/cli.py", "device/telemetry/tables.py",
    "device/telemetry/home_assistant.py", "device/telemetry/words.py")
# What the system adds when a file or a part cannot be opened.
ERRORS: Final = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.EIO, errno.ENODEV, errno.ENXIO, errno.EBUSY,
                 errno.ETIMEDOUT, errno.EREMOTEIO, errno.ENOSPC, errno.EROFS)
_WORD: Final = re.compile(r"[a-z](?:[a-z'./_:-]*[a-z])?")  # a key or a file's name is a word too
_MODULE: Final = '''"""The words of the firmware's own sentences; `make contract` writes them."""

from typing import Final

_TEXT: Final = """
{}
"""
WORDS: Final = frozenset(_TEXT.split())
'''


def words_of(source: str) -> set[str]:
    """Return the words of a module's sentences in small letters.

    A sentence is a string with a space in it that is no docstring.
    """
    words = {bare_word(word) for sentence in _sentences(ast.parse(source)) for word in sentence.split()}
    return {word for word in words if _WORD.fullmatch(word)}


def text() -> str:
    """Return the text of the generated module."""
    words = {bare_word(word) for code in ERRORS for word in os.strerror(code).split()}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not path.relative_to(ROOT).as_posix().startswith(LEFT_OUT):
                words |= words_of(path.read_text(encoding="utf-8"))
    words = {word for word in words if _WORD.fullmatch(word)}
    lines = textwrap.wrap(" ".join(sorted(words)), 108, break_long_words=False, break_on_hyphens=False)
    return _MODULE.format("\n".join(lines))


def write() -> None:
    """Write the generated module."""
    FILE.write_text(text(), encoding="utf-8")


def _sentences(tree: ast.Module) -> Iterator[str]:
    """Give every string constant that holds a space, without docstrings."""
    documentation = {id(node.value) for node in ast.walk(tree)
                     if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}
    for node in ast.walk(tree):
        if (isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
                and id(node) not in documentation):
            yield node.value
