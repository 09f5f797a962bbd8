"""Small figures of one idea each: the numbers of a picture, the steps of training, ImageNet's tree, what a probability costs, a contest by year."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from itertools import pairwise
from statistics import mean
from typing import Any

import numpy as np
import torch
from matplotlib.patches import FancyArrowPatch, Rectangle
from torch import Tensor

from workshop_utils.data import imagenet
from workshop_utils.figure import (
    COLOURS,
    DASHES,
    MIDDLE,
    Figure,
    alt,
    drawable,
    reach,
    running,
    sheet,
    span,
)
from workshop_utils.training import History

WIDE, HIGH, BESIDE = 11.0, 5.6, 2.6  # inches: what a laptop shows whole, and a picture in it
ALL = slice(None)
NAMES = {1: ("",), 3: ("red", "green", "blue"), 4: ("red", "green", "blue", "alpha")}
REVIEW = "Russakovsky et al. 2015, arXiv:1409.0575"
HUMAN = 5.1  # one trained person on 1,500 pictures: section 6.4 of the review
WINNERS = (  # top-5 error in % of the best that learned from the contest's own pictures only
    (2010, "NEC-UIUC", 28.2, REVIEW),
    (2011, "XRCE", 25.8, REVIEW),
    (2012, "SuperVision (AlexNet)", 16.4, REVIEW),  # 15.3 with more pictures
    (2013, "Clarifai", 11.7, REVIEW),  # 11.2 with more pictures
    (2014, "GoogLeNet", 6.7, REVIEW),
    (2015, "ResNet", 3.57, "He et al. 2015, arXiv:1512.03385"),
    (2016, "Trimps-Soushen", 2.99, "image-net.org/challenges/LSVRC/2016/results"),
    (2017, "SENet", 2.251, "Hu et al. 2018, arXiv:1709.01507"),
)
LOOP = (  # name, code, and what it does with a batch
    ("forward", "logits = net(images)", "the net gives a score to each class"),
    ("loss", "loss = F.cross_entropy(logits, labels)", "one number: how wrong the scores are"),
    ("zero_grad", "optimizer.zero_grad()", "forget the gradients of the last batch"),
    ("backward", "loss.backward()", "a gradient for each weight"),
    ("step", "optimizer.step()", "move each weight a bit\nagainst its gradient"),
)
# cell -> its latest runs, each with its execution count
_runs: dict[str, list[tuple[int, History]]] = {}


def pixels(picture: Tensor, *, rows: slice = ALL, columns: slice = ALL) -> Figure:
    """The numbers of a picture, or of a part that is framed in it, written on its pixels; of a colour picture channel by channel.

    picture: (H, W) or (C, H, W), uint8 or floats. Raises ValueError for more numbers than there is room for.
    """
    shown, planes = drawable(picture), torch.as_tensor(picture).detach().cpu()
    if not all(isinstance(part, slice) and part.step in (None, 1) for part in (rows, columns)):
        raise ValueError("rows and columns are slices without steps, such as rows=slice(0, 6).")
    planes = planes.reshape(-1, *planes.shape[-2:])
    (count, height, width), cut = planes.shape, planes[:, rows, columns].numpy()
    down, across = range(height)[rows], range(width)[columns]
    write = "{:.2f}".format if planes.is_floating_point() else str
    beside = cut.shape != planes.shape
    room = (WIDE - BESIDE * beside) / count
    most = int(room / (0.106 * max(map(len, map(write, planes.unique().tolist()))) + 0.06))
    if not (0 < len(down) <= 28 and 0 < len(across) <= most):
        words = f"{len(down)} x {len(across)} numbers: there is room for 1 to 28 x 1 to {most}"
        raise ValueError(f"{words}, such as rows=slice(0, 6), columns=slice(0, 6).")
    ratios = [BESIDE] * beside + [min(0.6 * len(across), room)] * count
    figure = Figure("Numbers of a picture", (sum(ratios), max(BESIDE, min(0.45 * len(down), HIGH))))
    panels = figure.subplots(1, len(ratios), squeeze=False, width_ratios=ratios)[0]
    part = f"rows {down[0]} to {down[-1]}, columns {across[0]} to {across[-1]}"
    said = [f"Of a picture of {height} x {width} pixels, values {span(planes)}: {part}"]
    if beside:
        frame = (across[0] - 0.5, down[0] - 0.5), len(across), len(down)
        panels[0].add_patch(Rectangle(*frame, fill=False, edgecolor=COLOURS[4], linewidth=3))
        panels[0].imshow(shown, interpolation="nearest")
    low, high = (planes.min(), planes.max()) if planes.is_floating_point() else (0, 255)
    for axes, plane, name in zip(panels[-count:], cut, NAMES[count]):
        axes.imshow(plane, cmap="gray", vmin=low, vmax=high, aspect="auto")
        axes.set_title(name, fontsize=12)
        for (row, column), value in np.ndenumerate(plane):
            ink = "black" if value > low + 0.47 * (high - low) else "white"
            axes.text(column, row, write(value), color=ink, fontsize=12, **MIDDLE)
        few = cut.size <= 200
        lines = [" ".join(map(write, line)) if few else f"mean {line.mean():.3g}" for line in plane]
        said += [f"{name} row {row}: {line}".strip() for row, line in zip(down, lines)]
    for axes in panels:
        axes.axis("off")
    figure.description = f"{'. '.join(said)}."
    return figure


def tree(name: str) -> Figure:
    """All that lies above a class of ImageNet, of this name or WordNet id, by every way up to "entity". Raises ValueError unless one class is called so."""
    names = {wnid: synset["name"] for wnid, synset in imagenet.synsets().items()}
    found = [wnid for wnid in imagenet.wnids() if name in (wnid, names[wnid])]
    if len(found) != 1:
        near = ", ".join(found or get_close_matches(str(name), imagenet.class_names()))
        what = f"{len(found)} classes of ImageNet are called '{name}'"
        raise ValueError(f"{what}. Near: {near or 'none'}. data.imagenet.class_names() lists all.")
    ways = imagenet.ways(found[0])
    depth = lambda one: max(len(way) - way.index(one) - 1 for way in ways if one in way)
    rows = {one: depth(one) for way in ways for one in way}
    bottom, apart = max(rows.values()), min(2.6, 9 / len(ways))
    pitch, middle = min(0.55, HIGH / (bottom + 1)), apart * (len(ways) - 1) / 2
    figure = Figure(f"What lies above '{names[found[0]]}'", (WIDE, pitch * (bottom + 1)))
    figure.set_layout_engine("none")  # the axes are the whole figure: inches across, rows down
    axes, places = figure.add_axes((0, 0, 1, 1)), []
    axes.axis("off")
    axes.set(xlim=(middle - WIDE / 2, middle + WIDE / 2), ylim=(bottom + 0.5, -0.5))
    for row in range(bottom + 1):
        # what each way has here: a word, or the line that comes down from the last one
        things = [next(one for one in way if rows[one] <= row) for way in ways]
        lane = lambda thing, things=things: mean(i for i, one in enumerate(things) if one == thing)
        ink, shade = ("black", "#E3E8EE") if row < bottom else ("white", COLOURS[0])
        x, edge = {}, -WIDE
        for thing in sorted(dict.fromkeys(things), key=lane):
            words = names[thing] if rows[thing] == row else ""
            half = 0.05 * len(words) + 0.15  # inches of a word in its box
            x[thing] = max(apart * lane(thing), edge + half)
            edge = x[thing] + half
            if words:
                box = {"boxstyle": "round,pad=0.1", "ec": "none", "fc": shade}
                axes.text(x[thing], row, words, color=ink, bbox=box, fontsize=12, **MIDDLE)
        places.append([x[thing] for thing in things])
    levels = [row + end / pitch for row in range(bottom + 1) for end in (-0.12, 0.12)]
    for line in zip(*places):
        axes.plot(np.repeat(line, 2)[1:-1], levels[1:-1], color="#5B6770", zorder=1)
    said = "; or ".join(", ".join(path) for path in imagenet.paths(found[0]))
    figure.description = f"A tree of {len(rows)} words. Ways up, {len(ways)} in all: {said}."
    return figure


def training_steps() -> Figure:
    """The five steps of training with one batch, as a circle: their code, and what each does."""
    figure = Figure("Training: five steps, again for each batch", (WIDE, 4.2))
    figure.set_layout_engine("none")  # the axes are the whole figure, in inches
    axes, said = figure.add_axes((0, 0, 1, 1)), []
    axes.axis("off")
    axes.set(xlim=(1.27 - WIDE / 2, 1.27 + WIDE / 2), ylim=(-1.9, 2.3))
    angles = np.radians(90 - 72 * np.arange(len(LOOP) + 1))  # clockwise from the top
    places = 1.42 * np.stack([np.cos(angles), np.sin(angles)], 1)
    arrow: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 22, "color": "#5B6770"}
    arrow |= {"linewidth": 2.5, "connectionstyle": "arc3,rad=-0.3", "shrinkA": 20, "shrinkB": 20}
    for start, end in pairwise(places):
        axes.add_patch(FancyArrowPatch(start, end, **arrow))
    for number, ((x, y), (name, code, words)) in enumerate(zip(places, LOOP), 1):
        axes.plot(x, y, "o", color=COLOURS[0], markersize=34)
        axes.text(x, y, str(number), color="white", fontsize=17, weight="bold", **MIDDLE)
        side, beside = ("left", x + 0.4) if x > -0.1 else ("right", x - 0.4)
        y += 0.25 * (number == 1)  # above its arrow
        axes.text(beside, y + 0.03, code, ha=side, va="bottom", fontsize=15, family="monospace")
        axes.text(beside, y - 0.03, words, ha=side, va="top", fontsize=14)
        said.append(f"{number} {name}: {code}, {' '.join(words.split())}")
    axes.text(0, 0, "one batch,\nthen the next", fontsize=14, **MIDDLE)
    figure.description = f"A circle of {len(LOOP)} arrows, clockwise. {'; '.join(said)}. Then again with the next batch."
    return figure


def curves(history: History, *, earlier: Sequence[History] | None = None) -> Figure:
    """Loss and accuracy by epoch, validation dashed.

    earlier: other runs, drawn in grey; then the axes reach over all epochs that are still to come.
    """
    figure, parts = Figure("Learning curves", (10, 3.8)), []
    words = {"loss": "cross-entropy loss (nats)", "accuracy": "accuracy"}
    for axes, (quantity, word) in zip(figure.subplots(1, 2), words.items()):
        for kind, dash, colour in zip(("training", "validation"), DASHES, COLOURS):
            name = quantity if kind == "training" else f"validation_{quantity}"
            for values in (getattr(run, name) for run in earlier or ()):
                axes.plot(range(1, len(values) + 1), values, dash, color="#BBBBBB", zorder=1)
            if values := getattr(history, name):
                axes.plot(range(1, len(values) + 1), values, f"o{dash}", label=kind, color=colour)
                ends = f"{values[0]:.3f} to {values[-1]:.3f}"
                parts.append(f"{kind} {quantity} goes from {ends} in {len(values)} epochs")
        axes.set(xlabel="epoch", ylabel=word)
        axes.xaxis.get_major_locator().set_params(integer=True)
        if earlier is not None:  # while it learns nothing jumps
            axes.set_xlim(0.5, 0.5 + max(one.epochs for one in (history, *earlier)))
            drawn = [value for line in axes.lines for value in line.get_ydata()]
            axes.set_ylim(reach(drawn, None if quantity == "loss" else 1.02))
        if earlier:
            axes.plot([], [], color="#BBBBBB", label="earlier runs of this cell")
        if axes.lines:
            axes.legend(frameon=False)
    if ended := [f"{run.accuracy[-1]:.3f}" for run in earlier or () if run.accuracy]:
        parts.append(f"in grey earlier runs, to training accuracy {', '.join(ended)}")
    said = "; ".join(parts) or "No epoch was finished"
    figure.description = f"Two panels of lines by epoch. {said}."
    return figure


def live_curves() -> Callable[[History], None]:
    """A function for `fit(on_epoch=...)` that redraws the learning curves in place after each epoch, the last three earlier runs of its cell in grey."""
    from IPython.display import display

    cell, count = running()
    runs = _runs.setdefault(cell, []) if cell else []
    runs[:] = runs[-3:]
    earlier = [history for number, history in runs if number != count]
    handles: list = []  # of the picture and its words, once they are shown

    def show(history: History) -> None:
        if all(one is not history for _, one in runs):
            runs.append((count, history))
        figure = curves(history, earlier=earlier)
        shown = [(bundle, alt(bundle, figure)) for bundle in figure.bundles()]
        for handle, (bundle, words) in zip(handles, shown):
            handle.update(bundle, raw=True, metadata=words)
        if not handles:
            new = [display(one, raw=True, display_id=True, metadata=words) for one, words in shown]
            handles.extend(filter(None, new))  # None outside a notebook

    return show


def cross_entropy_curve() -> Figure:
    """-log p, what one picture adds to the cross-entropy if its right class got p, with a mark at some p."""
    given, marks = np.geomspace(0.004, 1, 400), np.array([0.01, 0.1, 0.55, 0.91])
    figure, axes = sheet("Cross-entropy of one picture", (9, 3.7))
    axes.plot(given, -np.log(given), color=COLOURS[0], linewidth=3)
    said = [f"{p:g} costs {-np.log(p):.2f}" for p in marks]
    axes.plot(marks, -np.log(marks), "o", color=COLOURS[1], markersize=10, clip_on=False)
    for p, words in zip(marks, said):
        axes.annotate(words, (p, -np.log(p)), (12, 6), textcoords="offset points", fontsize=13)
    axes.set(xlim=(0, 1.2), xlabel="probability of the right class", ylabel="cross-entropy (nats)")
    axes.set_xticks(np.linspace(0, 1, 6))  # what is right of 1 is room for words
    axes.spines["bottom"].set_bounds(0, 1)
    figure.description = f"A curve that falls from left to right: the less probability the right class got, the larger the cross-entropy; 1 costs nothing. {'; '.join(said)}."
    return figure


def ilsvrc() -> Figure:
    """The top-5 errors of the winners of the ImageNet contest, year by year, beside that of a trained person."""
    figure, axes = sheet("The winners of the ImageNet contest", (10.1, 4.7))
    years, _, errors, sources = zip(*WINNERS)
    axes.plot(years, errors, color="#888888", zorder=1)
    axes.plot(years[:2], errors[:2], "s", color=COLOURS[0], ms=9, label="features made by hand")
    axes.plot(years[2:], errors[2:], "o", color=COLOURS[1], ms=9, label="convolutional nets")
    axes.axhline(HUMAN, color="black", linestyle="--", label=f"a trained person: {HUMAN}")
    for year, name, error, _ in WINNERS:
        right = error > HUMAN  # of its dot, else above the person's line
        place = year + 0.08 * right, max(error, HUMAN) + 0.5
        axes.text(*place, f"{name}\n{error:g}", ha="left" if right else "center")
    cited = "; ".join(dict.fromkeys(source.partition(",")[0] for source in sources))
    axes.set(xlim=(2009.8, 2017.6), ylim=(0, 33), xlabel=f"year\n{cited}", ylabel="top-5 error, %")
    axes.legend(frameon=False)
    said = "; ".join(
        f"{year} {name}: {error:g} ({source})" for year, name, error, source in WINNERS
    )
    figure.description = f"A falling curve of the top-5 error in %, from 2012 on of convolutional nets. {said}. A dashed line at {HUMAN}: a trained person, on 1,500 pictures ({REVIEW}, section 6.4)."
    return figure
