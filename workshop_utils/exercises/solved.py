"""Which exercises are solved: an empty file each in the cache folder, so that two notebooks at once cannot harm each other."""

from workshop_utils.paths import folder, writing


def remember(number: str) -> None:
    """Notes an exercise as solved; says so where that cannot be written, for the verdict holds all the same."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        (folder() / number).touch()
    except OSError as error:
        print(
            f"That {number} is solved could not be noted ({error.strerror}); progress() will not show it after a restart."
        )


def remembered() -> set[str]:
    """The numbers of all solved exercises."""
    return {path.name for path in folder().iterdir()} if folder().is_dir() else set()


def forget(numbers: list[str]) -> None:
    """Takes the notes of these exercises away. Raises OSError, with what to do, where the folder cannot be written."""
    for number in numbers:
        with writing(folder() / number):
            (folder() / number).unlink(missing_ok=True)
