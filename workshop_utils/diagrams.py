"""Architectures drawn from the models themselves, nets as rows of slabs, blocks as boxes and lines; frames in pictures and reliability."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import log2
from typing import Any

import torch
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Polygon, Rectangle
from torch import Tensor, nn

from workshop_utils import errors, models
from workshop_utils.data.imagenet import Box
from workshop_utils.evaluation import Evaluation
from workshop_utils.figure import COLOURS, MIDDLE, Figure, drawable, sheet
from workshop_utils.models import blocks
from workshop_utils.models.modes import inside

# each kind also has its own letters on it
KINDS = {"convolution": COLOURS[0], "pooling": COLOURS[4], "dense": COLOURS[2]}
INK = "#14213D"
ROUND: dict[str, Any] = {"boxstyle": "round,pad=0,rounding_size=0.1", "edgecolor": "none"}
ARROW: dict[str, Any] = {"color": INK, "linewidth": 1.8, "shrinkA": 0, "shrinkB": 0}
ARC: dict[str, Any] = {"color": COLOURS[1], "linewidth": 2.2, "connectionstyle": "arc3,rad=-0.45"}
SLANT = 0.35  # of a slab's depth that is seen above and beside its front


@dataclass(frozen=True)
class Slab:
    """One layer of a net: what it is, and the shape that comes out of it for one picture."""

    kind: str
    name: str
    shape: tuple[int, ...]
    text: str

    @property
    def size(self) -> str:
        return " x ".join(map(str, self.shape))


def slabs(net: nn.Module, shape: tuple[int, int, int]) -> list[Slab]:
    """The layers of a net that change a shape or hold weights, in the order in which a picture passes them; 1x1 convolutions beside the way are left out."""
    layers, found = dict(inside(net).named_modules()), []
    for row in models.summary(net, shape):
        layer = layers[row.name]
        if isinstance(layer, nn.Conv2d) and "downsample" not in row.name:
            kernel = "x".join(map(str, layer.kernel_size))
            found.append(Slab("convolution", row.name, row.output, kernel))
        elif isinstance(layer, nn.Linear):
            found.append(Slab("dense", row.name, row.output, "dense"))
        elif "Pool" in row.kind and found and found[-1].shape != row.output:
            found.append(Slab("pooling", row.name, row.output, "pool"))
    return found


def architecture(
    net: str | nn.Module,
    shape: tuple[int, int, int] | None = None,
    *,
    classes: int = 1000,
    kernels: bool = True,
    around: str = "",
) -> Figure:
    """A net as slabs: as high as its maps are wide, as thick as it has many; with arcs around the modules whose type is called `around`.

    net: a name of `models.catalog()`, or a net of your own. shape: (channels, height, width) of one picture, for a name in
    colour, for it and for a net of `models.build` of the size on its card. Raises ValueError for an unknown name, or for a
    net of your own without a shape.
    """
    title = type(net).__name__
    if isinstance(net, str):
        card = models.card(net)
        title, shape = card.title, shape or (3, card.pixels, card.pixels)
        with torch.device("meta"):
            net = models.build(card.name, classes=classes, channels=shape[0])
    if shape is None and hasattr(net, "architecture"):
        side = models.card(net.architecture).pixels
        first = next(layer for layer in net.modules() if isinstance(layer, nn.Conv2d))
        shape = first.in_channels, side, side
    if shape is None:
        raise ValueError(
            "Say what a picture for this net measures: plots.architecture(net, (1, 28, 28))."
        )
    found, picture = slabs(net, shape), Slab("picture", "", shape, "picture")
    figure, axes = sheet(title, (11.6, 4.2), bare=True)
    places = _row(axes, [picture, *found], kernels)
    spans = [
        [places[slab.name] for slab in found if slab.name.startswith(f"{name}.")]
        for name, module in net.named_modules()
        if type(module).__name__ == around
    ]
    for span in spans:
        level = max(high for *_, high in span) / 2 + 0.25
        ends = (span[0][0] - 0.08, level), (span[-1][1] + 0.08, level)
        axes.add_patch(FancyArrowPatch(*ends, arrowstyle="->", mutation_scale=14, **ARC))
    for kind, colour in KINDS.items():
        axes.plot([], [], "s", color=colour, markersize=13, label=kind)
    if spans:
        axes.plot([], [], "-", color=COLOURS[1], linewidth=2.2, label="skip connection")
    axes.legend(loc="lower right", frameon=False, fontsize=14, ncols=4, bbox_to_anchor=(1, -0.02))
    counts = {kind: sum(slab.kind == kind for slab in found) for kind in KINDS}
    figure.description = (
        f"{title} as a row of slabs, from a picture of {picture.size} on: "
        + "; ".join(f"{slab.text} to {slab.size}" for slab in found)
        + f". {counts['convolution']} convolutions, {counts['pooling']} poolings, {counts['dense']} dense layers"
        + (f", {len(spans)} skip connections." if spans else ".")
    )
    return figure


def _row(axes, row: list[Slab], kernels: bool) -> dict[str, tuple[float, float, float]]:
    """Draws slabs side by side with their sizes; returns where each begins and ends, and how high it is."""
    crowded = len(row) > 9
    gap = 0.75 if not crowded else 0.42 if len(row) < 15 else 0.26
    write = partial(axes.text, fontsize=13, color=INK, rotation_mode="anchor")
    write = partial(write, rotation=50 if crowded else 0)
    x, places, last, tallest = 0.0, {}, None, row[0].shape[1] ** 0.5
    for slab in row:
        maps = len(slab.shape) == 3
        wide = 0.1 + 0.055 * log2(slab.shape[0]) if maps else 0.13
        high = 3 * (slab.shape[1] ** 0.5 / tallest) if maps else 0.35 + 0.16 * log2(slab.shape[0])
        deep, up = SLANT * high * 0.2, SLANT * high * 0.25
        _slab(axes, x, high, wide, KINDS.get(slab.kind, "#9AA5B1"))
        places[slab.name] = (x, x + wide, high)
        if slab.shape != last:
            side = "right" if crowded else "center"
            write(x + wide / 2, -high / 2 - 0.14, slab.size, ha=side, va="top")
        if kernels or slab.kind != "convolution":
            side = "left" if crowded else "center"
            write(x + wide / 2 + deep, high / 2 + up + 0.1, slab.text, ha=side, va="bottom")
        last = slab.shape
        x += (0.25 if slab is row[0] else 0) + wide + gap * (1 if maps else 0.8) + deep
    axes.set(xlim=(-0.3, x), ylim=(-2.75, 2.85))
    return places


def _slab(axes, x: float, high: float, wide: float, colour: str) -> None:
    """A cuboid seen from the front: its face, and its top and side in darker shades."""
    half, deep, up = high / 2, SLANT * high * 0.4, SLANT * high * 0.25
    right = x + wide
    front = [(x, -half), (right, -half), (right, half), (x, half)]
    top = [(x, half), (right, half), (right + deep, half + up), (x + deep, half + up)]
    side = [(right, -half), (right + deep, -half + up), (right + deep, half + up), (right, half)]
    for corners, alpha in ((front, 1.0), (top, 0.55), (side, 0.75)):
        axes.add_patch(Polygon(corners, facecolor="white", edgecolor="none"))
        shade = Polygon(corners, facecolor=colour, alpha=alpha, edgecolor="white", linewidth=0.8)
        axes.add_patch(shade)


def block(idea: str, maps: int = 64) -> Figure:
    """The block of an idea, a name of `models.IDEAS`, drawn from the module that the course trains, with `maps` maps coming in and going out."""
    if idea not in models.IDEAS:
        raise errors.unknown("idea", idea, models.IDEAS, "models.IDEAS")
    with torch.device("meta"):
        tree = _tree(models.IDEAS[idea](maps, maps))
    width, above, below = _size(tree)
    high = min(4.8, max(2.0, above + below))
    figure, axes = sheet(f"The block of {idea}", (11.6, high), bare=True)
    axes.set_aspect("equal")
    _arrow(axes, -0.7, 0)
    axes.text(-0.8, 0, f"{maps} maps", ha="right", va="center", fontsize=16, color=INK)
    _draw(axes, tree, 0.0, 0.0)
    _arrow(axes, width, 0)
    axes.text(width + 0.8, 0, f"{maps} maps", ha="left", va="center", fontsize=16, color=INK)
    axes.set(xlim=(-2.2, width + 2.2), ylim=(-below - 0.15, above + 0.15))
    figure.description = f"The block of {idea}, from left to right: {maps} maps come in; {_words(tree)}; {maps} maps go out."
    return figure


# A block is a tree of three kinds: a str is a box, a list is a row, and Paths are rows side by side that meet again.
@dataclass(frozen=True)
class Paths:
    """Rows that read the same input; how they meet: "+" adds, "x" multiplies, "," puts their maps side by side."""

    rows: tuple[list, ...]
    meet: str


MEETS = {"+": ("+", "added"), "x": ("×", "multiplied"), ",": ("||", "put side by side")}


def _tree(module: nn.Module) -> list:
    if isinstance(module, blocks.Residual):
        return [Paths((_tree(module.body), _tree(module.skip)), "+")]
    if isinstance(module, blocks.Parallel):
        return [Paths(tuple(_tree(branch) for branch in module.branches), ",")]
    if isinstance(module, blocks.Squeeze):
        return [Paths(([], ["mean\nper map", "weight\nper map"]), "x")]
    if isinstance(module, blocks.Dense):
        return [Paths((_tree(layer), []), ",") for layer in module.layers] + _tree(module.merge)
    if isinstance(module, nn.Conv2d):
        size = "x".join(map(str, module.kernel_size))
        shared = "" if module.groups == 1 else f"\nin {module.groups} groups"
        if 1 < module.groups == module.in_channels:
            shared = "\nper map"
        return [f"{size}{shared}\n{module.out_channels} maps"]
    if isinstance(module, nn.MaxPool2d):
        return ["3x3 max"]
    if isinstance(module, (nn.ReLU, nn.Tanh)):
        return [type(module).__name__]
    if isinstance(module, (nn.Dropout2d, nn.Identity, nn.BatchNorm2d)):
        return []
    parts = [part for child in module.children() for part in _tree(child)]
    merged: list = []  # an activation is written into the box before it
    for part in parts:
        if part in ("ReLU", "Tanh") and merged and isinstance(merged[-1], str):
            merged[-1] += f"\n{part}"
        else:
            merged.append(part)
    return merged


BOX, GAP = 1.75, 0.45


def _half(box: str) -> float:
    """Half the height of a box with these lines."""
    return 0.17 + 0.19 * (box.count("\n") + 1)


def _size(tree: list) -> tuple[float, float, float]:
    """Width, and height above and below the line on which the row runs."""
    width, above, below = 0.0, 0.1, 0.1
    for place, part in enumerate(tree):
        if isinstance(part, str):
            size = BOX, _half(part), _half(part)
        else:
            sizes = [_size(row) for row in part.rows]
            offsets = _offsets(part)
            size = (
                max(one[0] for one in sizes) + 2 * GAP + 0.55,
                max(one[1] - down for one, down in zip(sizes, offsets)),
                max(one[2] + down for one, down in zip(sizes, offsets)),
            )
        width += size[0] + (GAP if place else 0)
        above, below = max(above, size[1]), max(below, size[2])
    return width, above, below


def _offsets(paths: Paths) -> list[float]:
    """How far below the first row each row runs; the rows of a block with many branches stand around the middle."""
    sizes, offsets, down = [_size(row) for row in paths.rows], [], 0.0
    for place, (_, above, _) in enumerate(sizes):
        down += (sizes[place - 1][2] + above + 0.22) if place else 0
        offsets.append(down)
    middle = offsets[-1] / 2 if len(offsets) > 2 else 0
    return [offset - middle for offset in offsets]


def _draw(axes, tree: list, x: float, y: float) -> float:
    """Draws a row from (x, y) on; returns where it ends."""
    for place, part in enumerate(tree):
        if place:
            _arrow(axes, x, y, GAP)
            x += GAP
        x = (_box if isinstance(part, str) else _paths)(axes, part, x, y)
    return x


def _box(axes, words: str, x: float, y: float) -> float:
    # by what the words hold, the first that fits
    colours = {"max": COLOURS[4], "mean": COLOURS[4], "weight": COLOURS[2], "x": COLOURS[0]}
    colour = next((colours[part] for part in colours if part in words), "#5B6770")
    half = _half(words)
    axes.add_patch(FancyBboxPatch((x, y - half), BOX, 2 * half, facecolor=colour, **ROUND))
    ink = "black" if colour == COLOURS[4] else "white"
    axes.text(x + BOX / 2, y, words, fontsize=14, color=ink, linespacing=1.15, **MIDDLE)
    return x + BOX


def _paths(axes, paths: Paths, x: float, y: float) -> float:
    right = x + 2 * GAP + max(_size(row)[0] for row in paths.rows) + 0.28
    for row, down in zip(paths.rows, _offsets(paths)):
        level, length = y - down, _size(row)[0]
        colour, wide = (INK, 1.8) if row or paths.meet == "x" else (COLOURS[1], 3)
        line = partial(axes.plot, color=colour, linewidth=wide)
        line([x, x, x + GAP], [y, level, level], solid_joinstyle="round")
        _draw(axes, row, x + GAP, level)
        line([x + GAP + length, right], [level, level])
        if level != y:
            line([right, right], [level, y])
    sign, _ = MEETS[paths.meet]
    circle = {"boxstyle": "circle,pad=0.15", "facecolor": COLOURS[1], "edgecolor": "none"}
    bold = {"color": "white", "fontweight": "bold", "zorder": 5, "bbox": circle, **MIDDLE}
    axes.text(right, y, sign, fontsize=14 if paths.meet == "," else 19, **bold)
    return right + 0.27


def _arrow(axes, x: float, y: float, length: float = 0.7) -> None:
    ends = (x, y), (x + length, y)
    axes.add_patch(FancyArrowPatch(*ends, arrowstyle="-|>", mutation_scale=14, **ARROW))


def _words(tree: list) -> str:
    said = []
    for part in tree:
        if isinstance(part, str):
            said.append(part.replace("\n", ", "))
        else:
            rows = " | ".join(_words(row) or "the input as it is" for row in part.rows)
            said.append(f"({rows}) {MEETS[part.meet][1]}")
    return ", then ".join(said)


def boxes(picture: Tensor, found: Sequence[Box], title: str = "Boxes") -> Figure:
    """A picture with numbered frames around objects; found: boxes in its pixels, as `data.imagenet.boxes` reads them."""
    figure, axes = sheet(title, (5, 5), bare=True)
    axes.imshow(drawable(picture))
    height, width = picture.shape[-2:]
    figure.description = f"{title}: a picture of {height} x {width} pixels with {len(found)} {'box' if len(found) == 1 else 'boxes'}."
    for place, (name, left, top, right, bottom) in enumerate(found, 1):
        corner, size = (left, top), (right - left, bottom - top)
        axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=COLOURS[4], linewidth=3))
        behind = {"facecolor": COLOURS[4], "edgecolor": "none"}
        axes.text(left + 4, top + 6, f"{place}", va="top", fontsize=12, bbox=behind)
        where = f"columns {left} to {right}, rows {top} to {bottom}"
        figure.description += f" {place}: {name}, {where}."
    return figure


def calibration(evaluation: Evaluation) -> Figure:
    """The reliability diagram: for each band of confidence how often the net was right, beside the line where both agree."""
    found, band = evaluation.calibration, "mean confidence of the band"
    figure = Figure("Confidence and accuracy", (9, 3.8))
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], "--", color="black", label="as sure as right")
    left.plot(found.confidence, found.accuracy, "o-", color=COLOURS[0], label="the net")
    left.set(xlabel=band, ylabel="fraction that is right", xlim=(0, 1), ylim=(0, 1.02))
    left.legend(frameon=False)
    right.bar(found.confidence, found.pictures, 0.06, color=COLOURS[5])
    right.set(xlabel=band, ylabel="pictures", xlim=(0, 1.03))
    figure.description = f"Expected calibration error {found.error:.3f}."
    for said, true, count in zip(found.confidence, found.accuracy, found.pictures):
        confident = f"{count:,} pictures with a mean confidence of {said:.0%}"
        figure.description += f" {confident}: {true:.0%} are right."
    return figure
