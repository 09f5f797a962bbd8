"""The one progress bar of the course."""

import io
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Watcher = Callable[[str, int, int | None], None]
_watcher: ContextVar[Any] = ContextVar("watcher", default=None)


def progress(steps: Iterable | None = None, description: str = "", total: int | None = None):
    """`steps`, counted by a bar while they are walked through: a widget in a notebook, a line of text in a terminal.
    Without steps, a bar whose `update()` counts.

    The text that a notebook stores for it holds no time and no rate, so that it is the same on every machine.
    """
    import tqdm.auto

    if not (watcher := _watcher.get()):
        look = {"leave": False, "bar_format": "{desc} {bar}"}
        return tqdm.auto.tqdm(steps, desc=description, total=total, **look)

    class Watched(tqdm.tqdm):
        monitor_interval = 0  # no thread

        def display(self, *_, **__):
            watcher(description, self.n, self.total)

    return Watched(steps, total=total, file=io.StringIO())


@contextmanager
def watched_by(watcher: Watcher):
    """Inside, no bar is drawn: watcher(description, done, total) is told instead.

    For panels: a bar that a panel's callback draws would appear in some other cell.
    """
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)
