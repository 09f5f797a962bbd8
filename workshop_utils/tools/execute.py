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

WIDGET = "application/vnd.jupyter.widget-view+json"


def add_arguments(parser) -> None:
    parser.add_argument(
        "notebooks", type=Path, nargs="*", help="notebook files; all of the course if none is given"
    )


def run(options) -> int:
    for path in options.notebooks or paths.notebooks():
        began = time.perf_counter()
        notebook = execute(nbformat.read(path, as_version=4), path)
        nbformat.write(notebook, path)
        print(
            f"{path.name}: {sum(cell.cell_type == 'code' for cell in notebook.cells)} cells in {time.perf_counter() - began:.0f} s"
        )
    return 0


def execute(notebook: nbformat.NotebookNode, path: Path) -> nbformat.NotebookNode:
    """The notebook with fresh, normalised outputs. Raises RuntimeError, naming the cell, for what must not be stored."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    # what the maintainer has solved stays out of the stored outputs
    with (
        tempfile.TemporaryDirectory() as progress_folder,
        client.setup_kernel(env={**os.environ, "WORKSHOP_PROGRESS": progress_folder}),
    ):
        for place, cell in progress(list(enumerate(notebook.cells)), path.name):
            try:
                client.execute_cell(cell, place)
            except CellExecutionError as error:
                raise RuntimeError(f"{path.name}, cell {place}: {error}") from None
    return normalise(notebook, path)


def normalise(notebook: nbformat.NotebookNode, path: Path) -> nbformat.NotebookNode:
    """The notebook without what differs between computers. Raises RuntimeError for stderr text and for local paths."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    for number, cell in enumerate(code, 1):
        cell.execution_count = number
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
            if output.get("name") == "stderr":
                raise RuntimeError(
                    f"{path.name}, code cell {number} wrote to stderr: {output.text.strip()}"
                )
            output.get("data", {}).pop(WIDGET, None)
            shown = str({kind: value for kind, value in output.items() if kind != "data"}) + str(
                {
                    kind: value
                    for kind, value in output.get("data", {}).items()
                    if not kind.startswith("image/")
                }
            )
            for local in {str(Path.home()), str(paths.HOME), sys.prefix}:
                if local in shown:
                    raise RuntimeError(
                        f"{path.name}, code cell {number} shows a path of this computer: {local}"
                    )
    return notebook
