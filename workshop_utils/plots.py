"""The figures of the course: matplotlib Figures, each with a description in words."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, NullLocator
from torch import Tensor

from workshop_utils import data
from workshop_utils.data import ImageDataset
from workshop_utils.data.imagenet import Box
from workshop_utils.evaluation import Evaluation
from workshop_utils.figure import (
    COLOURS,
    DASHES,
    HATCHES,
    MARKERS,
    Figure,
    counts_in_cells,
    drawable,
    extremes,
    names_beside,
    number,
)
from workshop_utils.training import History


def images(
    pictures: ImageDataset | Sequence,
    titles: Sequence[str] | None = None,
    *,
    columns: int = 8,
    title: str = "Pictures",
    width: float = 10,
) -> Figure:
    """Pictures side by side, each under its title (its class, where a dataset is given).

    pictures: a dataset, or (C, H, W) or (H, W) tensors; uint8, or floats, which are drawn from their lowest to their
    highest value.
    """
    if isinstance(pictures, ImageDataset):
        titles = titles or [pictures.classes[label] for label in pictures.labels]
        pictures = pictures.images
    if not len(pictures):
        raise ValueError("There are no pictures to show: the list is empty.")
    titles = titles or [""] * len(pictures)
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    title_lines = 1 + max(name.count("\n") for name in titles)
    figure = Figure(title, (width, rows * (width / columns + 0.13 + 0.22 * title_lines)))
    for place, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        axes.axis("off")
        if place < len(pictures):
            axes.imshow(drawable(pictures[place]), cmap="gray", interpolation="nearest")
            axes.set_title(titles[place], fontsize=10)
    figure.description = (
        f"{title}: {len(pictures)} pictures in {rows} {'row' if rows == 1 else 'rows'}. From left to right, top to bottom: "
        + "; ".join(
            f"{name or 'untitled'} ({_in_numbers(picture)})"
            for name, picture in zip(titles, pictures)
        )
        + "."
    )
    return figure


def dataset_card(name: str) -> Figure:
    """A picture of each of the first ten classes of a set that is on this computer, else a frame that says how to get it."""
    card = data.card(name)
    facts = f"{card.title}: {len(card.classes):,} classes, {sum(card.splits.values()):,} pictures of {' x '.join(map(str, card.shape))}"
    try:
        dataset = data.load(name, source="bundled" if card.bundled else "full", download=False)
    except FileNotFoundError:
        figure = Figure(card.title, (10, 1.6))
        axes = figure.subplots()
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set(visible=True, linestyle=(0, (4, 4)))
        axes.text(
            0.5,
            0.5,
            f"{facts}\nNot on this computer ({card.download_bytes / 1e6:,.0f} MB). This brings it:\n{card.how}",
            ha="center",
            va="center",
            fontsize=12,
            transform=axes.transAxes,
        )
        figure.description = (
            f"An empty frame, for the set is not on this computer. {facts}. {card.how} brings it."
        )
        return figure
    present = [label for label in range(len(card.classes)) if (dataset.labels == label).any()][:10]
    firsts = [int((dataset.labels == label).nonzero()[0]) for label in present]
    return images(
        [dataset[first][0] for first in firsts],
        [card.classes[label] for label in present],
        columns=10,
        title=facts,
    )


def class_counts(*datasets: ImageDataset) -> Figure:
    """How many pictures each class has, one bar a class and dataset."""
    figure = Figure("Pictures per class", (9, 0.42 * len(datasets[0].classes) + 0.9))
    axes = figure.subplots()
    parts = []
    for place, dataset in enumerate(datasets):
        counts = np.bincount(dataset.labels, minlength=len(dataset.classes))
        height = 0.8 / len(datasets)
        bars = axes.barh(
            np.arange(len(counts)) + place * height,
            counts,
            height,
            color=COLOURS[place],
            hatch=HATCHES[place % 4],
            edgecolor="white",
            label=f"{dataset.name}, {dataset.split}",
        )
        axes.bar_label(bars, fmt="{:,.0f}", padding=3)
        parts.append(
            f"{dataset.name}, {dataset.split}: {extremes(dict(zip(dataset.classes, map(int, counts))), 'pictures')}"
        )
    axes.set_yticks(
        np.arange(len(datasets[0].classes)) + 0.4 - 0.4 / len(datasets), datasets[0].classes
    )
    axes.invert_yaxis()
    axes.set_xlabel("pictures")
    axes.margins(x=0.12)
    if len(datasets) > 1:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    figure.description = "Bars, one a class, as long as the class has pictures. " + " ".join(parts)
    return figure


def curves(histories: History | dict[str, History]) -> Figure:
    """Loss and accuracy by epoch; with several nets one colour and marker each, validation dashed."""
    histories = {"": histories} if isinstance(histories, History) else histories
    figure = Figure("Learning curves", (10, 3.8))
    parts = []
    for axes, quantity, word in zip(
        figure.subplots(1, 2), ("loss", "accuracy"), ("cross-entropy loss (nats)", "accuracy")
    ):
        for place, (name, history) in enumerate(histories.items()):
            for values, kind, dash in (
                (getattr(history, quantity), "training", "-"),
                (getattr(history, f"validation_{quantity}"), "validation", "--"),
            ):
                if values:
                    axes.plot(
                        range(1, len(values) + 1),
                        values,
                        dash,
                        marker=MARKERS[place % 7],
                        label=f"{name} {kind}".strip(),
                        color=COLOURS[
                            (place if len(histories) > 1 else place + (kind == "validation")) % 7
                        ],
                    )
                    parts.append(
                        f"{name} {kind} {quantity} goes from {values[0]:.3f} to {values[-1]:.3f} in {len(values)} epochs".strip()
                    )
        axes.set(xlabel="epoch", ylabel=word)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(frameon=False)
    figure.description = "Two panels of lines by epoch. " + "; ".join(parts) + "."
    return figure


def live_curves():
    """A function for `fit(on_epoch=...)` that redraws the learning curves in place after each epoch."""
    from IPython.display import display

    handles = []

    def draw(history: History) -> None:
        bundles = curves(history).bundles()
        if handles:
            for handle, bundle in zip(handles, bundles):
                handle.update(bundle, raw=True)
        else:
            handles.extend(
                filter(None, [display(bundle, raw=True, display_id=True) for bundle in bundles])
            )  # None outside a notebook

    return draw


def confusion(evaluation: Evaluation) -> Figure:
    """The confusion matrix: true classes down, predicted ones across, counts in the cells."""
    counts, classes = evaluation.confusion, evaluation.predictions.classes
    figure = Figure("Confusion matrix", (8.5, 7))
    axes = figure.subplots()
    counts_in_cells(axes, counts, classes)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.spines[["top", "right"]].set_visible(True)
    off = counts * (1 - np.eye(len(classes), dtype=int))
    row, column = np.unravel_index(off.argmax(), off.shape)
    worst = (
        f"The largest confusion: {off[row, column]} of '{classes[row]}' were taken for '{classes[column]}'."
        if off.any()
        else "No class was taken for another."
    )
    right = {name: int(counts[place, place]) for place, name in enumerate(classes)}
    figure.description = (
        f"A square of {len(classes)} by {len(classes)} cells. On the diagonal are {np.trace(counts):,} of {counts.sum():,} pictures, "
        f"predicted right. {extremes(right, 'right')} {worst}"
    )
    return figure


def bars(values: dict[str, float], label: str, *, highest: float | None = None) -> Figure:
    """One bar a name, in the order given, with its value beside it; label: what is counted, with its unit."""
    figure = Figure(label, (9, 0.42 * len(values) + 0.9))
    axes = figure.subplots()
    drawn = axes.barh(list(values), list(values.values()), color=COLOURS[0])
    axes.bar_label(drawn, [number(value) for value in values.values()], padding=3)
    axes.invert_yaxis()
    axes.set_xlabel(label)
    axes.set_xlim(0, highest or 1.15 * max(values.values()))
    figure.description = f"Horizontal bars for {label}: {', '.join(f'{name} {number(value)}' for name, value in values.items())}. {extremes(values, '')}"
    return figure


def runs(
    results: dict[str, Sequence[float]],
    label: str,
    *,
    each: str = "seed",
    mark: dict[str, float] | None = None,
) -> Figure:
    """One row a method: a dot for each seed, or whatever `each` names, a line at the mean; label: what was measured.

    mark: name of a row -> one more value, a star: a run of one's own beside the others.
    """
    figure = Figure(
        label, (9, (0.6 if len(results) < 7 else 0.45) * len(results) + 1)
    )  # many rows still fit on a laptop's screen
    axes = figure.subplots()
    for place, (name, values) in enumerate(results.items()):
        axes.plot(
            values,
            [place] * len(values),
            MARKERS[place % 7],
            color=COLOURS[place % 7],
            markersize=9,
            alpha=0.7,
        )
        axes.vlines(
            np.mean(values), place - 0.3, place + 0.3, color=COLOURS[place % 7], linewidth=3
        )
        axes.annotate(
            f"mean {number(np.mean(values))}",
            (np.mean(values), place - 0.32),
            ha="center",
            va="bottom",
            fontsize=10,
        )
    figure.description = f"{label}, a dot for each {each}. " + " ".join(
        f"{name}: mean {number(np.mean(values))}, from {number(min(values))} to {number(max(values))} over {len(values)} {each}s."
        for name, values in results.items()
    )
    for name, value in (mark or {}).items():
        axes.plot(
            value,
            list(results).index(name),
            "*",
            color="black",
            markersize=18,
            markeredgecolor="white",
            label=f"yours: {number(value)}",
        )
        axes.legend(frameon=False)
        figure.description += f" A star in the row {name} at {number(value)}: yours."
    axes.set_yticks(range(len(results)), list(results))
    axes.set_ylim(len(results) - 0.5, -0.75)
    axes.set_xlabel(label)
    axes.margins(x=0.1)
    return figure


def lines(
    series: dict[str, dict[float, Sequence[float]]],
    x_label: str,
    y_label: str,
    *,
    log: bool = False,
) -> Figure:
    """One line a method through the means at each x, with a dot for each value. series: method -> x -> the values of the seeds."""
    figure = Figure(f"{y_label}, by {x_label}", (9, 3.8))
    axes = figure.subplots()
    parts = []
    for place, (name, found) in enumerate(series.items()):
        colour, marker, dash = COLOURS[place % 7], MARKERS[place % 7], DASHES[place % 4]
        axes.plot(
            list(found),
            [np.mean(values) for values in found.values()],
            dash,
            color=colour,
            linewidth=2,
        )
        for x, values in found.items():
            axes.plot([x] * len(values), values, marker, color=colour, alpha=0.6)
        axes.plot([], [], dash + marker, color=colour, label=name)
        parts.append(
            f"{name}: "
            + ", ".join(
                f"{number(np.mean(values))} at {number(x)}"
                + (f" ({number(min(values))} to {number(max(values))})" if len(values) > 1 else "")
                for x, values in found.items()
            )
        )
    axes.set(
        xlabel=x_label,
        ylabel=y_label,
        xticks=sorted({x for found in series.values() for x in found}),
    )
    if log:
        axes.set_yscale("log")
    axes.legend(frameon=False)
    figure.description = (
        f"A line for each of {len(series)}: {y_label}, by {x_label}. " + ". ".join(parts) + "."
    )
    return figure


def tradeoff(points: dict[str, tuple[float, float]], cost: str, score: str) -> Figure:
    """Each name at (cost, score), cost on a logarithmic axis; the names that no other beats in both are joined by a line."""
    figure = Figure(f"{score}, by {cost}", (10, 5))
    axes = figure.subplots()
    best = [
        name
        for name, (paid, got) in points.items()
        if not any(p <= paid and g >= got and (p, g) != (paid, got) for p, g in points.values())
    ]
    best.sort(key=lambda name: points[name])
    axes.plot(
        *zip(*(points[name] for name in best)),
        "--",
        color="#888888",
        zorder=1,
        label="no other is both cheaper and better",
    )
    for place, (name, point) in enumerate(points.items()):
        axes.plot(*point, MARKERS[place % 7], color=COLOURS[0 if name in best else 1], markersize=9)
    axes.set(
        xlabel=f"{cost} (each mark is about three times the one before)", ylabel=score, xscale="log"
    )
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter(lambda value, _: number(value))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.margins(x=0.12, y=0.08)
    axes.legend(loc="lower right", frameon=False)
    names_beside(figure, axes, points)
    figure.description = (
        f"{score} by {cost}, from the cheapest on: "
        + "; ".join(
            f"{name} {number(got)} for {number(paid)}"
            for name, (paid, got) in sorted(points.items(), key=lambda item: item[1])
        )
        + f". Joined by a line, for no other is both cheaper and better: {', '.join(best)}."
    )
    return figure


def histogram(
    values: Sequence[float],
    label: str,
    *,
    mark: float | None = None,
    interval: tuple[float, float] | None = None,
) -> Figure:
    """How often each value occurs; label: what was measured. mark: a value to draw a line at. interval: a range to frame."""
    figure = Figure(label, (9, 3.2))
    axes = figure.subplots()
    axes.hist(values, bins=30, color=COLOURS[5], edgecolor="white")
    low, middle, high = np.quantile(values, (0.025, 0.5, 0.975))
    figure.description = f"A histogram of {len(values):,} values of {label}: the middle one is {middle:.4g}, 95 % lie from {low:.4g} to {high:.4g}."
    if interval:
        axes.axvspan(
            *interval, color=COLOURS[4], alpha=0.25, label=f"{interval[0]:.4g} to {interval[1]:.4g}"
        )
        figure.description += f" Framed: {interval[0]:.4g} to {interval[1]:.4g}."
    if mark is not None:
        axes.axvline(mark, color="black", linewidth=2, linestyle="--", label=f"{mark:.4g}")
        figure.description += f" The dashed line is at {mark:.4g}."
    if interval or mark is not None:
        axes.legend(frameon=False)
    axes.set(xlabel=label, ylabel="how often")
    return figure


def boxes(picture: Tensor, found: Sequence[Box], title: str = "Boxes") -> Figure:
    """A picture with numbered frames around objects; found: boxes in its pixels, as `data.imagenet.boxes` reads them."""
    figure = Figure(title, (5, 5))
    axes = figure.subplots()
    axes.imshow(drawable(picture))
    axes.axis("off")
    for place, box in enumerate(found, 1):
        axes.add_patch(
            Rectangle(
                (box.xmin, box.ymin),
                box.xmax - box.xmin,
                box.ymax - box.ymin,
                fill=False,
                edgecolor=COLOURS[4],
                linewidth=3,
            )
        )
        axes.text(
            box.xmin + 4,
            box.ymin + 6,
            f"{place}",
            va="top",
            fontsize=12,
            bbox={"facecolor": COLOURS[4], "edgecolor": "none"},
        )
    height, width = picture.shape[-2:]
    figure.description = (
        f"{title}: a picture of {height} x {width} pixels with {len(found)} {'box' if len(found) == 1 else 'boxes'}. "
        + " ".join(
            f"{place}: {box.name}, columns {box.xmin} to {box.xmax}, rows {box.ymin} to {box.ymax}."
            for place, box in enumerate(found, 1)
        )
    )
    return figure


def calibration(evaluation: Evaluation) -> Figure:
    """The reliability diagram: for each band of confidence how often the net was right, beside the line where both agree."""
    found = evaluation.calibration
    figure = Figure("Confidence and accuracy", (9, 3.8))
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], "--", color="black", label="as sure as right")
    left.plot(found.confidence, found.accuracy, "o-", color=COLOURS[0], label="the net")
    left.set(
        xlabel="mean confidence of the band",
        ylabel="fraction that is right",
        xlim=(0, 1),
        ylim=(0, 1.02),
    )
    left.legend(frameon=False)
    right.bar(found.confidence, found.pictures, 0.06, color=COLOURS[5])
    right.set(xlabel="mean confidence of the band", ylabel="pictures", xlim=(0, 1.03))
    figure.description = f"Expected calibration error {found.error:.3f}. " + " ".join(
        f"{count:,} pictures with a mean confidence of {said:.0%}: {true:.0%} are right."
        for said, true, count in zip(found.confidence, found.accuracy, found.pictures)
    )
    return figure


def top_k(
    picture: Tensor,
    probabilities: Sequence[float],
    classes: Sequence[str],
    k: int = 5,
    *,
    true: str = "",
) -> Figure:
    """A picture beside bars of its k most probable classes; the true one, if named, is marked with a star."""
    order = np.argsort(-np.asarray(probabilities), kind="stable")[:k]
    names = [f"* {classes[i]}" if classes[i] == true else classes[i] for i in order]
    figure = Figure(f"The {k} most probable classes", (9, 3))
    left, right = figure.subplots(1, 2, width_ratios=(1, 2))
    left.imshow(drawable(picture), cmap="gray", interpolation="nearest")
    left.axis("off")
    left.set_title(true, fontsize=11)
    drawn = right.barh(
        range(len(order)),
        [float(probabilities[i]) for i in order],
        color=[COLOURS[2] if classes[i] == true else COLOURS[0] for i in order],
    )
    right.set_yticks(range(len(order)), names)
    right.bar_label(drawn, [f"{100 * float(probabilities[i]):.1f} %" for i in order], padding=3)
    right.invert_yaxis()
    right.set_xlim(0, 1.18)
    right.set_xlabel("probability")
    said = ", ".join(f"{classes[i]} {100 * float(probabilities[i]):.1f} %" for i in order)
    figure.description = (
        f"A picture of {true or 'an unnamed class'}. The most probable classes: {said}."
    )
    return figure


def _in_numbers(picture: Tensor) -> str:
    values = torch.as_tensor(picture).float()
    return f"{' x '.join(map(str, values.shape))}, values {number(float(values.min()))} to {number(float(values.max()))}, mean {number(float(values.mean()))}"
