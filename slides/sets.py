"""Pictures of the sets: walls, contact sheets, and what a picture is to a computer."""

from contextlib import suppress
from functools import lru_cache

import torch
from matplotlib.patches import Rectangle
from torch import Tensor, nn

from slides.canvas import Canvas, answers, grid, square
from workshop_utils import data, models
from workshop_utils.data import galleries
from workshop_utils.figure import COLOURS, Figure

LOCAL = False  # the instructor's private deck: whole sets from their disk, where they are


def cover() -> Figure:
    """Drawings, digits and clothes, and photographs, in turn."""
    art = data.load("clip-art").per_class(4, seed=3).images
    grey = [
        picture
        for name in ("mnist", "fashion-mnist")
        for picture in data.load(name, "test").per_class(2).images
    ]
    pictures = [square(one, 128) for trio in zip(art, grey, photographed()) for one in trio]
    canvas = Canvas("Pictures of the course", 1280, 320)
    canvas.wall(pictures[:64], 16, 0, 0, 80)
    canvas.description = "64 small pictures in four rows: drawings, digits and clothes in grey, and photographs, in turn."
    return canvas


def strip(part: str) -> Figure:
    """Three rows of pictures that say what a part is about."""
    pictures = {"1": _grey, "2": _inside, "3": photographed}[part]()
    canvas = Canvas(f"Pictures of part {part}", 1280, 240)
    canvas.wall([square(one, 80) for one in pictures[:48]], 16, 0, 0, 80)
    what = {
        "1": "digits and clothes in grey",
        "2": "what the first and second layers of LeNet make of eight digits",
        "3": "photographs of animals, plants and things",
    }[part]
    canvas.description = f"48 small pictures in three rows: {what}."
    return canvas


def _grey() -> list[Tensor]:
    sets = [data.load(name, "test").per_class(3).images for name in ("mnist", "fashion-mnist")]
    return [one for pair in zip(*sets) for one in pair]


def _inside() -> list[Tensor]:
    """Six maps of each of eight digits, stretched from the lowest to the highest value."""
    net, digits = models.ready("lenet-mnist"), data.load("mnist", "test")
    with torch.inference_mode():
        read = (digits.per_class(1).images[:8].float() / 255 - digits.mean) / digits.std
        maps = net[:3](read)
    maps = maps / maps.amax(dim=(2, 3), keepdim=True).clamp(min=1e-6)
    return [(255 * one[None]).byte() for digit in maps for one in digit]


@lru_cache
def photographed() -> list[Tensor]:
    """All photographs of the course, in turn of their classes."""
    stamps, photos = data.load("photographs"), data.load("photos")
    order = torch.argsort(torch.arange(len(stamps)) * 37 % len(stamps))
    found = [square(stamps[int(place)][0], 128) for place in order]
    return [square(one, 128) for one in photos.images] + found


def photo(label: str) -> Tensor:
    """The photograph of this ImageNet class, uint8 (3, 320, 320)."""
    photos = data.load("photos")
    return photos.images[photos.classes.index(label)]


@lru_cache
def backbone() -> nn.Module:
    return models.build("efficientnet_lite0", classes=1000, pretrained=True).eval()


def said_of(picture: Tensor, top: int = 1) -> dict[str, float]:
    """The most probable classes of EfficientNet-Lite0 with their probabilities."""
    net, names = backbone(), data.imagenet.class_names()
    with torch.inference_mode():
        shares = net(net.preprocess(picture)[None]).softmax(1)[0]
    return {names[int(place)]: float(shares[place]) for place in shares.topk(top).indices}


def one_word() -> Figure:
    """A photograph, a box called net, and the four most probable classes."""
    label = "cocker spaniel"
    shares = said_of(photo(label), 4)
    canvas = Canvas("One picture in, one word out", 1160, 420)
    canvas.show(photo(label), 0, 0, 400, 400)
    canvas.arrow((410, 200), (480, 200))
    canvas.box(485, 120, 180, 160, facecolor=COLOURS[0], edgecolor="none")
    canvas.write(575, 185, "net", 44, color="white", fontweight="bold")
    canvas.write(575, 240, "4.7 million\nnumbers", 24, color="white")
    canvas.arrow((670, 200), (740, 200))
    answers(canvas, shares, 760, 45, label)
    said = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    canvas.description = f"Left a photograph of a {label}; it goes into a box called net; out come classes with bars: {said}. The star marks the true class."
    return canvas


