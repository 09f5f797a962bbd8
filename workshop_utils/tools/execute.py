"""Runs notebooks from a fresh kernel and stores what they printed: the only way in which outputs are made.

A notebook is written only if every cell ran, nothing was written to stderr, and no path of this computer was shown.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat

from workshop_utils import paths
from workshop_utils.progress import progress

COLAB = {"generative_ai_disabled": True}  # nothing there fills in an exercise unasked
WIDGET = "application/vnd.jupyter.widget-view+json"


def add_arguments(parser) -> None:
    every = "notebook files; all of the course if none is given"
    parser.add_argument("notebooks", type=Path, nargs="*", help=every)


def run(options) -> int:
    for path in options.notebooks or paths.notebooks():
        began = time.perf_counter()
        notebook = execute(read(path), path)
        write(notebook, path)
        cells, seconds = len(_code(notebook)), time.perf_counter() - began
        print(f"{path.name}: {cells} cells in {seconds:.0f} s")
    return 0


def read(path: Path) -> nbformat.NotebookNode:
    """A notebook. Raises ValueError, with the file's name, for what is none, OSError for what cannot be read."""
    with paths.reading(path):
        raw = path.read_bytes()
    try:
        notebook = nbformat.reads(raw.decode("utf-8-sig"), as_version=4)
        nbformat.validate(notebook)
    except Exception as error:  # JSON of any kind fails in many ways
        reason = (str(error).splitlines() or [""])[0][:200]
        raise ValueError(
            f"'{path}' is no notebook that can be read ({type(error).__name__}: {reason}). "
            "From GitHub, take the raw file, not the page; marks of a merge (<<<<<<<) are taken out by hand."
        ) from None
    return notebook


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Writes a notebook whole or not at all; the one that was there may hold somebody's work."""
    paths.write(path, f"{nbformat.writes(notebook).rstrip()}\n".encode())


def execute(notebook: nbformat.NotebookNode, path: Path) -> nbformat.NotebookNode:
    """The notebook with fresh, normalised outputs. Raises RuntimeError, naming the cell, for what must not be stored."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    where = {"metadata": {"path": str(path.parent)}}
    # the kernel that a notebook names, such as an editor's .venv, may be of another computer
    client = NotebookClient(
        notebook, resources=where, kernel_name="python3", timeout=300, record_timing=False
    )
    # what the maintainer has solved stays out of the stored outputs
    with (
        tempfile.TemporaryDirectory() as folder,
        client.setup_kernel(env={**os.environ, "WORKSHOP_PROGRESS": folder}),
    ):
        for place, cell in progress(list(enumerate(notebook.cells)), path.name):
            try:
                client.execute_cell(cell, place)
            except (CellExecutionError, DeadKernelError) as error:
                raise RuntimeError(f"{path.name}, cell {place}: {error}") from None
    return normalise(notebook, path)


def normalise(notebook: nbformat.NotebookNode, path: Path) -> nbformat.NotebookNode:
    """The notebook without what differs between computers. Raises RuntimeError for stderr text and for local paths."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = {"colab": COLAB, "kernelspec": kernel, "language_info": {"name": "python"}}
    for number, cell in enumerate(filter(lambda cell: cell.source.strip(), _code(notebook)), 1):
        cell.execution_count, where = number, f"{path.name}, code cell {number}"
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
            if output.get("name") == "stderr":
                raise RuntimeError(f"{where} wrote to stderr: {output.text.strip()}")
            data = output.get("data", {})
            data.pop(WIDGET, None)
            if not output.get("metadata", {}).get("image/png", {}).get("storable", True):
                del data["image/png"], output.metadata["image/png"]
            words = [data[kind] for kind in data if not kind.startswith("image/")]
            for local in {str(Path.home()), str(paths.HOME), sys.prefix}:
                if local in str({**output, "data": words}):
                    raise RuntimeError(f"{where} shows a path of this computer: {local}")
    return notebook


def _code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]
