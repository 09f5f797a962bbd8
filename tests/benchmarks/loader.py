"""Training through `Batches` against its ceiling, one batch repeated from memory, and against torchvision's usual way."""

import itertools
import tempfile
from pathlib import Path
from typing import Callable, Iterable

import torch
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from tests.benchmarks.timing import interleaved, ratio, spread
from workshop_utils import data, models, training
from workshop_utils.data.bundled_files import BUNDLED
from workshop_utils.data.formats import gunzip

BATCH, MEAN, STD = 256, 0.286, 0.353


def table() -> str:
    """LeNet, Adam, batches of 256, the bundled 10,000 pictures of Fashion-MNIST: one pass is one measurement."""
    train = data.load("fashion-mnist")
    with tempfile.TemporaryDirectory() as root:
        raw = Path(root, "FashionMNIST", "raw")
        raw.mkdir(parents=True)
        for path in (BUNDLED / "fashion-mnist").glob("*.gz"):
            (raw / path.stem).write_bytes(gunzip(path.read_bytes(), path.name))
        contenders = {
            "one batch, repeated": _pass(_repeated(train)),
            "Batches": _pass(data.Batches(train, BATCH, shuffle=True, seed=0)),
            "torchvision, 0 workers": _pass(_usual(root, 0)),
            "torchvision, 2 workers": _pass(_usual(root, 2)),
            "Batches, crop and flip": _pass(data.Batches(train, BATCH, shuffle=True, seed=0, augment=data.augmentation(crop=2, flip=True))),
            "torchvision, 0 workers, crop and flip": _pass(_usual(root, 0, augmented=True)),
            "torchvision, 2 workers, crop and flip": _pass(_usual(root, 2, augmented=True)),
        }
        rates = interleaved(contenders)
    ceiling = rates["one batch, repeated"]
    rows = [f"| {name} | {spread(values)} | {ratio(values, ceiling):.2f} | {ratio(rates['Batches' + ', crop and flip' * ('crop' in name)], values):.1f} |"
            for name, values in rates.items()]
    return "\n".join(["| LeNet trained through | images a second: median (range) | part of the ceiling | Batches is faster by |", "| --- | --- | --- | --- |", *rows])


def _pass(batches: Iterable) -> Callable[[], int]:
    torch.manual_seed(0)
    net = models.build("lenet", classes=10, channels=1)
    optimizer = torch.optim.Adam(net.parameters())

    def work() -> int:
        seen = 0
        for images, labels in batches:
            training.step(net, images, labels, optimizer)
            seen += len(labels)
        return seen
    return work


def _repeated(train: data.ImageDataset) -> list:
    first = next(iter(data.Batches(train, BATCH, shuffle=True, seed=0)))
    return list(itertools.repeat(first, -(-len(train) // BATCH)))


def _usual(root: str, workers: int, augmented: bool = False) -> DataLoader:
    steps = [transforms.RandomCrop(28, padding=2), transforms.RandomHorizontalFlip()] if augmented else []
    change = transforms.Compose([*steps, transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
    return DataLoader(datasets.FashionMNIST(root, transform=change), BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0)

