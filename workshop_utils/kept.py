"""Where the course keeps what a person did: solved exercises, labelled pictures, runs of nets."""

import os
from pathlib import Path

from workshop_utils.data import data_home


def folder() -> Path:
    """The folder that WORKSHOP_PROGRESS names, or one beside the full data sets."""
    return Path(os.environ.get("WORKSHOP_PROGRESS") or data_home() / "solved").expanduser()
