"""What does a design cost? Stack blocks and see shapes, parameters and multiply-adds at once."""

from functools import partial

import ipywidgets
import torch
from matplotlib.patches import Rectangle

from workshop_utils import models
from workshop_utils.figure import COLOURS, HATCHES, Figure, sheet
from workshop_utils.widgets.panel import Panel, button, row

TITLE = "Stack blocks and see what they cost"
ADD = ("conv3 16", "conv3 32 same", "conv5 16", "pool", "dense 64")
LOOKS = {"Conv2d": "conv", "MaxPool2d": "pool", "Linear": "dense"}


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

    def change(keep: int | None, *more: str) -> None:
        stacked = [block.strip() for block in line.value.split(",") if block.strip()]
        panel.set(blocks=", ".join([*stacked[:keep], *more]))

    add = [button(f"+ {block}", partial(change, None, block)) for block in ADD]
    less = button("remove the last", partial(change, -1)), button("remove all", partial(change, 0))
    draw = partial(architecture_figure, input_shape, classes, budget=budget)
    build = lambda: models.stacked(line.value, classes=classes, input_shape=input_shape)
    above = [row(*add, *less)]
    panel: Panel = Panel(TITLE, draw, {"blocks": line}, above=above, build=build)
    return panel


def architecture_figure(
    input_shape: tuple[int, int, int], classes: int, *, blocks: str, budget: int | None
) -> Figure:
    """One box a layer, as tall as its maps, with output shape and parameters. Raises ValueError where the shape collapses."""
    with torch.device("meta"):  # shapes without numbers: a design may be far too large to build
        net = models.stacked(blocks, classes=classes, input_shape=input_shape)
        rows = models.summary(net, input_shape)
    shown = [layer for layer in rows if layer.kind in LOOKS]
    figure, axes = sheet("A net of blocks", (11, 3.6), bare=True)
    boxes = [(1.0, "white", "", f"picture\n{_shape(input_shape)}", "")]
    for layer in shown:
        look = list(LOOKS).index(layer.kind)
        height = layer.output[1] / input_shape[1] if len(layer.output) == 3 else 0.15
        name = f"{LOOKS[layer.kind]}\n{_shape(layer.output)}"
        count = f"{layer.parameters:,}" if layer.parameters else ""
        boxes.append((max(height, 0.04), COLOURS[look], HATCHES[look], name, count))
    for place, (height, colour, hatch, below, above) in enumerate(boxes):
        corner = place - 0.3, -height / 2
        axes.add_patch(Rectangle(corner, 0.6, height, fc=colour, ec="black", hatch=hatch))
        axes.text(place, -0.62, below, ha="center", va="top", fontsize=10)
        axes.text(place, height / 2 + 0.04, above, ha="center", va="bottom", fontsize=10)
    axes.set(xlim=(-0.6, max(len(shown), 5) + 0.6), ylim=(-1.0, 0.75))
    dearest = max(shown, key=lambda layer: layer.parameters)
    within = ""
    if budget:
        side = "within" if rows.parameters <= budget else "OVER"
        within = f", {abs(budget - rows.parameters):,} {side} the budget of {budget:,}"
    figure.description = (
        f"{rows.parameters:,} parameters{within}, {rows.multiply_adds:,} multiply-adds a picture. "
        f"Shapes: {'; '.join(map(_shape, (input_shape, *(layer.output for layer in shown))))}. "
        f"Most parameters: {dearest.kind} with {dearest.parameters:,}."
    )
    return figure


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
