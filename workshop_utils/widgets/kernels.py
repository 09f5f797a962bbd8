"""What does a 3x3 kernel do to a photograph? Change its nine numbers, slide it, and see."""

from typing import Any

import ipywidgets
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib import rc_context
from matplotlib.patches import Rectangle
from torch import Tensor

from workshop_utils.figure import COLOURS, MIDDLE, STYLE, Figure, drawable, number
from workshop_utils.widgets.panel import Panel, choice, row, slider

TITLE = "A 3x3 kernel on a picture"
OWN = "your own"
PRESETS = {
    "as it is": (0, 0, 0, 0, 1, 0, 0, 0, 0),
    "blur": (1 / 9,) * 9,
    "horizontal edges": (-1, -1, -1, 0, 0, 0, 1, 1, 1),
    "all edges": (-1, -1, -1, -1, 8, -1, -1, -1, -1),
    "sharpen": (0, -1, 0, -1, 5, -1, 0, -1, 0),
    "emboss": (-2, -1, 0, -1, 1, 1, 0, 1, 2),
}
CELLS = {f"k{row}{column}": f"{row + 1},{column + 1}" for row, column in np.ndindex(3, 3)}
PLACES = [["picture"] * 3 + ["answer"] * 3, ["pixels"] * 2 + ["kernel"] * 2 + ["products"] * 2]
EDGES = {"left": 0.01, "right": 0.99, "bottom": 0.03, "top": 0.94, "hspace": 0.2, "wspace": 0.2}


class KernelPanel(Panel):
    """The panel, whose nine numbers are its `.kernel`."""

    @property
    def kernel(self) -> Tensor:
        """The kernel as it stands now, (3, 3) float32, as `torch.nn.functional.conv2d` takes it."""
        return torch.tensor([self.state[cell] for cell in CELLS]).view(3, 3)


