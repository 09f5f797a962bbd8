"""Blocks drawn from the modules that the course trains, as boxes and lines."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from torch import nn

from workshop_utils import errors, models
from workshop_utils.diagrams import INK
from workshop_utils.figure import COLOURS, MIDDLE, Figure, sheet
from workshop_utils.models import blocks
ROUND: dict[str, Any] = {"boxstyle": "round,pad=0,rounding_size=0.1", "edgecolor": "none"}
ARROW: dict[str, Any] = {"color": INK, "linewidth": 1.8, "shrinkA": 0, "shrinkB": 0}


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


