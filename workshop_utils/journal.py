"""What a person did, kept beyond the kernel: text files of one record a line in `paths.folder()`, changed whole or not at all."""

import hashlib
from collections.abc import Collection
from pathlib import Path

from workshop_utils import paths


def load(name: str, folder: Path | None = None) -> list[str]:
    """The lines of a file, oldest first; none where there is no such file yet. What is no text comes as replacement signs. folder: somebody else's.

    Raises OSError, with the reason, for a file that is there and cannot be read: it may hold more than nothing.
    """
    file = (folder or paths.folder()) / name
    with paths.reading(file):
        try:
            text = file.read_text("utf-8", errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return []
    return [line for line in text.split("\n") if line.strip()]


def change(name: str, *, add: Collection[str] = (), remove: Collection[str] = ()) -> None:
    """Takes lines away and puts others at the end, each of them once; two notebooks at once lose nothing of each other.

    Raises OSError, with what to do, where the folder cannot be written; then all is as it was.
    """
    from filelock import FileLock

    file = paths.folder() / name
    with paths.writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file.with_name(".lock"), timeout=10)  # a Timeout is an OSError
        lock.acquire()
    try:
        before, moved = load(name), {*add, *remove}
        after = [line for line in before if line not in moved] + list(add)
        if after != before:
            paths.write(file, "".join(f"{line}\n" for line in after).encode())
    finally:
        lock.release()


def sealed(text: str) -> str:
    """The text with an end that is computed from it, so that a slip of reading it out is noticed."""
    return f"{text}:{hashlib.sha1(text.encode()).hexdigest()[:3]}"