def numbers() -> Figure:
    """A picture, and the numbers of a cut of it."""
    picture = data.load("fashion-mnist")[0][0]
    top, left, many, side = 8, 10, 8, 54
    canvas = Canvas("A picture is numbers", 1000, 436)
    canvas.show(picture, 0, 0, 432, 432)
    pixel = 432 / 28
    canvas.page.add_patch(
        Rectangle(
            (left * pixel, top * pixel), many * pixel, many * pixel, fill=False, ec=COLOURS[4], lw=4
        )
    )
    canvas.arrow((450, 216), (540, 216))
    cut = picture[0, top : top + many, left : left + many]
    canvas.show(cut, 560, 0, many * side, many * side)
    for row in range(many):
        for column, value in enumerate(cut[row].tolist()):
            ink = "black" if value > 110 else "white"
            canvas.write(560 + (column + 0.5) * side, (row + 0.5) * side, f"{value}", 24, color=ink)
    canvas.description = f"Left the boot of Fashion-MNIST with a frame around {many} x {many} pixels; right the same pixels large, each with its brightness, from {cut.min()} to {cut.max()}."
    return canvas


def wall(name: str, width: str = "1160") -> Figure:
    """Pictures of a set where they are at hand, or of what stands in for it; each class has a row where there are ten."""
    card, room = data.card(name), int(width)
    pictures, words = _of_set(name)
    if len(pictures) > 200:
        columns = -(-len(pictures) // 10)
    else:  # the fewest columns that leave no hole and are not too high
        whole = [n for n in range(1, len(pictures) + 1) if len(pictures) % n == 0]
        columns = next(n for n in whole if min(room / n, 185) * len(pictures) / n <= 450)
    side = min(room // columns, 185)
    canvas = Canvas(card.title, columns * side, side * -(-len(pictures) // columns))
    canvas.wall(pictures, columns, 0, 0, side)
    canvas.description = f"{len(pictures)} small pictures. {words}"
    return canvas


def _of_set(name: str) -> tuple[list[Tensor], str]:
    """Square pictures, and the sentence that says what they are."""
    card, dataset = data.card(name), None
    if LOCAL:
        with suppress(FileNotFoundError):
            dataset = data.load(name, source="full", download=False)
    if dataset is None and card.bundled:
        dataset = data.load(name)
    if dataset is not None and len(card.classes) == 10:
        each = [torch.where(dataset.labels == label)[0][:27].tolist() for label in range(10)]
        pictures = [dataset[place][0] for places in each for place in places]
        return pictures, f"Each row is a class: {', '.join(card.classes)}."
    if dataset is not None:
        shown = galleries.of(dataset, card)
    elif name == "imagenet":
        return photographed(), "Photographs that come with the course, not ImageNet's own."
    else:
        shown = data.gallery(name)
    if not shown.pictures:
        raise ValueError(f"The slides need pictures of {card.title}. {shown.note}")
    pictures = [square(one, 32 if "cifar" in name else 128) for one in shown.pictures]
    return pictures, f"{', '.join(shown.labels)}. {shown.note}"


def millions() -> Figure:
    """A wall of photographs, and how many such walls ImageNet is."""
    pictures = photographed()[:112]
    canvas = Canvas("ImageNet as walls of photographs", 1152, 470)
    canvas.wall(pictures, 18, 0, 0, 64)
    canvas.bar(0, 384, 1152, 86, "white")
    walls = 14_197_122 / 108
    canvas.write(
        576, 432, f"{walls:,.0f} walls like this one", 54, color="#B34A00", fontweight="bold"
    )
    canvas.description = f"A wall of 108 photographs that come with the course, and the words: {walls:,.0f} walls like this one."
    return canvas


def boxed() -> Figure:
    """Fourteen photographs, one of them with its boxes."""
    label = "cocker spaniel"
    boxes, others = data.imagenet.boxes(data.photo_annotation(label)), photographed()
    rest = [one for one, name in zip(others, data.load("photos").classes) if name != label]
    canvas = Canvas("One picture in fourteen has boxes", 1155, 330)
    for place, picture in enumerate([*rest, others[20], others[30]][:14]):
        x, y = place % 7 * 165, place // 7 * 165
        canvas.show(photo(label) if place == 9 else picture, x, y, 160, 160)
        for box in boxes if place == 9 else ():
            across, down = box.xmax - box.xmin, box.ymax - box.ymin
            frame = Rectangle((x + box.xmin / 2, y + box.ymin / 2), across / 2, down / 2)
            frame.set(fill=False, edgecolor=COLOURS[4], linewidth=5, zorder=3)
            canvas.page.add_patch(frame)
    canvas.description = f"Fourteen photographs. Only that of the {label} has frames: {len(boxes)}."
    return canvas


def sizes() -> Figure:
    """Four photographs with 320 and with 32 pixels a side."""
    labels = ("tabby", "fire engine", "nuthatch", "espresso")
    canvas = Canvas("What few pixels leave", 1160, 450)
    for row, side in enumerate((320, 32)):
        canvas.write(110, 110 + 228 * row, f"{side} x {side}", 34, fontweight="bold")
        for column, label in enumerate(labels):
            canvas.show(square(photo(label), side), 225 + 235 * column, 228 * row, 222, 222)
    canvas.description = f"Photographs of {', '.join(labels)}: above with 320 pixels a side, below with 32, in coarse squares."
    return canvas


def tree() -> Figure:
    """Six photographs below the words that WordNet puts above them."""
    leaves = ("tabby", "cocker spaniel", "dragonfly", "fig", "fire engine", "wall clock")
    rows = (
        ("entity",),
        ("animal", "natural object", "artifact"),
        ("mammal", "insect", "edible fruit", "motor vehicle", "clock"),
    )
    wnids = dict(zip(data.imagenet.class_names(), data.imagenet.wnids()))
    above = {
        leaf: {word for way in data.imagenet.paths(wnids[leaf]) for word in way} for leaf in leaves
    }
    canvas = Canvas("Labels are a tree", 1160, 480)
    spots = {leaf: (97 + 193 * place, 300.0) for place, leaf in enumerate(leaves)}
    below = {leaf: spots[leaf] for leaf in leaves}
    for y, words in zip((200, 112, 26), reversed(rows)):
        for word in words:
            under = [leaf for leaf in leaves if word in above[leaf]]
            x = sum(spots[leaf][0] for leaf in under) / len(under)
            for end in {below[leaf] for leaf in under}:
                canvas.line([x, end[0]], [y, end[1]], "#5B6770", zorder=0)
            look = {"boxstyle": "round,pad=0.25", "fc": "#E3E8EE", "ec": "none"}
            canvas.write(x, y, word, 28, bbox=look)
            below |= dict.fromkeys(under, (x, y))
    for leaf, (x, _) in spots.items():
        canvas.show(photo(leaf), x - 75, 270, 150, 150)
        canvas.write(x, 446, leaf, fontweight="bold", color=COLOURS[0])
    said = "; ".join(
        f"{leaf} below {', '.join(w for row in rows for w in row if w in above[leaf])}"
        for leaf in leaves
    )
    canvas.description = (
        f"A tree with six photographs at its ends: {said}. WordNet has more words between."
    )
    return canvas


def mean_pictures() -> Figure:
    train = data.load("fashion-mnist")
    means = [train.images[train.labels == label].float().mean(0) for label in range(10)]
    return grid("The mean picture of each class", means, train.classes, 5, 155, gap=62)


def twins() -> Figure:
    found = [one for one in data.rejected() if one.twin is not None][:12:2]
    pictures = [one.picture for one in found] + [one.twin for one in found]
    labels = ["out"] * len(found) + ["stayed"] * len(found)
    return grid("Twins: taken out, and stayed", pictures, labels, len(found), 165)


def photographs() -> Figure:
    labels = ("espresso", "cocker spaniel", "fire engine", "tabby", "fig")
    pictures = [photo(label) for label in labels]
    words = [f"{label}\nnet: {next(iter(said_of(one)))}" for label, one in zip(labels, pictures)]
    return grid("Photographs, and what the net says", pictures, words, 5, 218)


def drawings() -> Figure:
    """Three drawings of each class, one class below its name in each column."""
    few = data.load("clip-art").per_class(3, seed=1)
    canvas = Canvas("Three drawings of each class", 1160, 398)
    for place, name in enumerate(few.classes):
        x, own = 129 * place, few.images[few.labels == place]
        canvas.write(x + 62, 18, name, 24, fontweight="bold")
        canvas.wall([*own], 1, x + 2, 40, 119)
    canvas.description = f"Three drawings of each of nine classes: {', '.join(few.classes)}."
    return canvas
