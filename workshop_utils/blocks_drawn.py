"""Blocks drawn from the modules that the course trains, as boxes and lines."""

from dataclasses import dataclass
from functools import partial

import torch
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from torch import nn

from workshop_utils import errors, models
from workshop_utils.diagrams import INK
from workshop_utils.figure import COLOURS, MIDDLE, Figure
from workshop_utils.models import blocks

WIDE, HIGH, GAP, END, CELL, LINE = 11.6, 5.0, 0.3, 0.95, 0.1, 0.225  # inches at LETTERS points
LETTERS = 14
MEETS = {"+": ("+", "added"), "x": ("×", "multiplied"), ",": ("||", "put side by side")}
# by what the words in a box hold, the first that fits
FILLS = {"max": COLOURS[4], "mean": COLOURS[4], "weight": "#007A5A", "x": COLOURS[0]}


# A block is a tree of three kinds: a str is a box, a list is a row, and Paths are rows side by side that meet again.
@dataclass(frozen=True)
class Paths:
    """Rows that read the same input; how they meet: "+" adds, "x" multiplies, "," puts their maps side by side."""

    rows: tuple[list, ...]
    meet: str


def block(idea: str, maps: int = 64) -> Figure:
    """The block of an idea, a name of `models.IDEAS`, drawn from the module that the course trains, with `maps` maps coming in and going out."""
    if idea not in models.IDEAS:
        raise errors.unknown("idea", idea, models.IDEAS, "models.IDEAS")
    with torch.device("meta"):
        tree = _tree(models.IDEAS[idea](maps, maps))
    width, above, below = _size(tree)
    high = above + below + 0.15
    print(width, high, min(WIDE / (width + 2 * END), HIGH / high, 2.2))
    scale = min(WIDE / (width + 2 * END), HIGH / high, 2.2)
    figure = Figure(f"The block of {idea}", (WIDE, max(high * scale, 2.2)))
    figure.set_layout_engine("none")
    end, middle = (WIDE / scale - width) / 2, (above - below) / 2
    half = figure.get_figheight() / scale / 2
    axes = figure.add_axes(
        (0, 0, 1, 1), xlim=(-end, width + end), ylim=(middle - half, middle + half)
    )
    axes.set_axis_off()
    draw = Drawing(axes, scale)
    for x in (-end, width):
        draw.arrow(x + 0.06, 0, end - 0.12)
        draw.write(x + end / 2, 0.08, f"{maps} maps", INK, va="bottom", ha="center")
    draw.row(tree, 0.0, 0.0)
    figure.description = f"The block of {idea}, from left to right: {maps} maps come in; {_words(tree)}; {maps} maps go out."
    return figure


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


def _box_size(box: str) -> tuple[float, float]:
    """Width and half the height of a box with these words, and its kernel as a grid above them."""
    lines = box.split("\n")
    return 0.25 + 0.117 * max(map(len, lines)), 0.08 + (LINE * len(lines) + _grid(box)) / 2


def _grid(box: str) -> float:
    return CELL * int(box[0]) + 0.08 if box[0].isdigit() else 0.0


def _size(tree: list) -> tuple[float, float, float]:
    """Width, and height above and below the line on which the row runs."""
    width, above, below = 0.0, 0.15, 0.15
    for place, part in enumerate(tree):
        if isinstance(part, str):
            wide, half = _box_size(part)
            size = wide, half, half
        else:
            sizes, offsets = [_size(row) for row in part.rows], _offsets(part)
            size = (
                max(one[0] for one in sizes) + 2 * GAP + 0.4,
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
        down += (sizes[place - 1][2] + above + 0.08) if place else 0
        offsets.append(down)
    middle = offsets[-1] / 2 if len(offsets) > 2 else 0
    return [offset - middle for offset in offsets]


@dataclass
class Drawing:
    """Axes whose units are inches, times `scale` by which letters and lines grow too."""

    axes: object
    scale: float

    def write(
        self, x: float, y: float, words: str, colour: str, size: float = LETTERS, **options
    ) -> None:
        self.axes.text(x, y, words, color=colour, fontsize=size * self.scale, **options)

    def line(self, xs: list[float], ys: list[float], colour: str, wide: float) -> None:
        self.axes.plot(xs, ys, color=colour, linewidth=wide * self.scale, solid_joinstyle="round")

    def arrow(self, x: float, y: float, length: float) -> None:
        look = {"color": INK, "linewidth": 1.6 * self.scale, "shrinkA": 0, "shrinkB": 0}
        ends = (x, y), (x + length, y)
        size = 13 * self.scale
        self.axes.add_patch(FancyArrowPatch(*ends, arrowstyle="-|>", mutation_scale=size, **look))

    def row(self, tree: list, x: float, y: float) -> float:
        """Draws a row from (x, y) on; returns where it ends."""
        for place, part in enumerate(tree):
            if place:
                self.arrow(x, y, GAP)
                x += GAP
            x = (self.box if isinstance(part, str) else self.paths)(part, x, y)
        return x

    def box(self, words: str, x: float, y: float) -> float:
        colour = next((FILLS[part] for part in FILLS if part in words), "#5B6770")
        wide, half = _box_size(words)
        shape = {"boxstyle": "round,pad=0,rounding_size=0.1", "linewidth": 0}
        self.axes.add_patch(
            FancyBboxPatch((x, y - half), wide, 2 * half, facecolor=colour, **shape)
        )
        ink, cells = ("black" if colour == COLOURS[4] else "white"), int(_grid(words) / CELL)
        left, top = x + wide / 2 - cells * CELL / 2, y + half - 0.09 - CELL
        for cell in range(cells * cells):
            corner = left + cell % cells * CELL, top - cell // cells * CELL
            self.axes.add_patch(
                Rectangle(corner, CELL, CELL, facecolor=ink, edgecolor=colour, linewidth=self.scale)
            )
        below = y - _grid(words) / 2
        self.write(x + wide / 2, below, words, ink, linespacing=1.15, **MIDDLE)
        return x + wide

    def paths(self, paths: Paths, x: float, y: float) -> float:
        right = x + 2 * GAP + max(_size(row)[0] for row in paths.rows) + 0.2
        for row, down in zip(paths.rows, _offsets(paths)):
            level, length = y - down, _size(row)[0]
            colour, wide = (INK, 1.6) if row or paths.meet == "x" else (COLOURS[1], 3)
            self.line([x, x, x + GAP], [y, level, level], colour, wide)
            self.row(row, x + GAP, level)
            self.line([x + GAP + length, right, right], [level, level, y], colour, wide)
        circle = {"boxstyle": "circle,pad=0.15", "facecolor": COLOURS[1], "edgecolor": "none"}
        bold = {"fontweight": "bold", "zorder": 5, "bbox": circle, **MIDDLE}
        self.write(right, y, MEETS[paths.meet][0], "white", 14 if paths.meet == "," else 19, **bold)
        return right + 0.2


def _words(tree: list) -> str:
    said = []
    for part in tree:
        if isinstance(part, str):
            said.append(part.replace("\n", ", "))
        else:
            rows = " | ".join(_words(row) or "the input as it is" for row in part.rows)
            said.append(f"({rows}) {MEETS[part.meet][1]}")
    return ", then ".join(said)
