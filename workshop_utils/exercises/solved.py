"""Which exercises are solved: their numbers in the journal. The first version kept an empty file for each."""

from workshop_utils import journal, paths

NUMBERS = "solved.txt"


def remember(number: str) -> None:
    """Notes an exercise as solved; says so where that cannot be written, for the verdict holds all the same."""
    try:
        if number not in _numbers():
            journal.change(NUMBERS, add=[number])
    except OSError as error:
        print(
            f"That {number} is solved could not be noted; progress() will not show it after a restart. {error}"
        )


def remembered() -> set[str]:
    """The numbers of all solved exercises; where they cannot be read, none, and a sentence says so."""
    try:
        return _numbers()
    except OSError as error:
        print(f"Which exercises are solved is not known. {error}")
        return set()


def _numbers() -> set[str]:
    return {*journal.load(NUMBERS), *(path.name for path in paths.folder().glob("[0-9].*"))}


def forget(numbers: list[str]) -> None:
    """Takes the notes of these exercises away. Raises OSError, with what to do, where the folder cannot be written."""
    for number in numbers:
        with paths.writing(paths.folder() / number):
            (paths.folder() / number).unlink(missing_ok=True)
    if _numbers() & set(numbers):
        journal.change(NUMBERS, remove=numbers)
