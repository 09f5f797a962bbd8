"""Whose small net is best? A run becomes a short code to read out or paste, and codes become one ranking, without a network."""

import hashlib
import re
from typing import NamedTuple

from torch import nn

from workshop_utils import journal
from workshop_utils.evaluation import Evaluation
from workshop_utils.figure import COLOURS, HATCHES, Figure
from workshop_utils.training import History

BUDGET = 50_000  # parameters; a larger net is listed, but not ranked
SHOWN, BOARD = 20, "scoreboard.txt"
_here: dict[str, None] = {}  # this kernel's codes, in order: the folder may not be writable


class Run(NamedTuple):
    """One training of one net. accuracy: in percent; seconds: of training."""

    name: str
    accuracy: float
    parameters: int
    seconds: int

    @property
    def code(self) -> str:
        """The run as text without spaces; the end is computed from the rest, so that a slip of reading is noticed."""
        text = f"{self.name}:{self.accuracy:.2f}:{self.parameters}:{self.seconds}"
        return f"{text}:{hashlib.sha1(text.encode()).hexdigest()[:3]}"


def keep(name: str, net: nn.Module, result: Evaluation, history: History) -> None:
    """Puts a trained net on the scoreboard under a name, and prints the code of the run. Kept when the kernel ends, or a sentence says why not."""
    name = re.sub(r"[^\w-]+", "-", name.strip())[:20] or "nobody"
    parameters = sum(parameter.numel() for parameter in net.parameters())
    run = Run(name, round(100 * result.accuracy, 2), parameters, round(history.seconds))
    _store([run.code])
    print(f"{run.name} is on the scoreboard. The code of this run: {run.code}")


def add(codes: str = "") -> Figure:
    """The ranking of all runs, after adding those of other people: codes, as `keep` prints them, with spaces, commas or line ends between.

    Best accuracy first, of equals the smaller net. Prints a sentence for each code that cannot be read; the others are kept.
    """
    given = [code for code in re.split(r"[\s,;]+", codes) if code]
    stored = _store([code for code in given if _read(code)])
    for code in given:
        if not _read(code):
            print(
                f"'{code[:60]}' is no code, or one character of it is wrong. A code looks like {Run('anna', 87.5, 21_000, 9).code}"
            )
    rank = lambda run: (run.parameters > BUDGET, -run.accuracy, run.parameters)
    return _figure(sorted(filter(None, map(_read, stored)), key=rank))


def forget() -> None:
    """Empties the board of this kernel, as a new kernel would; what the folder keeps stays."""
    _here.clear()


def _figure(runs: list[Run]) -> Figure:
    shown, labels, facts = runs[:SHOWN], [], []
    figure = Figure("Scoreboard", (10, 0.42 * max(len(shown), 1) + 0.9))
    if not runs:
        way = "scoreboard.keep(name, net, result, history) puts a run on it."
        figure.description = f"The scoreboard is empty. {way}"
        return figure
    axes = figure.subplots()
    accuracies = [run.accuracy for run in shown]
    bars = axes.barh(range(len(shown)), accuracies, color=COLOURS[0], edgecolor="white")
    for place, (bar, run) in enumerate(zip(bars, shown), 1):
        labels.append(f"{place}. {run.name}")
        if run.parameters > BUDGET:
            bar.set(color=COLOURS[1], hatch=HATCHES[1])
            labels[-1] = f"{run.name} (too large)"
        size = f"{run.parameters:,} parameters"
        facts.append(f"{run.accuracy:.2f} %, {size}, {run.seconds} s")
    axes.bar_label(bars, facts, padding=3)
    axes.set_yticks(range(len(shown)), labels)
    axes.invert_yaxis()
    axes.set(xlabel="test accuracy, %", xlim=(0, 155), xticks=range(0, 101, 20))
    minutes = sum(run.seconds for run in runs) / 60
    figure.description = (
        f"The {len(shown)} best of {len(runs)} runs, which took {minutes:.1f} minutes of training together. "
        + " ".join(f"{label}: {fact}." for label, fact in zip(labels, facts))
    )
    return figure


def _read(code: str) -> Run | None:
    parts = re.fullmatch(r"([\w-]{1,20}):(\d{1,3}\.\d\d):(\d{1,12}):(\d{1,6}):[0-9a-f]{3}", code)
    run = Run(parts[1], float(parts[2]), int(parts[3]), int(parts[4])) if parts else None
    return run if run and run.code == code and run.accuracy <= 100 else None


def _store(codes: list[str]) -> list[str]:
    """Adds codes and returns all that there are; those that the folder cannot hold stay until the kernel ends."""
    _here.update(dict.fromkeys(codes))
    kept: list[str] = []
    try:
        kept = journal.load(BOARD)
        known = set(kept)
        if new := [code for code in _here if code not in known]:
            journal.change(BOARD, add=new)
    except OSError as error:
        print(f"What is new on the scoreboard stays until this kernel ends. {error}")
    return list(dict.fromkeys([*kept, *_here]))
