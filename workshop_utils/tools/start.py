"""Opens a chapter in JupyterLab, as your own copy in my-workshop/.

The copy has no outputs, so that you see the question before the result. It is never overwritten: --fresh makes a new
one and keeps the old one under a name with the date.
"""

import os
import subprocess
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from workshop_utils import paths
from workshop_utils.tools import execute, links

MINE = paths.HOME / "my-workshop"
AT_WORK = paths.NOTEBOOKS / "at_work.py"
# switches off JupyterLab's question about news, which would need a network
SETTINGS = Path(__file__).with_name("jupyter")


def add_arguments(parser) -> None:
    add = parser.add_argument
    add("chapter", type=int, nargs="?", default=1, help="which chapter to open: 1, 2 or 3")
    add("--fresh", action="store_true", help="begin this chapter again; the old copy is kept")
    add("--no-browser", action="store_true", help="print the address and open no browser")


def run(options) -> int:
    paths.data_home()  # without a home JupyterLab would end in a stack trace
    chosen = working_copy(paths.chapter(options.chapter), fresh=options.fresh)
    for other in paths.notebooks():
        working_copy(other)
    here = chosen.relative_to(paths.HOME)
    print(f"Your copy is {here}. Stop JupyterLab with Ctrl+C; what you saved stays.")
    take_along(MINE)  # takes seconds, the first time more: the sentence comes before
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={paths.HOME}"]
    command.append(f"--LabApp.default_url=/lab/tree/{here.as_posix()}")
    if options.no_browser:
        command.append("--no-browser")
    # in a container root is often the only user; JupyterLab listens on this computer alone
    if getattr(os, "geteuid", lambda: 1)() == 0:
        command.append("--allow-root")
    settings = os.pathsep.join(filter(None, [str(SETTINGS), os.environ.get("JUPYTER_CONFIG_PATH")]))
    environment = {**os.environ, "JUPYTER_CONFIG_PATH": settings}
    try:
        return subprocess.call(command, cwd=paths.HOME, env=environment)
    except KeyboardInterrupt:
        return 0


def take_along(folder: Path) -> None:
    """at_work.py and the weights that it reads, beside the notebooks, where they are missing."""
    if not (folder / AT_WORK.name).exists():
        paths.write(folder / AT_WORK.name, AT_WORK.read_bytes())
    if not any(folder.glob("*.safetensors")):
        from workshop_utils import models  # takes seconds

        with suppress(RuntimeError):  # their package is missing: at_work.py asks timm's hub instead
            models.weights_file("efficientnet_lite0", folder)


def working_copy(original: Path, *, fresh: bool = False, folder: Path | None = None) -> Path:
    """The attendee's copy of a notebook, made with cleared outputs where there is none; nothing is ever overwritten.

    fresh: an existing copy is renamed with date and time, and a new one made. folder: where copies lie, my-workshop if not given.
    Raises OSError, with what to do, where they cannot be written.
    """
    # in the same place, so that links between notebooks hold
    copy = (folder or MINE) / original.relative_to(paths.NOTEBOOKS)
    if copy.exists() and fresh:
        old = copy.with_name(f"{copy.stem}.{datetime.now():%Y-%m-%d_%H-%M-%S}.ipynb")
        while old.exists():  # twice within a second
            old = old.with_name(f"{old.stem}_again.ipynb")
        with paths.writing(old):
            copy.rename(old)
        print(f"Your old copy is now {old.relative_to(paths.HOME)}.")
    if not copy.exists():
        notebook = execute.read(original)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
            cell.source = links.without_pictures(cell.source)  # which are none without a network
        execute.write(notebook, copy)
    return copy
