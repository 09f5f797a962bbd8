"""What was measured, as charts: of the course's own nets, pictures and recordings."""

from functools import lru_cache

import numpy as np
import torch
from matplotlib.ticker import PercentFormatter
from torch import nn

from slides.canvas import Canvas, answers
from workshop_utils import data, evaluation, models, plots, recorded
from workshop_utils.figure import COLOURS, Figure


@lru_cache
def clothes() -> tuple[evaluation.Predictions, data.ImageDataset]:
    """What the LeNet that comes with the course says of the bundled test clothes."""
    test = data.load("fashion-mnist", "test")
    return evaluation.predict(models.ready("lenet-fashion-mnist"), test), test


def top_three() -> Figure:
    """A picture whose class is in the second place: wrong at the first guess, right among the first two."""
    predictions, test = clothes()
    order = predictions.probabilities.argsort(1)[:, ::-1]
    number = int(np.flatnonzero(order[:, 1] == predictions.labels)[3])
    picture, label = test[number]
    shares = {test.classes[n]: predictions.probabilities[number][n] for n in order[number, :3]}
    canvas = Canvas("Wrong at first, right among two", 1000, 300)
    canvas.show(picture, 60, 0, 290, 290)
    answers(canvas, shares, 440, 40, test.classes[label])
    said = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    canvas.description = f"A picture of the class {test.classes[label]}, marked with a star, and the three most probable answers: {said}."
    return canvas


def surprise() -> Figure:
    return plots.cross_entropy_curve()


def matrix() -> Figure:
    """The confusion matrix; a mean picture stands for each class above and at the left."""
    predictions, test = clothes()
    counts = evaluation.evaluate(predictions).confusion
    means = [test.images[test.labels == n].float().mean(0) for n in range(len(test.classes))]
    high, wide, left = 46, 84, 250
    canvas = Canvas("The confusion matrix", 1150, 46 * 11 + 30)
    for row, (name, mean) in enumerate(zip(test.classes, means)):
        canvas.show(mean, left + wide * row + 20, 0, 44, 44)
        y = high * (row + 1) + 2
        canvas.write(left - 62, y + high / 2, name, 24, ha="right")
        canvas.show(mean, left - 52, y + 1, 44, 44)
        for column, count in enumerate(map(int, counts[row])):
            share = count / counts[row].sum()
            colour = "#0061A0" if row == column else COLOURS[1]
            strength = share if row == column else min(1, 4 * share)
            look = {"alpha": float(max(strength, 0.9) if row == column else 0.8 * strength)}
            canvas.bar(left + wide * column, y, wide - 3, high - 3, colour, **look)
            if count:
                ink = "white" if row == column else "black"
                canvas.write(left + wide * (column + 0.5), y + high / 2, f"{count}", 24, color=ink)
    canvas.write(
        left + 5 * wide, 46 * 11 + 16, "a row: what it is;  a column: what the net said", 24
    )
    off = counts - np.diag(np.diag(counts))
    true, said = divmod(int(off.argmax()), len(counts))
    canvas.description = (
        f"A table of ten by ten counts, {np.diag(counts).min()} to {np.diag(counts).max()} on the diagonal. "
        f"The largest number beside it: {off.max()} of {test.classes[true]}, called {test.classes[said]}."
    )
    return canvas


