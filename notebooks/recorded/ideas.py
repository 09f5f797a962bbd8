"""The eleven ideas in one small net under one budget: accuracy of five seeds, and what each costs.

Every idea gets its best rate of the same three, chosen by the validation accuracy of one run whose seed is not reported. Then five
nets are trained with that rate and judged once, on the test set.
"""

import statistics
import time

import torch

from workshop_utils import data, evaluation, models, training
from workshop_utils.data import ImageDataset

SEEDS = (0, 1, 2, 3, 4)
DESIGN = 100
EPOCHS = 3
RATES = (0.002, 0.005, 0.01)
CODE = ("notebooks/recorded/ideas.py", "workshop_utils/models/blocks.py", "workshop_utils/training.py", "workshop_utils/data/batches.py")


def trained(idea: str, rate: float, seed: int, learn: ImageDataset) -> torch.nn.Module:
    """One net of an idea: as the chapter trains it live."""
    torch.manual_seed(seed)
    net = models.small(idea, classes=10, channels=1)
    training.fit(net, learn, epochs=EPOCHS, learning_rate=rate, schedule=training.one_cycle, seed=seed)
    return net


def run() -> dict:
    """idea -> rate, accuracies of the seeds, seconds of a training, parameters, multiply-adds, kilobytes of maps, milliseconds a picture."""
    learn, validation = data.load("fashion-mnist").split_off(0.1, seed=0)
    test = data.load("fashion-mnist", "test")

    def accuracy(net: torch.nn.Module, pictures: ImageDataset) -> float:
        return evaluation.evaluate(evaluation.predict(net, pictures)).accuracy

    results = {}
    for idea in models.IDEAS:
        rate = max(RATES, key=lambda rate: accuracy(trained(idea, rate, DESIGN, learn), validation))
        accuracies, seconds, milliseconds = [], [], []
        for seed in SEEDS:
            began = time.perf_counter()
            net = trained(idea, rate, seed, learn)
            seconds.append(time.perf_counter() - began)
            accuracies.append(accuracy(net, test))
            milliseconds.append(_milliseconds(net))
        table = models.summary(net, (1, 28, 28))
        results[idea] = {
            "rate": rate, "accuracy": accuracies, "seconds": round(statistics.median(seconds), 1), "parameters": table.parameters,
            "multiply_adds": table.multiply_adds, "map_kilobytes": round(sum(4 * torch.Size(row.output).numel() for row in table) / 1000),
            "milliseconds": round(statistics.median(milliseconds), 3),
        }
        print(idea, results[idea], flush=True)
    return results


def _milliseconds(net: torch.nn.Module, batch: int = 100, repeats: int = 5) -> float:
    """Of one picture, in batches of a hundred: the median of five passes after one that does not count."""
    pictures, times = torch.rand(batch, 1, 28, 28), []
    with torch.inference_mode():
        for _ in range(repeats + 1):
            began = time.perf_counter()
            net(pictures)
            times.append(1000 * (time.perf_counter() - began) / batch)
    return statistics.median(times[1:])
