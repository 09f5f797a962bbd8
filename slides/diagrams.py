"""Architectures drawn from the models themselves: nets as rows of slabs, blocks as boxes and lines."""

from dataclasses import dataclass
from math import log2

import torch
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Polygon
from torch import nn

from workshop_utils import models
from workshop_utils.figure import COLOURS, Figure
from workshop_utils.models import blocks

KINDS = {
    "convolution": COLOURS[0],
    "pooling": COLOURS[4],
    "dense": COLOURS[2],
}  # each kind also has its own letters on it
INK = "#14213D"
SLANT = 0.35  # of a slab's depth that is seen above and beside its front


@dataclass(frozen=True)
class Slab:
    """One layer of a net: what it is, and the shape that comes out of it for one picture."""

    kind: str
    name: str
    shape: tuple[int, ...]
    text: str


def slabs(name: str, channels: int = 3, classes: int = 1000) -> list[Slab]:
    """The layers of a net that change a shape or hold weights, in the order in which a picture passes them; 1x1 convolutions beside the way are left out."""
    side = models.card(name).pixels
    with torch.device("meta"):
        net = models.build(name, classes=classes, channels=channels)
    layers, found = dict(net.named_modules()), []
    for row in models.summary(net, (channels, side, side)):
        layer = layers[row.name]
        if isinstance(layer, nn.Conv2d) and "downsample" not in row.name:
            found.append(
                Slab("convolution", row.name, row.output, "x".join(map(str, layer.kernel_size)))
            )
        elif isinstance(layer, nn.Linear):
            found.append(Slab("dense", row.name, row.output, "dense"))
        elif "Pool" in row.kind and found and found[-1].shape != row.output:
            found.append(Slab("pooling", row.name, row.output, "pool"))
    return found


def net(
    name: str, *, channels: int = 3, classes: int = 1000, kernels: bool = True, around: str = ""
) -> Figure:
    """A net as slabs: as high as its maps are wide, as thick as it has many; with arcs around the modules whose type is called `around`."""
    card, found = models.card(name), slabs(name, channels, classes)
    figure = Figure(card.title, (11.6, 4.2))
    axes = figure.subplots()
    axes.axis("off")
    x, places = 0.0, {}
    tallest = card.pixels**0.5
    picture = Slab("picture", "", (channels, card.pixels, card.pixels), "picture")
    last = None
    for slab in (picture, *found):
        wide = 0.1 + 0.055 * log2(slab.shape[0]) if len(slab.shape) == 3 else 0.13
        high = (
            3 * (slab.shape[1] ** 0.5 / tallest)
            if len(slab.shape) == 3
            else 0.35 + 0.16 * log2(slab.shape[0])
        )
        colour = KINDS.get(slab.kind, "#9AA5B1")
        _slab(axes, x, high, wide, colour)
        places[slab.name] = (x, x + wide, high)
        size = " x ".join(map(str, slab.shape))
        if slab.shape != last:
            axes.text(
                x + wide / 2,
                -high / 2 - 0.14,
                size,
                rotation=50 if len(found) > 8 else 0,
                ha="right" if len(found) > 8 else "center",
                va="top",
                fontsize=13,
                color=INK,
                rotation_mode="anchor",
            )
        if kernels or slab.kind != "convolution":
            axes.text(
                x + wide / 2 + SLANT * high * 0.2,
                high / 2 + SLANT * high * 0.25 + 0.1,
                slab.text,
                ha="center" if len(found) <= 8 else "left",
                va="bottom",
                rotation=0 if len(found) <= 8 else 50,
                fontsize=13,
                color=INK,
                rotation_mode="anchor",
            )
        last = slab.shape
        x += (
            (0.25 if slab is picture else 0)
            + wide
            + (0.75 if len(found) <= 8 else 0.42 if len(found) < 14 else 0.26)
            * (1 if len(slab.shape) == 3 else 0.8)
            + SLANT * high * 0.2
        )
    spans = _spans(name, around, found, places, classes, channels) if around else []
    for left, right, high in spans:
        axes.add_patch(
            FancyArrowPatch(
                (left, high / 2 + 0.25),
                (right, high / 2 + 0.25),
                connectionstyle="arc3,rad=-0.45",
                arrowstyle="->",
                mutation_scale=14,
                color=COLOURS[1],
                linewidth=2.2,
            )
        )
    axes.set_xlim(-0.3, x)
    axes.set_ylim(-2.75, 2.85)
    for place, (kind, colour) in enumerate(KINDS.items()):
        axes.plot([], [], "s", color=colour, markersize=13, label=kind)
    if spans:
        axes.plot([], [], "-", color=COLOURS[1], linewidth=2.2, label="skip connection")
    axes.legend(loc="lower right", frameon=False, fontsize=14, ncols=4, bbox_to_anchor=(1, -0.02))
    counts = {kind: sum(slab.kind == kind for slab in found) for kind in KINDS}
    figure.description = (
        f"{card.title} as a row of slabs, from a picture of {size_of(picture)} on: "
        + "; ".join(f"{slab.text} to {size_of(slab)}" for slab in found)
        + f". {counts['convolution']} convolutions, {counts['pooling']} poolings, {counts['dense']} dense layers"
        + (f", {len(spans)} skip connections." if spans else ".")
    )
    return figure


