"""The figures of the course: matplotlib Figures, each with a description in words."""

import math
from collections.abc import Sequence
from textwrap import fill

import numpy as np
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d
from torch.utils.data import Dataset

from workshop_utils import blocks_drawn, comparisons, data, diagrams
from workshop_utils.data.dataset import ImageDataset, image_dataset
from workshop_utils.errors import whole
from workshop_utils.figure import (
    COLOURS,
    DASHES,
    MARKERS,
    Figure,
    drawable,
    extremes,
    filled,
    floats,
    in_numbers,
    number,
    reach,
    sheet,
    short,
    span,
)
from workshop_utils.illustrations import (  # noqa: F401
    cross_entropy_curve,
    curves,
    ilsvrc,
    live_curves,
    pixels,
    training_steps,
    tree,
)

PICTURES_AT_MOST = 200
architecture, block = diagrams.architecture, blocks_drawn.block
boxes, calibration = diagrams.boxes, diagrams.calibration
attention, tradeoff = comparisons.attention, comparisons.tradeoff


def images(
    pictures: ImageDataset | Tensor | Sequence,
    titles: Sequence[str] | None = None,
    *,
    columns: int = 8,
    title: str = "Pictures",
    width: float = 10,
) -> Figure:
    """Pictures side by side, each under its title (its class, where a dataset is given).

    pictures: a dataset, or (C, H, W) or (H, W) tensors; uint8, or floats, which are drawn from their lowest to their
    highest value. Of more than 200 the first 200 are drawn.
    """
    if isinstance(shown := pictures, Dataset):
        pictures = image_dataset(pictures)
        names = [pictures.classes[i] for i in pictures.labels]
        titles, shown = names if titles is None else titles, pictures.images
    if not len(shown):
        raise ValueError("There are no pictures to show: the list is empty.")
    if getattr(shown, "ndim", 0) == 2:  # one picture alone
        shown = [shown]
    if (many := len(shown)) > PICTURES_AT_MOST:
        shown = shown[:PICTURES_AT_MOST]
        title = f"{title}, the first {PICTURES_AT_MOST} of {many:,}"
        print(f"{title}: a figure has no room for more. [a:b] takes other ones.")
    titles = [*map(str, [""] * len(shown) if titles is None else titles)]
    if len(titles) < len(shown):
        raise ValueError(
            f"{len(shown)} pictures need {len(shown)} titles; these are {len(titles)}."
        )
    columns = min(whole(columns, "columns"), len(shown))
    rows = -(-len(shown) // columns)
    lines = 1 + max(name.count("\n") for name in titles)
    cell, size = width / columns, 10 if width < 11 else 12  # inches, points
    row = cell + 0.13 + 0.22 * lines
    figure, axes = sheet(title, (width, rows * row), bare=True)
    for place, (name, one) in enumerate(zip(titles, map(drawable, shown))):
        (down, across), (high, wide) = divmod(place, columns), one.shape[:2]
        x, y = (across + 0.5) * cell, (down + 1) * row - cell / 2
        half = (cell / 2 - 0.04) / max(high, wide)
        frame = (x - half * wide, x + half * wide, y + half * high, y - half * high)
        # in one pair of axes, for a pair for each picture takes longer than all else
        axes.imshow(one, extent=frame, interpolation="nearest")
        axes.text(x, frame[3] - 0.05, short(name), fontsize=size, ha="center", va="bottom")
    axes.set(xlim=(0, columns * cell), ylim=(rows * row, 0))
    said = [f"{name or 'untitled'} ({in_numbers(one)})" for name, one in zip(titles, shown)]
    figure.description = f"{title}: {len(shown)} pictures in {rows} {'row' if rows == 1 else 'rows'}. From left to right, top to bottom: {'; '.join(said)}."
    return figure


def dataset_card(name: str) -> Figure:
    """What a set looks like: its pictures, or others in their place, with the sentence that has to stand under them."""
    card, (pictures, labels, source, note) = data.card(name), data.gallery(name)
    facts = f"{card.title}: {len(card.classes):,} classes, {sum(card.splits.values()):,} pictures of {' x '.join(map(str, card.shape))}."
    facts += "" if card.how in note else f" All of it: {card.how}."
    figure, said = Figure(card.title, (11, 0)), "No pictures."
    if pictures:
        columns = max(4, min(12, -(-len(pictures) // 2)))
        words = [fill(label.replace("_", " "), 110 // columns) for label in labels]
        figure = images(pictures, words, columns=columns, title=card.title, width=11)
        said = f"{len(pictures)} pictures, of mean brightness {span([one.float().mean().item() for one in pictures])}: {', '.join(labels)}."
    parts = facts, note, f"Source: {source}."
    under = "\n".join(fill(part, 122, break_on_hyphens=False) for part in parts)
    figure.supxlabel(under, x=0.01, ha="left", fontsize=12)
    figure.set_figheight(figure.get_figheight() + 0.3 + 0.2 * under.count("\n"))
    figure.description, figure.storable = f"{said} {' '.join(parts)}", card.storable
    return figure


def sizes(pictures: ImageDataset | Tensor, sides: Sequence[int] | int = (320, 64, 32)) -> Figure:
    """What few pixels leave: each picture, in a row of its own, shrunk to squares of these sides by averaging.

    pictures: a dataset, or (N, C, H, W) uint8. Raises ValueError where a picture has fewer pixels than a side asks for, and for more than 200 squares.
    """
    sides = [sides] if isinstance(sides, int) else [*sides]
    shown = pictures if isinstance(pictures, Tensor) else image_dataset(pictures).images
    if shown.ndim != 4 or not 0 < len(shown) * len(sides) <= PICTURES_AT_MOST:
        raise ValueError(f"Give (N, C, H, W) pictures and sides for 1 to {PICTURES_AT_MOST} tiles.")
    if any(side not in range(1, (least := min(shown.shape[-2:])) + 1) for side in sides):
        raise ValueError(f"The pictures have {least} pixels a side. Give sides from 1 to {least}.")
    rows = [[adaptive_avg_pool2d(one.float(), side) for side in sides] for one in shown]
    small = [one.round().byte() for row in rows for one in row]
    titles, title = [f"{side} x {side}" for side in sides], "What fewer pixels leave"
    width = min(11, 5.5 * len(sides) / len(rows))
    figure = images(small, titles * len(rows), columns=len(sides), title=title, width=width)
    spread = [[float(one.var(correction=0)) for one in row] for row in rows]  # 0 of one grey
    kept = [", ".join(f"{100 * one / (row[0] or 1):.0f}" for one in row) for row in spread]
    figure.description = f"{len(rows)} pictures, one a row, at {', '.join(titles)} pixels. In percent of the first, their variance is {'; '.join(kept)}: the fine lines go, light and dark areas stay."
    return figure


def bars(values: dict[str, float], label: str, *, highest: float | None = None) -> Figure:
    """One bar a name, in the order given, with its value beside it; label: what is counted, with its unit."""
    values = dict(zip(values, floats(values.values(), label)))
    figure, axes = sheet(label, (9, 0.42 * len(values) + 0.9))
    finite = [value if np.isfinite(value) else math.nan for value in values.values()]
    names = [*map(short, values)]
    drawn = axes.barh(range(len(values)), finite, color=COLOURS[0], tick_label=names)
    axes.bar_label(drawn, [number(value) for value in values.values()], padding=3)
    axes.invert_yaxis()
    axes.set(xlabel=label, xlim=reach(values.values(), highest))
    said = ", ".join(f"{name} {number(value)}" for name, value in values.items())
    figure.description = f"Horizontal bars for {label}: {said}. {extremes(values, '')}"
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
    few, some = len(results) < 7, len(results) < 13
    row = 0.6 if few else 0.45 if some else 0.38  # many rows still fit on a laptop's screen
    figure, axes = sheet(label, (9, row * len(results) + 1))
    figure.description = f"{label}, a dot for each {each}."
    for place, (name, values) in enumerate(filled(results, label).items()):
        values = floats(values, name)
        middle, colour = float(np.mean(values)), COLOURS[0]  # rows have names, so all look alike
        axes.plot(values, [place] * len(values), "o", color=colour, markersize=9, alpha=0.6)
        axes.vlines(middle, place - 0.3, place + 0.3, color=colour, linewidth=3)
        mean, known = f"mean {number(middle)}", np.isfinite(middle)
        x, by = (middle, axes.transData) if known else (0.5, axes.get_yaxis_transform())
        axes.text(x, place - 0.32, mean, transform=by, ha="center", va="bottom", fontsize=10)
        figure.description += f" {name}: {mean}, from {span(values)} over {len(values)} {each}s."
    for name, value in (mark or {}).items():
        star = {"color": "black", "markersize": 18, "markeredgecolor": "white"}
        axes.plot(value, list(results).index(name), "*", label=f"yours: {number(value)}", **star)
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), frameon=False)
        figure.description += f" A star in the row {name} at {number(value)}: yours."
    axes.set_yticks(range(len(results)), [*map(short, results)])
    axes.set(ylim=(len(results) - 0.5, -0.75), xlabel=label, xmargin=0.1)
    return figure


def lines(
    series: dict[str, dict[float, Sequence[float]]],
    x_label: str,
    y_label: str,
    *,
    log: bool = False,
) -> Figure:
    """One line a method through the means at each x, with a dot for each value. series: method -> x -> the values of the seeds.

    Methods whose names agree up to a comma, "ReLU" and "ReLU, batch norm", share colour and marker; what comes after it has its dash, and from the second on hollow dots.
    """
    kinds, ways = ([*dict.fromkeys(name.partition(",")[at] for name in series)] for at in (0, 2))
    (figure, axes), parts, lowest = sheet(f"{y_label}, by {x_label}", (9, 3.8)), [], math.inf
    for place, (name, found) in enumerate(filled(series, y_label).items()):
        kind, _, way = name.partition(",")
        look, said = kinds.index(kind) % 7, []
        colour, marker = COLOURS[look], MARKERS[look]
        dash = DASHES[(ways.index(way) if len(ways) > 1 else place) % 4]
        dots = {"color": colour, "mfc": "none" if ways.index(way) else colour}
        places = floats([*filled(found, name)], x_label)
        found = {x: floats(values, name) for x, values in zip(places, found.values())}
        lowest = min(lowest, *map(min, found.values()))
        means = [float(np.mean(values)) for values in found.values()]
        axes.plot(list(found), means, dash, color=colour, linewidth=2)
        for (x, values), mean in zip(found.items(), means):
            axes.plot([x] * len(values), values, marker, alpha=0.6, **dots)
            spread = f" ({span(values)})"
            said.append(f"{number(mean)} at {number(x)}{spread if len(values) > 1 else ''}")
        axes.plot([], [], dash + marker, label=short(name), **dots)
        parts.append(f"{name}: {', '.join(said)}")
    ticks = sorted({x for found in series.values() for x in found})
    axes.set(xlabel=x_label, ylabel=y_label, xticks=ticks)
    if log:
        axes.set_yscale("log" if lowest > 0 else "symlog")  # which has a place for zero
    axes.legend(frameon=False)
    figure.description = f"A line for each of {len(series)}: {figure.title}. {'. '.join(parts)}."
    return figure


def histogram(
    values: Sequence[float],
    label: str,
    *,
    mark: dict[str, float] | float | None = None,
    interval: tuple[float, float] | None = None,
) -> Figure:
    """How often each value occurs; label: what was measured.

    mark: name -> a value to draw a line at; a value alone has no name in the legend. interval: a 95 % interval to frame.
    """
    (figure, axes), count = sheet(label, (9, 3.2)), len(values)
    values = filled([value for value in floats(values, label) if np.isfinite(value)], label)
    axes.hist(values, bins=30, color=COLOURS[5], edgecolor="white")
    low, middle, high = np.quantile(values, (0.025, 0.5, 0.975))
    figure.description = f"A histogram of {len(values):,} values of {label}: the middle one is {middle:.4g}, 95 % lie from {low:.4g} to {high:.4g}."
    if lost := count - len(values):
        figure.description += f" Left out: {lost} that are NaN or infinite."
    if interval:
        framed = f"{interval[0]:.4g} to {interval[1]:.4g}"
        axes.axvspan(*interval, color=COLOURS[4], alpha=0.25, label="95 % interval")
        figure.description += f" Framed: {framed}."
    unnamed = {} if mark is None else {"": mark}
    for name, value in (mark if isinstance(mark, dict) else unnamed).items():
        axes.axvline(value, color="black", linewidth=2, linestyle="--", label=short(name))
        figure.description += f" The dashed line{f', {name},' if name else ''} is at {value:.4g}."
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)
    axes.set(xlabel=label, ylabel="how often")
    return figure


def top_k(
    picture: Tensor,
    probabilities: Sequence[float] | Tensor,
    classes: Sequence[str],
    k: int = 5,
    *,
    true: str = "",
) -> Figure:
    """A picture beside bars of its k most probable classes; the true one, if named, is marked with a star."""
    probabilities = floats(probabilities, "The probabilities")
    order = np.argsort(-np.asarray(probabilities), kind="stable")[:k]
    names, values = [classes[i] for i in order], [float(probabilities[i]) for i in order]
    percents = [f"{100 * value:.1f} %" for value in values]
    figure = Figure(f"The {k} most probable classes", (9, 3))
    left, right = figure.subplots(1, 2, width_ratios=(1, 2))
    left.imshow(drawable(picture), interpolation="nearest")
    left.axis("off")
    left.set_title(short(true), fontsize=11)
    colours = [COLOURS[2] if name == true else COLOURS[0] for name in names]
    starred = [f"* {short(name)}" if name == true else short(name) for name in names]
    drawn = right.barh(range(len(order)), values, color=colours, tick_label=starred)
    right.bar_label(drawn, percents, padding=3)
    right.invert_yaxis()
    right.set(xlim=(0, 1.18), xlabel="probability")
    figure.description = f"A picture of {true or 'an unnamed class'}. The most probable classes: {', '.join(map(' '.join, zip(names, percents)))}."
    return figure
