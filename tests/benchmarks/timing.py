"""Interleaved measuring: every contender once a round, in turn, so that a busy moment hits all of them alike."""

import statistics
import time
from typing import Callable


def interleaved(contenders: dict[str, Callable[[], int]], rounds: int = 7) -> dict[str, list[float]]:
    """Items a second of each contender, one value a round; the first round warms up and does not count.

    A contender does its work once and returns how many items it handled.
    """
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, work in contenders.items():
            began = time.perf_counter()
            items = work()
            if number:
                rates[name].append(items / (time.perf_counter() - began))
    return rates


def spread(values: list[float]) -> str:
    """Median, lowest and highest, as a table's cell."""
    return f"{statistics.median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})"


def ratio(values: list[float], base: list[float]) -> float:
    """The median over the rounds of one contender's rate by another's in the same round."""
    return statistics.median(value / other for value, other in zip(values, base))
