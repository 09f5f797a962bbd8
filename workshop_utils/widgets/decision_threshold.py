"""What does a threshold trade? The errors that it makes and avoids, and what they cost."""

from functools import partial

import ipywidgets
import numpy as np

from workshop_utils.evaluation import Predictions, decide
from workshop_utils.figure import COLOURS, Figure
from workshop_utils.widgets.panel import Panel, wide

LOW = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
STEPS = (*LOW, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.999)


def threshold(
    predictions: Predictions, *, positive: str, miss: float = 1, alarm: float = 1
) -> Panel:
    """Moves the probability from which a picture is called `positive`, and shows what is found, missed and falsely called.

    miss, alarm: what one missed picture and one false alarm cost.
    """
    at = wide(ipywidgets.SelectionSlider, "threshold", options=STEPS, value=0.5)
    draw = partial(threshold_figure, predictions, positive=positive, miss=miss, alarm=alarm)
    return Panel(f"From which probability on is it '{positive}'?", draw, {"at": at}, steady=True)


def threshold_figure(
    predictions: Predictions, *, positive: str, miss: float, alarm: float, at: float
) -> Figure:
    """Every picture as a dot at its probability, in a row for each truth, with the threshold between; the counts as bars."""
    label = predictions.classes.index(positive)
    chance, true = predictions.probabilities[:, label], predictions.labels == label
    counts, names = decide(predictions, positive, at), (f"not {positive}", positive)
    figure = Figure(f"Threshold {at} for '{positive}'", (11, 3.2))
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    scattered = np.random.default_rng(0).uniform(-0.3, 0.3, len(chance))
    for row, here in enumerate((~true, true)):
        dots = np.clip(chance[here], 1e-4, 1 - 1e-4), row + scattered[here]
        left.plot(*dots, "xo"[row], color=COLOURS[row], alpha=0.6, markersize=5)
    left.axvline(at, color="black", linewidth=2, linestyle="--")
    left.set(xscale="logit", xlim=(5e-5, 1 - 5e-5))
    ticks = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)
    left.set_xticks(ticks, list(map(str, ticks)))
    left.minorticks_off()
    left.set_yticks([0, 1], names)
    left.set_xlabel(f"probability of '{positive}'; right of the line it is called so")
    no, yes = COLOURS[:2]  # the colours of the dots
    look = {"color": [yes, "white", no], "edgecolor": [yes, yes, no], "hatch": ["", "//", "xx"]}
    each = {"found": counts.hits, "missed": counts.misses, "false alarms": counts.alarms}
    bars = right.barh(list(each), list(each.values()), **look)
    right.set_title(f"cost {counts.cost(miss, alarm):,.12g}", fontsize=12)
    right.bar_label(bars, padding=3)
    right.invert_yaxis()
    right.margins(x=0.2)
    called = counts.hits + counts.alarms
    precision = f"{counts.precision:.2f}" if called else "undefined, for none is called so"
    figure.description = (
        f"Threshold {at}: {counts.hits} of {int(true.sum())} '{positive}' are found, {counts.misses} missed, "
        f"{counts.alarms} of {int((~true).sum())} others are false alarms. Recall {counts.recall:.2f}, precision {precision}. "
        f"Cost: {miss:g} x {counts.misses} + {alarm:g} x {counts.alarms} = {counts.cost(miss, alarm):.12g}."
    )
    return figure