def block(idea: str, maps: int = 64) -> Figure:
    """The block of an idea, drawn from the module that the course trains, with `maps` maps coming in and going out."""
    with torch.device("meta"):
        module = models.IDEAS[idea](maps, maps)
    tree = _tree(module)
    width, above, below = _size(tree)
    figure = Figure(f"The block of {idea}", (11.6, min(4.8, max(2.0, 1.0 * (above + below)))))
    axes = figure.subplots()
    axes.axis("off")
    axes.set_aspect("equal")
    _arrow(axes, -0.7, 0)
    axes.text(-0.8, 0, f"{maps} maps", ha="right", va="center", fontsize=16, color=INK)
    _draw(axes, tree, 0.0, 0.0)
    _arrow(axes, width, 0)
    axes.text(width + 0.8, 0, f"{maps} maps", ha="left", va="center", fontsize=16, color=INK)
    axes.set_xlim(-2.2, width + 2.2)
    axes.set_ylim(-below - 0.15, above + 0.15)
    figure.description = f"The block of {idea}, from left to right: {maps} maps come in; {_words(tree)}; {maps} maps go out."
    return figure


# A block is a tree of three kinds: a str is a box, a list is a row, and Paths are rows side by side that meet again.
@dataclass(frozen=True)
class Paths:
    """Rows that read the same input; how they meet: "+" adds, "x" multiplies, "," puts their maps side by side."""

    rows: tuple[list, ...]
    meet: str


MEETS = {"+": "added", "x": "multiplied", ",": "put side by side"}


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
        shared = (
            ""
            if module.groups == 1
            else "\nper map"
            if module.groups == module.in_channels
            else f"\nin {module.groups} groups"
        )
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


def _size(tree: list) -> tuple[float, float, float]:
    """Width, and height above and below the line on which the row runs."""
    width, above, below = 0.0, 0.1, 0.1
    for place, part in enumerate(tree):
        if isinstance(part, str):
            half = 0.17 + 0.19 * (part.count("\n") + 1)
            size = BOX, half, half
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
    for place, (_, above, below) in enumerate(sizes):
        down += (sizes[place - 1][2] + above + 0.22) if place else 0
        offsets.append(down)
    middle = offsets[-1] / 2 if len(offsets) > 2 else 0
    return [offset - middle for offset in offsets]


