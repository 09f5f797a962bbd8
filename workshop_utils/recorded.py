"""Results of experiments that take too long to run live: read, and held to the code that made them."""

import hashlib
import json
from pathlib import Path
from typing import Any

HOME = Path(__file__).parents[1]
RECORDED = HOME / "notebooks" / "recorded"


def load(name: str) -> dict[str, Any]:
    """What `python notebooks/recorded/record.py NAME` wrote: results, seconds, seeds, machine, versions, and the sum of the code that ran.

    Raises FileNotFoundError, with the command, if it was never run.
    """
    path = RECORDED / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(f"There is no recording '{name}'. python notebooks/recorded/record.py {name} makes it.")
    return json.loads(path.read_text("utf-8"))


def label(name: str) -> str:
    """The words under which a recording is shown: "recorded, 5 seeds, 12 min"."""
    found = load(name)
    return f"recorded, {len(found['seeds'])} seeds, {found['seconds'] / 60:.0f} min"


def code_sum(*files: str) -> str:
    """The sha256 of the files, named from the root of the course, that an experiment ran."""
    digest = hashlib.sha256()
    for file in files:
        digest.update((HOME / file).read_text("utf-8").encode())
    return digest.hexdigest()
