"""Whose small net is best? A run becomes a short code to read out or paste, and codes become one ranking, without a network."""

import re
from typing import NamedTuple

from torch import nn

from workshop_utils import journal
from workshop_utils.evaluation import Evaluation
from workshop_utils.figure import COLOURS, Figure
from workshop_utils.training import History

BUDGET = 50_000  # parameters; a larger net is listed, but not ranked
BOARD, COURSE = "scoreboard.txt", "course"
STOPPED = re.compile(r"stopped-(\d+)-of-(\d+)")
CODE = re.compile(
    rf"([\w-]{{1,20}}):(\d{{1,3}}\.\d\d):(\d{{1,12}}):(\d{{1,6}})(?::({COURSE}|{STOPPED.pattern}))?:[0-9a-f]{{3}}"
)
codes_here: dict[str, None] = {}  # of this kernel, in order: the folder may not be writable


class Run(NamedTuple):
    """One training of one net. accuracy: in percent; seconds: of training; note: "course", "stopped-2-of-4" or nothing."""

    name: str
    accuracy: float
    parameters: int
    seconds: int
    note: str = ""

    @property
    def code(self) -> str:
        """The run as text without spaces."""
        parts = [self.name, f"{self.accuracy:.2f}", str(self.parameters), str(self.seconds)]
        return journal.sealed(":".join([*parts, self.note] if self.note else parts))

    @property
    def unranked(self) -> str:
        """Why it has no place among the others; nothing where it has one."""
        if stopped := STOPPED.fullmatch(self.note):
            return f"stopped by you after {stopped[1]} of {stopped[2]} epochs; not a result"
        if self.note:
            return "begun from a net of the course"
        return "too large" if self.parameters > BUDGET else ""


def keep(name: str, net: nn.Module, result: Evaluation, history: History) -> Figure:
    """Puts a trained net, any nn.Module, on the scoreboard under a name, prints the code of the run, and gives the ranking.

    A net of the course or an interrupted training gets no place, and why is said. Kept beyond the kernel, or it says why not.
    """
    name = re.sub(r"[^\w-]+", "-", str(name).strip())[:20] or "nobody"
    parameters = sum(parameter.numel() for parameter in net.parameters())
    note = COURSE if hasattr(net, "of_the_course") else ""
    if history.stopped == "interrupted":
        note = f"stopped-{len(history.loss)}-of-{history.epochs}"
    run = Run(name, round(100 * result.accuracy, 2), parameters, round(history.seconds), note)
    stored = _store([run.code])
    why = f", without a place ({run.unranked})" if run.unranked else ""
    print(f"{run.name} is on the scoreboard{why}. The code of this run: {run.code}")
    return _ranking(stored)


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
    return _ranking(stored)


def _ranking(codes: list[str]) -> Figure:
    """All runs, those with a place first: a dot at the accuracy, and beside it what it took."""
    runs = [*filter(None, map(_read, codes))]
    runs.sort(key=lambda run: (bool(run.unranked), -run.accuracy, run.parameters))
    figure = Figure("Scoreboard", (10, 0.38 * max(len(runs), 1) + 0.9))
    labels: list[str] = []
    facts: list[str] = []
    if not runs:
        way = "scoreboard.keep(name, net, result, history) puts a run on it."
        figure.description = f"The scoreboard is empty. {way}"
        return figure
    axes = figure.subplots()
    for place, run in enumerate(runs):
        labels.append(run.name if run.unranked else f"{place + 1}. {run.name}")
        size = f"{run.accuracy:.2f} %, {run.parameters:,} parameters, {run.seconds} s"
        facts.append(f"{size}\n({run.unranked})" if run.unranked else size)
        dot = {"marker": "D", "mfc": "white"} if run.unranked else {"marker": "o"}
        axes.plot(run.accuracy, place, color=COLOURS[bool(run.unranked)], markersize=8, **dot)
        beside = {"va": "center", "fontsize": 10, "transform": axes.get_yaxis_transform()}
        axes.text(1.02, place, facts[-1], **beside)
    axes.set_yticks(range(len(runs)), labels)
    axes.grid(axis="y", color="#dddddd")
    axes.set(ylim=(len(runs) - 0.5, -0.5), xmargin=0.1)
    axes.set_xlabel("test accuracy, % (the axis does not begin at 0)")
    minutes = sum(run.seconds for run in runs) / 60
    many = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    said = " ".join(f"{one}: {fact}." for one, fact in zip(labels, facts)).replace("\n", " ")
    figure.description = f"{many}, which took {minutes:.1f} minutes of training together. {said}"
    return figure


def _read(code: str) -> Run | None:
    if not (parts := CODE.fullmatch(code)):
        return None
    run = Run(parts[1], float(parts[2]), int(parts[3]), int(parts[4]), parts[5] or "")
    return run if run.code == code and run.accuracy <= 100 else None


def _store(codes: list[str]) -> list[str]:
    """Adds codes and returns all that there are; those that the folder cannot hold stay until the kernel ends."""
    codes_here.update(dict.fromkeys(codes))
    kept: list[str] = []
    try:
        kept = journal.load(BOARD)
        known = set(kept)
        if new := [code for code in codes_here if code not in known]:
            journal.change(BOARD, add=new)
    except OSError as error:
        print(f"What is new on the scoreboard stays until this kernel ends. {error}")
    return list(dict.fromkeys([*kept, *codes_here]))
