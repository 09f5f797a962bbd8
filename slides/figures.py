"""Every figure of the slides by name, drawn from the course's own pictures, models and recordings."""

import re
from functools import lru_cache

import numpy as np
import torch
from matplotlib.patches import FancyBboxPatch, Rectangle
from torch import nn

from slides import values
from workshop_utils import data, evaluation, explain, models, plots, recorded
from workshop_utils.diagrams import INK
from workshop_utils.errors import unknown
from workshop_utils.figure import COLOURS, MIDDLE, Figure, drawable, mosaic, sheet

LOCAL = False  # the instructor's private deck: whole sets from their disk, where they are


def draw(call: str) -> tuple[Figure, float]:
    """A figure and the width in pixels at which a slide shows it. call: the name of a function below and its arguments, "block resnet"."""
    name, *arguments = call.split()
    if name not in FIGURES:
        raise unknown("figure", name, FIGURES, "slides/figures.py")
    figure = FIGURES[name](*arguments)
    if not figure.storable:
        raise ValueError(
            f"'{call}' shows pictures that may not be passed on; no slide may keep it."
        )
    width, height = figure.get_size_inches()
    # as large as a slide with a title and a line has room for; the widest have letters of 12 points, 16 pixels then
    return figure, min(129 * width, 1060 if width >= 11 else 1160, 540 * width / height)


def cover() -> Figure:
    art = data.load("clip-art").per_class(4, seed=3).images
    photos = [_side_128(picture, "area") for picture in data.load("photos").images]
    grey = [
        _side_128(picture, "nearest").expand(3, -1, -1)
        for name in ("mnist", "fashion-mnist")
        for picture in data.load(name, "test").per_class(1).images
    ]
    pictures = [one for trio in zip(art, grey, photos * 2) for one in trio][:48]
    figure = Figure("Pictures of the course", (12.8, 3.2))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(mosaic(pictures, 16), aspect="auto")
    axes.axis("off")
    figure.description = "48 small pictures in three rows: drawings, digits and clothes in grey, and photographs, in turn."
    return figure


def _side_128(picture: torch.Tensor, mode: str) -> torch.Tensor:
    """A picture, uint8 (C, H, W), of 128 x 128 pixels."""
    return nn.functional.interpolate(picture[None].float(), 128, mode=mode)[0].byte()


def one_word() -> Figure:
    net, photos, names = backbone(), data.load("photos"), data.imagenet.class_names()
    label = "cocker spaniel"
    picture = photos.images[photos.classes.index(label)]
    return plots.top_k(picture, probabilities(net, picture), names, k=4, true=label)


def numbers() -> Figure:
    """A picture, and the numbers of a cut of it."""
    picture, _ = data.load("fashion-mnist")[0]
    return plots.pixels(picture, rows=slice(8, 18), columns=slice(10, 20))


def known_set(name: str) -> Figure:
    """Pictures of a set where they are at hand, else the names of its classes."""
    card = data.card(name)
    dataset = _at_hand(name)
    if dataset is None:
        return _names_of_classes(card.title, card.classes)
    labels = dataset.labels.unique()[:10]
    shown = [torch.where(dataset.labels == label)[0].tolist() for label in labels]
    chosen = [places[row] for row in range(2) for places in shown if len(places) > row]
    return plots.images(
        [dataset[place][0] for place in chosen],
        [dataset.classes[int(dataset.labels[place])] for place in chosen],
        columns=10,
        title=f"{card.title}: two pictures of each class",
        width=9,
    )


def _at_hand(name: str):
    """The set to show: a whole one from the instructor's disk in the private deck, else the bundled cut, else nothing."""
    if LOCAL:
        try:
            return data.load(name, source="full", download=False)
        except FileNotFoundError:
            pass
    return data.load(name) if data.card(name).bundled else None


