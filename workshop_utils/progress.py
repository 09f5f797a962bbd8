"""The one progress bar of the course."""

from typing import Iterable


def progress(steps: Iterable | None = None, description: str = "", total: int | None = None):
    """`steps`, counted by a bar while they are walked through: a widget in a notebook, a line of text in a terminal.
    Without steps, a bar whose `update()` counts.

    The text that a notebook stores for it holds no time and no rate, so that it is the same on every machine.
    """
    from tqdm.auto import tqdm

    return tqdm(steps, desc=description, total=total, leave=False, bar_format="{desc} {bar}")
