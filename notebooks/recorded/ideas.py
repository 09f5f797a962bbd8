"""The ideas in one small net under one budget: accuracy of five seeds, and what each costs.

Every idea gets its best rate of the same three, chosen by the validation accuracy of one run whose seed is not reported. Then five
nets are trained with that rate and judged once, on the test set.
"""

import statistics
import time

import torch

from workshop_utils import data, evaluation, models, training
from workshop_utils.data import ImageDataset

SEEDS = (10, 11, 12, 13, 14)  # 0 to 4 were seen while the experiment was designed
DESIGN = 100
EPOCHS = 3
RATES = (0.002, 0.005, 0.01)
TINY = {"SEEDS": SEEDS[:1], "EPOCHS": 1, "RATES": RATES[:1]}


def trained(idea: str, rate: float, seed: int, learn: ImageDataset) -> torch.nn.Module:
    """One net of an idea: as the chapter trains it live."""
    torch.manual_seed(seed)
    net = models.small(idea, classes=10, channels=1)
    training.fit(
        net, learn, epochs=EPOCHS, learning_rate=rate, schedule=training.one_cycle, seed=seed
    )
    return net


def accuracy(net: torch.nn.Module, pictures: ImageDataset) -> float:
    return evaluation.evaluate(evaluation.predict(net, pictures)).accuracy


def run(known: dict = {}) -> dict:  # noqa: B006  nothing is written into it
    """idea -> rate, accuracies of the seeds, parameters, multiply-adds, kilobytes of maps, milliseconds a picture.

    known: rows of an earlier run, which are taken as they are; only the milliseconds, which compare nets on one computer, are measured
    anew for all.
    """
    learn, validation = data.load("fashion-mnist").split_off(0.1, seed=0)
    test = data.load("fashion-mnist", "test")
    results = {}
    for idea in models.IDEAS:
        results[idea] = known.get(idea) or row(idea, learn, validation, test)
    nets = {idea: models.small(idea, classes=10, channels=1).eval() for idea in models.IDEAS}
    for idea, milliseconds in timed(nets).items():
        results[idea] = results[idea] | {"milliseconds": milliseconds}
    return results


def row(idea: str, learn: ImageDataset, validation: ImageDataset, test: ImageDataset) -> dict:
    """What is recorded of an idea, without the milliseconds."""
    rate = max(RATES, key=lambda rate: accuracy(trained(idea, rate, DESIGN, learn), validation))
    nets = [trained(idea, rate, seed, learn) for seed in SEEDS]
    table = models.summary(nets[0], (1, 28, 28))
    kilobytes = sum(4 * torch.Size(row.output).numel() for row in table) / 1000
    found = {
        "rate": rate,
        "accuracy": [accuracy(net, test) for net in nets],
        "parameters": table.parameters,
        "multiply_adds": table.multiply_adds,
        "map_kilobytes": round(kilobytes),
    }
    print(idea, found, flush=True)
    return found


def again(results: dict):
    """Every idea with its recorded rate, trained once more with the first seed."""
    learn, test = (
        data.load("fashion-mnist").split_off(0.1, seed=0)[0],
        data.load("fashion-mnist", "test"),
    )
    for idea, row in results.items():
        yield idea, row["accuracy"], accuracy(trained(idea, row["rate"], SEEDS[0], learn), test)


def timed(nets: dict[str, torch.nn.Module], batch: int = 100, rounds: int = 15) -> dict[str, float]:
    """Milliseconds of one picture, in batches of a hundred: the nets take turns, one round does not count, then the median."""
    pictures, times = torch.rand(batch, 1, 28, 28), {idea: [] for idea in nets}
    with torch.inference_mode():
        for _ in range(rounds + 1):
            for idea, net in nets.items():
                began = time.perf_counter()
                net(pictures)
                times[idea].append(1000 * (time.perf_counter() - began) / batch)
    return {idea: round(statistics.median(found[1:]), 3) for idea, found in times.items()}
