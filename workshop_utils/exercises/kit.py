"""The four verbs that people use: check, hint, solution, progress. And how an exercise is declared: in one record."""

import re
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from importlib import import_module
from types import SimpleNamespace
from typing import Any, NamedTuple

from workshop_utils import errors
from workshop_utils.exercises import judging, solved
from workshop_utils.exercises.judging import Raised, Unattempted, Wrong, described
from workshop_utils.exercises.verdict import Help, Verdict
from workshop_utils.tables import Table

CHAPTERS = (1, 2, 3, 4)  # the last: the ten questions at the end


@dataclass(frozen=True)
class Exercise:
    """One exercise or question, with all that notebook, helpers, slides and tests know of it.

    minutes: as its notebook says. judge: (answer, **given) -> a generator that yields what is wrong, of which the first counts,
    and returns the remark for a right answer. hints: from a nudge to nearly everything. solution: the code that replaces the stub.
    why: one line for it. mistake, nudge: the usual mistake and what to ask then, for helpers. wrong: (**given) -> a dictionary from a
    sentence, or a piece of it, to an answer that gets it. given: what the notebook hands over. options, right: of a question.
    """

    number: str
    title: str
    minutes: int
    judge: Callable[..., Generator[str, None, str]]
    wrong: Callable[..., dict[str, Any]]
    hints: tuple[str, ...]
    solution: str
    why: str
    mistake: str
    nudge: str
    given: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)
    right: str = ""


class Changed(NamedTuple):
    """A wrong answer that is the solution with one piece of its code replaced."""

    old: str
    new: str


class Chapter(list[Exercise]):
    """The exercises of a chapter, in order: to declare one is to have it here, and nothing else is to be done."""

    def exercise(self, number: str, title: str, minutes: int, *, wrong: Any, **record: Any):
        """Declares the decorated generator as the judge of an exercise. wrong: a dictionary, or a function that makes it."""

        def declare(judge: Callable) -> Callable:
            answers = wrong if callable(wrong) else lambda **_: wrong
            self.append(Exercise(number, title, minutes, judge, answers, **record))
            return judge

        return declare

    def value(self, *head: Any, expected: str, tolerance: float, **record: Any):
        """Declares an exercise whose answer is a number, or several, give or take the tolerance: the decorated function gives what it is compared with.

        The function: (**given) -> the right value, the remark for it, and sentence -> the value that this mistake gives.
        """

        def declare(values: Callable) -> Callable:
            def judge(answer: Any, **given: Any) -> Generator[str, None, str]:
                right, remark, mistakes = values(**given)
                near = {"rtol": 1e-9, "atol": tolerance}
                yield from judging.compare(answer, right, mistakes, expected, **near)
                return remark

            return self.exercise(*head, wrong=lambda **given: values(**given)[2], **record)(judge)

        return declare

    def question(self, number: str, title: str, minutes: int = 1, *, right: str, **record: Any):
        """Declares a question with lettered options; each wrong one is a misconception, and its text says why it is one.

        A, B, C, D: what is said to whoever chooses it. right: the letter of the right one.
        """
        options = {letter: record.pop(letter) for letter in "ABCD"}

        def judge(answer: Any) -> Generator[str, None, str]:
            letter = answer.strip(" .)(").upper() if isinstance(answer, str) else ""
            if letter not in options:
                yield f'Expected one letter of {", ".join(options)}, as text: "A"; came {described(answer)}.'
            if letter != right:
                yield f"{letter}: {options[letter]}"
            return options[right]

        record |= {"options": options, "right": right, "why": options[right]}
        wrong = {said: letter for letter, said in options.items() if letter != right}
        solution = f'my_choice = "{right}"'
        self.exercise(number, title, minutes, wrong=wrong, solution=solution, **record)(judge)


# what the verbs remember until the kernel ends: hints shown by exercise, and the chapter last worked on
session = SimpleNamespace(hints={}, chapter=None)


def check(number: str, answer: Any, **given: Any) -> None:
    """Judges an answer and shows the verdict; a right one is remembered for `progress()`.

    given: what the exercise needs of the notebook's own data, as its cell has it. An answer that never ends is stopped by
    the kernel's interrupt (the square). Raises ValueError for a number that does not exist, or if something given lacks.
    """
    exercise = find(number)
    lacking = ", ".join(f"{name}=..." for name in exercise.given if name not in given)
    if lacking:
        raise ValueError(f"The check of {number} needs {lacking} as well, as its cell had it.")
    session.chapter = int(exercise.number[0])
    verdict = judged(exercise, answer, **given)
    show(verdict)
    if verdict.kind == "right":
        solved.remember(exercise.number)
    elif verdict.kind in ("wrong", "raised"):
        solved.miss(exercise.number)