def _draw(axes, tree: list, x: float, y: float) -> float:
    for place, part in enumerate(tree):
        if place:
            _arrow(axes, x, y, GAP)
            x += GAP
        if isinstance(part, str):
            half = 0.17 + 0.19 * (part.count("\n") + 1)
            colour = (
                COLOURS[4]
                if "max" in part or "mean" in part
                else COLOURS[2]
                if "weight" in part
                else COLOURS[0]
                if "x" in part
                else "#5B6770"
            )
            axes.add_patch(
                FancyBboxPatch(
                    (x, y - half),
                    BOX,
                    2 * half,
                    boxstyle="round,pad=0,rounding_size=0.1",
                    facecolor=colour,
                    edgecolor="none",
                )
            )
            axes.text(
                x + BOX / 2,
                y,
                part,
                ha="center",
                va="center",
                fontsize=14,
                color="black" if colour == COLOURS[4] else "white",
                linespacing=1.15,
            )
            x += BOX
            continue
        inner = max(_size(row)[0] for row in part.rows)
        right = x + 2 * GAP + inner
        for row, down in zip(part.rows, _offsets(part)):
            level, length = y - down, _size(row)[0]
            empty = not row
            colour, wide = (COLOURS[1], 3) if empty and part.meet != "x" else (INK, 1.8)
            axes.plot(
                [x, x, x + GAP],
                [y, level, level],
                color=colour,
                linewidth=wide,
                solid_joinstyle="round",
            )
            _draw(axes, row, x + GAP, level)
            axes.plot(
                [x + GAP + length, right + 0.28], [level, level], color=colour, linewidth=wide
            )
            if level != y:
                axes.plot([right + 0.28] * 2, [level, y], color=colour, linewidth=wide)
        axes.text(
            right + 0.28,
            y,
            {"+": "+", "x": "×", ",": "||"}[part.meet],
            ha="center",
            va="center",
            fontsize=19 if part.meet != "," else 14,
            color="white",
            fontweight="bold",
            bbox={"boxstyle": "circle,pad=0.15", "facecolor": COLOURS[1], "edgecolor": "none"},
            zorder=5,
        )
        x = right + 0.55
    return x


def _words(tree: list) -> str:
    said = []
    for part in tree:
        if isinstance(part, str):
            said.append(part.replace("\n", ", "))
        else:
            said.append(
                "("
                + " | ".join(_words(row) or "the input as it is" for row in part.rows)
                + f") {MEETS[part.meet]}"
            )
    return ", then ".join(said)


def _arrow(axes, x: float, y: float, length: float = 0.7) -> None:
    axes.add_patch(
        FancyArrowPatch(
            (x, y),
            (x + length, y),
            arrowstyle="-|>",
            mutation_scale=14,
            shrinkA=0,
            shrinkB=0,
            color=INK,
            linewidth=1.8,
        )
    )


def _slab(axes, x: float, high: float, wide: float, colour: str) -> None:
    """A cuboid seen from the front: its face, and its top and side in darker shades."""
    half, deep, up = high / 2, SLANT * high * 0.4, SLANT * high * 0.25
    front = [(x, -half), (x + wide, -half), (x + wide, half), (x, half)]
    top = [(x, half), (x + wide, half), (x + wide + deep, half + up), (x + deep, half + up)]
    side = [
        (x + wide, -half),
        (x + wide + deep, -half + up),
        (x + wide + deep, half + up),
        (x + wide, half),
    ]
    for corners, alpha in ((front, 1.0), (top, 0.55), (side, 0.75)):
        axes.add_patch(Polygon(corners, facecolor="white", edgecolor="none"))
        axes.add_patch(
            Polygon(corners, facecolor=colour, alpha=alpha, edgecolor="white", linewidth=0.8)
        )


def _spans(
    name: str, around: str, found: list[Slab], places: dict, classes: int, channels: int
) -> list[tuple[float, float, float]]:
    """Where each block of the type begins and ends in the drawing."""
    with torch.device("meta"):
        net = models.build(name, classes=classes, channels=channels)
    spans = []
    for block_name, module in net.named_modules():
        if type(module).__name__ == around:
            inside = [places[slab.name] for slab in found if slab.name.startswith(block_name + ".")]
            spans.append(
                (inside[0][0] - 0.08, inside[-1][1] + 0.08, max(high for _, _, high in inside))
            )
    return spans


def size_of(slab: Slab) -> str:
    return " x ".join(map(str, slab.shape))
