"""Nets beside each other, by what they cost and what they give; and the places of a picture, by which attend to which."""

import math
from collections.abc import Mapping
from itertools import product

import numpy as np
import torch
from matplotlib.patches import Rectangle
from matplotlib.path import Path
from matplotlib.ticker import LogLocator, NullLocator
from matplotlib.transforms import Bbox
from torch import Tensor, nn
from torch.utils.data import Dataset

from workshop_utils import explain
from workshop_utils.data.dataset import ImageDataset, image_dataset
from workshop_utils.figure import (
    COLOURS,
    Figure,
    as_written,
    drawable,
    filled,
    floats,
    number,
    sheet,
    short,
    span,
)

GREY, POINTS = "#888888", {"textcoords": "offset points"}
NEAR, FAR = (  # points away, degrees
    tuple(product(away, range(0, 360, 15))) for away in ((10, 18), (30, 44, 60, 80))
)


def tradeoff(
    points: dict[str, tuple[float, float]],
    cost: str,
    score: str,
    *,
    later: Mapping[str, float | None] | None = None,
) -> Figure:
    """Each name at (cost, score), cost on a logarithmic axis; those that no other beats in both are filled and joined by a line.

    later: name -> its score by a later recipe at the same cost, or None: an arrow leads there, and it counts. A name is left out,
    and said to be, where a number of it is None or NaN or its cost is not above 0.
    """
    figure, axes = sheet(f"{score}, by {cost}", (10, 5))
    known = {name: tuple(floats(pair, name)) for name, pair in points.items()}
    out = [name for name, pair in known.items() if not (np.isfinite(pair).all() and pair[0] > 0)]
    points = filled({name: known[name] for name in known if name not in out}, figure.title)
    rises = {name: float(high) for name, high in (later or {}).items() if high and name in points}
    final = {name: (x, rises.get(name, y)) for name, (x, y) in points.items()}
    ordered = sorted(points, key=lambda name: points[name])
    better = lambda one, other: one != other and one[0] <= other[0] and one[1] >= other[1]
    beaten = {name for name in final if any(better(one, final[name]) for one in final.values())}
    best = [name for name in ordered if name not in beaten]
    joined = {"label": "no other is both cheaper and better", "color": COLOURS[0], "zorder": 1}
    axes.plot(*zip(*(final[name] for name in best)), "--o", markersize=9, **joined)
    hollow = {"markersize": 9, "markerfacecolor": "white", "color": GREY}
    for name in ordered:  # in one order: where two lie on each other, it is seen which came last
        if name in beaten or name in rises:
            axes.plot(*points[name], "o", **hollow)
        if name in beaten and name in rises:
            axes.plot(*final[name], "o", **hollow)
    for name, high in rises.items():
        arrow = {"arrowstyle": "-|>", "color": COLOURS[1], "linewidth": 1.6, "shrinkA": 5}
        ends = (points[name][0], high), points[name]
        axes.annotate("", *ends, arrowprops=arrow | {"shrinkB": 5})
    if rises:
        axes.plot([], [], color=COLOURS[1], marker="^", label="the same net by a later recipe")
    axes.set(xlabel=f"{cost} (each mark is about three times the one before)", ylabel=score)
    axes.set(xscale="log", xmargin=0.12, ymargin=0.08)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter(lambda value, _: number(value))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    _names_beside(axes, points, final)
    risen = lambda name: f", later {number(rises[name])}," if name in rises else ""
    said = [f"{n} {number(points[n][1])}{risen(n)} for {number(points[n][0])}" for n in ordered]
    figure.description = f"{score} by {cost}, from the cheapest on: {'; '.join(said)}. Joined by a line, for {joined['label']}: {', '.join(best)}."
    figure.description += f" Left out, for want of a number: {', '.join(out)}." if out else ""
    return figure


