"""Opens a chapter in JupyterLab, as your own copy in my-workshop/.

The copy has no outputs, so that you see the question before the result. It is never overwritten: --fresh makes a new
one and keeps the old one under a name with the date.
"""

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import nbformat

from workshop_utils import paths

MINE = paths.HOME / "my-workshop"
SETTINGS = Path(__file__).with_name(
    "jupyter"
)  # switches off JupyterLab's question about news, which would need a network


def add_arguments(parser) -> None:
    parser.add_argument(
        "chapter", type=int, nargs="?", default=1, help="which chapter to open: 1, 2 or 3"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="begin this chapter again; the old copy is kept"
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="print the address and open no browser"
    )


def run(options) -> int:
    chosen = working_copy(paths.chapter(options.chapter), fresh=options.fresh)
    for other in paths.notebooks():
        working_copy(other)
    print(
        f"Your copy is {chosen.relative_to(paths.HOME)}. Stop JupyterLab with Ctrl+C; what you saved stays."
    )
    extra = ["--no-browser"] if options.no_browser else []
    if (
        getattr(os, "geteuid", lambda: 1)() == 0
    ):  # in a container root is often the only user; JupyterLab listens on this computer alone
        extra.append("--allow-root")
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={paths.HOME}",
        f"--LabApp.default_url=/lab/tree/{chosen.relative_to(paths.HOME).as_posix()}",
        *extra,
    ]
    settings = os.pathsep.join(filter(None, [str(SETTINGS), os.environ.get("JUPYTER_CONFIG_PATH")]))
    try:
        return subprocess.call(
            command, cwd=paths.HOME, env={**os.environ, "JUPYTER_CONFIG_PATH": settings}
        )
    except KeyboardInterrupt:
        return 0


def working_copy(original: Path, *, fresh: bool = False, folder: Path | None = None) -> Path:
    """The attendee's copy of a notebook, made with cleared outputs where there is none; nothing is ever overwritten.

    fresh: an existing copy is renamed with date and time, and a new one made. folder: where copies lie, my-workshop if not given.
    Raises OSError, with what to do, where they cannot be written.
    """
    copy = (folder or MINE) / original.relative_to(
        paths.NOTEBOOKS
    )  # in the same place, so that links between notebooks hold
    if copy.exists() and fresh:
        old = copy.with_name(f"{copy.stem}.{datetime.now():%Y-%m-%d_%H-%M-%S}.ipynb")
        while old.exists():  # twice within a second
            old = old.with_name(f"{old.stem}_again.ipynb")
        with paths.writing(old):
            copy.rename(old)
        print(f"Your old copy is now {old.relative_to(paths.HOME)}.")
    if not copy.exists():
        notebook = nbformat.read(original, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        paths.write(copy, f"{nbformat.writes(notebook)}\n".encode())
    return copy
