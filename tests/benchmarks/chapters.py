"""Each notebook from a cold kernel to its last cell, on two cores and on one: seconds, the slowest cells, memory.

Machines differ, and so do their hours: beside the seconds stands how many times 1,000 passes of the backbone they are.
"""

import os
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import nbformat
import psutil
import torch
from nbclient import NotebookClient

from tests.benchmarks.timing import markdown, seconds, timed
from workshop_utils import models, paths

TARGET = {  # seconds on two cores, and bytes
    "01_datasets_and_evaluation": (25, 1.0e9),
    "02_cnn_architectures": (30, 1.1e9),
    "03_transfer_learning": (45, 1.2e9),
}
COMPANION, CELL = (90, 1.5e9), 12
CORES, SLOWEST = (2, 1), 5
PASSES = 1000
RATIO = 3.5  # 60 s, where 1,000 passes take 17 s: the machine of RESULTS.md's table of batches


@dataclass
class Run:
    """seconds: from starting the kernel to the last answer. cells: seconds by "section, In[number]". memory: bytes at the peak, children included."""

    seconds: float = 0.0
    cells: dict[str, float] = field(default_factory=dict)
    memory: int = 0


def table() -> str:
    rows = [
        _row(path, cores, passes(cores), run(path, cores))
        for path in paths.notebooks()
        for cores in CORES
    ]
    return markdown(
        "Kernels use as many threads as cores. One run each and no warm-up, for a cold kernel is what is measured. On two cores a chapter takes at most "
        f"{RATIO} times the seconds in which EfficientNet-Lite0 reads {PASSES:,} pictures, measured before each notebook.",
        [
            "notebook",
            "cores",
            "part of the target",
            "target",
            "seconds",
            f"times {PASSES:,} passes",
            "slowest cell, part of the target",
            "target",
            f"the {SLOWEST} slowest cells: section, cell, seconds",
            "memory, part of the target",
            "target",
            "memory, MB",
        ],
        rows,
    )


def passes(cores: int) -> float:
    """The seconds in which EfficientNet-Lite0 reads 1,000 pictures in batches of 8 on this machine, now."""
    net, pictures = (
        models.build("efficientnet_lite0", classes=1000).eval(),
        torch.zeros(8, 3, 224, 224),
    )
    usual = torch.get_num_threads()
    torch.set_num_threads(cores)
    with torch.inference_mode():
        taken = seconds(lambda: [net(pictures) for _ in range(5)])
    torch.set_num_threads(usual)
    return statistics.median(taken) * PASSES / (5 * len(pictures))


def _row(path: Path, cores: int, unit: float, run: Run) -> tuple:
    target, most = TARGET.get(path.stem, COMPANION)
    slowest = sorted(run.cells, key=run.cells.get, reverse=True)[:SLOWEST]
    return (
        path.stem,
        cores,
        f"{run.seconds / target:.2f}",
        f"{target} s",
        f"{run.seconds:.1f}",
        f"{run.seconds / unit:.2f}",
        f"{run.cells[slowest[0]] / CELL:.2f}",
        f"{CELL} s",
        ", ".join(f"{name} {run.cells[name]:.1f}" for name in slowest),
        f"{run.memory / most:.2f}",
        f"{most / 1e6:,.0f} MB",
        f"{run.memory / 1e6:,.0f}",
    )


def run(path: Path, cores: int, *, source: str = "bundled", **environment: str) -> Run:
    """Runs a notebook in a copy of the course, so that nothing is written into this one. Raises nbclient's error if a cell fails."""
    found, section = Run(), "0"
    with tempfile.TemporaryDirectory() as home:
        for part in ("workshop_utils", "notebooks"):
            shutil.copytree(paths.HOME / part, Path(home, part))
        path = Path(home, path.relative_to(paths.HOME))
        notebook = nbformat.read(path, as_version=4)
        client = NotebookClient(
            notebook,
            timeout=600,
            kernel_name="python3",
            resources={"metadata": {"path": str(path.parent)}},
        )
        began = time.perf_counter()
        with (
            client.setup_kernel(
                env={
                    **os.environ,
                    "OMP_NUM_THREADS": str(cores),
                    "WORKSHOP_PROGRESS": home,
                    **environment,
                }
            ),
            watched(psutil.Process(client.km.provisioner.pid), cores) as memory,
        ):
            for place, cell in enumerate(notebook.cells):
                if cell.cell_type == "markdown" and cell.source.startswith("## "):
                    section = cell.source.split()[1].rstrip(".")
                elif cell.cell_type == "code":
                    cell.source = cell.source.replace('SOURCE = "bundled"', f'SOURCE = "{source}"')
                    found.cells[f"{section}, In[{len(found.cells) + 1}]"], _ = timed(
                        partial(client.execute_cell, cell, place)
                    )
            found.seconds, found.memory = time.perf_counter() - began, max(memory)
    return found


@contextmanager
def watched(kernel: psutil.Process, cores: int) -> Iterator[list[int]]:
    """Keeps a kernel to the first cores, and lists the memory that it and its children take, every tenth of a second."""
    if hasattr(kernel, "cpu_affinity"):  # not on a Mac
        kernel.cpu_affinity(kernel.cpu_affinity()[:cores])
    found, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            with suppress(psutil.Error):  # one of them has just ended
                found.append(
                    sum(
                        process.memory_info().rss
                        for process in (kernel, *kernel.children(recursive=True))
                    )
                )

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
