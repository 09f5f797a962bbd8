"""VGG's choice in small: one 5x5 convolution against two of 3x3, which see as far, in the same place of the same net.

Each gets its best rate of the same three, chosen by the validation accuracy of one run whose seed is not reported.
"""

import torch

from workshop_utils import data, evaluation, models, training
from workshop_utils.data import ImageDataset

SEEDS = (0, 1, 2, 3, 4)
DESIGN = 100
EPOCHS = 3
RATES = (0.001, 0.003, 0.01)
NETS = {
    "one 5x5": "conv5 16 same, pool, conv5 32 same, pool",
    "two 3x3": "conv3 16 same, conv3 16 same, pool, conv3 32 same, conv3 32 same, pool",
}
CODE = ("notebooks/recorded/kernels.py", "workshop_utils/models/stacked.py", "workshop_utils/training.py", "workshop_utils/data/batches.py")


def accuracy(blocks: str, rate: float, seed: int, learn: ImageDataset, judged: ImageDataset) -> float:
    """Of one net, trained as the chapter trains it live."""
    torch.manual_seed(seed)
    net = models.stacked(blocks, classes=10, input_shape=(1, 28, 28))
    training.fit(net, learn, epochs=EPOCHS, learning_rate=rate, schedule=training.one_cycle, seed=seed)
    return evaluation.evaluate(evaluation.predict(net, judged)).accuracy


def run() -> dict:
    """name -> blocks, rate, test accuracies of the seeds."""
    learn, validation = data.load("fashion-mnist").split_off(0.1, seed=0)
    test = data.load("fashion-mnist", "test")
    results = {}
    for name, blocks in NETS.items():
        rate = max(RATES, key=lambda rate: accuracy(blocks, rate, DESIGN, learn, validation))
        results[name] = {"blocks": blocks, "rate": rate, "accuracy": [accuracy(blocks, rate, seed, learn, test) for seed in SEEDS]}
        print(name, results[name], flush=True)
    return results
