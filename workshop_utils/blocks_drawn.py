"""Blocks drawn from the modules that the course trains, as boxes and lines."""

from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import torch
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from torch import Tensor, nn

from workshop_utils import errors, models
from workshop_utils.comparisons import attention
from workshop_utils.data.dataset import ImageDataset
from workshop_utils.diagrams import INK
from workshop_utils.figure import COLOURS, MIDDLE, Figure
from workshop_utils.models import blocks

WIDE, HIGH, GAP, END, CELL, LINE = 11.6, 5.1, 0.3, 0.95, 0.1, 0.225  # inches at LETTERS points
LETTERS, TITLE = 14, 0.3
ROUND: dict[str, Any] = {"boxstyle": "round,pad=0,rounding_size=0.1", "linewidth": 0}
ARROW: dict[str, Any] = {"color": INK, "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0}
MEETS = {"+": ("+", "added"), "x": ("×", "multiplied"), ",": ("||", "put side by side")}
# by what the words in a box hold, the first that fits
FILLS = {"max": COLOURS[4], "mean": COLOURS[4], "weight": "#007A5A", "x": COLOURS[0]}
FILLS["attention"] = COLOURS[3]
DARK_ON = (COLOURS[3], COLOURS[4])


# A block is a tree of three kinds: a str is a box, a list is a row, and Paths are rows side by side that meet again.
@dataclass(frozen=True)
class Paths:
    """Rows that read the same input; how they meet: "+" adds, "x" multiplies, "," puts their maps side by side."""

    rows: tuple[list, ...]
    meet: str


def block(
    idea: str | nn.Module, maps: int = 64, *, image: Tensor | ImageDataset | None = None
) -> Figure:
    """The block of an idea, a name of `models.IDEAS`, drawn from the module that the course trains, with `maps` maps coming in and going out.

    image: what a net with attention, given in place of the name, makes of a picture's patches: `attention` says how.
    """
    if image is not None and isinstance(idea, nn.Module):
        return attention(idea, image)
    if image is not None or not isinstance(idea, str):
        raise ValueError("Give the name of an idea; or a net with attention, and image=picture.")
    if idea not in models.IDEAS:
        raise errors.unknown("idea", idea, models.IDEAS, "models.IDEAS")
    if errors.whole(maps, "maps") % 8:
        raise ValueError(f"maps is {maps}: groups and branches need a multiple of 8, such as 64.")
    with torch.device("meta"):
        tree = _tree(models.IDEAS[idea](maps, maps))
    width, above, below = _size(tree)
    scale = min(WIDE / (width + 2 * END), HIGH / (above + below + 0.15), 2.2)
    title = f"The block of {idea}"
    figure = Figure(title, (WIDE, max(scale * (above + below + 0.15), 2.2) + TITLE))
    figure.set_layout_engine("none")
    axes: Any = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    end, half = (WIDE / scale - width) / 2, figure.get_figheight() / scale / 2
    for x in (-end, width):
        _arrow(axes, x + 0.06, 0, end - 0.12)
        axes.text(x + end / 2, 0.08, f"{maps} maps", color=INK, ha="center", fontsize=LETTERS)
    _draw(axes, tree, 0.0, 0.0)
    middle = (above - below + TITLE / scale) / 2
    axes.set(xlim=(-end, width + end), ylim=(middle - half, middle + half))
    for text in axes.texts:  # what was drawn in inches grows with them
        text.set_fontsize(scale * text.get_fontsize())
    for line in (*axes.lines, *axes.patches):
        line.set_linewidth(scale * line.get_linewidth())
        if isinstance(line, FancyArrowPatch):
            line.set_mutation_scale(scale * line.get_mutation_scale())
    axes.text(0.005, 0.99, title, va="top", fontsize=LETTERS, transform=axes.transAxes)
    figure.description = (
        f"{title}, from left to right: {maps} maps come in; {_words(tree)}; {maps} maps go out."
    )
    return figure


def _tree(module: nn.Module) -> list:
    if isinstance(module, blocks.Residual):
        return [Paths((_tree(module.body), _tree(module.skip)), "+")]
    if isinstance(module, blocks.ResBlock):
        return [Paths((_tree(module.body), _tree(module.around)), "+"), "ReLU"]
    if isinstance(module, blocks.Inception):
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
    if isinstance(module, blocks.Attention):
        return [f"attention\nin {module.mix.num_heads} heads\n{module.mix.embed_dim} maps"]
    if isinstance(module, (nn.ReLU, nn.Tanh, nn.GELU)):
        return [type(module).__name__]
    if isinstance(module, (nn.Dropout2d, nn.Identity, nn.BatchNorm2d, nn.LayerNorm)):
        return []
    parts = [part for child in module.children() for part in _tree(child)]
    merged: list = []  # an activation is written into the box before it
    for part in parts:
        if part in ("ReLU", "Tanh", "GELU") and merged and isinstance(merged[-1], str):
            merged[-1] += f"\n{part}"
        else:
            merged.append(part)
    return merged


def _box_size(box: str) -> tuple[float, float, float]:
    """Width, half the height of a box with these words, and the height of its kernel, a grid above them."""
    lines, kernel = box.split("\n"), CELL * int(box[0]) + 0.08 if box[0].isdigit() else 0.0
    wide = 0.25 + 0.117 * max(map(len, lines))
    return wide, 0.08 + (LINE * len(lines) + kernel) / 2, kernel


def _size(tree: list) -> tuple[float, float, float]:
    """Width, and height above and below the line on which the row runs."""
    width, above, below = 0.0, 0.15, 0.15
    for place, part in enumerate(tree):
        if isinstance(part, str):
            wide, half, _ = _box_size(part)
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


def _draw(axes, tree: list, x: float, y: float) -> float:
    """Draws a row from (x, y) on; returns where it ends."""
    for place, part in enumerate(tree):
        if place:
            _arrow(axes, x, y, GAP)
            x += GAP
        x = (_box if isinstance(part, str) else _paths)(axes, part, x, y)
    return x


def _box(axes, words: str, x: float, y: float) -> float:
    colour = next((FILLS[part] for part in FILLS if part in words), "#5B6770")
    ink = "black" if colour in DARK_ON else "white"
    wide, half, kernel = _box_size(words)
    axes.add_patch(FancyBboxPatch((x, y - half), wide, 2 * half, facecolor=colour, **ROUND))
    cells, middle = int(kernel / CELL), x + wide / 2
    for row, column in product(range(cells), repeat=2):
        corner = middle + (column - cells / 2) * CELL, y + half - 0.09 - (row + 1) * CELL
        axes.add_patch(Rectangle(corner, CELL, CELL, facecolor=ink, edgecolor=colour))
    top = y + half - 0.08 - kernel - 0.35 * LETTERS / 72  # capitals are 0.7 of a letter's size
    for place, line in enumerate(words.split("\n")):  # each at its place, whatever the font
        down = LINE * (place + 0.5)
        axes.text(middle, top - down, line, color=ink, fontsize=LETTERS, ha="center")
    return x + wide


def _paths(axes, paths: Paths, x: float, y: float) -> float:
    right = x + 2 * GAP + max(_size(row)[0] for row in paths.rows) + 0.2
    for row, down in zip(paths.rows, _offsets(paths)):
        level = y - down
        colour, wide = (INK, 1.6) if row or paths.meet == "x" else (COLOURS[1], 3)
        line = partial(axes.plot, color=colour, linewidth=wide, solid_joinstyle="round")
        line([x, x, x + GAP], [y, level, level])
        end = _draw(axes, row, x + GAP, level)
        line([end, right, right], [level, level, y])
    circle = {"boxstyle": "circle,pad=0.15", "facecolor": COLOURS[1], "edgecolor": "none"}
    bold = {"color": "white", "fontweight": "bold", "zorder": 5, "bbox": circle, **MIDDLE}
    axes.text(right, y, MEETS[paths.meet][0], fontsize=14 if paths.meet == "," else 19, **bold)
    return right + 0.2


def _arrow(axes, x: float, y: float, length: float) -> None:
    ends = (x, y), (x + length, y)
    axes.add_patch(FancyArrowPatch(*ends, arrowstyle="-|>", mutation_scale=13, **ARROW))


def _words(tree: list) -> str:
    said = []
    for part in tree:
        if isinstance(part, str):
            said.append(part.replace("\n", ", "))
        else:
            rows = " | ".join(_words(row) or "the input as it is" for row in part.rows)
            said.append(f"({rows}) {MEETS[part.meet][1]}")
    return ", then ".join(said)
