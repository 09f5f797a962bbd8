"""What does k change? Top-k accuracy, with the pictures that each k adds."""

from functools import partial

import numpy as np

from workshop_utils.data import ImageDataset
from workshop_utils.evaluation import Predictions, evaluate, predicted_pictures
from workshop_utils.figure import COLOURS, Figure, mosaic
from workshop_utils.widgets.panel import Panel, slider


def top_k(predictions: Predictions, dataset: ImageDataset) -> Panel:
    """Moves k, and shows top-k accuracy and the pictures that this k adds. dataset: the pictures that were predicted, in order."""
    dataset = predicted_pictures(predictions, dataset)
    k = slider("k", 1, 1, len(predictions.classes))
    return Panel(
        "Top-k accuracy", partial(top_k_figure, predictions, dataset), {"k": k}, steady=True
    )


def top_k_figure(predictions: Predictions, dataset: ImageDataset, *, k: int) -> Figure:
    """Bars of top-1 to top-K, the k-th marked; beside them up to 12 pictures whose class is exactly the k-th most probable."""
    classes, accuracy = predictions.classes, evaluate(predictions).top_k(k)
    order = np.argsort(-predictions.probabilities, axis=1, kind="stable")
    rank = (order == predictions.labels[:, None]).argmax(1) + 1
    added, ks = np.flatnonzero(rank == k), np.arange(1, min(len(classes), 20) + 1)
    figure = Figure("Top-k accuracy", (11, 3.4))
    left, right = figure.subplots(1, 2)
    bars = left.bar(ks, [(rank <= j).mean() for j in ks], color=COLOURS[0], edgecolor="white")
    if k <= len(bars):
        bars[k - 1].set(facecolor=COLOURS[1], hatch="//")
    left.set(xlabel="k", ylabel="top-k accuracy", ylim=(0, 1.12), xticks=ks)
    left.set_title(f"top-{k} accuracy {accuracy:.2%}")
    right.axis("off")
    right.set_title(f"their class is number {k} in the net's order")
    named = ""
    if len(added):
        shown = [dataset[int(number)][0] for number in added[:12]]
        right.imshow(mosaic(shown, 6), interpolation="nearest")
        named = f"; the first of them are {', '.join(classes[label] for label in predictions.labels[added[:12]])}"
    among = f"the class of {int((rank <= k).sum()):,} of {len(rank):,} pictures is among the {k} most probable"
    figure.description = f"top-{k} accuracy is {accuracy:.2%}: {among}. {len(added):,} pictures have it exactly in place {k}{named}."
    return figure
