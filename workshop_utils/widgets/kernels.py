"""What does a 3x3 kernel do to a photograph? Change its nine numbers and see."""

import ipywidgets
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from workshop_utils.figure import Figure, drawable, number
from workshop_utils.widgets.panel import Panel

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
    cells = {
        f"k{row}{column}": ipywidgets.FloatText(
            value,
            step=0.5,
            description=f"{row + 1},{column + 1}",
            layout=ipywidgets.Layout(width="110px"),
            style={"description_width": "25px"},
        )
        for (row, column), value in zip(np.ndindex(3, 3), PRESETS["horizontal edges"])
    }
    preset = ipywidgets.Dropdown(
        options=(*PRESETS, OWN),
        value="horizontal edges",
        description="preset",
        layout=ipywidgets.Layout(flex="0 0 100%"),
        style={"description_width": "initial"},
    )

    def moved(name: str, state: dict) -> dict:
        if name == "preset":
            return dict(zip(cells, PRESETS.get(state["preset"], [state[cell] for cell in cells])))
        return {
            "preset": next(
                (
                    preset
                    for preset, values in PRESETS.items()
                    if np.allclose(values, [state[cell] for cell in cells])
                ),
                OWN,
            )
        }

    panel = Panel(
        "A 3x3 kernel on a picture",
        lambda preset, **cells: kernel_figure(picture, kernel=tuple(cells.values())),
        {"preset": preset, **cells},
        moved=moved,
    )
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
    figure = Figure("A 3x3 kernel on a picture", (11, 4.1))
    left, middle, right = figure.subplots(1, 3)
    left.imshow(drawable(grey.byte()))
    left.set_title(f"picture, {' x '.join(map(str, grey.shape))}")
    limit = max(float(weights.abs().max()), 1e-6)
    middle.imshow(weights.numpy(), cmap="PuOr", vmin=-limit, vmax=limit)
    for (row, column), value in np.ndenumerate(weights.numpy()):
        middle.text(
            column,
            row,
            number(float(value)),
            ha="center",
            va="center",
            fontsize=15,
            color="black" if abs(value) < 0.6 * limit else "white",
        )
    middle.set_title(f"kernel, sum {number(round(total, 3))}")
    # a kernel that sums to 1 gives brightness again; any other gives an answer around 0, drawn grey
    as_picture = abs(total - 1) < 1e-3
    reach = max(float(answer.abs().max()), 1e-6)
    right.imshow(
        drawable(
            answer.clamp(0, 255).byte() if as_picture else (127.5 + 127.5 * answer / reach).byte()
        )
    )
    right.set_title("answer" if as_picture else "answer: white positive, black negative")
    for axes in (left, middle, right):
        axes.set(xticks=[], yticks=[])
    meaning = (
        "The sum is 0, so even areas answer 0 and only changes show."
        if abs(total) < 1e-3
        else "The sum is 1, so the brightness of even areas stays."
        if as_picture
        else f"The sum is {number(round(total, 3))}, so even areas are multiplied by that."
    )
    figure.description = (
        f"{meaning} Answers go from {round(float(answer.min()))} to {round(float(answer.max()))}, mean {round(float(answer.mean()))}; "
        f"the picture's pixels from {round(float(grey.min()))} to {round(float(grey.max()))}, mean {round(float(grey.mean()))}."
    )
    return figure
