"""What do k and the threshold change? Top-k accuracy with the pictures it adds, and the errors that a threshold trades."""

import ipywidgets
import numpy as np

from workshop_utils.data import ImageDataset
from workshop_utils.evaluation import Predictions, decide, evaluate
from workshop_utils.figure import COLOURS, Figure, mosaic
from workshop_utils.widgets.panel import WIDE, Panel

STEPS = (
    0.001,
    0.002,
    0.005,
    0.01,
    0.02,
    0.05,
    0.08,
    0.1,
    0.15,
    0.2,
    0.25,
    0.3,
    0.4,
    0.5,
    0.6,
    0.7,
    0.75,
    0.8,
    0.85,
    0.9,
    0.95,
    0.98,
    0.99,
    0.999,
)


def top_k(predictions: Predictions, dataset: ImageDataset) -> Panel:
    """Moves k, and shows top-k accuracy and the pictures that this k adds. dataset: the pictures that were predicted, in order."""
    return Panel(
        "Top-k accuracy",
        lambda k: top_k_figure(predictions, dataset, k=k),
        {
            "k": ipywidgets.IntSlider(
                1, min=1, max=len(predictions.classes), description="k", **WIDE
            )
        },
    )


def top_k_figure(predictions: Predictions, dataset: ImageDataset, *, k: int) -> Figure:
    """Bars of top-1 to top-K, the k-th marked; beside them up to 12 pictures whose class is exactly the k-th most probable."""
    result, classes = evaluate(predictions), predictions.classes
    rank = (
        np.argsort(-predictions.probabilities, axis=1, kind="stable") == predictions.labels[:, None]
    ).argmax(1) + 1
    added, accuracy = np.flatnonzero(rank == k), result.top_k(k)
    figure = Figure("Top-k accuracy", (11, 3.4))
    left, right = figure.subplots(1, 2)
    ks = np.arange(1, min(len(classes), 20) + 1)
    left.bar(
        ks,
        [(rank <= j).mean() for j in ks],
        color=[COLOURS[1] if j == k else COLOURS[0] for j in ks],
        hatch=["//" if j == k else "" for j in ks],
        edgecolor="white",
    )
    left.set(
        xlabel="k",
        ylabel="top-k accuracy",
        ylim=(0, 1.12),
        xticks=ks,
        title=f"top-{k} accuracy {accuracy:.2%}",
    )
    right.axis("off")
    if len(added):
        right.imshow(
            mosaic([dataset[int(number)][0] for number in added[:12]], 6), interpolation="nearest"
        )
    right.set_title(f"their class is number {k} in the net's order")
    named = (
        f"; the first of them are {', '.join(classes[predictions.labels[number]] for number in added[:12])}"
        if len(added)
        else ""
    )
    figure.description = (
        f"top-{k} accuracy is {accuracy:.2%}: the class of {int((rank <= k).sum()):,} of {len(rank):,} pictures is among the {k} most probable. "
        f"{len(added):,} pictures have it exactly in place {k}{named}."
    )
    return figure


def threshold(
    predictions: Predictions, *, positive: str, miss: float = 1, alarm: float = 1
) -> Panel:
    """Moves the probability from which a picture is called `positive`, and shows what is found, missed and falsely called.

    miss, alarm: what one missed picture and one false alarm cost.
    """
    return Panel(
        f"From which probability on is it '{positive}'?",
        lambda at: threshold_figure(predictions, positive=positive, miss=miss, alarm=alarm, at=at),
        {
            "at": ipywidgets.SelectionSlider(
                options=STEPS, value=0.5, description="threshold", **WIDE
            )
        },
    )


def threshold_figure(
    predictions: Predictions, *, positive: str, miss: float, alarm: float, at: float
) -> Figure:
    """Every picture as a dot at its probability, in a row for each truth, with the threshold between; the counts as bars."""
    chance, true = (
        predictions.probabilities[:, predictions.classes.index(positive)],
        predictions.labels == predictions.classes.index(positive),
    )
    counts = decide(predictions, positive, at)
    figure = Figure(f"Threshold {at} for '{positive}'", (11, 3.2))
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    scattered = np.random.default_rng(0).uniform(-0.3, 0.3, len(chance))
    for row, (here, name) in enumerate(((~true, f"not {positive}"), (true, positive))):
        left.plot(
            np.clip(chance[here], 1e-4, 1 - 1e-4),
            row + scattered[here],
            "xo"[row],
            color=COLOURS[row],
            alpha=0.6,
            markersize=5,
        )
    left.axvline(at, color="black", linewidth=2, linestyle="--")
    left.set_xscale("logit")
    left.set(
        xticks=[0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999],
        xticklabels=["0.001", "0.01", "0.1", "0.5", "0.9", "0.99", "0.999"],
        xlim=(5e-5, 1 - 5e-5),
    )
    left.minorticks_off()
    left.set_yticks([0, 1], [f"not {positive}", positive])
    left.set_xlabel(f"probability of '{positive}'; right of the line it is called so")
    bars = right.barh(
        ["found", "missed", "false alarms"],
        [counts.hits, counts.misses, counts.alarms],
        color=[COLOURS[1], "white", COLOURS[0]],
        edgecolor=[COLOURS[1], COLOURS[1], COLOURS[0]],
        hatch=["", "//", "xx"],
    )  # the colours of the dots
    right.set_title(f"cost {counts.cost(miss, alarm):,.12g}", fontsize=12)
    right.bar_label(bars, padding=3)
    right.invert_yaxis()
    right.margins(x=0.2)
    precision = (
        f"{counts.precision:.2f}"
        if counts.hits + counts.alarms
        else "undefined, for none is called so"
    )
    figure.description = (
        f"Threshold {at}: {counts.hits} of {int(true.sum())} '{positive}' are found, {counts.misses} missed, "
        f"{counts.alarms} of {int((~true).sum())} others are false alarms. Recall {counts.recall:.2f}, precision {precision}. "
        f"Cost: {miss:g} x {counts.misses} + {alarm:g} x {counts.alarms} = {counts.cost(miss, alarm):.12g}."
    )
    return figure
