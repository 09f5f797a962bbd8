"""How few pictures are enough: 1 to 15 clip-art pictures a class, learned from raw pixels, from scratch, on frozen features, and by fine-tuning.

Each way gets its best settings of one small grid at each number of pictures, by the accuracy on the training pictures that were
not drawn, with seeds that are not reported. `seconds` is the mean time to learn, features of the drawn pictures included.
"""

import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from workshop_utils import data, evaluation, models, training, transfer
from workshop_utils.data import ImageDataset
from workshop_utils.models import preprocessing

SEEDS = (0, 1, 2, 3, 4)
DESIGN = (100, 101)
PICTURES = (1, 2, 5, 10, 15)
TINY = {"SEEDS": SEEDS[:1], "DESIGN": DESIGN[:1], "PICTURES": PICTURES[:1], "SEEN": 2, "PASSES": 1}
SEEN, PASSES = 600, 5  # pictures a class that a net from scratch sees in all; passes of fine-tuning
UPPER = ("blocks.5", "blocks.6", "conv_head")


def backbone(classes: int) -> nn.Module:
    """EfficientNet-Lite0; drawings fill their frame, so the whole picture is read and not its middle."""
    net = models.build("efficientnet_lite0", classes=classes, pretrained=True)
    net.preprocess = preprocessing(resize=224, crop=224, mean=[0.5] * 3, std=[0.5] * 3)
    return net


def smaller(dataset: ImageDataset, side: int) -> ImageDataset:
    """The same pictures, averaged down to side x side pixels."""
    images = F.adaptive_avg_pool2d(dataset.images.float(), side).round().byte()
    return ImageDataset(
        images, dataset.labels, dataset.classes, name=dataset.name, split=dataset.split
    )


class Pixels(nn.Module):
    """A linear head on the numbers of the picture itself, 32 x 32 x 3."""

    def __init__(self, few: ImageDataset, strength: float):
        super().__init__()
        self.head = transfer.fit_head(
            smaller(few, 32).images.flatten(1).float(),
            few.labels,
            classes=len(few.classes),
            strength=strength,
        )

    def preprocess(self, images: torch.Tensor) -> torch.Tensor:
        return F.adaptive_avg_pool2d(images.float(), 32).round().flatten(1)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.head(pixels)


def raw_pixels(few: ImageDataset, seed: int, strength: float) -> nn.Module:
    return Pixels(few, strength)


def from_scratch(few: ImageDataset, seed: int, rate: float, augmented: bool) -> nn.Module:
    """The small ResNet of chapter 2 on 64 x 64 pixels; it sees as many pictures in all whatever their number is."""
    torch.manual_seed(seed)
    net, few = models.build("small_resnet", classes=len(few.classes)), smaller(few, 64)
    change = data.augmentation(crop=6, flip=True) if augmented else None
    epochs = SEEN * len(few.classes) // len(few)
    training.fit(
        net,
        few,
        epochs=epochs,
        batch_size=16,
        learning_rate=rate,
        schedule=training.one_cycle,
        augment=change,
        seed=seed,
    )
    mean, std = (value.tolist() for value in (few.mean, few.std))
    net.preprocess = preprocessing(
        resize=64, crop=64, mean=mean, std=std
    ).forward  # the module itself would become a layer of this net
    return net


def frozen(few: ImageDataset, seed: int, strength: float = 0.01) -> nn.Module:
    """A head on features of the frozen backbone."""
    net = backbone(len(few.classes))
    net.classifier = transfer.fit_head(
        transfer.features(net, few), few.labels, classes=len(few.classes), strength=strength
    )
    return net


def fine_tuned(few: ImageDataset, seed: int, rate: float, augmented: bool) -> nn.Module:
    """First the head of `frozen`, then the upper stages learn too, with a third of the head's rate and a tenth of it."""
    net = frozen(few, seed)
    transfer.unfreeze(transfer.freeze(net), *UPPER)
    groups = transfer.parameter_groups(
        net,
        head_rate=3 * rate,
        body_rate={"conv_head": rate, "blocks.6": rate, "blocks.5": rate / 3},
    )
    change = data.augmentation(crop=12, flip=True) if augmented else None
    training.fit(
        net,
        few,
        epochs=PASSES,
        batch_size=16,
        optimizer=torch.optim.AdamW(groups),
        schedule=training.one_cycle,
        augment=change,
        seed=seed,
    )
    return net


GRIDS: dict[Callable, list[dict]] = {
    raw_pixels: [{"strength": strength} for strength in (0.001, 0.01, 0.1, 1.0)],
    frozen: [{"strength": strength} for strength in (0.001, 0.003, 0.01, 0.03, 0.1)],
    fine_tuned: [
        {"rate": rate, "augmented": augmented}
        for rate in (0.0001, 0.0003)
        for augmented in (False, True)
    ],
    from_scratch: [
        {"rate": rate, "augmented": augmented}
        for rate in (0.003, 0.01)
        for augmented in (False, True)
    ],
}


def accuracy(net: nn.Module, pictures: ImageDataset) -> float:
    return evaluation.evaluate(evaluation.predict(net, pictures)).accuracy


def run() -> dict[str, dict[int, dict]]:
    """way -> pictures a class -> settings, seconds, and the test accuracy of each seed."""
    train, test = data.load("clip-art"), data.load("clip-art", "test")

    def on_the_rest(way: Callable, pictures: int, settings: dict) -> float:
        found = []
        for seed in DESIGN:
            drawn = train.draw(pictures, seed)
            rest = torch.ones(len(train), dtype=torch.bool)
            rest[drawn] = False
            found.append(accuracy(way(train.subset(drawn), seed, **settings), train.subset(rest)))
        return sum(found) / len(found)

    results: dict[str, dict[int, dict]] = {}
    for way, grid in GRIDS.items():
        name = way.__name__.replace("_", " ")
        for pictures in PICTURES:
            settings = max(grid, key=lambda settings: on_the_rest(way, pictures, settings))
            accuracies, seconds = [], 0.0
            for seed in SEEDS:
                few = train.per_class(pictures, seed)
                transfer._remembered.clear()  # these pictures are new to whoever learns from them
                began = time.perf_counter()
                net = way(few, seed, **settings)
                seconds += time.perf_counter() - began
                accuracies.append(accuracy(net, test))
            results.setdefault(name, {})[pictures] = {
                "settings": settings,
                "seconds": round(seconds / len(SEEDS), 2),
                "accuracy": accuracies,
            }
            print(name, pictures, results[name][pictures], flush=True)
    return results


def again(results: dict):
    """Every way at every number of pictures with its recorded settings, learned once more with the first seed."""
    train, test = data.load("clip-art"), data.load("clip-art", "test")
    for way in GRIDS:
        for pictures, row in results[way.__name__.replace("_", " ")].items():
            net = way(train.per_class(int(pictures), SEEDS[0]), SEEDS[0], **row["settings"])
            yield f"{way.__name__} {pictures}", row["accuracy"], accuracy(net, test)
