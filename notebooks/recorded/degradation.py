"""The figure of the ResNet paper in small: training error of plain and residual nets, all with batch normalisation, as they get deeper.

Each of the nets gets its best rate of the same four: the one with the lowest training error of one run whose seed is not reported.
"""

import torch

from workshop_utils import data, evaluation, models, training

SEEDS = (10, 11, 12, 13, 14)  # 0 to 4 and 100 were seen while the experiment was designed
DESIGN = 100
EPOCHS = 4
PER_CLASS = 400
RATES = (0.003, 0.01, 0.03, 0.1)
LAYERS = (8, 20, 32, 44, 56)
TINY = {"SEEDS": SEEDS[:1], "EPOCHS": 1, "RATES": RATES[:1], "PER_CLASS": 3, "LAYERS": LAYERS[:1]}


def training_error(
    layers: int, skip: bool, rate: float, seed: int, learn: data.ImageDataset
) -> float:
    """The share of the training pictures that the trained net gets wrong, judged once after training."""
    torch.manual_seed(seed)
    net = models.deep(layers, skip=skip, classes=10, channels=1)
    training.fit(
        net, learn, epochs=EPOCHS, learning_rate=rate, schedule=training.one_cycle, seed=seed
    )
    return 1 - evaluation.evaluate(evaluation.predict(net, learn)).accuracy


def run() -> dict:
    """kind -> layers -> rate, training errors of the seeds."""
    learn = data.load("fashion-mnist").per_class(PER_CLASS, seed=0)
    results = {}
    for kind, skip in (("plain", False), ("residual", True)):
        results[kind] = {}
        for layers in LAYERS:
            rate = min(RATES, key=lambda rate: training_error(layers, skip, rate, DESIGN, learn))
            found = [training_error(layers, skip, rate, seed, learn) for seed in SEEDS]
            results[kind][str(layers)] = {
                "rate": rate,
                "training_error": [round(error, 5) for error in found],
            }
            print(kind, layers, results[kind][str(layers)], flush=True)
    return results


def again(results: dict):
    """Each of the ten nets with its recorded rate, trained once more with the first seed."""
    learn = data.load("fashion-mnist").per_class(PER_CLASS, seed=0)
    for kind, rows in results.items():
        for layers, row in rows.items():
            yield (
                f"{kind} {layers}",
                row["training_error"],
                training_error(int(layers), kind == "residual", row["rate"], SEEDS[0], learn),
            )