def judged(exercise: Exercise, answer: Any, **given: Any) -> Verdict:
    """The verdict on an answer: whatever the answer is or does, there is one."""
    number = exercise.number
    try:
        with judging.untouched_randomness():
            judging.need_attempt(answer)
            try:
                raise Wrong(next(exercise.judge(answer, **given)))
            except StopIteration as right:
                return Verdict(number, "right", right.value)
    except Unattempted as error:
        words = str(error) or 'Replace the dots "..." and run the cell again.'
        return Verdict(number, "unattempted", f'{words} exercises.hint("{number}") helps.')
    except Wrong as error:
        return Verdict(number, "wrong", f'{error} exercises.hint("{number}") helps.')
    except Raised as error:
        return Verdict(number, "raised", str(error), error.code)
    except KeyboardInterrupt:
        words = "You interrupted it before it ended. A loop that never ends? Change it and run the cell again."
        return Verdict(number, "stopped", words)
    except Exception as error:  # an answer of a kind that nobody thought of
        words = (
            f"This answer, {described(answer)}, could not be judged ({judging.in_words(error)})."
        )
        return Verdict(number, "wrong", words)


def hint(number: str) -> None:
    """Shows one hint more each time it is called."""
    exercise = find(number)
    number, hints = exercise.number, exercise.hints
    shown = session.hints[number] = min(session.hints.get(number, 0) + 1, len(hints))
    rest = len(hints) - shown
    last = f'That was the last; exercises.solution("{number}") shows the code.'
    end = f"{rest} more: run the cell again." if rest else last
    show(Help(f"{number}. Hint {shown} of {len(hints)}.", "\n".join((*hints[:shown], end))))


def solution(number: str) -> None:
    """Shows code that is right, with a line of why."""
    found = find(number)
    show(Help(f"{found.number}. One solution.", found.why, found.solution))


def progress(chapter: int | str | None = None, *, reset: bool = False) -> None:
    """Shows which exercises are solved: of one chapter, else of the one last worked on, else of all. reset: forgets them.

    Prints a code for each chapter in which something was tried, which `python -m workshop_utils room` reads; nothing is sent.
    """
    chosen = session.chapter if chapter is None else chapter
    if reset and chosen is None:
        raise ValueError("Say which chapter to begin again: exercises.progress(1, reset=True).")
    chapters = CHAPTERS if chosen is None else [chosen]
    found = [one for number in chapters for one in exercises(number)]
    if reset:
        solved.forget([one.number for one in found])
    done = solved.remembered()
    solved_or_not = lambda one: "yes" if one.number in done else "not yet"
    columns: dict[str, Any] = {"exercise": "number", "what": "title", "solved": solved_or_not}
    count = sum(one.number in done for one in found)
    caption = f"{count} of {len(found)} solved"
    show(Table(found, columns, caption))
    for number in chapters:
        ours = exercises(number)
        if standing := solved.standing(int(ours[0].number[0]), [one.number for one in ours]):
            print(f"To read out or paste, if you are asked how it goes: {standing.code}")


def guide(chapter: int) -> Table:
    """What the helpers' sheet says of a chapter's exercises."""
    columns = {"exercise": "number", "minutes": "minutes", "usual mistake": "mistake"}
    return Table(exercises(chapter), {**columns, "nudge": "nudge"})


def find(number: str) -> Exercise:
    """The exercise of that number. Raises ValueError, with those that there are, if there is none."""
    if not isinstance(number, str):
        # Python does not tell 1.1 and 1.10 apart
        ten = f' or "{number}0"' if str(number).endswith(".1") else ""
        raise ValueError(f'Put the number of the exercise in quotes: "{number}"{ten}.')
    number = number.strip(" .").replace(",", ".")
    chapters = [one for one in CHAPTERS if str(one) == number.partition(".")[0]] or CHAPTERS
    known = {exercise.number: exercise for one in chapters for exercise in exercises(one)}
    if number not in known:
        raise errors.unknown("exercise", number, known, "exercises.progress()")
    return known[number]


def exercises(chapter: int | str) -> Chapter:
    """All exercises of a chapter, in order. Raises ValueError for a chapter that does not exist."""
    for number in CHAPTERS:
        if chapter == number or str(chapter).strip(" .") == str(number):
            return import_module(f"workshop_utils.exercises.chapter_{number}").EXERCISES
    known = ", ".join(map(str, CHAPTERS))
    raise ValueError(f"There is no chapter {chapter}. There are: {known}.")


def show(what: Any) -> None:
    from IPython.display import display

    display(what)


def remind_of_quotes(result: Any) -> None:
    """After a cell such as `my_choice = B`, which Python stops before a check sees it: what to type, below Python's own words."""
    error, source = result.error_in_exec, result.info.raw_cell
    name = getattr(error, "name", None) if isinstance(error, NameError) else None
    if name and re.search(rf"^my_\w+ *=.*\b{name}\b(?![.(])", source, re.MULTILINE):
        words = f'Python looks for a variable called {name}. If {name} is your answer, it is text: put it in quotes, "{name}".'
        show(Help("Not attempted yet.", words))


if shell := getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)():  # in a notebook
    shell.events.register("post_run_cell", remind_of_quotes)
