"""Chapters 2 and 3 where there is a GPU: seconds, the slowest cell, and how busy the device was."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import mean

import torch

from tests.benchmarks.chapters import TARGET, run
from tests.benchmarks.timing import markdown
from workshop_utils import data, paths


def table() -> str:
    there, source = (
        torch.cuda.is_available(),
        "full" if _at_hand("mnist") else "bundled",
    )  # chapter 2 reads it; chapter 3 has no other source
    rows = [_row(number, source) for number in (2, 3)] if there else [("no GPU at hand", *[""] * 5)]
    return markdown(
        f'{torch.cuda.get_device_name()}, SOURCE = "{source}", one run each.' if there else "",
        [
            "chapter",
            "part of the target",
            "target",
            "seconds",
            "slowest cell, seconds",
            "GPU busy, mean of a sample a second",
        ],
        rows,
    )


def _row(number: int, source: str) -> tuple:
    path = paths.chapter(number)
    with sampled("utilization.gpu") as busy:
        found = run(path, torch.get_num_threads(), source=source, WORKSHOP_DEVICE="cuda")
    target, _ = TARGET[path.stem]
    return (
        number,
        f"{found.seconds / target:.2f}",
        f"{target} s",
        f"{found.seconds:.1f}",
        f"{max(found.cells.values()):.1f}",
        f"{mean(busy or [0]):.0f} %",
    )


def _at_hand(name: str) -> bool:
    try:
        return bool(data.load(name, source="full", download=False))
    except (OSError, ValueError):  # no such files; a damaged one
        return False


@contextmanager
def sampled(what: str) -> Iterator[list[int]]:
    """What nvidia-smi says every second; the list is filled at the end."""
    found: list[int] = []
    with subprocess.Popen(
        ["nvidia-smi", f"--query-gpu={what}", "--format=csv,noheader,nounits", "--loop=1"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield found
        finally:
            process.terminate()
            found += map(int, process.stdout.read().split())
