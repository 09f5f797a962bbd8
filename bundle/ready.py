"""The small trained nets that come with the course, for sections that are opened without training first."""

import hashlib
import json
from pathlib import Path

import torch
from safetensors.torch import save

from workshop_utils import data, evaluation, models, training

EPOCHS = 8
NETS = {
    "lenet-mnist": ("lenet", "mnist"),
    "lenet-fashion-mnist": ("lenet", "fashion-mnist"),
    "small_resnet-fashion-mnist": ("small_resnet", "fashion-mnist"),
}


def build(out: Path) -> None:
    """Trains each net with seed 0 and writes its weights, and cards.json with its sha256 and its test accuracy."""
    out.mkdir(parents=True, exist_ok=True)
    cards = {}
    for name, (architecture, dataset) in NETS.items():
        train, test = data.load(dataset), data.load(dataset, "test")
        torch.manual_seed(0)
        model = models.build(architecture, classes=10, channels=1)
        training.fit(model, train, epochs=EPOCHS, learning_rate=5e-3, schedule=training.one_cycle)
        raw = save({key: value.contiguous() for key, value in model.state_dict().items()})
        (out / f"{name}.safetensors").write_bytes(raw)
        accuracy = evaluation.evaluate(evaluation.predict(model, test)).accuracy
        cards[name] = {
            "architecture": architecture,
            "classes": 10,
            "channels": 1,
            "trained_on": f"{len(train):,} bundled {data.card(dataset).title} pictures, {EPOCHS} epochs",
            "test_accuracy": round(accuracy, 4),
            "sha256": hashlib.sha256(raw).hexdigest(),
        }
    (out / "cards.json").write_text(json.dumps(cards, indent=2) + "\n", "utf-8", newline="\n")
