"""The words and the codes of faults that the firmware itself can say, gathered from its own sources."""

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
from device.telemetry.trouble import Trouble

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
_MODULE: Final = '''"""The firmware's own words, and its codes of faults; `make contract` writes them."""

from typing import Final

_TEXT: Final = """
{words}
"""
_CODES: Final = """
{codes}
"""
WORDS: Final = frozenset(_TEXT.split())  # of its sentences: all that an advice may hold
CODES: Final = frozenset(_CODES.split())
'''


def words_of(source: ast.Module) -> set[str]:
    """Return the words of a module's sentences in small letters.

    A sentence is a string with a space in it that is no docstring.
    """
    words = {bare_word(word) for sentence in _sentences(source) for word in sentence.split()}
    return {word for word in words if _WORD.fullmatch(word)}


def codes_of(source: ast.Module) -> set[str]:
    """Return the codes of the faults that a module makes."""
    calls = (node for node in ast.walk(source) if isinstance(node, ast.Call))
    given = (one for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Fault"
             for one in call.keywords if one.arg == "code")
    return {one.value.value for one in given
            if isinstance(one.value, ast.Constant) and isinstance(one.value.value, str)}


def text() -> str:
    """Return the text of the generated module."""
    words = {bare_word(word) for code in ERRORS for word in os.strerror(code).split()}
    codes = {trouble.value for trouble in Trouble}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not path.relative_to(ROOT).as_posix().startswith(LEFT_OUT):
                source = ast.parse(path.read_text(encoding="utf-8"))
                words |= words_of(source)
                codes |= codes_of(source)
    known = {word for word in words if _WORD.fullmatch(word)}
    return _MODULE.format(words=_lines(known), codes=_lines(codes))


def write() -> None:
    """Write the generated module."""
    FILE.write_text(text(), encoding="utf-8")


def _lines(words: set[str]) -> str:
    """Return words in their order, in lines of the usual length."""
    text = " ".join(sorted(words))
    return "\n".join(textwrap.wrap(text, 108, break_long_words=False, break_on_hyphens=False))


def _sentences(tree: ast.Module) -> Iterator[str]:
    """Give every string constant that holds a space, without docstrings."""
    documentation = {id(node.value) for node in ast.walk(tree)
                     if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}
    for node in ast.walk(tree):
        if (isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
                and id(node) not in documentation):
            yield node.value
