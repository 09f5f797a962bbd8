"""Nets and blocks as drawings: to scale, from the modules themselves, with real pictures going in."""

import re
from math import log2

import numpy as np
import torch
from matplotlib.colors import to_hex
from matplotlib.patches import Polygon, Rectangle
from torch import Tensor, nn

from slides.canvas import LINE, Canvas, grid, square
from slides.sets import backbone, photo
from workshop_utils import data, evaluation, models, plots, ways
from workshop_utils.diagrams import INK, KINDS
from workshop_utils.figure import COLOURS, Figure, drawable


def four_parts() -> Figure:
    """One digit through a kernel, ReLU and pooling, as the first cells of chapter 2 do it."""
    digits = data.load("mnist")
    seven = digits.images[digits.labels == 7][0, 0].float() / 255
    kernel = torch.tensor([[-1.0, -1.0, -1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    edges = nn.functional.conv2d(seven[None, None], kernel[None, None])[0, 0]
    active = edges.clamp(min=0)
    pooled = active.reshape(13, 2, 13, 2).amax(dim=(1, 3))
    names = ("picture\n28 x 28", "convolution\n26 x 26", "activation\n26 x 26", "pooling\n13 x 13")
    title = "One digit through convolution, ReLU and pooling"
    return grid(title, [seven, edges, active, pooled], names, 4, 270, gap=26, size=28)


def net(name: str) -> Figure:
    """A net as slabs, as high as its maps and thicker the more there are; below each the maps and their side."""
    card = models.card(name)
    with torch.device("meta"):
        built = models.build(name, classes=1000)
    way = ways.follow(built, torch.empty(3, card.pixels, card.pixels, device="meta"))
    canvas = Canvas(card.title, 1160, 456)
    columns = 1000 / len(way.groups)
    canvas.show(photo("espresso"), 0, 90, 130, 130)
    canvas.write(65, 345, "3", fontweight="bold")
    canvas.write(65, 385, f"{card.pixels}")
    for place, group in enumerate(way.groups):
        middle = 150 + (place + 0.5) * columns
        _slabs(canvas, middle, columns, group, card.pixels)
        what, kernel = group.words
        top = "pool" if what == "pool" else kernel.partition(",")[0] or "dense"
        canvas.write(middle, 22, top, 24, color=INKS[group.kind])
        canvas.write(middle, 345, f"{group.shape[0]:,}", fontweight="bold")
        canvas.write(middle, 385, f"{group.shape[-1]}" if len(group.shape) > 1 else "")
    canvas.write(0, 434, "bold: how many maps; below: pixels a side", 24, ha="left")
    facts = f"{way.layers} layers, {sum(one.numel() for one in built.parameters()):,} parameters"
    canvas.write(1160, 434, facts, 28, ha="right", fontweight="bold")
    said = "; ".join(
        f"{' '.join(one.words)} to {' x '.join(map(str, one.shape))}" for one in way.groups
    )
    skips = sum(one.skips for one in way.groups)
    around = f" {skips} skip connections, drawn as arcs." if skips else ""
    canvas.description = (
        f"{card.title} as a row of slabs: {said}. {way.layers} layers with weights.{around}"
    )
    return canvas


INKS = {"convolution": "#0061A0", "pooling": "#8A5A00", "dense": "#00694D"}


def _slabs(canvas: Canvas, middle: float, room: float, group: ways.Group, largest: int) -> None:
    """One group of layers, a slab for each, seen from its right; over each block with a way around it an arc."""
    many, side = group.pieces, group.shape[-1] if len(group.shape) > 1 else 0
    high = 225 * (side / largest) ** 0.5 if side else 30 + 15 * log2(group.shape[0])
    face = 0.16 * high if side > 1 else 8
    apart = 24 if group.skips else 5
    thick = min(10 + 3 * log2(group.shape[0]), (room - face - 12) / many - apart)
    left = middle - (many * (thick + apart) - apart + face) / 2
    top, colour, rise = 190 - high / 2, KINDS[group.kind], 0.5 * face
    for piece in range(many):
        x = left + piece * (thick + apart)
        right = x + thick
        corners = [(right, top), (right + face, top - rise), (right + face, top + high - rise)]
        last = piece == many - 1
        if last:
            canvas.page.add_patch(Polygon([*corners, (right, top + high)], fc=colour, alpha=0.5))
        lid = [(x, top), (x + face, top - rise), (right + face, top - rise), (right, top)]
        canvas.page.add_patch(Polygon(lid, fc=colour, ec="white", alpha=0.35))
        canvas.bar(x, top, thick, high, colour, edgecolor="white")
        if group.skips:
            ends = (x - 6, top - rise - 4), (right + 10, top - rise - 4)
            canvas.arrow(*ends, bow=-0.9, colour=COLOURS[1])


def block(idea: str, name: str = "") -> Figure:
    """The block of an idea, without the title that its slide has; with its name where a slide has two."""
    figure = plots.block(idea)
    axes, dark = figure.axes[0], "#B34A00"  # white letters on it can be read
    size = 1.25 * min(text.get_fontsize() for text in axes.texts[:-1])
    axes.texts[-1].set(text=name, fontsize=size, fontweight="bold", color=INK)
    rounds = [*axes.patches, *(text.get_bbox_patch() for text in axes.texts)]
    for one in rounds:
        if one is not None and to_hex(one.get_facecolor()).upper() == COLOURS[1]:
            one.set_facecolor(dark)
    return figure


def inception() -> Figure:
    """GoogLeNet's block, large enough for the last row: four paths, side by side, that meet."""
    canvas = Canvas("The block of GoogLeNet", 1160, 440)
    rows = (("1x1",), ("1x1", "3x3"), ("1x1", "5x5"), ("3x3 max", "1x1"))
    wide = {"1x1": 110, "3x3": 190, "5x5": 270, "3x3 max": 190}
    canvas.line([10, 130], [220, 220], LINE)
    canvas.line([130, 130], [50, 390], LINE)
    for place, row in enumerate(rows):
        y, x = 50 + 113 * place, 190
        canvas.line([130, 1000], [y, y], LINE, zorder=0)
        for name in row:
            pooled = "max" in name
            colour, ink = (KINDS["pooling"], "black") if pooled else (COLOURS[0], "white")
            canvas.box(x, y - 40, wide[name], 80, facecolor=colour, edgecolor="none")
            canvas.write(x + wide[name] / 2, y, re.sub(r"(?<=\d)x", "\u00d7", name), 32, color=ink)
            x += wide[name] + 60
    canvas.line([1000, 1000], [50, 390], LINE)
    canvas.box(1000, 170, 150, 100, facecolor="#B34A00", edgecolor="none")
    canvas.write(1075, 220, "side\nby side", 28, color="white", fontweight="bold")
    canvas.description = plots.block("googlenet").description
    return canvas


def families() -> Figure:
    """A wall of all architectures of the catalogue by year, as names."""
    cards: dict[str, models.ModelCard] = {}
    for card in models.catalog():
        if not card.ours:
            family = re.split("[-, /]", card.title)[0]
            cards.setdefault({"SE": "SENet"}.get(family, family), card)
    canvas = Canvas("Architectures by year", 1160, 420)
    ordered = sorted(cards.items(), key=lambda one: one[1].year)
    rows = -(-len(ordered) // 4)
    high = 410 / rows
    for place, (family, card) in enumerate(ordered):
        x, y = 292 * (place // rows), high * (place % rows)
        canvas.box(x, y, 276, high - 12, edgecolor="none")
        canvas.write(x + 16, y + (high - 12) / 2, family, 24, ha="left", fontweight="bold")
        canvas.write(x + 262, y + (high - 12) / 2, f"{card.year}", 24, ha="right")
    said = "; ".join(f"{family} {card.year}" for family, card in ordered)
    canvas.description = f"Names in boxes, by year: {said}."
    return canvas


def net_sizes() -> Figure:
    """Three nets as squares as large as their parameters."""
    canvas = Canvas("Three nets for three jobs", 1160, 395)
    uses = {
        "lenet": "small grey digits",
        "efficientnet_lite0": "a phone",
        "vgg16": "1,000 kinds of photographs",
    }
    cards = [models.card(name) for name in uses]
    for x, card in zip((60, 390, 780), cards):
        side = 250 * (card.parameters / cards[-1].parameters) ** 0.5
        canvas.bar(x, 250 - side, max(side, 5), max(side, 5), COLOURS[0])
        canvas.write(x, 290, card.title, 30, ha="left", fontweight="bold")
        canvas.write(x, 330, uses[card.name], ha="left")
        canvas.write(
            x, 370, f"{card.layers} layers, {card.parameters:,} weights"[:60], 24, ha="left"
        )
    said = "; ".join(
        f"{one.title} for {uses[one.name]}: {one.layers} layers, {one.parameters:,} parameters"
        for one in cards
    )
    canvas.description = f"Squares as large as what they stand for. {said}."
    return canvas


def lenet_alive() -> Figure:
    """LeNet with a real digit going in, its real maps, and the real answer."""
    digits, net = data.load("mnist", "test"), models.ready("lenet-mnist")
    picture, label = digits[301]
    states: list[Tensor] = [(picture[None].float() / 255 - digits.mean) / digits.std]
    with torch.inference_mode():
        for layer in net:
            states.append(layer(states[-1]))
    canvas = Canvas("LeNet reads a digit", 1160, 470)
    canvas.show(picture, 0, 130, 190, 190)
    maps = ((states[3], 225, 2, 100, "6 maps, 28 x 28"), (states[4], 455, 2, 62, "14 x 14"))
    maps += ((states[6], 610, 4, 54, "16 maps, 10 x 10"),)
    for state, x, columns, side, words in maps:
        rows = -(-state.shape[1] // columns)
        top = 225 - rows * (side + 6) / 2
        for place, one in enumerate(state[0]):
            at = x + place % columns * (side + 6), top + place // columns * (side + 6)
            canvas.show(one, *at, side, side)
        canvas.write(x + columns * (side + 6) / 2, 430, words, 24)
    values = states[9][0]
    canvas.show(drawable(values.reshape(-1, 1)), 868, 70, 22, 310)
    canvas.write(880, 430, "dense", 24)
    for start, end in ((192, 222), (432, 453), (585, 607), (848, 866), (892, 922)):
        canvas.arrow((start, 225), (end, 225))
    shares = states[-1][0].softmax(0)
    for place, share in enumerate(shares.tolist()):
        y, best = 45 + 40 * place, place == int(shares.argmax())
        canvas.write(945, y, f"{place}", 28, fontweight="bold" if best else None)
        canvas.bar(968, y - 14, max(2, 80 * share), 28, COLOURS[2 if best else 0])
        if best:
            canvas.write(1062, y, f"{100 * share:.0f} %", 26, ha="left", fontweight="bold")
    canvas.write(95, 430, "28 x 28", 24)
    canvas.description = f"From left to right: a written {label}; six maps of LeNet's first layer, in which its strokes light up; the same, smaller; sixteen maps of the second layer; a column of 120 numbers; bars for the ten digits. The highest: {int(shares.argmax())}, {shares.max():.0%}."
    return canvas


def got_it_all() -> Figure:
    """AlexNet's four: deeper, ReLU, dropout, augmentation, each as a small picture."""
    canvas = Canvas("Deeper, ReLU, dropout, augmentation", 1160, 400)
    for place in range(8):
        colour = KINDS["convolution" if place < 5 else "dense"]
        canvas.bar(10 + 27 * place, 70 + 8 * place, 18, 230 - 16 * place, colour)
    canvas.line([310, 420, 530], [300, 300, 80], COLOURS[1], linewidth=6)
    canvas.line([420, 420], [60, 310], LINE, linewidth=1.5)
    canvas.line([310, 530], [300, 300], LINE, linewidth=1.5)
    off = np.random.default_rng(1).permutation(np.arange(25) % 2 == 0)
    for place, dropped in enumerate(off):
        x, y = 620 + place % 5 * 50, 80 + place // 5 * 50
        look = {"marker": "x" if dropped else "o", "markersize": 17, "markeredgewidth": 4}
        canvas.line([x], [y], LINE if dropped else COLOURS[0], **look)
    dog = photo("cocker spaniel")
    for place, one in enumerate((dog, dog.flip(-1), dog[:, 60:260, 90:290], dog[:, 0:220, 20:240])):
        canvas.show(one, 900 + place % 2 * 130, 50 + place // 2 * 130, 124, 124)
    names = (
        "8 layers: deeper",
        "ReLU",
        "dropout:\na random half sleeps",
        "augmentation:\nnever the same",
    )
    for x, words in zip((115, 420, 720, 1020), names):
        canvas.write(x, 325, words, 26, va="top", fontweight="bold")
    canvas.description = "Four drawings: eight slabs, five of convolutions and three dense; the bent line of ReLU; 25 dots of which a random half is crossed out; one photograph of spaniels as it is, mirrored and cut out twice."
    return canvas


def sees_five() -> Figure:
    """Two 3x3 kernels in a row see 5x5 pixels."""
    canvas = Canvas("Two 3x3 see as far as one 5x5", 1100, 398)
    parts = (
        ("5x5 pixels", 5, 0.35),
        ("3x3 answers\nof the first kernel", 3, 0.7),
        ("one answer\nof the second", 1, 1),
    )
    for place, (name, side, alpha) in enumerate(parts):
        x, y = 160 + 390 * place, 156
        for row, column in np.ndindex(side, side):
            at = x + (column - side / 2) * 62, y + (row - side / 2) * 62
            canvas.bar(*at, 56, 56, COLOURS[0], alpha=alpha)
        canvas.write(x, 325, name, 28, va="top")
        if place < 2:
            canvas.arrow((x + 170, y), (x + 225, y))
    canvas.description = "A square of 5x5 pixels, beside it 3x3 answers of a first 3x3 kernel, beside it the one answer of a second 3x3 kernel, which depends on all 25 pixels."
    return canvas


def never_seen() -> Figure:
    """Digits as people write them elsewhere, and what the bundled LeNet reads."""
    from workshop_utils import widgets

    asked = widgets.written_digits(data.load("mnist"))
    said = evaluation.predict(models.ready("lenet-mnist"), asked)
    sure = said.probabilities.max(axis=1)
    titles = [
        f"{name if name.isascii() else f'{name[0]}, Arabic'}\nread as {read}\n{part:.0%} sure"
        for name, read, part in zip(asked.names, said.predicted, sure)
    ]
    return grid("Digits that the net never saw", [*asked.images], titles, len(titles), 165, gap=34)


def patches() -> Figure:
    """A photograph as a transformer reads it: a row of patches, each of which may look at every other."""
    canvas = Canvas("A picture as a row of patches", 1160, 360)
    picture, reader = square(photo("tabby")[:, 20:300, 20:300], 300), 4
    canvas.show(picture, 0, 10, 330, 330)
    for line in (110, 220):
        canvas.line([line] * 2, [10, 340], "white", linewidth=6, zorder=2)
        canvas.line([0, 330], [10 + line] * 2, "white", linewidth=6, zorder=2)
    canvas.arrow((340, 250), (388, 250))
    spots = [400 + 85 * place for place in range(9)]
    for place, x in enumerate(spots):
        row, column = divmod(place, 3)
        one = picture[:, 100 * row : 100 * row + 100, 100 * column : 100 * column + 100]
        canvas.show(one, x, 211, 78, 78)
        if place != reader:
            ends = (x + 39, 204), (spots[reader] + 39, 204)
            canvas.arrow(*ends, bow=0.5 if place > reader else -0.5, colour="#5B6770")
    canvas.page.add_patch(
        Rectangle((spots[reader], 211), 78, 78, fill=False, ec=COLOURS[1], lw=5, zorder=3)
    )
    canvas.write(spots[reader] + 39, 330, "attention: each patch looks at all others", 30)
    canvas.description = "Left a photograph of a cat, cut into 3 x 3 patches. Right the patches in a row; arrows lead from all of them to the fifth, which has a frame."
    return canvas


def seen_inside() -> Figure:
    """A photograph, and the strongest map of each of four stages of EfficientNet-Lite0."""
    net, picture = backbone(), photo("cocker spaniel")
    way = ways.follow(net, net.preprocess(picture))
    maps = [one for one in way.groups if one.strongest is not None and min(one.size) > 1]
    places = [round(place) for place in np.linspace(0, len(maps) - 1, 4)]
    chosen = [maps[place] for place in places]
    names = [
        "photograph",
        *(f"{one.shape[0]:,} maps\n{one.size[0]} x {one.size[1]}" for one in chosen),
    ]
    return grid(
        "From edges to things", [picture, *(one.strongest for one in chosen)], names, 5, 215
    )
