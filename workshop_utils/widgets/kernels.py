"""What does a 3x3 kernel do to a photograph? Change its nine numbers and see."""

import ipywidgets
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from workshop_utils.figure import MIDDLE, Figure, drawable, number
from workshop_utils.widgets.panel import Panel, choice

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


def kernel_playground(picture: Tensor) -> Panel:
    """Nine numbers, presets, and what they make of a picture, (C, H, W) or (H, W) uint8."""
    first = "horizontal edges"
    box = {"style": {"description_width": "25px"}, "layout": {"width": "110px"}, "step": 0.5}
    cells = {
        f"k{row}{column}": ipywidgets.FloatText(value, description=f"{row + 1},{column + 1}", **box)
        for (row, column), value in zip(np.ndindex(3, 3), PRESETS[first])
    }
    preset = choice("preset", (*PRESETS, OWN), value=first)
    preset.layout.flex, preset.layout.margin = "0 0 100%", "2px 0"

    def moved(name: str, state: dict) -> dict:
        kernel = [state[cell] for cell in cells]
        if name == "preset":
            return dict(zip(cells, PRESETS.get(state["preset"], kernel)))
        same = (preset for preset, values in PRESETS.items() if np.allclose(values, kernel))
        return {"preset": next(same, OWN)}

    draw = lambda preset, **cells: kernel_figure(picture, kernel=tuple(cells.values()))
    panel = Panel(TITLE, draw, {"preset": preset, **cells}, moved=moved)
    panel.box.children[0].layout.max_width = "360px"  # three numbers a row
    return panel


def kernel_figure(picture: Tensor, *, kernel: tuple[float, ...]) -> Figure:
    """The picture in grey, the kernel, and the picture convolved; the sentence says what the kernel's sum means."""
    weights = torch.tensor(kernel, dtype=torch.float32).view(3, 3)
    if not (weights.abs() < 1e6).all():
        raise ValueError("Each of the nine numbers must lie between minus and plus one million.")
    grey = picture.float().mean(0) if picture.ndim == 3 else picture.float()
    answer = F.conv2d(grey[None, None], weights[None, None])[0, 0]
    total = float(weights.sum())
    figure = Figure(TITLE, (11, 4.1))
    left, middle, right = figure.subplots(1, 3)
    left.imshow(drawable(grey.byte()))
    left.set_title(f"picture, {' x '.join(map(str, grey.shape))}")
    limit = max(float(weights.abs().max()), 1e-6)
    middle.imshow(weights.numpy(), cmap="PuOr", vmin=-limit, vmax=limit)
    for (row, column), value in np.ndenumerate(weights.numpy()):
        colour = "black" if abs(value) < 0.6 * limit else "white"
        middle.text(column, row, number(float(value)), color=colour, fontsize=15, **MIDDLE)
    middle.set_title(f"kernel, sum {number(round(total, 3))}")
    # a kernel that sums to 1 gives brightness again; any other gives an answer around 0, drawn grey
    as_picture = abs(total - 1) < 1e-3
    reach = max(float(answer.abs().max()), 1e-6)
    drawn = answer.clamp(0, 255) if as_picture else 127.5 + 127.5 * answer / reach
    right.imshow(drawable(drawn.byte()))
    right.set_title("answer" if as_picture else "answer: white positive, black negative")
    for axes in (left, middle, right):
        axes.set(xticks=[], yticks=[])
    meaning = f"The sum is {number(round(total, 3))}, so even areas are multiplied by that."
    if abs(total) < 1e-3:
        meaning = "The sum is 0, so even areas answer 0 and only changes show."
    elif as_picture:
        meaning = "The sum is 1, so the brightness of even areas stays."
    ranges = f"Answers go from {_range(answer)}; the picture's pixels from {_range(grey)}."
    figure.description = f"{meaning} {ranges}"
    return figure


def _range(values: Tensor) -> str:
    low, high, mean = (round(float(value)) for value in (values.min(), values.max(), values.mean()))
    return f"{low} to {high}, mean {mean}"
