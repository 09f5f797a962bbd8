"""Training through `Batches` against its ceiling, one batch repeated from memory, and against torchvision's usual way."""

import itertools
from collections.abc import Callable, Iterable

import torch
from torch.utils.data import DataLoader
from torchvision import transforms

from tests.benchmarks import fashion
from tests.benchmarks.timing import interleaved, markdown, ratio, spread
from workshop_utils import data, models, training

PICTURES = {"lenet": 10_000, "small_resnet": 5_000}  # in one pass: about as long for either net
BATCHES, MEAN, STD = (64, 256), 0.286, 0.353
# without augmentation and with it: part of the ceiling; faster than the better DataLoader, LeNet with 256 a batch
CEILING, FASTER = (0.97, 0.95), (2.7, 4)


def table(rounds: int = 5) -> str:
    rows = [
        row
        for net, pictures in PICTURES.items()
        for batch in BATCHES
        for row in _rows(net, batch, pictures, rounds)
    ]
    return markdown(
        f"One pass over bundled pictures of Fashion-MNIST ({', '.join(f'{net} {count:,}' for net, count in PICTURES.items())}) with Adam is one "
        f"measurement; median of {rounds}. 'Faster by' compares with `Batches` under the same augmentation; its target is for the better of the two.",
        [
            "net",
            "batch",
            "read through",
            "part of the ceiling",
            "target",
            "Batches is faster by",
            "target",
            "images a second",
        ],
        rows,
    )


def _rows(net: str, batch: int, pictures: int, rounds: int) -> Iterable[tuple]:
    train = data.load("fashion-mnist").subset(range(pictures))
    contenders = {"one batch, repeated": _pass(net, _repeated(train, batch))}
    for name, augment in {
        "": None,
        ", crop and flip": data.augmentation(crop=2, flip=True),
    }.items():
        contenders[f"Batches{name}"] = _pass(
            net, data.Batches(train, batch, shuffle=True, seed=0, augment=augment)
        )
        for workers in (0, 2):
            contenders[f"torchvision, {workers} workers{name}"] = _pass(
                net, _usual(pictures, batch, workers, bool(augment))
            )
    rates = interleaved(contenders, rounds)
    for name, values in rates.items():
        own, torchvision = name.startswith("Batches"), name.startswith("torchvision")
        augmented = "crop" in name
        faster = (
            f"{ratio(rates['Batches' + ', crop and flip' * augmented], values):.1f}"
            if torchvision
            else ""
        )
        goal = FASTER[augmented] if torchvision and (net, batch) == ("lenet", 256) else ""
        yield (
            net,
            batch,
            name,
            f"{ratio(values, rates['one batch, repeated']):.2f}",
            CEILING[augmented] if own else "",
            faster,
            goal,
            spread(values),
        )


def _pass(name: str, batches: Iterable) -> Callable[[], int]:
    torch.manual_seed(0)
    net = models.build(name, classes=10, channels=1)
    optimizer = torch.optim.Adam(net.parameters())

    def work() -> int:
        seen = 0
        for images, labels in batches:
            training.step(net, images, labels, optimizer)
            seen += len(labels)
        return seen

    return work


def _repeated(train: data.ImageDataset, batch: int) -> list:
    first = next(iter(data.Batches(train, batch, shuffle=True, seed=0)))
    return list(itertools.repeat(first, -(-len(train) // batch)))


def _usual(pictures: int, batch: int, workers: int, augmented: bool) -> DataLoader:
    steps = (
        [transforms.RandomCrop(28, padding=2), transforms.RandomHorizontalFlip()]
        if augmented
        else []
    )
    change = transforms.Compose([*steps, transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
    return DataLoader(
        fashion.usual(change, full=False, pictures=pictures),
        batch,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