def _names_beside(axes, points: dict[str, tuple], final: dict[str, tuple]) -> None:
    """Writes each name where it covers no name, point or line: beside its point, so that no other is nearer, else farther away with a line to it."""
    axes.figure.draw_without_rendering()  # the layout, so that places are final
    ends = {name: axes.transData.transform([final[name], points[name]]) for name in points}
    path = axes.lines[0].get_transform().transform_path(axes.lines[0].get_path())
    taken = _along(path)
    taken += [Bbox([pair.min(0), pair.max(0)]).padded(5) for pair in ends.values()]
    room = axes.get_window_extent()
    apart = lambda name: sorted(np.hypot(*(one[0] - ends[name][0])) for one in ends.values())[1:4]
    waiting = sorted(ends, key=apart)  # the most crowded first
    for places, name in ((places, name) for places in (NEAR, FAR) for name in [*waiting]):
        text = axes.annotate(short(name), final[name], (0, 0), va="center", fontsize=10, **POINTS)
        as_written([text])
        own = ends[name]
        others = np.concatenate([pair for pair in ends.values() if pair is not own] or [own])
        crossed = [box for box in taken if not box.contains(*own[0])]
        for away, angle in places:
            x, y = away * math.cos(math.radians(angle)), away * math.sin(math.radians(angle))
            text.xyann = (x, y)
            text.set_ha("center" if abs(x) < 1 else "left" if x > 0 else "right")
            box = text.get_window_extent()
            if places is NEAR:
                clear = _gap(box, own) < 1.02 * _gap(box, others)
            else:
                line = Path([own[0], own[0] + np.array([x, y]) * axes.figure.dpi / 72])
                clear = not any(line.intersects_bbox(other) for other in crossed)
            inside = room.containsx(box.x0) and room.containsx(box.x1)
            if clear and inside and not any(box.overlaps(other) for other in taken):
                break
        else:
            if places is NEAR:
                text.remove()
                continue
        waiting.remove(name)
        taken.append(box)
        if places is FAR:
            taken += _along(line)
            look = {"arrowstyle": "-", "color": GREY, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 5}
            axes.annotate("", final[name], text.xyann, arrowprops=look, zorder=0, **POINTS)


def _along(line: Path) -> list[Bbox]:
    return [Bbox([place, place]).padded(2) for place in np.asarray(line.interpolated(25).vertices)]


def _gap(box: Bbox, places: np.ndarray) -> float:
    """From a box to the nearest of these (N, 2) places."""
    return float(np.hypot(*np.maximum(np.maximum(box.min - places, places - box.max), 0).T).min())


def attention(net: nn.Module, image: Tensor | ImageDataset) -> Figure:
    """A picture cut into patches, and what the one that varies most takes in of each, block by block, as this net computes it.

    net: with nn.MultiheadAttention over a square of patches. image: a uint8 (C, H, W) picture, or a set, whose first picture is taken.
    Raises ValueError for a net without attention.
    """
    if not isinstance(image, Dataset):
        image = ImageDataset(image[None], torch.zeros(1), ("picture",), name="image")
    image = image_dataset(image)
    layers, picture = explain.attention(net, explain.read_by(net, image)), image[0][0]
    side = math.isqrt(count := len(layers[0]))
    if count - side * side > 1:  # one more: a token for the class, which is no patch, comes first
        raise ValueError(f"{count} places are no square of patches. Give a square picture.")
    layers = [one[-side * side :, -side * side :] for one in layers]
    high, wide = (pixels // side for pixels in picture.shape[1:])
    cut = picture.float().mean(0)[: side * high, : side * wide].unfold(0, high, high)
    place = int(cut.unfold(1, wide, wide).flatten(2).std(-1).argmax())
    row, column = divmod(place, side)
    figure = Figure("Patches, and what one of them attends to", (2.8 * (1 + len(layers)), 3.2))
    left, *panels = figure.subplots(1, 1 + len(layers))
    left.imshow(drawable(picture), interpolation="nearest", extent=(0, side, side, 0))
    left.set_title(f"{side} x {side} patches, one asks")
    most, said = max(float(one[place].max()) for one in layers), []
    scale = {"cmap": "Greys", "vmin": 0, "vmax": most, "extent": (0, side, side, 0)}
    for count, (axes, weights) in enumerate(zip(panels, layers), 1):
        shown = weights[place].view(side, side)
        drawn = axes.imshow(shown.numpy(), **scale)
        axes.set_title(f"block {count}: its weights")
        top, best = shown.max(), divmod(int(shown.argmax()), side)
        where = f"row {best[0] + 1}, column {best[1] + 1}"
        said.append(f"block {count}: {span(shown)}, most, {top:.0%}, to {where}")
    figure.colorbar(drawn, ax=panels[-1], label=f"weight (equal ones: {1 / side**2:.3f})")
    for axes in (left, *panels):
        axes.set(xticks=range(side + 1), yticks=range(side + 1))
        axes.grid(color="#56B4E9", linewidth=0.6)
        axes.tick_params(length=0, labelbottom=False, labelleft=False)
        frame = Rectangle((column, row), 1, 1, fill=False, edgecolor=COLOURS[1], linewidth=3)
        axes.add_patch(frame)
    figure.description = f"A picture cut into {side} x {side} patches of {high} x {wide} pixels. The patch in row {row + 1}, column {column + 1}, framed, asks all; the weights of the {side * side} answers, mean of the heads, add up to {layers[0][place].sum():.3g}. {'; '.join(said)}."
    return figure
