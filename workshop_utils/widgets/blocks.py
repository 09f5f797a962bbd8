"""What does a design cost? Stack blocks and see shapes, parameters and multiply-adds at once."""

from collections.abc import Callable

import ipywidgets
import torch
from matplotlib.patches import Rectangle

from workshop_utils import models
from workshop_utils.figure import COLOURS, HATCHES, Figure
from workshop_utils.widgets.panel import Panel, button

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
    line = ipywidgets.Text(
        blocks,
        description="blocks",
        continuous_update=False,
        layout=ipywidgets.Layout(width="760px"),
    )
    panel = Panel(
        "Stack blocks and see what they cost",
        lambda blocks: architecture_figure(input_shape, classes, blocks=blocks, budget=budget),
        {"blocks": line},
    )
    panel.build = lambda: models.stacked(line.value, classes=classes, input_shape=input_shape)

    def change(to: Callable[[list[str]], list[str]]) -> None:
        panel.set(
            blocks=", ".join(
                to([block.strip() for block in line.value.split(",") if block.strip()])
            )
        )

    row = [
        button(f"+ {block}", lambda block=block: change(lambda blocks: [*blocks, block]))
        for block in ADD
    ]
    row += [
        button("remove the last", lambda: change(lambda blocks: blocks[:-1])),
        button("remove all", lambda: change(lambda blocks: [])),
    ]
    panel.box.children = (
        ipywidgets.HBox(row, layout=ipywidgets.Layout(flex_flow="row wrap")),
        *panel.box.children,
    )
    return panel


def architecture_figure(
    input_shape: tuple[int, int, int], classes: int, *, blocks: str, budget: int | None
) -> Figure:
    """One box a layer, as tall as its maps, with output shape and parameters. Raises ValueError where the shape collapses."""
    with torch.device("meta"):  # shapes without numbers: a design may be far too large to build
        rows = models.summary(
            models.stacked(blocks, classes=classes, input_shape=input_shape), input_shape
        )
    shown = [row for row in rows if row.kind in LOOKS]
    figure = Figure("A net of blocks", (11, 3.6))
    axes = figure.subplots()
    axes.axis("off")
    tallest = input_shape[1]
    _box(axes, 0, 1, "white", "", f"picture\n{_shape(input_shape)}", "")
    for place, row in enumerate(shown, 1):
        look = list(LOOKS).index(row.kind)
        height = row.output[1] / tallest if len(row.output) == 3 else 0.15
        _box(
            axes,
            place,
            max(height, 0.04),
            COLOURS[look],
            HATCHES[look],
            f"{LOOKS[row.kind]}\n{_shape(row.output)}",
            f"{row.parameters:,}" if row.parameters else "",
        )
    axes.set(xlim=(-0.6, max(len(shown), 5) + 0.6), ylim=(-1.0, 0.75))
    dearest = max(shown, key=lambda row: row.parameters)
    within = (
        f", {abs(budget - rows.parameters):,} {'within' if rows.parameters <= budget else 'OVER'} the budget of {budget:,}"
        if budget
        else ""
    )
    figure.description = (
        f"{rows.parameters:,} parameters{within}, {rows.multiply_adds:,} multiply-adds a picture. Shapes: {_shape(input_shape)}; "
        + "; ".join(_shape(row.output) for row in shown)
        + f". Most parameters: {dearest.kind} with {dearest.parameters:,}."
    )
    return figure


def _box(axes, place: int, height: float, colour: str, hatch: str, below: str, above: str) -> None:
    axes.add_patch(
        Rectangle(
            (place - 0.3, -height / 2),
            0.6,
            height,
            facecolor=colour,
            edgecolor="black",
            hatch=hatch,
        )
    )
    axes.text(place, -0.62, below, ha="center", va="top", fontsize=10)
    axes.text(place, height / 2 + 0.04, above, ha="center", va="bottom", fontsize=10)


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
