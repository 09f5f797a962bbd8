"""How far each backbone without a network carries: ImageNet's own pictures, and heads on its features of few others."""

from copy import copy
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from tests.benchmarks.timing import markdown
from workshop_utils import data, models, transfer

NETS = ("efficientnet_lite0", "squeezenet1_1")
FEW = {"clip-art": 15, "photographs": 5}  # pictures a class to learn from
DRAWS, STRENGTH = 10, 0.01


def table() -> str:
    nets = [models.build(name, classes=1000, pretrained=True).eval() for name in NETS]
    rows = [["parameters", *(f"{models.card(name).parameters:,}" for name in NETS)]]
    said = ("ImageNet, first guess; five guesses", "channels in the wrong order")
    rows += [list(row) for row in zip(said, *map(imagenet, nets))]
    for name, few in FEW.items():
        if any(card.name == name for card in data.catalog()):
            for words, read in (("", nn.Module.eval), (", whole pictures", whole)):
                found = [accuracy(read(net), name, few) for net in nets]
                rows.append([f"{name}, {few} a class{words}", *found])
    return markdown(
        f"ImageNet: 20 pictures of foolbox, right ones. Other rows: a head (strength {STRENGTH}) on frozen features of the training pictures drawn, accuracy in % on all test "
        f"pictures, mean of {DRAWS} draws (lowest to highest); the net's own preprocessing cuts the border of each picture off, unless it says whole.",
        ["", *NETS],
        rows,
    )


def whole(net: nn.Module) -> nn.Module:
    """The same net, but its pictures are not cut: those of clip-art and cut-outs reach to the border."""
    other = copy(net)
    other.preprocess = replace(net.preprocess, resize=net.preprocess.crop)
    return other


def imagenet(net: nn.Module) -> list[str]:
    """Right first guesses and right among five, in the order of channels that the net reads and in the other."""
    found = find_spec("foolbox")
    if not found or not found.origin:
        return ["foolbox is not installed"] * 2
    files = sorted((Path(found.origin).parent / "data").glob("imagenet_*"))
    labels = torch.tensor([int(file.stem.split("_")[2]) for file in files])
    right = net.preprocess
    wrong = replace(right, order=right.order[::-1])
    return [guesses(net, recipe, files, labels) for recipe in (right, wrong)]


def guesses(net: nn.Module, recipe, files: list[Path], labels: Tensor) -> str:
    with torch.inference_mode():
        best = net(torch.stack([recipe(Image.open(file)) for file in files])).topk(5).indices
    hits = best == labels.unsqueeze(1)
    return f"{int(hits[:, 0].sum())}; {int(hits.any(1).sum())}"


def accuracy(net: nn.Module, name: str, few: int) -> str:
    """Of heads that learn from `few` pictures a class, on the whole test part."""
    train, test = data.load(name), data.load(name, "test")
    known, unknown = transfer.features(net, train), transfer.features(net, test)
    found = []
    for seed in range(DRAWS):
        drawn = train.draw(few, seed)
        classes = len(train.classes)
        head = transfer.fit_head(
            known[drawn], train.labels[drawn], classes=classes, strength=STRENGTH
        )
        with torch.inference_mode():
            right = head(unknown).argmax(1) == test.labels
        found.append(100 * float(right.float().mean()))
    return f"{sum(found) / DRAWS:.1f} ({min(found):.1f} to {max(found):.1f})"
