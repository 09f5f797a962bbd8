"""From a panel's callback to the new picture, in Python: each panel is moved 20 times, after two moves that do not count."""

import itertools
import statistics
import time
from typing import Any, Iterable

import torch

from workshop_utils import data, evaluation, models, widgets

TARGET = 250  # milliseconds


def table() -> str:
    """Moving one control at a time, as a person does; the browser's own time is not in it."""
    rows = [f"| {name} | {statistics.median(times):.0f} ({min(times):.0f} to {max(times):.0f}) | under {TARGET} |"
            for name, panel, moves in panels() for times in [milliseconds(panel, moves)]]
    return "\n".join(["| panel | milliseconds a move: median (range) | target |", "| --- | --- | --- |", *rows])


def milliseconds(panel: widgets.Panel, moves: Iterable[tuple[str, Any]], counted: int = 20) -> list[float]:
    times = []
    for name, value in itertools.islice(moves, counted + 2):
        began, before = time.perf_counter(), panel.figure
        panel.controls[name].value = value
        times.append(1000 * (time.perf_counter() - began))
        assert panel.figure is not before, f"{name} was not moved"
    return times[2:]


def panels() -> Iterable[tuple[str, widgets.Panel, Iterable]]:
    test, digits, photos = data.load("fashion-mnist", "test"), data.load("mnist", "test"), data.load("photos")
    predictions = evaluation.predict(models.ready("lenet-fashion-mnist"), test)
    reader, net = models.ready("lenet-mnist"), models.build("efficientnet_lite0", classes=1000, pretrained=True)
    yield "(a) browser", widgets.browser(), _cycle("page", range(2, 21))
    yield "(a) guess the set", widgets.guess_the_set(), _cycle("number", range(2, 13))
    yield "label pictures", widgets.labelling(test.subset(torch.arange(20))), _cycle("number", range(2, 21))
    yield "(b) top-k", widgets.top_k(predictions, test), _cycle("k", range(2, 11))
    yield "(b) threshold", widgets.threshold(predictions, positive="Shirt"), _cycle("at", (0.1, 0.2, 0.3, 0.9))
    yield "(c) confusion matrix", widgets.confusion(evaluation.evaluate(predictions), test), _cycle("said", test.classes)
    yield "(d) drawing pad", widgets.drawing_pad(reader, digits), _cycle("right", range(1, 8))
    yield "(e) kernel playground", widgets.kernel_playground(photos.images[0]), _cycle("k11", (1.0, 2.0, 3.0))
    yield "(f) architecture", widgets.architecture(), _cycle("blocks", ("conv3 16, pool, dense 32", "conv5 6, pool, conv5 16, pool, dense 120, dense 84"))
    yield "(g) feature maps", widgets.feature_maps(reader, digits), _cycle("picture", range(1, 20))
    yield "(g) Grad-CAM, another picture", widgets.grad_cam(net, photos.subset(torch.arange(26) % 13), data.imagenet.class_names()), _cycle("picture", range(1, 26))
    yield "(g) Grad-CAM, another opacity", widgets.grad_cam(net, photos, data.imagenet.class_names()), _cycle("opacity", (0.1, 0.9))


def _cycle(name: str, values: Iterable) -> Iterable[tuple[str, Any]]:
    return ((name, value) for value in itertools.cycle(values))