def kernel_playground(picture: Tensor) -> KernelPanel:
    """Nine numbers, presets, and what they make of a picture, (C, H, W) or (H, W) uint8; two sliders say at which place the sum is shown."""
    grey, first = _grey(picture), "horizontal edges"
    box = {"style": {"description_width": "25px"}, "layout": {"width": "92px"}, "step": 0.5}
    cells = {
        cell: ipywidgets.FloatText(value, description=label, **box)
        for (cell, label), value in zip(CELLS.items(), PRESETS[first])
    }
    preset = choice("preset", (*PRESETS, OWN), value=first)
    last_row, last_column = (side - 3 for side in grey.shape)
    where = {
        "row": slider("row", last_row // 2, 0, last_row),
        "column": slider("column", last_column // 2, 0, last_column),
    }
    for control in (preset, *where.values()):
        control.layout = {"width": "290px"}

    def moved(name: str, state: dict) -> dict:
        kernel = [state[cell] for cell in cells]
        if name == "preset":
            return dict(zip(cells, PRESETS.get(state["preset"], kernel)))
        same = (preset for preset, values in PRESETS.items() if np.allclose(values, kernel))
        return {"preset": next(same, OWN)}

    def draw(preset: str, row: int, column: int, **numbers: float) -> Figure:
        return kernel_figure(grey, kernel=tuple(numbers.values()), row=row, column=column)

    beside = row(preset, *cells.values(), *where.values())
    beside.layout.width, beside.layout.align_content = "310px", "flex-start"  # three a row
    controls = {"preset": preset, **cells, **where}
    panel = KernelPanel(TITLE, draw, controls, moved=moved, beside=[beside])
    panel.picture.layout.max_width = "calc(100% - 315px)"
    return panel


def kernel_figure(
    grey: Tensor, *, kernel: tuple[float, ...], row: int = 0, column: int = 0
) -> Figure:
    """A picture, (H, W), and its convolution; below them the sum at one place: nine pixels times nine numbers.

    The scale is fixed: the answer is drawn like the picture, from 0, black, to 255, white; that of a kernel which sums to 0
    from -255 to 255, so that 0 is grey.
    """
    weights = torch.tensor(kernel, dtype=torch.float32).view(3, 3)
    if not (weights.abs() < 1e6).all():
        raise ValueError("Each of the nine numbers must lie between minus and plus one million.")
    grey = grey.float()
    answer = F.conv2d(grey[None, None], weights[None, None])[0, 0]
    total, here = float(weights.sum()), float(answer[row, column])
    around_zero = abs(total) < 1e-3
    low, scale = (-255, "0 is grey") if around_zero else (0, "0 black, 255 white")
    figure = Figure(TITLE, (6.2, 4.6))  # beside the controls
    figure.set_layout_engine("none")  # no part moves: to look for places takes a third of the time
    with rc_context(STYLE):
        axes = figure.subplot_mosaic(PLACES, height_ratios=(1.7, 1), gridspec_kw=EDGES)
    axes["picture"].imshow(drawable(grey.byte()))
    axes["picture"].set_title(f"picture, {grey.shape[0]} x {grey.shape[1]}")
    bright = 255 * (answer - low) / (255 - low)
    axes["answer"].imshow(drawable(bright.clamp(0, 255).byte()))
    axes["answer"].set_title(f"answer: {scale}")
    window = grey[row : row + 3, column : column + 3]
    _numbers(axes["pixels"], window, "nine pixels", grey=True)
    _numbers(axes["kernel"], weights, f"x kernel, of sum {number(round(total, 3))}")
    products = f"= products, of sum {number(round(here, 1))}"
    _numbers(axes["products"], window * weights, products)
    for name, centre in (("picture", 1), ("answer", 0)):
        mark: dict[str, Any] = {"color": COLOURS[1], "linewidth": 1.2, "linestyle": ":"}
        axes[name].axhline(row + centre, **mark)
        axes[name].axvline(column + centre, **mark)
        side = 3 if centre else 1
        frame = (column - 0.5, row - 0.5), side, side
        axes[name].add_patch(Rectangle(*frame, fill=False, ec=COLOURS[1], lw=2))
    for one in axes.values():
        one.set(xticks=[], yticks=[])
    meaning = f"The sum is {number(round(total, 3))}, so even areas are multiplied by that."
    if around_zero:
        meaning = "The sum is 0, so even areas answer 0 and only changes show."
    elif abs(total - 1) < 1e-3:
        meaning = "The sum is 1, so the brightness of even areas stays."
    nine = ", ".join(number(round(value)) for value in window.flatten().tolist())
    outside = float(((answer < low) | (answer > 255)).float().mean())
    share = f"{outside:.0%}" if outside >= 0.005 else "Under 1%"
    cut = f" {share} of the answers lie outside of {low} to 255 and are drawn as its ends."
    figure.description = (
        f"{meaning} Answers go from {_range(answer)}; the picture's pixels from {_range(grey)}.{cut if outside else ''} "
        f"At row {row}, column {column} the nine pixels {nine} "
        f"times the kernel add up to {number(round(here, 1))}."
    )
    return figure


def _grey(picture: Tensor) -> Tensor:
    """A picture in grey, (H, W) float32, without the bars of one colour that made it square."""
    grey = (picture.float().mean(0) if picture.ndim == 3 else picture.float()).round()
    for side in (0, 1):
        spread = (grey.amax(1 - side) - grey.amin(1 - side)).tolist()
        first, last = _bar(spread), len(spread) - _bar(spread[::-1])
        if last - first > 2:
            grey = grey.narrow(side, first, last - first)
    return grey


def _bar(spread: list[float]) -> int:
    """How many lines from the edge on are of one colour, and of nearly one, where a JPEG has blurred it; spread: lightest - darkest of each line."""
    plain = next((line for line, one in enumerate(spread) if one > 4), 0)
    return plain and next((line for line, one in enumerate(spread) if one > 50), plain)


def _numbers(axes, values: Tensor, title: str, *, grey: bool = False) -> None:
    """Nine numbers as they stand, on colours; black or white, whichever is seen."""
    limit = max(float(values.abs().max()), 1e-6)
    low, high, colours = (0, 255, "gray") if grey else (-limit, limit, "PuOr")
    axes.imshow(values.numpy(), cmap=colours, vmin=low, vmax=high, aspect=0.6)
    axes.set_title(title, fontsize=11)
    for (line, column), value in np.ndenumerate(values.numpy()):
        part = (value - low) / (high - low)
        dark = part < 0.5 if grey else abs(part - 0.5) > 0.3
        words = number(round(float(value), 2))
        axes.text(column, line, words, color="white" if dark else "black", fontsize=12, **MIDDLE)


def _range(values: Tensor) -> str:
    low, high, mean = (round(float(value)) for value in (values.min(), values.max(), values.mean()))
    return f"{low} to {high}, mean {mean}"
