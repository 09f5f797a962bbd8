"""Pictures a second through every net of the course: one and many at once, channels-last or not, on one thread and on two."""

import copy
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn

from tests.benchmarks.timing import interleaved, markdown, ratio, spread, timed
from workshop_utils import models

ROUNDS, SECONDS = 5, 0.15  # of one measurement
LAYOUTS = {"channels-last": torch.channels_last, "contiguous": torch.contiguous_format}
BACKBONE = "efficientnet_lite0"


def table() -> str:
    threads = torch.get_num_threads()
    rows = [
        _row(name, net, batch, shape, threads)
        for name, net, shape, batches in nets()
        for batch in batches
    ]
    torch.set_num_threads(threads)
    last, _ = LAYOUTS
    compared = markdown(
        f"Random pictures of 28 x 28, of 224 x 224 for the backbone; median of {ROUNDS} rounds in turn, {SECONDS} s each. Targets: channels-last, which "
        f"`models.build`, `small` and `deep` choose, wins.",
        [
            "net",
            "batch",
            f"{last} is faster by, {threads} threads",
            "target",
            "1 thread",
            "target",
            f"{threads} threads are faster by than 1",
            *(
                f"{layout}, {count}: images a second"
                for count in (f"{threads} threads", "1 thread")
                for layout in LAYOUTS
            ),
        ],
        rows,
    )
    return f"{compared}\n\n{backbone_batches()}"


def nets() -> Iterator[tuple[str, nn.Module, tuple[int, int, int], tuple[int, ...]]]:
    """Name, net, shape of a picture, and how many at once."""
    small, grey = {"classes": 10, "channels": 1}, (1, 28, 28)
    yield "lenet", models.ready("lenet-fashion-mnist"), grey, (1, 64)
    yield "small_resnet", models.ready("small_resnet-fashion-mnist"), grey, (1, 64)
    for idea in models.IDEAS:
        yield f"small({idea})", models.small(idea, **small), grey, (1, 64)
    yield "deep(44, skip)", models.deep(44, skip=True, **small), grey, (1, 64)
    yield BACKBONE, models.build(BACKBONE, classes=1000), (3, 224, 224), (1, 8, 64)


def _row(name: str, net: nn.Module, batch: int, shape: tuple[int, int, int], threads: int) -> tuple:
    images = torch.rand(batch, *shape)
    rates = interleaved(
        {
            (layout, count): partial(
                forward, copy.deepcopy(net).eval().to(memory_format=form), images, count
            )
            for count in (threads, 1)
            for layout, form in LAYOUTS.items()
        },
        ROUNDS,
    )
    last, other = LAYOUTS
    wins = [
        cell
        for count in (threads, 1)
        for cell in (f"{ratio(rates[last, count], rates[other, count]):.2f}", "at least 1")
    ]
    return (
        name,
        batch,
        *wins,
        f"{ratio(rates[last, threads], rates[last, 1]):.2f}",
        *map(spread, rates.values()),
    )


def backbone_batches() -> str:
    """How many pictures at once suit the backbone: `workshop_utils.data.batches` takes 8."""
    net = models.build(BACKBONE, classes=1000).eval()
    rates = interleaved(
        {
            batch: partial(forward, net, torch.rand(batch, 3, 224, 224), torch.get_num_threads())
            for batch in (8, 1, 4, 16, 64)
        },
        ROUNDS,
    )
    return markdown(
        f"{BACKBONE}, channels-last. Target: batches of 8, which the package reads in, are at least as fast as any other (1.00).",
        ["batch", "8 at once are faster by", "target", "images a second"],
        [
            (
                batch,
                f"{ratio(rates[8], values):.2f}",
                "" if batch == 8 else "at least 1",
                spread(values),
            )
            for batch, values in rates.items()
        ],
    )


def forward(net: nn.Module, images: Tensor, threads: int) -> int:
    """Predicts once, then as often as the rest of the time should allow; returns how many pictures were seen."""
    torch.set_num_threads(threads)
    with torch.inference_mode():
        once, _ = timed(lambda: net(images))
        more = int(SECONDS / once)
        for _ in range(more):
            net(images)
    return len(images) * (1 + more)
