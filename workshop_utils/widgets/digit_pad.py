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
from workshop_utils.data.dataset import image_dataset
from workshop_utils.data.pictures import decode
from workshop_utils.evaluation import predict
from workshop_utils.figure import Figure
from workshop_utils.widgets.panel import Panel, choice, scripted, slider

DRAWING = "my drawing"
SIDE, PEN = 280, 22  # of the pad and its strokes, as in pad.js
EMPTY = "The pad is empty. Draw something, large and with thick strokes, or choose a sample."
NO_PAD = "To draw, install the package anywidget; samples work without it."
TEXT_AT_MOST = 1_000_000  # characters that the browser may send for one drawing


def drawing_pad(net: nn.Module, dataset: ImageDataset) -> Panel:
    """A pad whose drawing the net classifies. dataset: what the net was trained on, 28 x 28; it gives samples, classes and scaling."""
    dataset = image_dataset(dataset)
    pad = scripted("pad.js", drawing=traitlets.Unicode(), strokes=traitlets.Int())
    samples = {
        f"sample: {name}": dataset.images[dataset.labels == label][0]
        for label, name in enumerate(dataset.classes)
        if (dataset.labels == label).any()
    }

    def draw(source: str, right: int, down: int, turn: int) -> Figure:
        picture = samples[source] if source in samples else from_browser(pad.drawing if pad else "")
        return pad_figure(net, dataset, picture, right=right, down=down, turn=turn)

    controls = {
        "source": choice("picture", [*samples, DRAWING] if pad else list(samples)),
        "right": slider("shift right", 0, -10, 10),
        "down": slider("shift down", 0, -10, 10),
        "turn": slider("turn, degrees", 0, -90, 90, step=5),
    }
    beside = [pad or ipywidgets.HTML(NO_PAD)]
    panel = Panel("Draw, and the net answers", draw, controls, beside=beside)

    def follow(_) -> None:
        first = panel.state["source"] != DRAWING or panel.figure.description == EMPTY
        moved_back = {"right": 0, "down": 0, "turn": 0} if first else {}
        panel.set(source=DRAWING, **moved_back)

    if pad:  # the count of strokes and not the drawing, which may be cleared twice
        pad.observe(follow, names="strokes")
    return panel


def pad_figure(
    net: nn.Module, dataset: ImageDataset, picture: Tensor, *, right: int, down: int, turn: int
) -> Figure:
    """What the net sees, (1, 28, 28) uint8 shifted by pixels and turned clockwise by degrees, and its most probable classes."""
    classes = dataset.classes
    if not picture.any():
        figure = Figure("The pad is empty", (6, 2.8))
        figure.description = EMPTY
        return figure
    picture = turned(picture[None].float(), torch.tensor([float(turn)]))[0]
    picture = F.pad(picture, (right, -right, down, -down)).round().byte()
    drawing = ImageDataset(picture[None], torch.tensor([0]), classes, name="drawing")
    drawing.mean, drawing.std = dataset.mean, dataset.std
    said = predict(net, drawing)
    best, chance = classes[said.predicted[0]], said.probabilities[0]
    figure = plots.top_k(picture, chance, classes, min(5, len(classes)))
    figure.set_size_inches(6, 2.8)  # beside the pad
    figure.axes[0].set_title("the net sees 28 x 28", fontsize=11)
    classes_said = figure.description.partition(". ")[2]
    figure.description = f"The net says '{best}' with {chance.max():.1%}. {classes_said}"
    return figure


def from_browser(text: str) -> Tensor:
    """A drawing as the browser sends it, a PNG in base64, as (1, 28, 28) uint8; nothing drawn gives zeros. Raises ValueError for anything else."""
    if not text:
        return torch.zeros(1, 28, 28, dtype=torch.uint8)
    if len(text) > TEXT_AT_MOST:
        most = f"more than the {TEXT_AT_MOST:,} that a pad can send"
        raise ValueError(f"The drawing came as {len(text):,} characters, {most}.")
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
    height, width = (max(1, round(side * 20 / max(cut.shape))) for side in cut.shape)
    resized = Image.fromarray(cut.numpy()).resize((width, height), Image.Resampling.BOX)
    small = torch.from_numpy(np.array(resized))
    mass = small.double() / small.sum()
    centre = lambda along: float(along @ torch.arange(len(along)).double())
    top = min(max(round(14 - centre(mass.sum(1))), 0), 28 - height)
    left = min(max(round(14 - centre(mass.sum(0))), 0), 28 - width)
    return F.pad(small, (left, 28 - width - left, top, 28 - height - top))[None]
