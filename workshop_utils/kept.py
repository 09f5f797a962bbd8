"""Where the course keeps what a person did: solved exercises, labelled pictures, runs of nets. And how it writes a file."""

import os
from contextlib import contextmanager, suppress
from pathlib import Path


def data_home() -> Path:
    """The folder that keeps full sets: the environment variable WORKSHOP_DATA, or the platform's cache folder."""
    import pooch

    return Path(
        os.environ.get("WORKSHOP_DATA") or pooch.os_cache("image-classification-workshop")
    ).expanduser()


def folder() -> Path:
    """The folder that WORKSHOP_PROGRESS names, or one beside the full data sets."""
    return Path(os.environ.get("WORKSHOP_PROGRESS") or data_home() / "solved").expanduser()


def write(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all: what was there stays until the new one is complete.

    Raises OSError, with what to do, where that cannot be done.
    """
    aside = path.with_name(
        f"{path.name}.{os.getpid()}.part"
    )  # another notebook may write the same file
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
