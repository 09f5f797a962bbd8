"""The four verbs that people use: check, hint, solution, progress. And how an exercise is declared."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from workshop_utils import errors
from workshop_utils.exercises import solved
from workshop_utils.exercises.judging import (
    Raised,
    Unattempted,
    Wrong,
    described,
    in_words,
    need_attempt,
    untouched_randomness,
)
from workshop_utils.exercises.verdict import Help, Verdict
from workshop_utils.tables import Table

CHAPTERS = (1, 2, 3)
_hints_shown: dict[str, int] = {}
_last_chapter: list[int] = []


@dataclass(frozen=True)
class Exercise:
    """One exercise or question.

    judge: (answer, **given) -> the remark for a right answer; raises judging.Wrong and its relatives. hints: from a nudge
    to nearly everything. solution: the code that replaces the stub. why: one line for it. given: what the notebook hands over.
    """

    number: str
    title: str
    judge: Callable[..., str]
    hints: tuple[str, ...]
    solution: str
    why: str
    given: tuple[str, ...] = ()


def exercise(
    number: str,
    title: str,
    *,
    hints: tuple[str, ...],
    solution: str,
    why: str,
    given: tuple[str, ...] = (),
):
    """Declares the decorated function as the judge of an exercise."""
    return lambda judge: Exercise(number, title, judge, hints, solution, why, given)


def question(
    number: str, title: str, *, right: str, hints: tuple[str, ...], **options: str
) -> Exercise:
    """A question with lettered options; each wrong one is a misconception, and its text says why it is one.

    options: letter -> what is said to whoever chooses it. right: the letter of the right one.
    """

    def judge(answer: Any) -> str:
        letter = answer.strip(" .)(").upper() if isinstance(answer, str) else ""
        if letter not in options:
            raise Wrong(
                f'Expected one letter of {", ".join(options)}, as text: "A"; came {described(answer)}.'
            )
        if letter != right:
            raise Wrong(f"{letter}: {options[letter]}")
        return options[letter]

    return Exercise(number, title, judge, hints, f'my_choice = "{right}"', options[right])


def check(number: str, answer: Any, **given: Any) -> None:
    """Judges an answer and shows the verdict; a right one is remembered for `progress()`.

    given: what the exercise needs of the notebook's own data, as its cell has it. An answer that never ends is stopped by
    the kernel's interrupt (the square). Raises ValueError for a number that does not exist, or if something given lacks.
    """
    exercise = find(number)
    lacking = [name for name in exercise.given if name not in given]
    if lacking:
        raise ValueError(
            f"The check of {number} needs {', '.join(f'{name}=...' for name in lacking)} as well, as its cell had it."
        )
    _last_chapter[:] = [int(number[0])]
    verdict = judged(exercise, answer, **given)
    _show(verdict)
    if verdict.kind == "right":
        solved.remember(number)


def judged(exercise: Exercise, answer: Any, **given: Any) -> Verdict:
    """The verdict on an answer: whatever the answer is or does, there is one."""
    try:
        with untouched_randomness():
            need_attempt(answer)
            return Verdict(exercise.number, "right", exercise.judge(answer, **given))
    except Unattempted as error:
        words = str(error) or 'Replace the dots "..." and run the cell again.'
        return Verdict(
            exercise.number, "unattempted", f'{words} exercises.hint("{exercise.number}") helps.'
        )
    except Wrong as error:
        return Verdict(exercise.number, "wrong", str(error))
    except Raised as error:
        return Verdict(exercise.number, "raised", str(error), error.code)
    except KeyboardInterrupt:
        return Verdict(
            exercise.number,
            "stopped",
            "You interrupted it before it ended. A loop that never ends? Change it and run the cell again.",
        )
    except Exception as error:  # an answer of a kind that nobody thought of
        return Verdict(
            exercise.number,
            "wrong",
            f"This answer, {described(answer)}, could not be judged ({in_words(error)}).",
        )


def hint(number: str) -> None:
    """Shows one hint more each time it is called."""
    hints = find(number).hints
    shown = _hints_shown[number] = min(_hints_shown.get(number, 0) + 1, len(hints))
    rest = len(hints) - shown
    end = (
        f"{rest} more: run the cell again."
        if rest
        else f'That was the last; exercises.solution("{number}") shows the code.'
    )
    _show(Help(f"{number}. Hint {shown} of {len(hints)}.", "\n".join((*hints[:shown], end))))


def solution(number: str) -> None:
    """Shows code that is right, with a line of why."""
    found = find(number)
    _show(Help(f"{number}. One solution.", found.why, found.solution))


def progress(chapter: int | None = None, *, reset: bool = False) -> None:
    """Shows which exercises are solved: of one chapter, else of the one last worked on, else of all. reset: forgets them."""
    chapters = (chapter,) if chapter else tuple(_last_chapter) or CHAPTERS
    found = [exercise for number in chapters for exercise in exercises(number)]
    if reset and len(chapters) > 1:
        raise ValueError(
            "Say which chapter to begin again, for example exercises.progress(1, reset=True)."
        )
    if reset:
        solved.forget([exercise.number for exercise in found])
    done = solved.remembered()
    count = sum(exercise.number in done for exercise in found)
    _show(
        Table(
            found,
            {
                "exercise": lambda one: one.number,
                "what": lambda one: one.title,
                "solved": lambda one: "yes" if one.number in done else "not yet",
            },
            f"{count} of {len(found)} solved",
        )
    )


def find(number: str) -> Exercise:
    """The exercise of that number. Raises ValueError, with those that there are, if there is none."""
    if not isinstance(number, str):
        raise ValueError(f'Put the number of the exercise in quotes: "{number}".')
    chapters = [one for one in CHAPTERS if str(one) == number.partition(".")[0]] or CHAPTERS
    known = {exercise.number: exercise for one in chapters for exercise in exercises(one)}
    if number not in known:
        raise errors.unknown("exercise", number, known, "exercises.progress()")
    return known[number]


def exercises(chapter: int) -> tuple[Exercise, ...]:
    """All exercises of a chapter, in order. Raises ValueError for a chapter that does not exist."""
    if chapter not in CHAPTERS:
        raise ValueError(
            f"There is no chapter {chapter}. There are: {', '.join(map(str, CHAPTERS))}."
        )
    return import_module(f"workshop_utils.exercises.chapter_{chapter}").EXERCISES


def _show(what: Any) -> None:
    from IPython.display import display

    display(what)