def shirts() -> Figure:
    """Hits, misses and false alarms of one class as three groups of dots."""
    predictions, test = clothes()
    shirt = test.classes.index("Shirt")
    said, true = predictions.predicted == shirt, predictions.labels == shirt
    groups = {
        "hits\nshirts, called shirts": ((said & true).sum(), COLOURS[2], "o"),
        "misses\nshirts, called others": ((~said & true).sum(), COLOURS[1], "x"),
        "false alarms\nothers, called shirts": ((said & ~true).sum(), COLOURS[4], "^"),
    }
    hits, misses, alarms = (int(count) for count, *_ in groups.values())
    precision, recall = hits / (hits + alarms), hits / (hits + misses)
    f1 = 2 * precision * recall / (precision + recall)
    canvas = Canvas("The shirts", 1160, 430)
    for place, (name, (count, colour, marker)) in enumerate(groups.items()):
        x, dots = 385 * place + 20, np.arange(count)
        canvas.write(x, 40, f"{count} {name}", 28, ha="left")
        look = {"marker": marker, "linestyle": "none", "markersize": 11, "markeredgewidth": 3}
        canvas.line(x + 10 + dots % 15 * 23, 110 + dots // 15 * 23, colour, **look)
    words = (
        f"precision  {hits} / ({hits} + {alarms}) = {precision:.2f}",
        f"recall  {hits} / ({hits} + {misses}) = {recall:.2f}",
        f"F1 = {f1:.2f}",
    )
    for place, text in enumerate(words):
        canvas.write((20, 490, 940)[place], 400, text, 26, ha="left", fontweight="bold")
    canvas.description = (
        f"Dots in three groups: {hits} shirts that the net called shirts, {misses} shirts that it missed, {alarms} other things that it called shirts. "
        f"Precision {precision:.2f}, recall {recall:.2f}, F1 {f1:.2f}."
    )
    return canvas


def metrics() -> Figure:
    """Five metrics as five small drawings: dots are hits, crosses misses, triangles false alarms."""
    canvas = Canvas("Five metrics", 1160, 400)
    rows = {
        "Accuracy": ("right, of all", "oooooooox^"),
        "Precision": ("right, of those called", "ooo^"),
        "Recall": ("found, of those that are", "ooox"),
    }
    colours = {"o": COLOURS[2], "x": COLOURS[1], "^": COLOURS[4]}
    for place, (name, (words, marks)) in enumerate(rows.items()):
        x = 20 + 390 * place
        canvas.write(x, 24, name, 34, ha="left", fontweight="bold")
        canvas.write(x, 66, words, 26, ha="left")
        for n, mark in enumerate(marks):
            look = {"marker": mark, "markersize": 20, "markeredgewidth": 4}
            canvas.line([x + 18 + n % 10 * 34], [116], colours[mark], **look)
    canvas.write(20, 212, "F1 score", 34, ha="left", fontweight="bold")
    canvas.write(20, 254, "high only if precision and recall are", 26, ha="left")
    for n, (name, share) in enumerate((("precision", 0.9), ("recall", 0.1), ("F1", 0.18))):
        y = 292 + 34 * n
        canvas.write(20, y, name, 24, ha="left")
        canvas.bar(150, y - 11, 300 * share, 22, COLOURS[0 if n < 2 else 1])
        canvas.write(160 + 300 * share, y, f"{share:g}", 24, ha="left")
    canvas.write(640, 212, "Cross-entropy loss", 34, ha="left", fontweight="bold")
    canvas.write(640, 254, "high where it is sure and wrong", 26, ha="left")
    p = np.geomspace(0.02, 1, 60)
    canvas.line(640 + 480 * p, 350 + 17 * np.log(p), COLOURS[0], linewidth=4)
    canvas.write(640, 380, "probability of the right class: 0 to 1", 24, ha="left")
    canvas.description = "Accuracy: eight of ten marks are right. Precision: three of four called. Recall: three of four that are. F1 score: bars of 0.9 and 0.1, and F1 is 0.18. Cross-entropy loss: a curve that falls as the right class gets more probability."
    return canvas


def doctor() -> Figure:
    """A hundred people, one of them ill."""
    canvas = Canvas("One in a hundred is ill", 1140, 300)
    for place in range(100):
        x, y = 28 + place % 20 * 57, 30 + place // 20 * 60
        ill = place == 67
        canvas.line([x], [y], COLOURS[1 if ill else 0], marker="X" if ill else "o", markersize=27)
    canvas.description = (
        "A hundred marks in five rows: 99 blue dots, and one orange cross, who is ill."
    )
    return canvas


def chance() -> Figure:
    """Accuracies of 1,000 sets of 2,000 pictures drawn from one."""
    predictions, _ = clothes()
    right = predictions.predicted == predictions.labels
    n, p = len(right), right.mean()
    drawn = np.random.default_rng(0).choice(right, (1000, n)).mean(axis=1)
    margin = 1.96 * np.sqrt(p * (1 - p) / n)
    low, high = 100 * (p - margin), 100 * (p + margin)
    label = "accuracy in % on 2,000 pictures"
    figure = plots.histogram(100 * drawn, label, mark=100 * p, interval=(low, high))
    axes = figure.axes[0]
    axes.get_legend().remove()  # each number stands where it is
    axes.set_ylim(top=1.25 * axes.get_ylim()[1])
    for x, words, side in (
        (low, f"{low:.1f} ", "right"),
        (100 * p, f" {100 * p:.1f}", "left"),
        (high, f" {high:.1f}", "left"),
    ):
        look = {"ha": side, "va": "top", "fontsize": 14, "fontweight": "bold"}
        axes.text(x, 0.97, words, transform=axes.get_xaxis_transform(), **look)
    figure.set_size_inches(9, 2.65)
    return figure


def dots(title: str, found: dict[str, list[float]], high: int, young=()) -> Canvas:
    """A row for each name, with a dot for each run, a square for the young ones, and the mean at the right."""
    canvas, step = Canvas(title, 1160, high), (high - 90) / len(found)
    ends = min(map(min, found.values())), max(map(max, found.values()))
    place = lambda value: 360 + 640 * (value - ends[0]) / (ends[1] - ends[0])
    for row, (name, values) in enumerate(found.items()):
        y, mean = step * (row + 0.5), float(np.mean(values))
        canvas.line([345, 1015], [y, y], "#E3E7EB", linewidth=1.5, zorder=0)
        canvas.write(335, y, name, ha="right")
        mark, colour = ("s", COLOURS[1]) if name in young else ("o", COLOURS[0])
        look = {"marker": mark, "linestyle": "none", "markersize": 14, "alpha": 0.6}
        canvas.line([place(value) for value in values], [y] * len(values), colour, **look)
        canvas.line([place(mean)] * 2, [y - min(16, step / 3), y + min(16, step / 3)], linewidth=4)
        canvas.write(1035, y, f"{100 * mean:.1f} %", ha="left", fontweight="bold")
    low, top = (f"{100 * end:.1f} %" for end in ends)
    canvas.write(360, high - 66, low, 24)
    canvas.write(1000, high - 66, top, 24)
    canvas.write(680, high - 24, title, 26)
    said = "; ".join(f"{name} {min(one):.3f} to {max(one):.3f}" for name, one in found.items())
    canvas.description = f"{title}, a dot for each run, a stroke at the mean. {said}."
    return canvas


def tricks() -> Figure:
    rows = [row for row in recorded.load("tricks")["results"] if row["activation"] == "ReLU"]
    names = {
        (False, False): "ReLU",
        (True, False): "+ dropout",
        (False, True): "+ augmentation",
        (True, True): "+ both",
    }
    found = {names[row["dropout"], row["augment"]]: row["accuracy"] for row in rows}
    title = f"test accuracy, 300 training digits ({recorded.label('tricks')})"
    return dots(title, dict(sorted(found.items(), key=lambda one: sum(one[1]))), 420)


def gradients() -> Figure:
    """The length of the gradient in each of twelve layers before training, as chapter 2 computes it."""
    images, labels = next(iter(data.Batches(data.load("fashion-mnist"), 64, device="cpu")))
    found = {}
    for name, activation, norm in (
        ("sigmoid", nn.Sigmoid, False),
        ("ReLU", nn.ReLU, False),
        ("sigmoid, batch norm", nn.Sigmoid, True),
    ):
        torch.manual_seed(0)
        layers = [nn.Conv2d(16 if i else 1, 16, 3, padding=1) for i in range(12)]
        parts = [
            part
            for layer in layers
            for part in (layer, nn.BatchNorm2d(16) if norm else nn.Identity(), activation())
        ]
        net = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))
        nn.functional.cross_entropy(net(images), labels).backward()
        found[name] = {
            place: [layer.weight.grad.norm().item()] for place, layer in enumerate(layers, 1)
        }
    figure = plots.lines(found, "layer", "length of the gradient", log=True)
    figure.set_size_inches(9, 3.5)
    return figure


