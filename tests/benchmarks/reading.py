"""From official files to tensors: full Fashion-MNIST, and 58,954 small JPEGs like those of Medical MNIST."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from tests.benchmarks import fashion
from tests.benchmarks.timing import markdown, seconds, spread
from workshop_utils import data

COUNTS = {
    "AbdomenCT": 10_000,
    "BreastMRI": 8_954,
    "CXR": 10_000,
    "ChestCT": 10_000,
    "Hand": 10_000,
    "HeadCT": 10_000,
}
TARGETS = {"fashion": 1.5, "first": 15.0, "second": 1.0}  # seconds


def table() -> str:
    rows = []
    if fashion.FULL:
        rows.append(
            _row(
                "full Fashion-MNIST, train, from its four official files",
                fashion.load,
                TARGETS["fashion"],
            )
        )
    with tempfile.TemporaryDirectory() as root:
        os.environ["WORKSHOP_DATA"] = f"{root}/home"
        _scans(Path(root, "scans"))
        scans = lambda: data.load("medical-mnist", root=f"{root}/scans")
        rows.append(
            _row(
                "58,954 JPEGs of 64 x 64, decoded and kept",
                lambda: (shutil.rmtree(f"{root}/home", ignore_errors=True), scans()),
                TARGETS["first"],
            )
        )
        rows.append(_row("the same, second load", scans, TARGETS["second"]))
        del os.environ["WORKSHOP_DATA"]
    return markdown("Median of five.", ["what", "part of the target", "target", "seconds"], rows)


def _row(name: str, work: Callable, target: float) -> tuple:
    values = seconds(work, 5)
    return name, f"{median(values) / target:.2f}", f"under {target} s", spread(values, 2)


def _scans(folder: Path) -> None:
    """As many files as Medical MNIST has, from 200 different smooth grey pictures."""
    random = np.random.default_rng(0)
    kinds = []
    for _ in range(200):
        coarse = Image.fromarray(random.integers(0, 256, (9, 9), dtype=np.uint8)).resize(
            (64, 64), Image.Resampling.BICUBIC
        )
        coarse.save(folder.with_suffix(".jpeg"), "JPEG")
        kinds.append(folder.with_suffix(".jpeg").read_bytes())
    for name, count in COUNTS.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            (folder / name / f"{number:06}.jpeg").write_bytes(kinds[number % len(kinds)])
