"""What does a design cost? Stack blocks and see shapes, parameters, multiply-adds and the plain PyTorch code at once."""

from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

import ipywidgets
import numpy as np
import torch
from matplotlib.collections import PolyCollection
from matplotlib.patches import Rectangle
from torch import nn

from workshop_utils import models
from workshop_utils.figure import COLOURS, HATCHES, Figure, sheet
from workshop_utils.widgets.panel import Panel, button, row

TITLE = "Stack blocks and see what they cost"
ADD = (
    *("conv3 16", "conv3 32 same", "bn", "pool", "res 32"),
    *("inception 32", "average", "dropout", "dense 64"),
)
KINDS = {"Conv2d": "conv", "MaxPool2d": "pool", "Linear": "dense", "ResBlock": "res"}
KINDS |= {"Inception": "inception", "AdaptiveAvgPool2d": "average"}
BESIDE = {"BatchNorm2d": "bn", "BatchNorm1d": "bn", "Dropout": "dropout"}  # no box of their own
SHEETS_AT_MOST, TALLEST_COLUMN = 32, 256
CODE = "<details><summary>This net in plain PyTorch, to copy into an empty notebook</summary><pre>{}</pre></details>"


def architecture(
    input_shape: tuple[int, int, int] = (1, 28, 28),
    classes: int = 10,
    *,
    blocks: str = "conv5 6, pool, dense 32",
    budget: int | None = None,
) -> Panel:
    """A line of blocks to edit, with buttons that add and remove; `.build()` gives the net. Words as in models.stacked. budget: of parameters."""
    layout = {"width": "760px"}
    line = ipywidgets.Text(blocks, description="blocks", continuous_update=False, layout=layout)
    code = ipywidgets.HTML()

    def build() -> nn.Sequential:
        return models.stacked(line.value, classes=classes, input_shape=input_shape)

    def change(keep: int | None, *more: str) -> None:
        stacked = [block.strip() for block in line.value.split(",") if block.strip()]
        panel.set(blocks=", ".join([*stacked[:keep], *more]))

    def draw(blocks: str) -> Figure:
        figure, said = architecture_figure(input_shape, classes, blocks=blocks, budget=budget)
        code.value = CODE.format(escape(said))
        return figure

    add = [button(f"+ {block}", partial(change, None, block)) for block in ADD]
    less = button("remove the last", partial(change, -1)), button("remove all", partial(change, 0))
    above, below = [row(*add, *less)], [code]
    panel: Panel = Panel(TITLE, draw, {"blocks": line}, above=above, below=below, build=build)
    return panel


@dataclass
class Box:
    """What is drawn as one: a block, with the batch normalisation and dropout after it."""

    name: str
    shape: tuple[int, ...]
    parameters: int = 0

    @property
    def size(self) -> str:
        return " x ".join(map(str, self.shape))


def architecture_figure(
    input_shape: tuple[int, int, int], classes: int, *, blocks: str, budget: int | None
) -> tuple[Figure, str]:
    """The net in boxes with output shape and parameters, one sheet a map, and its code. Raises ValueError where the shape collapses."""
    with torch.device("meta"):  # shapes without numbers: a design may be far too large to build
        net = models.stacked(blocks, classes=classes, input_shape=input_shape).eval()
        cost, boxes = models.summary(net, input_shape), _boxes(net, input_shape)
    figure, axes = sheet("A net of blocks", (11, 3.4), bare=True)
    kinds, size = ["picture", *KINDS.values()], min(10, 130 / len(boxes))
    for place, box in enumerate(boxes):
        look = kinds.index(box.name.split("\n")[0])
        colour, hatch = ("white", *COLOURS)[look], (*HATCHES, *HATCHES)[look]
        top = _sheets(axes, place, box.shape, input_shape, colour, hatch)
        words = box.size.replace(" x ", " maps\n", 1) if place and box.shape[1:] else box.size
        scores = " scores" * (box is boxes[-1])
        below = {"ha": "center", "va": "top", "fontsize": size}
        axes.text(place, -0.58, f"{box.name}\n{words}{scores}", **below)
        count = f"{box.parameters:,}" if box.parameters else ""
        axes.text(place, top + 0.03, count, ha="center", va="bottom", fontsize=size)
    axes.set(xlim=(-0.6, max(len(boxes), 6) - 0.4), ylim=(-1.15, 0.95))
    dearest, within = max(boxes, key=lambda box: box.parameters), ""
    if budget:
        side = "within" if cost.parameters <= budget else "OVER"
        within = f", {abs(budget - cost.parameters):,} {side} the budget of {budget:,}"
    figure.description = (
        f"{cost.parameters:,} parameters{within}, {cost.multiply_adds:,} multiply-adds a picture. "
        f"Shapes: {'; '.join(box.size for box in boxes)}. "
        f"Most parameters: {dearest.name.replace(chr(10), ' ')} with {dearest.parameters:,}. "
        f"One sheet a map, {SHEETS_AT_MOST} at most."
    )
    return figure, net.code


def _boxes(net: nn.Sequential, input_shape: tuple[int, int, int]) -> list[Box]:
    """The picture, and what each block makes of it."""
    boxes, values = [Box("picture", input_shape)], torch.zeros(1, *input_shape)
    for layer in net:
        values, kind = layer(values), type(layer).__name__
        if kind in KINDS:
            boxes.append(Box(KINDS[kind], tuple(values.shape[1:])))
        elif kind in BESIDE:
            boxes[-1].name += f"\n+ {BESIDE[kind]}"
        boxes[-1].parameters += sum(weight.numel() for weight in layer.parameters())
    return boxes


def _sheets(axes, place: int, shape, whole, colour: str, hatch: str) -> float:
    """Maps as sheets, one behind the other; a dense layer as a column, as high as it has outputs. Returns where it ends above."""
    if len(shape) == 1:
        width, height, count = 0.1, 0.08 + 0.92 * min(shape[0] / TALLEST_COLUMN, 1), 1
    else:
        width, height = (
            max(0.03, part * shape[2 - n] / whole[2 - n]) for n, part in enumerate((0.4, 1))
        )
        count = min(shape[0], SHEETS_AT_MOST)
    back = [(0.35 / SHEETS_AT_MOST * n, 0.2 / SHEETS_AT_MOST * n) for n in reversed(range(count))]
    left, low = place - width / 2 - back[0][0] / 2, -height / 2
    front = np.array([(0, 0), (width, 0), (width, height), (0, height)]) + (left, low)
    edge: dict[str, Any] = {"edgecolors": "white", "linewidths": 0.5}
    axes.add_collection(PolyCollection([front + one for one in back], facecolors=colour, **edge))
    axes.add_patch(Rectangle((left, low), width, height, fc="none", ec="black", hatch=hatch))
    return low + height + back[0][1]