def _names_of_classes(title: str, classes: tuple[str, ...]) -> Figure:
    shown = classes if len(classes) <= 24 else classes[:23] + ("...",)
    columns = 8 if len(shown) > 12 else 6 if len(shown) == 6 else 5
    rows = -(-len(shown) // columns)
    figure, axes = sheet(f"The classes of {title}", (9, 0.55 + 0.85 * rows), bare=True)
    for place, name in enumerate(shown):
        x, y = place % columns, -(place // columns)
        _box(axes, (x + 0.06, y + 0.1), 0.88, 0.8)
        words = re.split("[ _]", name)
        size = 13 if max(map(len, words)) < 10 else 11
        axes.text(x + 0.5, y + 0.5, "\n".join(words), fontsize=size, color=INK, **MIDDLE)
    axes.set(xlim=(0, columns), ylim=(1 - rows, 1))
    figure.description = f"The names of {len(classes)} classes of {title}, each in a frame: {', '.join(shown)}. The pictures do not come with the course."
    return figure


def _box(axes, corner: tuple[float, float], wide: float, high: float, **look) -> None:
    """A box with round corners, light with a blue frame if nothing else is said."""
    look = {"facecolor": "#E8F1F8", "edgecolor": COLOURS[0], "linewidth": 1.5, **look}
    shape = "round,pad=0,rounding_size=0.08"
    axes.add_patch(FancyBboxPatch(corner, wide, high, boxstyle=shape, **look))


def _arrow(axes, start: tuple[float, float], end: tuple[float, float], width: float) -> None:
    axes.annotate(
        "", end, start, arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": width}
    )


def tree() -> Figure:
    return plots.tree("tabby")


def spaniels() -> Figure:
    photos, label = data.load("photos"), "cocker spaniel"
    boxes = data.imagenet.boxes(data.photo_annotation(label))
    figure = plots.boxes(
        photos.images[photos.classes.index(label)], boxes, f"{label}: {len(boxes)} boxes"
    )
    figure.set_size_inches(3.7, 3.7)
    return figure


def mean_pictures() -> Figure:
    train = data.load("fashion-mnist")
    means = torch.stack(
        [train.images[train.labels == label].float().mean(0) for label in range(10)]
    )
    return plots.images(
        means, train.classes, columns=5, title="The mean picture of each class", width=6.2
    )


def three_piles() -> Figure:
    figure, axes = sheet("Three piles of pictures", (9, 2.6), bare=True)
    piles = (
        ("learn from", 0.66, COLOURS[0], "the net changes"),
        ("validate on", 0.12, COLOURS[4], "you choose"),
        ("test on", 0.22, COLOURS[2], "once, to judge"),
    )
    x = 0.0
    for name, width, colour, use in piles:
        axes.add_patch(Rectangle((x, 0), width - 0.008, 1, facecolor=colour, edgecolor="none"))
        words, ink = name.replace(" ", "\n"), "white" if colour != COLOURS[4] else "black"
        axes.text(x + width / 2, 0.5, words, fontsize=16, color=ink, fontweight="bold", **MIDDLE)
        axes.text(x + width / 2, -0.18, use, ha="center", va="top", fontsize=14, color=INK)
        x += width
    axes.set(xlim=(0, 1), ylim=(-0.5, 1))
    figure.description = "A bar in three parts: a large one to learn from, on which the net changes; a small one to validate on, by which you choose; one to test on, once, to judge."
    return figure


def top_three() -> Figure:
    """A picture whose class is in the second place: wrong at the first guess, right among the first two."""
    predictions, test = clothes()
    order = predictions.probabilities.argsort(1)[:, ::-1]
    number = int(np.flatnonzero(order[:, 1] == predictions.labels)[3])
    picture, label = test[number]
    true, guess = test.classes[label], predictions.probabilities[number]
    return plots.top_k(picture, guess, test.classes, k=3, true=true)


def surprise() -> Figure:
    return plots.cross_entropy_curve()


def matrix() -> Figure:
    figure = plots.confusion(evaluation.evaluate(clothes()[0]))
    figure.set_size_inches(6.2, 4.0)
    return figure


def shirts() -> Figure:
    """Hits, misses and false alarms of one class as three groups of dots."""
    predictions, test = clothes()
    shirt = test.classes.index("Shirt")
    said, true = predictions.predicted == shirt, predictions.labels == shirt
    groups = {
        "hits\nshirts, called shirts": ((said & true).sum(), COLOURS[2], "o"),
        "misses\nshirts, called something else": ((~said & true).sum(), COLOURS[1], "x"),
        "false alarms\nothers, called shirts": ((said & ~true).sum(), COLOURS[4], "^"),
    }
    hits, misses, alarms = (int(count) for count, *_ in groups.values())
    figure = Figure("The shirts", (9, 3.4))
    figure.supxlabel(
        f"precision {hits} / ({hits} + {alarms}) = {hits / (hits + alarms):.2f},   recall {hits} / ({hits} + {misses}) = {hits / (hits + misses):.2f}",
        fontsize=15,
        color=INK,
    )
    for axes, (name, (count, colour, marker)) in zip(figure.subplots(1, 3), groups.items()):
        places = np.arange(count)
        axes.plot(places % 15, -(places // 15), marker, color=colour, markersize=8)
        axes.set(xlim=(-1, 15), ylim=(-10, 1))
        axes.set_title(f"{count} {name}", fontsize=13, color=INK)
        axes.axis("off")
    figure.description = (
        f"Dots in three groups: {hits} shirts that the net called shirts, {misses} shirts that it missed, {alarms} other things that it called shirts. "
        f"Precision {hits / (hits + alarms):.2f}, recall {hits / (hits + misses):.2f}."
    )
    return figure


def chance() -> Figure:
    """Accuracies of 1,000 sets of 2,000 pictures drawn from one."""
    predictions, _ = clothes()
    right = predictions.predicted == predictions.labels
    n, p = len(right), right.mean()
    drawn = np.random.default_rng(0).choice(right, (1000, n)).mean(axis=1)
    margin = 1.96 * np.sqrt(p * (1 - p) / n)
    return plots.histogram(
        100 * drawn,
        "accuracy in % on 2,000 pictures",
        mark=100 * p,
        interval=(100 * (p - margin), 100 * (p + margin)),
    )


def twins() -> Figure:
    found = [one for one in data.rejected() if one.twin is not None][:12:2]
    pictures = [picture for one in found for picture in (one.picture, one.twin)]
    return plots.images(
        pictures,
        ["out", "stayed"] * len(found),
        columns=6,
        title="Twins: taken out, and stayed",
        width=7,
    )


def four_parts() -> Figure:
    """One digit through a kernel, ReLU and pooling, as the first cells of chapter 2 do it."""
    digits = data.load("mnist")
    seven = digits.images[digits.labels == 7][0, 0].float() / 255
    kernel = torch.tensor([[-1.0, -1.0, -1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    edges = nn.functional.conv2d(seven[None, None], kernel[None, None])[0, 0]
    active = edges.clamp(min=0)
    pooled = active.reshape(13, 2, 13, 2).amax(dim=(1, 3))
    names = ("picture\n28 x 28", "convolution\n26 x 26", "activation\n26 x 26", "pooling\n13 x 13")
    return plots.images(
        [seven, edges, active, pooled],
        names,
        columns=4,
        title="One digit through convolution, ReLU and pooling",
        width=9,
    )


def timeline() -> Figure:
    """The named architectures, year by year: the first of each family."""
    cards: dict[str, models.ModelCard] = {}
    for card in values.named_architectures():
        family = card.title.split(",")[0].rsplit("-", 1)[0]  # "ResNeXt-50, 32x4d" is a ResNeXt
        cards.setdefault({"SE-ResNet": "SENet"}.get(family, family), card)
    figure, axes = sheet("Architectures by year", (9, 3.7))
    years = sorted({card.year for card in cards.values()})
    level = dict.fromkeys(years, 0)
    above = {"xytext": (0, 11), "textcoords": "offset points", "ha": "center"}
    for family, card in cards.items():
        level[card.year] += 1
        point = years.index(card.year), level[card.year]
        axes.plot(*point, "o", color=COLOURS[0], markersize=11)
        axes.annotate(family, point, fontsize=13, color=INK, **above)
    axes.set_xticks(range(len(years)), years, fontsize=14)
    axes.set(ylim=(0.4, 3.9), xlim=(-0.5, len(years) - 0.5))
    axes.yaxis.set_visible(False)
    axes.spines["left"].set_visible(False)
    said = "; ".join(f"{card.title} {card.year}" for card in cards.values())
    figure.description = f"Architectures on a line of years: {said}."
    return figure


def layers_of(name: str) -> Figure:
    """The parameters of a net, layer by layer."""
    with torch.device("meta"):
        rows = models.summary(models.build(name, classes=1000), (3, 224, 224))
    counted = [row for row in rows if row.parameters]
    return plots.bars(
        {
            f"{place}. {'dense' if row.kind == 'Linear' else 'convolution'}": row.parameters / 1e6
            for place, row in enumerate(counted, 1)
        },
        f"million parameters of {models.card(name).title}, layer by layer",
    )


def net(name: str) -> Figure:
    return plots.architecture(name)


def contest_2012() -> Figure:
    return plots.bars(
        {"the next best": 26.2, "AlexNet": 15.3},
        "top-5 error in %, ILSVRC 2012 (Krizhevsky et al. 2012, abstract)",
    )


def tricks() -> Figure:
    rows = [row for row in recorded.load("tricks")["results"] if row["activation"] == "ReLU"]
    names = {
        (False, False): "ReLU",
        (True, False): "ReLU, dropout",
        (False, True): "ReLU, augmented",
        (True, True): "ReLU, dropout, augmented",
    }
    return plots.runs(
        {names[row["dropout"], row["augment"]]: row["accuracy"] for row in rows},
        f"test accuracy, 300 training digits ({recorded.label('tricks')})",
    )


def sees_five() -> Figure:
    """Two 3x3 kernels in a row see 5x5 pixels."""
    figure = Figure("Two 3x3 see as far as one 5x5", (9, 3.4))
    parts = (
        ("5x5 pixels", 5, 0.35),
        ("3x3 answers\nof the first kernel", 3, 0.7),
        ("one answer\nof the second", 1, 1),
    )
    for axes, (name, side, alpha) in zip(figure.subplots(1, 3), parts):
        for row, column in np.ndindex(side, side):
            corner = (column - side / 2, row - side / 2)
            axes.add_patch(Rectangle(corner, 0.92, 0.92, facecolor=COLOURS[0], alpha=alpha))
        axes.set(xlim=(-2.7, 2.7), ylim=(-2.7, 2.7), aspect="equal")
        axes.set_title(name, fontsize=14, color=INK)
        axes.axis("off")
    figure.description = "A square of 5x5 pixels, beside it 3x3 answers of a first 3x3 kernel, beside it the one answer of a second 3x3 kernel, which depends on all 25 pixels."
    return figure


def gradients() -> Figure:
    """The length of the gradient in each of twelve layers before training, as chapter 2 computes it."""
    images, labels = next(iter(data.Batches(data.load("fashion-mnist"), 128, device="cpu")))
    found = {}
    for name, activation, norm in (
        ("sigmoid", nn.Sigmoid, False),
        ("ReLU", nn.ReLU, False),
        ("sigmoid, batch norm", nn.Sigmoid, True),
    ):
        torch.manual_seed(0)
        layers = [nn.Conv2d(16 if i else 1, 16, 3, padding=1) for i in range(12)]
        parts = [
            part
            for layer in layers
            for part in (layer, nn.BatchNorm2d(16) if norm else nn.Identity(), activation())
        ]
        net = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))
        nn.functional.cross_entropy(net(images), labels).backward()
        found[name] = {
            place: [layer.weight.grad.norm().item()] for place, layer in enumerate(layers, 1)
        }
    figure = plots.lines(found, "layer", "length of the gradient", log=True)
    figure.set_size_inches(9, 3.5)
    return figure


def degradation() -> Figure:
    errors = {
        kind: {int(layers): row["training_error"] for layers, row in found.items()}
        for kind, found in recorded.load("degradation")["results"].items()
    }
    return plots.lines(errors, "layers", f"training error ({recorded.label('degradation')})")


def tradeoff() -> Figure:
    points = {}
    for card in models.catalog():
        if card.top1:
            with torch.device("meta"):
                net = models.build(card.name, classes=1000)
            cost = models.summary(net, (3, card.pixels, card.pixels)).multiply_adds
            points[card.name] = (cost / 1e9, card.top1)
    later = {card.name: card.top1_v2 for card in models.catalog()}
    words = "billion multiply-adds a picture", "ImageNet top-1 accuracy, %"
    figure = plots.tradeoff(points, *words, later=later)
    figure.set_size_inches(10, 4.2)
    return figure


def ideas() -> Figure:
    found = recorded.load("ideas")["results"]
    ranked = sorted(
        [idea for idea in found if idea not in ("alexnet_bn", "vit", "convnext")],  # after the deck
        key=lambda idea: -sum(found[idea]["accuracy"]),
    )  # as the chapter's table has them
    figure = plots.runs(
        {idea: found[idea]["accuracy"] for idea in ranked},
        f"test accuracy ({recorded.label('ideas')})",
    )
    figure.set_size_inches(9, 4.05)
    return figure


def never_seen() -> Figure:
    """Digits as people write them elsewhere, and what the bundled LeNet reads."""
    from workshop_utils import widgets

    asked = widgets.written_digits(data.load("mnist"))
    said = evaluation.predict(models.ready("lenet-mnist"), asked)
    sure = said.probabilities.max(axis=1)
    titles = [
        f"{name}\nread as {read}\n{part:.0%} sure"
        for name, read, part in zip(asked.names, said.predicted, sure)
    ]
    return plots.images(asked, titles, columns=6, title="Digits that the net never saw", width=8.5)


def photographs() -> Figure:
    net, photos, names = backbone(), data.load("photos"), data.imagenet.class_names()
    labels = ("espresso", "cocker spaniel", "tabby", "fig", "rocket")
    chosen = [photos.classes.index(label) for label in labels]
    titles = [
        f"{photos.classes[place]}\nit says:\n{names[int(probabilities(net, photos.images[place]).argmax())]}"
        for place in chosen
    ]
    title = "Photographs, and what the net says"
    return plots.images(photos.images[chosen], titles, columns=5, title=title, width=9)


def preprocessing() -> Figure:
    """The chapter's three ways to prepare the same photograph."""
    net, photos = backbone(), data.load("photos")
    picture = photos.images[photos.classes.index("cocker spaniel")]
    ways = {
        "right": net.preprocess,
        "mean, std of torchvision": models.preprocessing(
            resize=256, crop=224, mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]
        ),
        "0 to 255, not scaled": lambda images: 127.5 * (net.preprocess(images) + 1),
    }
    shown = [way(picture) for way in ways.values()]
    titles = [f"{name}\n{one.min():.1f} to {one.max():.1f}" for name, one in zip(ways, shown)]
    title = "What the net gets, lowest value dark, highest light"
    return plots.images(shown, titles, columns=3, title=title, width=6.4)


def two_ways(way: str) -> Figure:
    """Feature extraction or fine-tuning: which parts of the net learn."""
    learns = {"features": (False, False, False), "finetuning": (False, True, True)}[way]
    title = "Feature extraction" if way == "features" else "Fine-tuning"
    figure, axes = sheet(title, (9, 2.4), bare=True)
    parts = (
        ("picture", 1.1, None),
        ("lower stages", 2.2, learns[0]),
        ("upper stages", 2.2, learns[1]),
        ("1,280\nfeatures", 1.4, None),
        ("new head", 1.6, True),
        ("answer", 1.1, None),
    )
    x, said = 0.0, []
    for name, width, learning in parts:
        middle, bold = x + width / 2, {"fontsize": 15, "fontweight": "bold", **MIDDLE}
        if learning is None:
            _box(axes, (x, 0), width, 1, facecolor="white", edgecolor="#9AA5B1", linewidth=2)
            axes.text(middle, 0.5, name, color=INK, **bold)
        else:
            colour, hatch = (COLOURS[1], "//") if learning else (COLOURS[0], None)
            look = {"facecolor": colour, "edgecolor": colour, "linewidth": 2, "hatch": hatch}
            _box(axes, (x, 0), width, 1, **look)
            behind = {"facecolor": colour, "edgecolor": "none", "pad": 3} if learning else None
            axes.text(middle, 0.5, name, color="white", bbox=behind, **bold)
            word = "learns" if learning else "frozen"
            axes.text(middle, -0.15, word, ha="center", va="top", fontsize=15, color=INK)
            said.append(f"{name} {'learn' if learning else 'stay as they are'}")
        if x:
            _arrow(axes, (x - 0.5, 0.5), (x, 0.5), 1.8)
        x += width + 0.5
    axes.set(xlim=(-0.05, x - 0.45), ylim=(-0.4, 1.05))
    figure.description = f"{title}, from left to right: a picture, lower stages, upper stages, 1,280 features, a new head, the answer. {'; '.join(said)}."
    return figure


def few_pictures() -> Figure:
    found = recorded.load("fewshot")["results"]
    accuracy = {
        way.replace("fine tuned", "fine-tuned"): {
            int(k): row["accuracy"] for k, row in rows.items()
        }
        for way, rows in found.items()
    }
    return plots.lines(accuracy, "pictures a class", f"test accuracy ({recorded.label('fewshot')})")


def drawings() -> Figure:
    two = data.load("clip-art").per_class(2, seed=1)
    return plots.images(two, columns=9, title="Two pictures of each clip-art class", width=9)


def heat(label: str, target: str = "") -> Figure:
    """Grad-CAM over a photograph, for the class that the net says or for `target`."""
    net, photos, names = backbone(), data.load("photos"), data.imagenet.class_names()
    label = label.replace("_", " ")
    picture = photos.images[photos.classes.index(label)]
    said = (
        names.index(target.replace("_", " "))
        if target
        else int(probabilities(net, picture).argmax())
    )
    return _heated(net, picture, said, label, names[said])


def shortcut() -> Figure:
    """Six training pictures of the shortcut that chapter 3 builds: animals in the mountains, vehicles on paper."""
    photos, train = data.load("photos"), data.load("clip-art")
    mountain = _side_128(photos.images[photos.classes.index("alp")], "area")
    scenes, titles = [], []
    for kind, ground in (("mammal", mountain), ("vehicle", torch.full_like(mountain, 255))):
        for drawing in train.images[train.labels == train.classes.index(kind)][:3]:
            scenes.append(torch.where((drawing >= 230).all(0), ground, drawing))
            titles.append(kind)
    return plots.images(scenes, titles, columns=6, title="Six of 30 training pictures", width=9)


def _heated(net, picture, target: int, true: str, said: str) -> Figure:
    ready = net.preprocess(picture)
    heated = explain.grad_cam(net, ready, target)
    figure = Figure(f"Grad-CAM of '{said}'", (7.4, 3.7))
    left, right = figure.subplots(1, 2)
    for axes, title in ((left, true), (right, f"where '{said}' comes from")):
        axes.imshow(drawable(ready))
        axes.set_title(title, fontsize=13, color=INK)
        axes.axis("off")
    right.imshow(heated, cmap="inferno", alpha=0.55)
    row, column = divmod(int(heated.argmax()), heated.shape[1])
    across, down = (
        ("left", "middle", "right")[3 * column // heated.shape[1]],
        ("top", "middle", "bottom")[3 * row // heated.shape[0]],
    )
    figure.description = (
        f"Left a photograph of {true}. Right the same with a map of where the score of '{said}' comes from: most at the {down} {across}; "
        f"{(heated > 0.5).float().mean():.0%} of the picture count at least half as much."
    )
    return figure


@lru_cache
def clothes() -> tuple[evaluation.Predictions, data.ImageDataset]:
    """What the LeNet that comes with the course says of the bundled test clothes."""
    test = data.load("fashion-mnist", "test")
    return evaluation.predict(models.ready("lenet-fashion-mnist"), test), test


@lru_cache
def backbone() -> nn.Module:
    return models.build("efficientnet_lite0", classes=1000, pretrained=True).eval()


def probabilities(net: nn.Module, picture: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return net(net.preprocess(picture)[None]).softmax(1)[0]


FIGURES = {
    name: function
    for name, function in list(globals().items())
    if not name.startswith("_") and getattr(function, "__annotations__", {}).get("return") is Figure
}
FIGURES["block"] = plots.block
