"""What `torch.compile` costs before the first step, and what a step gains: does it pay within a chapter?"""

import os
import tempfile
from functools import partial
from statistics import median

import torch

from tests.benchmarks.timing import interleaved, markdown, ratio, spread, timed
from workshop_utils import data, models, training

BATCH, STEPS = 128, 10
TRAINED = 400  # about the steps of a chapter's longest training: five epochs of 10,000 pictures


def table(rounds: int = 7) -> str:
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.mkdtemp()  # nothing compiled before
    return markdown(
        f"Training steps of {BATCH} bundled pictures of Fashion-MNIST with Adam, plain and compiled in turn; median of {rounds}. It pays from the step on that has won back the first call; a chapter takes about {TRAINED}.",
        [
            "net",
            "first step, seconds",
            "compiled is faster by",
            "pays from step",
            "images a second",
        ],
        [row for net in ("lenet", "small_resnet") for row in _rows(net, rounds)],
    )


def _rows(name: str, rounds: int):
    train = data.load("fashion-mnist").subset(range(BATCH))
    images, labels = next(iter(data.Batches(train, BATCH)))

    def steps(compiled: bool):
        torch.manual_seed(0)
        net = models.build(name, classes=10, channels=1)
        optimizer = torch.optim.Adam(net.parameters())
        called = torch.compile(net) if compiled else net

        def work(count: int = STEPS) -> int:
            for _ in range(count):
                training.step(called, images, labels, optimizer)
            return count * BATCH

        return work

    works = {f"{name}{', compiled' * compiled}": steps(compiled) for compiled in (False, True)}
    first = {called: timed(partial(work, 1))[0] for called, work in works.items()}
    rates = interleaved(works, rounds)
    plain, compiled = works
    gained = BATCH / median(rates[plain]) - BATCH / median(rates[compiled])
    for called, values in rates.items():
        pays = f"{first[called] / gained:,.0f}" if gained > 0 else "never"
        yield (
            called,
            f"{first[called]:.1f}",
            f"{ratio(values, rates[plain]):.2f}",
            pays if called == compiled else "",
            spread(values),
        )
