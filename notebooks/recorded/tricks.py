"""AlexNet's three tricks, switched on and off in a small net on 300 digits: activation, dropout, augmentation.

Each of the twelve nets gets its best rate of the same three, chosen by the validation accuracy of one run whose seed is not reported.
"""

import torch
from torch import nn

from workshop_utils import data, evaluation, models, training
from workshop_utils.data import ImageDataset

SEEDS = (0, 1, 2, 3, 4)
DESIGN = 100
EPOCHS = 60
PER_CLASS = 30
RATES = (0.001, 0.003, 0.01)
BLOCKS = "conv5 16 same, pool, conv3 32 same, pool, conv3 32 same, pool, dense 128"
ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "ReLU": nn.ReLU}
CODE = ("notebooks/recorded/tricks.py", "workshop_utils/models/stacked.py", "workshop_utils/training.py", "workshop_utils/data/batches.py",
        "workshop_utils/data/augment.py")


def trained(activation: str, dropout: bool, augment: bool, rate: float, seed: int, few: ImageDataset) -> nn.Module:
    """One net with these switches, as the chapter trains it live."""
    torch.manual_seed(seed)
    net = models.stacked(BLOCKS, classes=10, input_shape=(1, 28, 28), activation=ACTIVATIONS[activation], dropout=0.5 if dropout else 0)
    change = data.augmentation(crop=2, rotate=15) if augment else None
    training.fit(net, few, epochs=EPOCHS, batch_size=64, learning_rate=rate, schedule=training.one_cycle, augment=change, seed=seed)
    return net


def run() -> list[dict]:
    """One record a net: the switches, rate, accuracy on the training pictures and on the test set, a value a seed."""
    digits, validation = data.load("mnist").split_off(0.25, seed=0)
    few, test = digits.per_class(PER_CLASS, seed=0), data.load("mnist", "test")

    def accuracy(net: nn.Module, pictures: ImageDataset) -> float:
        return evaluation.evaluate(evaluation.predict(net, pictures)).accuracy

    results = []
    for activation in ACTIVATIONS:
        for dropout in (False, True):
            for augment in (False, True):
                switches = (activation, dropout, augment)
                rate = max(RATES, key=lambda rate: accuracy(trained(*switches, rate, DESIGN, few), validation))
                nets = [trained(*switches, rate, seed, few) for seed in SEEDS]
                results.append({"activation": activation, "dropout": dropout, "augment": augment, "rate": rate,
                                "train": [accuracy(net, few) for net in nets], "accuracy": [accuracy(net, test) for net in nets]})
                print(results[-1], flush=True)
    return results
