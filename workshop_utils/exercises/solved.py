"""Which exercises are solved, and how often each was missed before, in the journal; and the code that says so to a room.

The first version kept an empty file for each solved one.
"""

import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from workshop_utils import journal, paths

NUMBERS, MISSED, NICKNAME = "solved.txt", "missed.txt", "nickname.txt"
MOST = 9  # misses that are counted
# how an exercise stands, one sign each: how often it was missed, as a digit; once it is solved, as a letter
OPEN, SOLVED = "0123456789", "abcdefghij"
CODE = re.compile(rf"([a-z]{{6}}):([1-9]):([{OPEN}{SOLVED}]{{1,60}}):[0-9a-f]{{3}}")


class Standing(NamedTuple):
    """How somebody stands in a chapter: a nickname, and a sign an exercise, in order; what lacks at the end is untouched."""

    who: str
    chapter: int
    signs: str

    @property
    def code(self) -> str:
        return journal.sealed(f"{self.who}:{self.chapter}:{self.signs.rstrip('0') or '0'}")


def read(code: str) -> Standing | None:
    """The standing that a code says; None where it is none, or one sign of it is wrong."""
    if not (parts := CODE.fullmatch(code)):
        return None
    standing = Standing(parts[1], int(parts[2]), parts[3])
    return standing if standing.code == code else None


def remember(number: str) -> None:
    """Notes an exercise as solved; says so where that cannot be written, for the verdict holds all the same."""
    try:
        if number not in _numbers():
            journal.change(NUMBERS, add=[number])
    except OSError as error:
        print(
            f"That {number} is solved could not be noted; progress() will not show it after a restart. {error}"
        )


def miss(number: str) -> None:
    """Notes a wrong answer to an exercise that is not solved yet, for the room alone: `remember` says if nothing can be written."""
    with suppress(OSError):
        before = _missed().get(number, 0)
        if number not in _numbers() and before < MOST:
            journal.change(MISSED, add=[f"{number} {before + 1}"], remove=[f"{number} {before}"])


def remembered() -> set[str]:
    """The numbers of all solved exercises; where they cannot be read, none, and a sentence says so."""
    try:
        return _numbers()
    except OSError as error:
        print(f"Which exercises are solved is not known. {error}")
        return set()


def signs(numbers: Sequence[str], folder: Path | None = None) -> str:
    """How the exercises of these numbers stand, a sign each. folder: somebody else's."""
    done, missed = _numbers(folder), _missed(folder)
    return "".join((SOLVED if one in done else OPEN)[missed.get(one, 0)] for one in numbers)


def standing(chapter: int, numbers: Sequence[str]) -> Standing | None:
    """What a person may read out or paste, under a nickname that is drawn once; None where nothing was tried, or nothing can be kept."""
    with suppress(OSError):
        if (now := signs(numbers)).strip("0"):
            known = [name for name in journal.load(NICKNAME) if re.fullmatch("[a-z]{6}", name)]
            if not known:
                known = ["".join(map(secrets.choice, ("bdfgklmnprstvz", "aeiou") * 3))]
                journal.change(NICKNAME, add=known)
            return Standing(known[0], chapter, now)
    return None


def _numbers(folder: Path | None = None) -> set[str]:
    files = (folder or paths.folder()).glob("[0-9].*")
    return {*journal.load(NUMBERS, folder), *(path.name for path in files)}


def _missed(folder: Path | None = None) -> dict[str, int]:
    """Number -> how often it was missed; a line that somebody broke does not count."""
    lines = [line.split() for line in journal.load(MISSED, folder)]
    return {line[0]: int(line[1]) for line in lines if len(line) == 2 and line[1] in set(OPEN)}


def forget(numbers: list[str]) -> None:
    """Takes the notes of these exercises away. Raises OSError, with what to do, where the folder cannot be written."""
    for number in numbers:
        with paths.writing(paths.folder() / number):
            (paths.folder() / number).unlink(missing_ok=True)
    if _numbers() & set(numbers):
        journal.change(NUMBERS, remove=numbers)
    if gone := [f"{one} {times}" for one, times in _missed().items() if one in numbers]:
        journal.change(MISSED, remove=gone)
