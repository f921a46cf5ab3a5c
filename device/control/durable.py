"""A small file that a power cut leaves either as it was or as it was meant to be."""

from __future__ import annotations

import os
from pathlib import Path


def replace_durably(path: Path, content: bytes) -> None:
    """Replace a file in one piece, on the medium when this returns; its folder is made when missing.

    Raises:
        OSError: the medium is full, broken or read-only.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Force the names in a folder to the medium: a rename or a removal is one of them.

    Raises:
        OSError: the folder is absent or the medium broken.
    """
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
