"""Nets drawn from the modules themselves, as rows of slabs from the picture to the answer; frames in pictures and reliability."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import log2
from typing import Any

import torch
from matplotlib.patches import FancyArrowPatch, Polygon, Rectangle
from matplotlib.transforms import Affine2D, Bbox
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision.transforms.v2 import functional as F

from workshop_utils import data, explain, models
from workshop_utils import device as devices
from workshop_utils.data import ImageDataset
from workshop_utils.data.dataset import image_dataset
from workshop_utils.data.imagenet import Box
from workshop_utils.evaluation import Evaluation
from workshop_utils.figure import COLOURS, Figure, as_written, drawable, filled, sheet
from workshop_utils.ways import Group, Way, follow

KINDS = {
    "convolution": COLOURS[0],
    "pooling": COLOURS[4],
    "dense": COLOURS[2],
    "attention": COLOURS[3],
}
INK, GREY = "#14213D", "#9AA5B1"
ARC: dict[str, Any] = {"color": COLOURS[1], "linewidth": 2.2, "shrinkA": 0, "shrinkB": 0}
WIDE, HIGH, LEVEL, TALLEST = 11.0, 4.8, 2.58, 2.2  # inches; LEVEL: of the line through all middles
FACE, SLANT = 0.55, 0.32  # the width of a face seen aslant, and how much of it the face rises
SLABS_AT_MOST, DOTS, LETTERS = 4, 0.36, 13
DIGIT, PHOTO, LARGE = 301, 4, 64  # which pictures go in; from LARGE pixels on it is the photo


def architecture(
    net: str | nn.Module,
    shape: tuple[int, int, int] | None = None,
    *,
    image: Tensor | ImageDataset | None = None,
) -> Figure:
    """A net as slabs, as high as its maps and thicker the more there are, from the picture to the answer, with skip connections as arcs.

    net: a name of `models.catalog()`, drawn without weights for 1,000 classes, or 10 where it reads small grey pictures; or any net.
    shape: (channels, height, width) of one picture; a net of the catalogue knows it. image: a uint8 (C, H, W) picture, or a set,
    whose first picture, mean, spread and classes are taken: then slabs show the map that varies most, and what the net answers.
    A net with .preprocess gets a photo where no image is given.
    Raises ValueError for an unknown name, what is no net, a net of your own without shape and image, and a picture that does not fit.
    """
    net = _net(net, shape)
    title = type(net).__name__
    if hasattr(net, "architecture"):
        card = models.card(net.architecture)
        first = next(layer for layer in net.modules() if isinstance(layer, nn.Conv2d))
        title, shape = card.title, shape or (first.in_channels, card.pixels, card.pixels)
    if shape is None and image is None:
        raise ValueError(
            "Say what a picture for this net measures: plots.architecture(net, (1, 28, 28))."
        )
    image = image_dataset(image) if isinstance(image, Dataset) else image
    picture, read, looks = _entering(net, shape, image)
    way = follow(net, read)
    answer = _answer(net, way, image) if looks else []
    row = [Group("picture", ("picture",), tuple(read.shape), picture)]
    row += way.groups if looks else [replace(one, strongest=None) for one in way.groups]
    figure = Figure(title, (WIDE, HIGH))
    figure.set_layout_engine("none")  # so that places are inches
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDE), ylim=(0, HIGH))
    axes.set_axis_off()
    places = _places(row, WIDE - 0.25 - (2.1 if answer else 1.4))
    arcs = [(first, last) for first, last in way.arcs if first < last]  # others lie within a group
    _row(axes, row, places, arcs)
    _scores(axes, places[-1].box.x1, way.scores, answer)
    weights = sum(weight.numel() for weight in net.parameters())
    skips = sum(group.skips for group in row) + len(way.arcs)
    drawn = " (arcs)" * bool(arcs or any(group.block and group.skips for group in row))
    facts = f"{title}: {_many(way.layers, 'layer')} with weights in the row, {weights:,} parameters"
    facts += f", {_many(skips, 'skip connection')}{drawn}." if skips else "."
    facts += " Sides are drawn by their square root."
    facts += f" Not drawn: {way.left_out}." if way.left_out else ""
    facts += " It answers with NaN, no number." if answer is None else ""
    axes.text(0.2, 0.08, textwrap.fill(facts, 118), fontsize=12, color=INK, va="bottom")
    figure.description = f"{_words(title, row)} {facts}"
    if answer:
        said = ", ".join(f"{name} {share:.0%}" for name, share in answer)
        figure.description += f" On the slabs is the map that varies most. The answer: {said}."
    return figure


def _net(net: Any, shape: Any) -> nn.Module:
    """The net, or the one of this name, on the meta device. Raises ValueError for what is none, and a shape that no picture has."""
    sides = shape if isinstance(shape, Sequence) else ()
    if shape is not None and ([*map(type, sides)] != [int] * 3 or min(sides) < 1):
        raise ValueError(f"shape is {shape!r}: give channels, height, width, such as (1, 28, 28).")
    if isinstance(net, str):
        small = models.card(net).pixels < LARGE
        channels = shape[0] if shape else 1 if small else 3
        with torch.device("meta"):
            return models.build(net, classes=10 if small else 1000, channels=channels)
    if not isinstance(net, nn.Module):
        raise ValueError(f"{net!r} is no net: give a name of models.catalog(), or an nn.Module.")
    return net


def _entering(
    net: nn.Module, shape: tuple[int, ...] | None, image: Tensor | ImageDataset | None
) -> tuple[Tensor | None, Tensor, bool]:
    """The picture to draw, what the net reads, and whether its maps and answer are to be seen: those of a net without weights are not."""
    looks = image is not None or hasattr(net, "preprocess")
    if image is None:
        small = shape and max(shape[1:]) < LARGE and not looks
        image = data.load("mnist", "test")[DIGIT][0] if small else data.load("photos")[PHOTO][0]
    if not isinstance(image, ImageDataset):
        image = ImageDataset(image[None], torch.zeros(1), ("picture",), name="image")
    picture = filled(image, "image")[0][0]
    if looks and devices.of(net).type != "meta":
        return picture, explain.read_by(net, image), True
    channels, *sides = shape or picture.shape
    picture = F.resize(F.center_crop(picture, [min(picture.shape[1:])]), sides)
    fitting = F.grayscale_to_rgb(picture) if channels == 3 else F.rgb_to_grayscale(picture)
    return fitting if channels in (1, 3) else None, torch.zeros(channels, *sides), False


def _answer(net: nn.Module, way: Way, image: Any) -> list[tuple[str, float]] | None:
    """The three most probable classes with their probabilities, if the net answers with one score a class; None if that is no number."""
    if not isinstance(way.scores, Tensor) or way.scores.ndim != 2:
        return []
    shares, places = way.scores[0].float().softmax(0).cpu().sort(descending=True)
    if shares.isnan().any():
        return None
    known = image.classes if isinstance(image, ImageDataset) else getattr(net, "classes", ())
    published = data.imagenet.class_names() if hasattr(net, "preprocess") else ()
    numbered = [f"class {place}" for place in range(len(shares))]
    names = next(one for one in (known, published, numbered) if len(one) == len(shares))
    return [(names[place], share) for place, share in zip(places[:3], shares[:3].tolist())]


@dataclass
class Place:
    """Where a group stands, in inches: its box, `count` slabs of this thickness and height, and how wide their slanted faces are."""

    count: int
    thick: float
    high: float
    face: float
    hidden: bool  # the last face, behind a slab of the same size
    box: Any = None


def _places(row: list[Group], room: float) -> list[Place]:
    """Places side by side that fill the room. Sides count by their square roots, maps by the logarithm of how many they are."""
    places, tallest = [], max(row[0].size)
    for group, after in zip(row, [*row[1:], None]):
        thick, high, wide = 0.16, 0.5 + 0.14 * log2(group.shape[-1]), 0.15
        if len(group.shape) == 3:
            thick = 0.04 + 0.018 * log2(group.shape[0])
            high, wide = (TALLEST * (side / tallest) ** 0.5 for side in group.size)
        hidden = bool(places and after and group.size and group.size == after.size)
        count = min(group.pieces, SLABS_AT_MOST)
        places.append(Place(count, thick, high, FACE * wide, hidden))
    gaps = [0.6, *(0.1 if place.hidden else 0.3 for place in places[1:-1]), 0]
    dots = [DOTS * (group.pieces > SLABS_AT_MOST) for group in row]
    between = [0.06 * (place.count - 1) + more for place, more in zip(places, dots)]
    room -= sum(gaps) + sum(between)
    slim = sum(one.count * one.thick + one.face * (not one.hidden) for one in places)
    scale, x = min(1.2, room / slim), 0.25
    for place, gap, within in zip(places, gaps, between):
        place.thick, place.face = place.thick * scale, place.face * scale
        right = x + place.count * place.thick + within + place.face
        half = place.high / 2 + SLANT * place.face / 2
        place.box = Bbox.from_extents(x, LEVEL - half, right, LEVEL + half)
        x = right - place.face * place.hidden + gap * (1 + (room - scale * slim) / sum(gaps))
    return places


def _row(axes, row: list[Group], places: list[Place], arcs: list) -> None:
    """Draws the groups with their arcs; above each what it is, below it what of the shape has changed."""
    tops = [place.box.y1 for place in places]
    for n, (group, place) in enumerate(zip(row, places)):
        x = place.box.x0
        for piece in range(place.count):
            if piece == 2 and group.pieces > SLABS_AT_MOST:
                axes.plot([x + 0.05, x + 0.15, x + 0.25], [LEVEL] * 3, ".", color=INK)
                x += DOTS
            seen = piece == place.count - 1 and not place.hidden and group.shape[-1] > 1
            _slab(axes, x, place, KINDS.get(group.kind, GREY), group.strongest if seen else None)
            if group.block and piece >= place.count - group.skips:
                back = x + place.face
                tops[n] = _arc(axes, back - 0.02, back + place.thick + 0.02, place.box.y1)
            x += place.thick + 0.06
    for first, last in arcs:
        _arc(axes, places[first + 1].box.x1, places[last + 1].box.x1, places[first + 1].box.y1)
    taken = [Bbox([place.box.p0, (place.box.x1, top)]) for place, top in zip(places, tops)]
    before: tuple[int, ...] = ()
    for group, place, top in zip(row, places, tops):
        what, of = group.words
        x = (place.box.x0 + place.box.x1) / 2
        _label(axes, taken, x, top, f"{what}\n{of}" if of else what, 1)
        _label(axes, taken, x, place.box.y0, _changed(group, before), -1)
        before = group.shape


def _slab(axes, x: float, place: Place, colour: str, shown: Tensor | None) -> None:
    """A cuboid seen from its right and from above: its front, its top, and the face, on which a map or a picture may be."""
    face, high, low, right = place.face, place.high, place.box.y0, x + place.thick
    up, back = low + high, low + SLANT * face
    front = [(x, low), (right, low), (right, up), (x, up)]
    side = [(right, low), (right + face, back), (right + face, back + high), (right, up)]
    top = [(x, up), (right, up), (right + face, back + high), (x + face, back + high)]
    for corners, alpha in ((front, 1.0), (top, 0.45), (side, 0.7)):
        axes.add_patch(Polygon(corners, facecolor="white"))
        axes.add_patch(Polygon(corners, facecolor=colour, alpha=alpha, edgecolor="white", lw=0.8))
    if shown is not None:
        slant = Affine2D.from_values(face, back - low, 0, high, right, low) + axes.transData
        options = {"extent": (0, 1, 0, 1), "transform": slant, "aspect": "auto", "zorder": 1}
        axes.imshow(drawable(shown), **options)
        axes.add_patch(Polygon(side, facecolor="none", edgecolor=colour, linewidth=1.5))


def _arc(axes, left: float, right: float, y: float) -> float:
    """An arrow in a bow from left to right; returns how high it reaches."""
    bow = min(0.9, 0.35 / (right - left))
    style = {"arrowstyle": "->", "connectionstyle": f"arc3,rad=-{bow}", "mutation_scale": 9, **ARC}
    axes.add_patch(FancyArrowPatch((left, y + 0.02), (right, y + 0.02), **style))
    return y + 0.05 + bow * (right - left) / 2


def _label(axes, taken: list[Bbox], x: float, y: float, words: str, way: int) -> None:
    """Words at (x, y), or where they would cover something further up (way 1) or down (way -1), with a line from there."""
    if not words:
        return
    look: dict[str, Any] = {"va": ("top", "bottom")[way > 0], "ha": "center", "linespacing": 1.05}
    look["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}  # over a long arc
    text = axes.text(x, y + 0.06 * way, words, fontsize=LETTERS, color=INK, **look)
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


def _scores(axes, x: float, scores: Any, answer: list | None) -> None:
    """What comes out, right of the row: the most probable classes with bars, or how many scores there are."""
    write, bar = partial(axes.text, color=INK, fontsize=LETTERS), partial(Rectangle, height=0.2)
    if not answer and isinstance(scores, Tensor) and scores.ndim == 2:
        write(x + 0.15, LEVEL, f"{scores.shape[1]:,} scores,\none a class", va="center")
    for place, (name, share) in enumerate(answer or ()):
        y = LEVEL + 0.75 - 0.75 * place
        name = " ".join(name.split())
        write(x + 0.3, y, name if len(name) <= 20 else f"{name[:17]} ...", va="bottom")
        axes.add_patch(bar((x + 0.3, y - 0.24), 1, facecolor="#E3E7EB"))
        axes.add_patch(bar((x + 0.3, y - 0.24), share, facecolor=KINDS["dense"]))
        write(x + 1.37, y - 0.14, f"{share:.0%}", va="center")


def _changed(group: Group, before: tuple[int, ...]) -> str:
    """What of the shape is other than in the group before."""
    if len(group.shape) != 3:
        return _sides(group.shape) if group.shape != before else ""
    kind = "channel" if group.kind == "picture" else "map"
    maps = _many(group.shape[0], kind) if group.shape[:1] != before[:1] else ""
    return "\n".join(filter(None, (maps, _sides(group.size) if group.size != before[1:] else "")))


def _words(title: str, row: list[Group]) -> str:
    """The row in words, with all shapes."""
    said = []
    for group in row[1:]:
        what, of = group.words
        of = ", ".join(group.texts) if group.block else of
        around = f" with {_many(group.skips, 'skip connection')}" if group.skips else ""
        said.append(f"{what}{f' ({of})' if of else ''}{around} to {_sides(group.shape)}")
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
