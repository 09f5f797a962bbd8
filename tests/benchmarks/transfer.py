"""Features once and ten epochs of a head on them, against ten epochs of the same head through the frozen backbone."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.benchmarks.timing import interleaved, markdown, ratio, spread
from workshop_utils import data, models, training, transfer

EPOCHS, BATCH, FASTER = 10, 16, 8


def table(rounds: int = 5) -> str:
    few = data.load("clip-art").per_class(15, seed=0)
    rates = interleaved(
        {
            "through the frozen backbone": lambda: _through(few),
            "features once, then the head": lambda: _once(few),
        },
        rounds,
    )
    slow, _ = rates.values()
    return markdown(
        f"15 clip-art pictures a class, 224 pixels, no augmentation, no gradients in the backbone; features are computed anew in every round. "
        f"Median of {rounds}; {EPOCHS} times is the bound.",
        ["ten epochs of a head", "faster by", "target", "seconds"],
        [
            (
                name,
                f"{ratio(values, slow):.1f}",
                "" if values is slow else FASTER,
                spread([len(few) / rate for rate in values], 2),
            )
            for name, values in rates.items()
        ],
    )


def _net() -> nn.Module:
    torch.manual_seed(0)
    net = models.build("efficientnet_lite0", classes=9, pretrained=True)
    net.preprocess = models.preprocessing(resize=224, crop=224, mean=[0.5] * 3, std=[0.5] * 3)
    return transfer.freeze(net)


def _through(few: data.ImageDataset) -> int:
    training.fit(_net(), few, epochs=EPOCHS, batch_size=BATCH)
    return len(few)


def _once(few: data.ImageDataset) -> int:
    net = _net()
    transfer.forget()
    known = transfer.features(net, few)
    optimizer = torch.optim.Adam(net.classifier.parameters())
    for _ in range(EPOCHS):
        for part in torch.randperm(len(few)).split(BATCH):
            optimizer.zero_grad()
            F.cross_entropy(net.classifier(known[part]), few.labels[part]).backward()
            optimizer.step()
    return len(few)
