"""Nets drawn from the modules themselves, as rows of slabs from the picture to the answer; frames in pictures and reliability."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import log2
from typing import Any

import torch
from matplotlib.patches import FancyArrowPatch, Polygon, Rectangle
from matplotlib.transforms import Affine2D, Bbox
from torch import Tensor, nn
from torchvision.transforms.v2 import functional as F

from workshop_utils import data, models
from workshop_utils import device as devices
from workshop_utils.data import ImageDataset
from workshop_utils.data.batches import reading
from workshop_utils.data.imagenet import Box
from workshop_utils.evaluation import Evaluation
from workshop_utils.figure import COLOURS, Figure, as_written, drawable, sheet
from workshop_utils.ways import Group, Way, follow

KINDS = {"convolution": COLOURS[0], "pooling": COLOURS[4], "dense": COLOURS[2]}
INK, GREY = "#14213D", "#9AA5B1"
ARC: dict[str, Any] = {"color": COLOURS[1], "linewidth": 2.2, "shrinkA": 0, "shrinkB": 0}
WIDE, HIGH, LEVEL, TALLEST = 11.6, 4.8, 2.58, 2.2  # inches; LEVEL: of the line through all middles
FACE, SLANT = 0.55, 0.32  # the width of a face that is seen aslant, and how much of it the face rises
SLABS_AT_MOST, DOTS, LETTERS = 4, 0.36, 13
DIGIT, PHOTO, LARGE = 301, 4, 64  # which pictures go in; from LARGE pixels on it is the photo


def architecture(
    net: str | nn.Module,
    shape: tuple[int, int, int] | None = None,
    *,
    classes: int = 1000,
    kernels: bool = True,
    around: str = "",
    image: Tensor | ImageDataset | None = None,
) -> Figure:
    """A net as slabs, as high as its maps and thicker the more there are, from the picture to the answer, with skip connections as arcs.

    net: a name of `models.catalog()`, drawn without weights, or any net. shape: (channels, height, width) of one picture; a net of
    the catalogue knows it. image: a uint8 (C, H, W) picture, or a set, whose first picture, mean, spread and classes are
    taken: then slabs show the map that varies most, and what the net answers. A net with .preprocess gets a photo where
    no image is given. kernels: whether their sizes are written. around: of no effect; all connections are found.
    Raises ValueError for an unknown name, a net of your own without shape and image, and a picture that does not fit.
    """
    title = type(net).__name__
    if isinstance(net, str):
        card = models.card(net)
        title, shape = card.title, shape or (3, card.pixels, card.pixels)
        with torch.device("meta"):
            net = models.build(card.name, classes=classes, channels=shape[0])
    elif hasattr(net, "architecture"):
        card = models.card(net.architecture)
        first = next(layer for layer in net.modules() if isinstance(layer, nn.Conv2d))
        title, shape = card.title, shape or (first.in_channels, card.pixels, card.pixels)
    if shape is None and image is None:
        raise ValueError(
            "Say what a picture for this net measures: plots.architecture(net, (1, 28, 28))."
        )
    picture, read, trained = _entering(net, shape, image)
    way = follow(net, read)
    figure = Figure(title, (WIDE, HIGH))
    figure.set_layout_engine("none")  # so that places are inches
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDE), ylim=(0, HIGH))
    row = [Group("picture", ("picture",), tuple(read.shape), None, 0), *way.groups]
    answer = _answer(net, way, image) if trained else []
    end = _row(axes, row, picture, trained, way.arcs, kernels, 2.1 if answer else 1.35)
    _scores(axes, end, way.scores, answer)
    axes.set_axis_off()
    weights = sum(weight.numel() for weight in net.parameters())
    skips = sum(group.skips for group in way.groups) + len(way.arcs)
    facts = f"{title}: {_many(way.layers, 'layer')} with weights in the row, {weights:,} parameters"
    facts += f", {_many(skips, 'skip connection')} (arcs)." if skips else "."
    facts += " Sides are drawn by their square root."
    facts += f" Not drawn: {way.left_out}." if way.left_out else ""
    axes.text(0.2, 0.08, textwrap.fill(facts, 125), fontsize=12, color=INK, va="bottom")
    figure.description = f"{_words(title, row)} {facts}"
    if answer:
        said = ", ".join(f"{name} {share:.0%}" for name, share in answer)
        figure.description += f" On the slabs is the map that varies most. The answer: {said}."
    return figure


def _entering(
    net: nn.Module, shape: tuple[int, ...] | None, image: Tensor | ImageDataset | None
) -> tuple[Tensor | None, Tensor, bool]:
    """The picture to draw, what the net reads, and whether its maps and answer are to be seen: those of a net without weights are not."""
    looks = image is not None or hasattr(net, "preprocess")
    if image is None:
        small = shape and max(shape[1:]) < LARGE and not looks
        image = data.load("mnist", "test")[DIGIT][0] if small else data.load("photos")[PHOTO][0]
    if not isinstance(image, ImageDataset):
        image = ImageDataset(image[None], [0], ("picture",), name="image")
    picture = image[0][0]
    if looks and (place := devices.of(net)).type != "meta":
        images, _ = next(iter(reading(net, image.subset([0]), device=place)))
        return picture, images[0], True
    channels, *sides = shape or picture.shape
    picture = F.resize(F.center_crop(picture, [min(picture.shape[1:])]), sides)
    fitting = F.grayscale_to_rgb(picture) if channels == 3 else F.rgb_to_grayscale(picture)
    return fitting if channels in (1, 3) else None, torch.zeros(channels, *sides), False


def _answer(net: nn.Module, way: Way, image: Any) -> list[tuple[str, float]]:
    """The three most probable classes with their probabilities, if the net answers with one score a class."""
    if not isinstance(way.scores, Tensor) or way.scores.ndim != 2:
        return []
    found = way.scores[0].float().softmax(0).cpu()
    known = image.classes if isinstance(image, ImageDataset) else getattr(net, "classes", ())
    if len(known) != len(found):
        everything = data.imagenet.class_names() if hasattr(net, "preprocess") else []
        plain = [f"class {place}" for place in range(len(found))]
        known = everything if len(everything) == len(found) else plain
    top = found.topk(min(3, len(found)))
    return [(known[place], share) for share, place in zip(top.values.tolist(), top.indices)]


def _row(
    axes,
    row: list[Group],
    picture: Tensor | None,
    trained: bool,
    arcs: list[tuple[int, int]],
    kernels: bool,
    answer: float,
) -> float:
    """Draws the groups side by side, so that they fill the figure, and what they are; returns where they end."""
    tallest, last = max(row[0].shape[1:]), len(row) - 1
    sizes = [_size(group, tallest) for group in row]
    counts = [min(group.pieces, SLABS_AT_MOST) for group in row]
    # a face behind a slab of the same size is hidden
    hidden = [
        0 < n < last and len(group.shape) == 3 and group.shape[1:] == row[n + 1].shape[1:]
        for n, group in enumerate(row)
    ]
    slim = sum(count * thick for count, (thick, *_) in zip(counts, sizes))
    slim += sum(FACE * wide for (_, _, wide), gone in zip(sizes, hidden) if not gone)
    gaps = [0.6, *(0.1 if gone else 0.3 for gone in hidden[1:-1]), 0]
    dots = sum(DOTS for group in row if group.pieces > SLABS_AT_MOST)
    room = WIDE - answer - 0.35 - sum(gaps) - 0.06 * sum(counts) - dots
    scale = min(1.2, room / slim)
    spare = (room - scale * slim) / sum(gaps)
    x, places = 0.25, []
    for n, (group, (thick, high, wide)) in enumerate(zip(row, sizes)):
        thick, face = thick * scale, FACE * wide * scale
        colour = KINDS.get(group.kind, GREY)
        face_shown = picture if n == 0 else group.strongest if trained and not hidden[n] and group.shape[-1] > 1 else None
        places.append(place := Place(x, high, face))
        for piece in range(counts[n]):
            if piece == 2 and group.pieces > SLABS_AT_MOST:
                axes.plot([x + 0.05, x + 0.15, x + 0.25], [LEVEL] * 3, ".", color=INK)
                x += DOTS
            shown = face_shown if piece == counts[n] - 1 else None
            _slab(axes, x, high, thick, face, colour, shown)
            if piece >= counts[n] - group.skips and group.block:
                place.arc(axes, x, x + thick)
            x += thick + 0.06
        place.right = x = x - 0.06
        x += (0 if hidden[n] else face) + gaps[n] * (1 + spare)
    for first, end in arcs:
        places[first + 1].arc(axes, places[first + 1].right, places[end + 1].right)
    _labels(axes, row, places, kernels)
    return x


@dataclass
class Place:
    """Where a group stands, in inches: its left and right front edges, its height, how far its faces go to the right."""

    left: float
    high: float
    face: float
    right: float = 0.0
    arcs: float = 0.0  # how high they rise above it

    @property
    def top(self) -> float:
        return LEVEL + self.high / 2 + SLANT * self.face / 2

    @property
    def box(self) -> Bbox:
        low, high = 2 * LEVEL - self.top, self.top + self.arcs
        return Bbox.from_extents(self.left, low, self.right + self.face, high)

    def arc(self, axes, left: float, right: float) -> None:
        ends = (left + self.face - 0.02, self.top + 0.02), (right + self.face + 0.02, self.top + 0.02)
        bow = min(0.9, 0.35 / (right - left))
        self.arcs = 0.05 + bow * (right - left) / 2
        style = f"arc3,rad=-{bow}"
        axes.add_patch(FancyArrowPatch(*ends, arrowstyle="->", mutation_scale=9, connectionstyle=style, **ARC))


def _labels(axes, row: list[Group], places: list[Place], kernels: bool) -> None:
    """Above each group what it is, below it what of the shape has changed; where there is no room, further away with a line to it."""
    taken = [place.box for place in places]
    before: tuple[int, ...] = ()
    for group, place in zip(row, places):
        what, of = group.words
        middle = (place.left + place.right + place.face) / 2
        above = f"{what}\n{of}" if of and kernels else what
        _label(axes, taken, middle, place.box.y1, above, 1)
        _label(axes, taken, middle, place.box.y0, _changed(group, before), -1)
        before = group.shape


def _changed(group: Group, before: tuple[int, ...]) -> str:
    """What of the shape is other than in the group before."""
    if len(group.shape) != 3:
        return _sides(group.shape) if group.shape != before else ""
    kind = "channel" if group.kind == "picture" else "map"
    maps = _many(group.shape[0], kind) if group.shape[:1] != before[:1] else ""
    sides = _sides(group.shape[1:]) if group.shape[1:] != before[1:] else ""
    return "\n".join(filter(None, (maps, sides)))


def _label(axes, taken: list[Bbox], x: float, y: float, words: str, way: int) -> None:
    """Words at (x, y), or further up (way 1) or down (way -1) where they cover nothing."""
    if not words:
        return
    side = {"va": "bottom" if way > 0 else "top", "ha": "center", "linespacing": 1.05}
    side["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}  # over a long arc
    text = axes.text(x, y + 0.06 * way, words, fontsize=LETTERS, color=INK, **side)
    as_written([text])
    box = Bbox(text.get_window_extent().get_points() / axes.figure.dpi)
    aside = min(max(0, 0.05 - box.x0), WIDE - 0.05 - box.x1)  # so that nothing is cut
    box, away = box.translated(aside, 0).padded(0.03, 0.01), 0.0
    while any(box.overlaps(other) for other in taken):
        box, away = box.translated(0, 0.06 * way), away + 0.06
    text.set_position((x + aside, y + (0.06 + away) * way))
    if away > 0.1:
        axes.plot([x, x], [y + 0.03 * way, y + away * way], color=GREY, linewidth=1, zorder=0)
    taken.append(box)


def _size(group: Group, tallest: int) -> tuple[float, float, float]:
    """Thickness of one slab, and height and width of its face, in inches: by the logarithm of how many maps, and the square root of the sides."""
    if len(group.shape) == 3:
        high, wide = (TALLEST * (side / tallest) ** 0.5 for side in group.shape[1:])
        return 0.04 + 0.018 * log2(group.shape[0]), high, wide
    return 0.16, 0.5 + 0.14 * log2(group.shape[-1]), 0.15


def _slab(axes, x: float, high: float, thick: float, face: float, colour: str, shown) -> None:
    """A cuboid seen from its right and from above: its front, its top, and the face, on which a map or a picture may be."""
    rise, right = SLANT * face, x + thick
    low = LEVEL - high / 2 - rise / 2
    up, back = low + high, low + rise
    front = [(x, low), (right, low), (right, up), (x, up)]
    side = [(right, low), (right + face, back), (right + face, back + high), (right, up)]
    top = [(x, up), (right, up), (right + face, back + high), (x + face, back + high)]
    edge = {"edgecolor": "white", "linewidth": 0.8}
    for corners, alpha in ((front, 1.0), (top, 0.45), (side, 0.7)):
        axes.add_patch(Polygon(corners, facecolor="white"))
        axes.add_patch(Polygon(corners, facecolor=colour, alpha=alpha, **edge))
    if shown is not None:
        slant = Affine2D.from_values(face, rise, 0, high, right, low) + axes.transData
        options = {"extent": (0, 1, 0, 1), "transform": slant, "aspect": "auto", "zorder": 1}
        axes.imshow(drawable(shown), **options)
        axes.add_patch(Polygon(side, facecolor="none", edgecolor=colour, linewidth=1.5))


def _scores(axes, x: float, scores: Any, answer: list[tuple[str, float]]) -> None:
    """What comes out, right of the row: the most probable classes with bars, or how many scores there are."""
    write = partial(axes.text, color=INK, fontsize=LETTERS)
    if not answer and isinstance(scores, Tensor) and scores.ndim == 2:
        write(x + 0.15, LEVEL, f"{scores.shape[1]:,} scores,\none a class", va="center")
    for place, (name, share) in enumerate(answer):
        y = LEVEL + 0.75 - 0.75 * place
        write(x + 0.3, y, textwrap.shorten(name, 20, placeholder=" ..."), va="bottom")
        axes.add_patch(Rectangle((x + 0.3, y - 0.24), 1.0, 0.2, facecolor="#E3E7EB"))
        axes.add_patch(Rectangle((x + 0.3, y - 0.24), 1.0 * share, 0.2, facecolor=KINDS["dense"]))
        write(x + 1.37, y - 0.14, f"{share:.0%}", va="center")


def _words(title: str, row: list[Group]) -> str:
    """The row in words, with all shapes."""
    said = []
    for group in row[1:]:
        what, of = group.words
        of = ", ".join(group.texts) if group.block else of
        of = f" ({of})" if of else ""
        around = f" with {_many(group.skips, 'skip connection')}" if group.skips else ""
        said.append(f"{what}{of}{around} to {_sides(group.shape)}")
    listed = "; ".join(said) or "no convolution, pooling or dense layer"
    return f"{title} as a row of slabs, from a picture of {_sides(row[0].shape)} on: {listed}."


def _sides(shape: Sequence[int]) -> str:
    return " x ".join(f"{side:,}" for side in shape)


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'s' * (count != 1)}"


def boxes(picture: Tensor, found: Sequence[Box], title: str = "Boxes") -> Figure:
    """A picture with numbered frames around objects; found: boxes in its pixels, as `data.imagenet.boxes` reads them."""
    figure, axes = sheet(title, (5, 5), bare=True)
    axes.imshow(drawable(picture))
    height, width = picture.shape[-2:]
    figure.description = f"{title}: a picture of {height} x {width} pixels with {len(found)} {'box' if len(found) == 1 else 'boxes'}."
    for place, (name, left, top, right, bottom) in enumerate(found, 1):
        corner, size = (left, top), (right - left, bottom - top)
        axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=COLOURS[4], linewidth=3))
        behind = {"facecolor": COLOURS[4], "edgecolor": "none"}
        axes.text(left + 4, top + 6, f"{place}", va="top", fontsize=12, bbox=behind)
        where = f"columns {left} to {right}, rows {top} to {bottom}"
        figure.description += f" {place}: {name}, {where}."
    return figure


def calibration(evaluation: Evaluation) -> Figure:
    """The reliability diagram: for each band of confidence how often the net was right, beside the line where both agree."""
    found, band = evaluation.calibration, "mean confidence of the band"
    figure = Figure("Confidence and accuracy", (9, 3.8))
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], "--", color="black", label="as sure as right")
    left.plot(found.confidence, found.accuracy, "o-", color=COLOURS[0], label="the net")
    left.set(xlabel=band, ylabel="fraction that is right", xlim=(0, 1), ylim=(0, 1.02))
    left.legend(frameon=False)
    right.bar(found.confidence, found.pictures, 0.06, color=COLOURS[5])
    right.set(xlabel=band, ylabel="pictures", xlim=(0, 1.03))
    figure.description = f"Expected calibration error {found.error:.3f}."
    for said, true, count in zip(found.confidence, found.accuracy, found.pictures):
        confident = f"{count:,} pictures with a mean confidence of {said:.0%}"
        figure.description += f" {confident}: {true:.0%} are right."
    return figure