def _in_percent(figure: Figure) -> Figure:
    """The same with the marks at the left in percent, as the words of the slides have it."""
    figure.axes[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    return figure


def degradation() -> Figure:
    errors = {
        kind: {int(layers): row["training_error"] for layers, row in found.items()}
        for kind, found in recorded.load("degradation")["results"].items()
    }
    words = f"training error ({recorded.label('degradation')})"
    return _in_percent(plots.lines(errors, "layers", words))


def depth() -> Figure:
    """Top-1 accuracy by layers: VGG-19 and the ResNets."""
    cards = [models.card(n) for n in ("vgg19", "resnet18", "resnet50", "resnet101", "resnet152")]
    canvas = Canvas("And now depth pays", 1160, 420)
    for place, card in enumerate(cards):
        y, colour = 40 + 84 * place, "#B34A00" if card.name == "vgg19" else COLOURS[0]
        canvas.write(0, y, card.title, 30, ha="left", fontweight="bold")
        canvas.bar(200, y - 24, 6.4 * card.top1, 48, colour)
        words = f"{card.top1:.1f} %"
        canvas.write(212, y, words, 28, ha="left", color="white", fontweight="bold")
        facts = f"{card.layers} layers, {card.parameters / 1e6:.1f} million parameters"
        canvas.write(212 + 6.4 * card.top1, y, facts, 26, ha="left")
    said = "; ".join(
        f"{one.title}: {one.layers} layers, {one.parameters:,} parameters, {one.top1} %"
        for one in cards
    )
    canvas.description = f"Bars of ImageNet top-1 accuracy. {said}."
    return canvas


LABELS = {  # of the figure of costs: where a name stands beside its dot, in pixels
    "alexnet": (14, 0),
    "squeezenet1_1": (14, -3),
    "googlenet": (-14, 14),
    "resnet18": (14, 18),
    "vgg16": (14, -16),
    "resnet50": (14, 14),
    "resnet152": (14, 10),
    "mobilenet_v3_large": (14, 18),
    "efficientnet_b0": (14, -14),
    "convnext_tiny": (-14, -26),
    "vit_b_16": (14, 0),
    "densenet121": (-14, 16),
}


def tradeoff() -> Figure:
    """Accuracy and cost of the nets that are named, one dot each; two that came after CNNs' great years are orange."""
    canvas, said = Canvas("What accuracy costs", 1160, 470), []
    x_of = lambda cost: 90 + 880 * np.log10(cost / 0.2) / np.log10(100)
    y_of = lambda top1: 400 - 12.5 * (top1 - 55)
    for top1 in (60, 70, 80):
        canvas.line([80, 1150], [y_of(top1)] * 2, "#E3E7EB", linewidth=1.5, zorder=0)
        canvas.write(66, y_of(top1), f"{top1} %", 24, ha="right")
    for cost in (0.3, 1, 3, 10):
        canvas.write(x_of(cost), 418, f"{cost:g}", 24)
    canvas.write(615, 452, "billion multiply-adds a picture", 26)
    canvas.write(90, 14, "ImageNet top-1 accuracy", 26, ha="left")
    for name, (right, down) in LABELS.items():
        card = models.card(name)
        with torch.device("meta"):
            built = models.build(name, classes=1000)
        cost = models.summary(built, (3, card.pixels, card.pixels)).multiply_adds / 1e9
        colour = COLOURS[1] if card.year >= 2020 else COLOURS[0]
        x, y = x_of(cost), y_of(card.top1)
        canvas.line([x], [y], colour, marker="s" if colour == COLOURS[1] else "o", markersize=15)
        side = "left" if right > 0 else "right"
        canvas.write(x + right, y + down, card.title.partition(",")[0], 24, ha=side)
        said.append(f"{card.title}: {cost:.2f} billion, {card.top1} %")
    canvas.description = f"A dot for each net: to the right what a picture costs, upwards its accuracy. {'; '.join(said)}."
    return canvas


NAMES = {
    "lenet": "LeNet",
    "alexnet": "AlexNet",
    "zfnet": "ZFNet",
    "vgg": "VGG",
    "googlenet": "GoogLeNet",
    "resnet": "ResNet",
    "resnext": "ResNeXt",
    "xception": "Xception",
    "densenet": "DenseNet",
    "senet": "SENet",
    "efficientnet": "EfficientNet",
    "convnext": "ConvNeXt",
    "vit": "transformer",
}


def ideas() -> Figure:
    """The blocks of chapter 2 in the same small net, best first."""
    found = recorded.load("ideas")["results"]
    ranked = sorted(NAMES, key=lambda idea: -sum(found[idea]["accuracy"]))
    title = f"test accuracy, Fashion-MNIST ({recorded.label('ideas')})"
    runs = {NAMES[idea]: found[idea]["accuracy"] for idea in ranked}
    return dots(title, runs, 512, young=(NAMES["convnext"], NAMES["vit"]))


def few_pictures() -> Figure:
    found = recorded.load("fewshot")["results"]
    accuracy = {
        way.replace("fine tuned", "fine-tuned"): {
            int(k): row["accuracy"] for k, row in rows.items()
        }
        for way, rows in found.items()
    }
    words = f"test accuracy ({recorded.label('fewshot')})"
    figure = _in_percent(plots.lines(accuracy, "pictures a class", words))
    free = {"loc": "center right", "bbox_to_anchor": (1, 0.6), "ncols": 2, "frameon": False}
    figure.axes[0].legend(**free)  # where no line runs
    return figure
