"""What does the net say to your own digit? Draw one, or take a sample; shift it, turn it, and see the answer change."""

from base64 import b64decode
from collections.abc import Sequence

import ipywidgets
import numpy as np
import torch
import torch.nn.functional as F
import traitlets
from PIL import Image, ImageDraw
from torch import Tensor, nn

from workshop_utils import plots
from workshop_utils.data import ImageDataset
from workshop_utils.data.augment import turned
from workshop_utils.data.pictures import decode
from workshop_utils.evaluation import predict
from workshop_utils.figure import Figure
from workshop_utils.widgets.panel import WIDE, Panel, scripted

DRAWING = "my drawing"
SIDE, PEN = 280, 22  # of the pad and its strokes, as in pad.js
TEXT_AT_MOST = 1_000_000  # characters that the browser may send for one drawing


def drawing_pad(net: nn.Module, dataset: ImageDataset) -> Panel:
    """A pad whose drawing the net classifies. dataset: what the net was trained on, 28 x 28; it gives samples, classes and scaling."""
    pad = scripted("pad.js", drawing=traitlets.Unicode(), strokes=traitlets.Int())
    samples = {
        f"sample: {name}": number
        for label, name in enumerate(dataset.classes)
        for number in (dataset.labels == label).nonzero()[:1, 0].tolist()
    }

    def draw(source: str, right: int, down: int, turn: int) -> Figure:
        picture = (
            dataset.images[samples[source]] if source in samples else from_browser(pad.drawing)
        )
        return pad_figure(net, dataset, picture, right=right, down=down, turn=turn)

    panel = Panel(
        "Draw, and the net answers",
        draw,
        {
            "source": ipywidgets.Dropdown(
                options=(*samples, *([DRAWING] if pad else [])), description="picture", **WIDE
            ),
            "right": ipywidgets.IntSlider(0, min=-10, max=10, description="shift right", **WIDE),
            "down": ipywidgets.IntSlider(0, min=-10, max=10, description="shift down", **WIDE),
            "turn": ipywidgets.IntSlider(
                0, min=-90, max=90, step=5, description="turn, degrees", **WIDE
            ),
        },
        above=[
            pad
            or ipywidgets.HTML("To draw, install the package anywidget; samples work without it.")
        ],
    )
    if pad:
        pad.observe(
            lambda _: panel.set(source=DRAWING), names="strokes"
        )  # and not the drawing, which may be cleared twice
    return panel


def pad_figure(
    net: nn.Module, dataset: ImageDataset, picture: Tensor, *, right: int, down: int, turn: int
) -> Figure:
    """What the net sees, (1, 28, 28) uint8 shifted by pixels and turned clockwise by degrees, and its most probable classes."""
    if not picture.any():
        figure = Figure("The pad is empty", (9, 1))
        figure.description = (
            "The pad is empty. Draw something, large and with thick strokes, or choose a sample."
        )
        return figure
    picture = turned(picture[None].float(), torch.tensor([float(turn)]))[0]
    picture = F.pad(picture, (right, -right, down, -down)).round().byte()
    said = predict(
        net,
        ImageDataset(
            picture[None],
            torch.tensor([0]),
            dataset.classes,
            name="drawing",
            mean=dataset.mean,
            std=dataset.std,
        ),
    )
    figure = plots.top_k(
        picture, said.probabilities[0], dataset.classes, min(5, len(dataset.classes))
    )
    figure.axes[0].set_title("what the net sees, 28 x 28", fontsize=11)
    best = int(said.predicted[0])
    figure.description = f"The net says '{dataset.classes[best]}' with {said.probabilities[0, best]:.1%}. {figure.description.partition('. ')[2]}"
    return figure


def from_browser(text: str) -> Tensor:
    """A drawing as the browser sends it, a PNG in base64, as (1, 28, 28) uint8; nothing drawn gives zeros. Raises ValueError for anything else."""
    if not text:
        return torch.zeros(1, 28, 28, dtype=torch.uint8)
    if len(text) > TEXT_AT_MOST:
        raise ValueError(
            f"The drawing came as {len(text):,} characters, more than the {TEXT_AT_MOST:,} that a pad can send."
        )
    return as_mnist(decode(b64decode(text.partition(",")[2]), channels=1)[0])


def drawn(strokes: Sequence[Sequence[tuple[int, int]]]) -> Tensor:
    """What the pad would send for these strokes, (1, 28, 28) uint8. A stroke: points (right, down) on a pad of 280 x 280, joined by lines."""
    paper = Image.new("L", (SIDE, SIDE))
    pen = ImageDraw.Draw(paper)
    for stroke in strokes:
        pen.line(stroke, fill=255, width=PEN, joint="curve")
        for right, down in (stroke[0], stroke[-1]):  # round ends
            pen.circle((right, down), PEN / 2, fill=255)
    return as_mnist(torch.from_numpy(np.array(paper)))


def as_mnist(ink: Tensor) -> Tensor:
    """White strokes on black, (H, W) uint8, as MNIST has them, (1, 28, 28) uint8: the strokes fit into 20 x 20, their centre of mass in the middle.

    Source: LeCun, Cortes and Burges, the page of MNIST, https://yann.lecun.org/exdb/mnist/.
    """
    if not ink.any():
        return torch.zeros(1, 28, 28, dtype=torch.uint8)
    rows, columns = ink.any(1).nonzero().flatten(), ink.any(0).nonzero().flatten()
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = 20 / max(cut.shape)
    height, width = (max(1, round(side * scale)) for side in cut.shape)
    small = torch.from_numpy(
        np.array(Image.fromarray(cut.numpy()).resize((width, height), Image.Resampling.BOX))
    )
    weights = small.double() / small.sum()
    centre_row, centre_column = (
        (weights.sum(1) * torch.arange(height)).sum(),
        (weights.sum(0) * torch.arange(width)).sum(),
    )
    top, left = (
        min(max(round(14 - float(centre)), 0), 28 - side)
        for centre, side in ((centre_row, height), (centre_column, width))
    )
    return F.pad(small, (left, 28 - width - left, top, 28 - height - top))[None]
