"""Where the course keeps what a person did: solved exercises, labelled pictures, runs of nets."""

import os
from pathlib import Path

from workshop_utils.data import data_home


def folder() -> Path:
    """The folder that WORKSHOP_PROGRESS names, or one beside the full data sets."""
    return Path(os.environ.get("WORKSHOP_PROGRESS") or data_home() / "solved").expanduser()


def write(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all: what was there stays until the new one is complete. Raises OSError where that cannot be done."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.part")
    aside.write_bytes(content)
    os.replace(aside, path)
