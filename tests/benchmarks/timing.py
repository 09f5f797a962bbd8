"""Interleaved measuring: every contender once a round, in turn, so that a busy moment hits all of them alike."""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import torch


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """(seconds, what it gave)"""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def in_turn(contenders: dict[Any, Callable[[], Any]], rounds: int = 7) -> dict[Any, list]:
    """What each contender gave, one value a round; the first round warms up and does not count."""
    found: dict[Any, list] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, work in contenders.items():
            value = work()
            if number:
                found[name].append(value)
    return found


def interleaved(
    contenders: dict[Any, Callable[[], int]], rounds: int = 7
) -> dict[Any, list[float]]:
    """Items a second of each contender, which does its work once and returns how many items it handled."""
    found = in_turn({name: partial(timed, work) for name, work in contenders.items()}, rounds)
    return {name: [items / taken for taken, items in values] for name, values in found.items()}


def seconds(work: Callable[[], Any], rounds: int = 7) -> list[float]:
    """How long one piece of work takes that is compared with nothing but its target."""
    return [taken for taken, _ in in_turn({"": partial(timed, work)}, rounds)[""]]


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Median, lowest and highest, as a table's cell."""
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def ratio(values: Sequence[float], base: Sequence[float]) -> float:
    """The median over the rounds of one contender's value by another's in the same round."""
    return statistics.median(value / other for value, other in zip(values, base))


def markdown(note: str, columns: Sequence[str], rows: Iterable[Sequence]) -> str:
    """A table under a line that says how it was measured, the pinned threads first."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(
        [
            f"torch.set_num_threads({torch.get_num_threads()}). {note}",
            "",
            *(f"| {' | '.join(map(str, line))} |" for line in lines),
        ]
    )
