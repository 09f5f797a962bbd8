"""From official files to tensors: full Fashion-MNIST, and 58,954 small JPEGs like those of Medical MNIST."""

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Callable

import numpy as np
from PIL import Image

from workshop_utils import data

FASHION = Path("/usr/share/datasets/fashion-mnist")  # Debian's package dataset-fashion-mnist, where it is installed
COUNTS = {"AbdomenCT": 10_000, "BreastMRI": 8_954, "CXR": 10_000, "ChestCT": 10_000, "Hand": 10_000, "HeadCT": 10_000}


def table() -> str:
    rows = []
    if FASHION.is_dir():
        rows.append(_row("full Fashion-MNIST, train, from its four official files", lambda: data.load("fashion-mnist", root=FASHION), 1.5))
    with tempfile.TemporaryDirectory() as root:
        os.environ["WORKSHOP_DATA"] = f"{root}/home"
        _scans(Path(root, "scans"))
        first = lambda: (shutil.rmtree(f"{root}/home", ignore_errors=True), data.load("medical-mnist", root=f"{root}/scans"))
        rows.append(_row("58,954 JPEGs of 64 x 64, decoded and kept", first, None, repeats=3))
        rows.append(_row("the same, second load", lambda: data.load("medical-mnist", root=f"{root}/scans"), 1.0))
    return "\n".join(["| what | seconds: median (range) | target |", "| --- | --- | --- |", *rows])


def _row(name: str, work: Callable, target: float | None, repeats: int = 5) -> str:
    seconds = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    seconds = sorted(seconds[1:])  # the first one warms the disk's cache up
    return f"| {name} | {seconds[len(seconds) // 2]:.2f} ({seconds[0]:.2f} to {seconds[-1]:.2f}) | {f'under {target}' if target else ''} |"


def _scans(folder: Path) -> None:
    """As many files as Medical MNIST has, from 200 different smooth grey pictures."""
    random = np.random.default_rng(0)
    kinds = []
    for _ in range(200):
        coarse = Image.fromarray(random.integers(0, 256, (9, 9), dtype=np.uint8)).resize((64, 64), Image.Resampling.BICUBIC)
        coarse.save(folder.with_suffix(".jpeg"), "JPEG")
        kinds.append(folder.with_suffix(".jpeg").read_bytes())
    for name, count in COUNTS.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            (folder / name / f"{number:06}.jpeg").write_bytes(kinds[number % len(kinds)])
