"""Does an epoch cost as much a picture on a large set as on a small one? The small ResNet, from 2,000 to 60,000 pictures."""

from functools import partial

import torch

from tests.benchmarks import fashion
from tests.benchmarks.timing import interleaved, markdown, ratio, spread
from workshop_utils import data, models, training

SIZES, WITHIN = (2_000, 5_000, 10_000, 30_000, 60_000), 0.15


def table(rounds: int = 5) -> str:
    train = fashion.load()
    rates = interleaved(
        {size: partial(epoch, train.subset(torch.arange(size) % len(train))) for size in SIZES},
        rounds,
    )
    lowest, *_, highest = sorted(rates, key=lambda size: ratio(rates[size], rates[SIZES[0]]))
    return markdown(
        f"One epoch of `fit`, batches of 128; median of {rounds} rounds in turn. From the slowest ({lowest:,}) to the fastest ({highest:,}): "
        f"{ratio(rates[highest], rates[lowest]) - 1:.0%} more, target within {WITHIN:.0%}.",
        ["pictures", f"rate by that of {SIZES[0]:,}", "target", "images a second"],
        [
            (
                f"{size:,}",
                f"{ratio(values, rates[SIZES[0]]):.2f}",
                f"{1 - WITHIN} to {1 + WITHIN}",
                spread(values),
            )
            for size, values in rates.items()
        ],
    )


def epoch(train: data.ImageDataset) -> int:
    torch.manual_seed(0)
    training.fit(models.build("small_resnet", classes=10, channels=1), train, epochs=1)
    return len(train)
