"""Where everything is: the course, its notebooks, the full data sets, what a person did. And how a file is written, whole or not at all."""

import os
from contextlib import contextmanager, suppress
from pathlib import Path

HOME = Path(__file__).parents[1]
NOTEBOOKS = HOME / "notebooks"


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

    try:
        home = os.environ.get("WORKSHOP_DATA") or pooch.os_cache("image-classification-workshop")
        return Path(home).expanduser()
    except RuntimeError:
        raise OSError(
            "This user has no home folder. Set the environment variable HOME to a folder of yours."
        ) from None


def folder() -> Path:
    """The folder that WORKSHOP_PROGRESS names, or one beside the full data sets."""
    return Path(os.environ.get("WORKSHOP_PROGRESS") or data_home() / "solved").expanduser()


def write(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all: what was there stays until the new one is complete.

    Raises OSError, with what to do, where that cannot be done.
    """
    # its own name for each process: another notebook may write the same file
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    with writing(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(content)
            os.replace(aside, path)
        finally:
            with suppress(OSError):
                aside.unlink()


@contextmanager
def writing(path: Path):
    """What the system says against writing inside, a full disk or a closed folder, becomes a sentence with what to do."""
    try:
        yield
    except OSError as error:
        raise OSError(
            f"'{path}' cannot be written ({error.strerror or error}). Make room there, or take a folder of your own."
        ) from None
