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
TINY = {"SEEDS": SEEDS[:1], "EPOCHS": 1, "RATES": RATES[:1], "PER_CLASS": 3}
BLOCKS = "conv5 16 same, pool, conv3 32 same, pool, conv3 32 same, pool, dense 128"
ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "ReLU": nn.ReLU}


def trained(
    activation: str, dropout: bool, augment: bool, rate: float, seed: int, few: ImageDataset
) -> nn.Module:
    """One net with these switches, as the chapter trains it live."""
    torch.manual_seed(seed)
    net = models.stacked(
        BLOCKS,
        classes=10,
        input_shape=(1, 28, 28),
        activation=ACTIVATIONS[activation],
        dropout=0.5 if dropout else 0,
    )
    change = data.augmentation(crop=2, rotate=15) if augment else None
    training.fit(
        net,
        few,
        epochs=EPOCHS,
        batch_size=64,
        learning_rate=rate,
        schedule=training.one_cycle,
        augment=change,
        seed=seed,
    )
    return net


def accuracy(net: nn.Module, pictures: ImageDataset) -> float:
    return evaluation.evaluate(evaluation.predict(net, pictures)).accuracy


def run() -> list[dict]:
    """One record a net: the switches, rate, accuracy on the training pictures and on the test set, a value a seed."""
    digits, validation = data.load("mnist").split_off(0.25, seed=0)
    few, test = digits.per_class(PER_CLASS, seed=0), data.load("mnist", "test")
    results = []
    for activation in ACTIVATIONS:
        for dropout in (False, True):
            for augment in (False, True):
                switches = (activation, dropout, augment)
                rate = max(
                    RATES,
                    key=lambda rate: accuracy(trained(*switches, rate, DESIGN, few), validation),
                )
                nets = [trained(*switches, rate, seed, few) for seed in SEEDS]
                results.append(
                    {
                        "activation": activation,
                        "dropout": dropout,
                        "augment": augment,
                        "rate": rate,
                        "train": [accuracy(net, few) for net in nets],
                        "accuracy": [accuracy(net, test) for net in nets],
                    }
                )
                print(results[-1], flush=True)
    return results


def again(results: list[dict]):
    """Each of the twelve nets with its recorded rate, trained once more with the first seed."""
    few, test = (
        data.load("mnist").split_off(0.25, seed=0)[0].per_class(PER_CLASS, seed=0),
        data.load("mnist", "test"),
    )
    for row in results:
        switches = row["activation"], row["dropout"], row["augment"]
        yield (
            str(switches),
            row["accuracy"],
            accuracy(trained(*switches, row["rate"], SEEDS[0], few), test),
        )
