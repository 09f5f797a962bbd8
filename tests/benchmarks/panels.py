"""From a panel's callback to the new picture, in Python: each panel is moved 20 times, after two moves that do not count."""

import itertools
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from statistics import median
from typing import Any

import ipywidgets
import torch
from torchvision.io import encode_png

from tests.benchmarks.timing import markdown, spread, timed
from workshop_utils import data, evaluation, models, transfer, widgets

MOVE, BUTTON = 150, 5_000  # milliseconds at most; a button that trains says so meanwhile
Moves = Iterator[Callable[[], Any]]


def table() -> str:
    with tempfile.TemporaryDirectory() as folder:
        rows = [_row(*row) for row in panels(folder)]
    return markdown(
        "Moving one control at a time, as a person does, 20 times; the browser's own time is not in it.",
        ["panel", "part of the target", "target", "milliseconds a move"],
        rows,
    )


def _row(name: str, panel: widgets.Panel, moves: Moves, target: int = MOVE) -> tuple:
    times = milliseconds(panel, moves)
    return name, f"{median(times) / target:.2f}", f"under {target:,}", spread(times)


def milliseconds(panel: widgets.Panel, moves: Moves, counted: int = 20) -> list[float]:
    times = []
    for move in itertools.islice(moves, counted + 2):
        before = panel.figure
        times.append(1000 * timed(move)[0])
        assert panel.figure is not before, f"'{panel.title}' was not moved: {panel.sentence.value}"
    return times[2:]


def panels(folder: str) -> Iterable[tuple]:
    test, digits, photos = (
        data.load("fashion-mnist", "test"),
        data.load("mnist", "test"),
        data.load("photos"),
    )
    predictions = evaluation.predict(models.ready("lenet-fashion-mnist"), test)
    reader, net = (
        models.ready("lenet-mnist"),
        models.build("efficientnet_lite0", classes=1000, pretrained=True),
    )
    names = data.imagenet.class_names()
    yield "(a) browser", *_cycle(widgets.browser(), "page", range(2, 21))
    yield "(a) guess the set", *_cycle(widgets.guess_the_set(), "number", range(2, 13))
    yield (
        "label pictures",
        *_cycle(widgets.labelling(test.subset(torch.arange(20))), "number", range(2, 21)),
    )
    yield "(b) top-k", *_cycle(widgets.top_k(predictions, test), "k", range(2, 11))
    yield (
        "(b) threshold",
        *_cycle(
            widgets.threshold(predictions, positive="Shirt", miss=5), "at", (0.1, 0.2, 0.3, 0.9)
        ),
    )
    yield (
        "(c) confusion matrix",
        *_cycle(widgets.confusion(evaluation.evaluate(predictions), test), "said", test.classes),
    )
    yield (
        "(d) drawing pad, a control",
        *_cycle(widgets.drawing_pad(reader, digits), "right", range(1, 8)),
    )
    yield "(d) drawing pad, a stroke", *_strokes(widgets.drawing_pad(reader, digits))
    yield (
        "(e) kernel playground",
        *_cycle(widgets.kernel_playground(photos.images[0]), "k11", (1.0, 2.0, 3.0)),
    )
    yield (
        "(f) architecture",
        *_cycle(
            widgets.architecture(),
            "blocks",
            ("conv3 16, pool, dense 32", "conv5 6, pool, conv5 16, pool, dense 120, dense 84"),
        ),
    )
    yield "(g) feature maps", *_cycle(widgets.feature_maps(reader, digits), "picture", range(1, 20))
    yield (
        "(g) Grad-CAM, another picture",
        *_cycle(
            widgets.grad_cam(net, photos.subset(torch.arange(26) % 13), names),
            "picture",
            range(1, 26),
        ),
    )
    yield (
        "(g) Grad-CAM, another opacity",
        *_cycle(widgets.grad_cam(net, photos, names), "opacity", (0.1, 0.9)),
    )
    freezing = widgets.freezing(models.ready("small_resnet-fashion-mnist"), digits.per_class(10))
    yield "freezing, stages that learn", *_cycle(freezing, "learning", range(4))
    yield "freezing, button 'Train one epoch'", *_press(freezing, "Train one epoch"), BUTTON
    yield from own_pictures(net, folder)


def own_pictures(net: torch.nn.Module, folder: str) -> Iterable[tuple]:
    """Ten pictures of each of two classes, as chapter 3 has them; features are forgotten before each training."""
    art = data.load("clip-art")
    two = art.subset(art.draw(10)[:20])
    net.preprocess = models.preprocessing(resize=224, crop=224, mean=[0.5] * 3, std=[0.5] * 3)
    panel = widgets.own_pictures(
        net,
        data.ImageDataset(two.images, two.labels, two.classes[:2], name="two"),
        folder=f"{folder}/mine",
    )
    yield (
        "own pictures, button 'Train'",
        *_press(panel, "Train", before=transfer.forget),
        BUTTON,
    )
    raw = encode_png(two.images[0]).numpy().tobytes()
    yield (
        "own pictures, classify one",
        panel,
        itertools.repeat(
            lambda: panel.act(lambda: panel.collection.ask([("new.png", lambda: raw)]))
        ),
    )


def _cycle(panel: widgets.Panel, name: str, values: Iterable) -> tuple[widgets.Panel, Moves]:
    return panel, (
        partial(setattr, panel.controls[name], "value", value) for value in itertools.cycle(values)
    )


def _press(
    panel: widgets.Panel, label: str, before: Callable[[], Any] = lambda: None
) -> tuple[widgets.Panel, Moves]:
    (button,) = (
        child
        for child in _inside(panel.box)
        if isinstance(child, ipywidgets.Button) and child.description.startswith(label)
    )
    return panel, itertools.repeat(lambda: (before(), button.click()))


def _strokes(panel: widgets.Panel) -> tuple[widgets.Panel, Moves]:
    """What pad.js sends after a stroke: the whole drawing, then the count."""
    (pad,) = (child for child in _inside(panel.box) if child.has_trait("strokes"))
    ink = torch.zeros(1, 280, 280, dtype=torch.uint8)
    ink[:, 40:240, 120:150] = 255
    pad.drawing = "data:image/png;base64," + b64encode(encode_png(ink).numpy().tobytes()).decode()
    return panel, (partial(setattr, pad, "strokes", number) for number in itertools.count(1))


def _inside(box: ipywidgets.Box) -> Iterator[ipywidgets.Widget]:
    for child in box.children:
        yield child
        if isinstance(child, ipywidgets.Box):
            yield from _inside(child)
