"""Fashion-MNIST for the benchmarks: the official files where Debian has them, else the bundled cut, and torchvision's way to read either."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from torchvision.datasets import FashionMNIST

from workshop_utils import data
from workshop_utils.data.archives import gunzip
from workshop_utils.data.bundled_files import BUNDLED

OFFICIAL = Path(
    "/usr/share/datasets/fashion-mnist"
)  # Debian's package dataset-fashion-mnist, where it is installed
FULL = OFFICIAL.is_dir()


def load(split: str = "train") -> data.ImageDataset:
    """The whole set if it is at hand, else the bundled cut."""
    return data.load("fashion-mnist", split, root=OFFICIAL if FULL else None)


def usual(change: Callable, *, full: bool, pictures: int | None = None) -> FashionMNIST:
    """torchvision's training set, its first pictures or all of them; `change` turns each PIL picture into a tensor."""
    with tempfile.TemporaryDirectory() as root:
        raw = Path(root, "FashionMNIST", "raw")
        raw.mkdir(parents=True)
        for path in (OFFICIAL if full else BUNDLED / "fashion-mnist").glob("*.gz"):
            (raw / path.stem).write_bytes(gunzip(path.read_bytes(), path.name))
        found = FashionMNIST(root, transform=change)  # reads all of it
    found.data, found.targets = found.data[:pictures], found.targets[:pictures]
    return found
