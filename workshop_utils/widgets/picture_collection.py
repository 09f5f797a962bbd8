"""Can it learn your things? Two classes or more from camera, files or a folder; a head on frozen features; then new pictures."""

from base64 import b64decode
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import ipywidgets
import numpy as np
import torch
import traitlets
from torch import Tensor, nn
from torchvision.transforms.v2.functional import resize

from workshop_utils import evaluation, plots, takehome
from workshop_utils.data import DamagedFile, ImageDataset
from workshop_utils.data.picture_files import given
from workshop_utils.figure import Figure, counts_in_cells, mosaic, short
from workshop_utils.widgets.collection import Collection, Given
from workshop_utils.widgets.panel import (
    Panel,
    button,
    buttons,
    clickable,
    each_time,
    row,
    scripted,
    wide,
)

TILE, CLASSES_AT_MOST, ANSWERS_AT_MOST = 96, 10, 24  # pixels; classes and answers that are drawn
LEARN, ASK = "a class to learn", "classify it"
PAGE = "my-classifier.html"


def own_pictures(
    net: nn.Module, examples: ImageDataset | None = None, *, folder: str | Path = "my-pictures"
) -> Panel:
    """Collects pictures of your classes, trains a head, and classifies new pictures. `panel.collection.classifier` is the net.

    net: a pretrained net with its preprocessing. examples: pictures to begin with, for those who have no camera at hand.
    folder: where your pictures are kept, so that they are there again when the cell is run again.
    """
    collection = Collection(net, examples, folder)
    use = buttons("pictures are", (LEARN, ASK))
    name = wide(ipywidgets.Text, "name of the class", placeholder="for example: cup")
    photos: traitlets.Dict = traitlets.Dict({})
    browser = scripted("pictures.js", photos=photos)
    files = ipywidgets.FileUpload(accept="image/*", multiple=True, layout={"width": "auto"})
    files.description = "or files as they are, 6 MB at most in all"
    typed = wide(ipywidgets.Text, "or a folder", placeholder="path of a folder or zip")

    def take(files: Given) -> None:
        collection.ask(files) if use.value == ASK else collection.add({name.value: files})

    def take_folder() -> None:
        if not typed.value.strip():
            raise ValueError("Type the path of a folder or a zip first.")
        collection.add_folder(given(typed.value), name.value)

    def take_back(x: float, y: float) -> None:
        if place := clicked(panel.figure, collection, x, y):
            panel.act(lambda: collection.take_back(*place))

    def write_page() -> None:
        megabytes = takehome.classifier(collection.trained(), PAGE).stat().st_size / 1e6
        collection.said = f" '{PAGE}' ({megabytes:.1f} MB) stands beside this notebook. It opens by double click, and on a phone that got it by cable or Bluetooth."

    take_all = button("Take the folder", lambda: read(take_folder))
    page = button(f"Write {PAGE}", lambda: panel.act(write_page, doing="Writing the page ..."))
    train = button("Train", lambda: panel.act(collection.train, doing="Features ..."))
    train.button_style = "primary"
    ways = row(*filter(None, (browser, files)))
    above = [row(use, name), ways, row(typed, take_all, train, page)]
    picture = clickable("Your pictures: click on one to take it back", take_back)
    draw = lambda: own_figure(collection)
    offers = {"collection": collection, "name": name, "use": use}
    panel = Panel("Your own classifier", draw, {}, above=above, picture=picture, **offers)
    read = lambda action: panel.act(action, doing="Reading ...")
    use.observe(lambda _: panel.act(collection.asked.clear), names="value")
    each_time(files, "value", lambda value: read(lambda: take(uploaded(value))))
    if browser:
        waiting: Given = []
        each_time(browser, "photos", lambda part: read(lambda: together(waiting, part, take)))
    return panel


def own_figure(collection: Collection) -> Figure:
    """All pictures of each class, once trained beside how many are right; once asked, the new pictures and what they are taken for."""
    trained: Any = collection.classifier
    if trained and collection.answers and collection.asked:
        figure = answers_figure(collection.asked, collection.answers.probabilities, trained)
        figure.description += collection.said
        return figure
    pictures = collection.pictures
    shown = [*pictures.items()][:CLASSES_AT_MOST]
    matrix = collection.score if trained and len(pictures) <= CLASSES_AT_MOST else None
    figure = Figure("Your pictures", (10, 3.4))
    halves = figure.add_gridspec(1, 2, width_ratios=(3, 2)) if matrix else figure.add_gridspec(1, 1)
    across = 1 if len(shown) < 4 else 2
    down = max(1, -(-len(shown) // across))
    places = halves[0].subgridspec(down, across)
    for place, (name, found) in enumerate(shown):
        axes = figure.add_subplot(places[place])
        axes.axis("off")
        columns = max(8, round((len(found) * (6 if matrix else 10) / across * down / 2.6) ** 0.5))
        side = min(TILE, 800 // columns)
        tiles = [*resize(torch.stack(found), [side, side], antialias=True)]
        white = torch.full_like(tiles[0], 255)
        every = mosaic(tiles + [white] * (columns - len(tiles)), columns)
        axes.imshow(every, extent=(0, columns, -(-len(tiles) // columns), 0))
        axes.set_anchor("NW")
        axes.set_title(f"{short(name)}: {len(found)}", fontsize=12, loc="left")
    if matrix:
        axes, confusion = figure.add_subplot(halves[1]), evaluation.evaluate(matrix).confusion
        counts_in_cells(axes, confusion, matrix.classes)
        right = f"{confusion.trace()} of {confusion.sum()} are right"
        axes.set(xlabel="what it said", ylabel="what it is", title=right)
    counts = ", ".join(f"{len(found)} of '{name}'" for name, found in pictures.items())
    todo = "Give two classes a few pictures each, then press 'Train'."
    if trained:
        todo = f"A head is trained: choose '{ASK}' and give it new pictures."
    figure.description = f"There are {counts or 'no pictures yet'}. {todo}"
    if pictures:
        figure.description += (
            f" To take a picture back, click on it, or delete its file in '{collection.folder}'."
        )
    if len(pictures) > CLASSES_AT_MOST:
        figure.description += f" The first {CLASSES_AT_MOST} classes are shown."
    figure.description += collection.said
    if odd := ", ".join(collection.unreadable):
        figure.description += f" Left out, for they cannot be read as pictures: {odd}."
    return figure


def clicked(figure: Figure, collection: Collection, x: float, y: float) -> tuple[str, int] | None:
    """(class, number) of the picture under a click on what `own_figure` drew; x and y are fractions from the top left corner."""
    if collection.classifier and collection.asked:
        return None
    at: Any = (figure.bbox.width * x, figure.bbox.height * (1 - y))
    for axes, (name, found) in zip(figure.axes, collection.pictures.items()):
        column, line = axes.transData.inverted().transform(at)
        number = int(line) * int(axes.get_xlim()[1]) + int(column)
        if axes.contains_point(at) and number < len(found):
            return name, number
    return None


def answers_figure(pictures: list[Tensor], probabilities: np.ndarray, classifier: Any) -> Figure:
    """New pictures, each with its most probable class: one with the probabilities of all, the first of several side by side."""
    if len(pictures) == 1:
        return answer_figure(pictures[0], torch.from_numpy(probabilities[0]), classifier)
    titles, words = [], []
    for each in probabilities:
        best = f"{classifier.classes[each.argmax()]}\n{each.max():.0%}"
        likely = each.max() >= classifier.threshold
        titles.append(best if likely else "none looks\nlikely")
        best = best.replace("\n", " ")
        words.append(best if likely else f"none looks likely (best: {best})")
    tiles = [resize(one, [TILE, TILE], antialias=True) for one in pictures[:ANSWERS_AT_MOST]]
    figure = plots.images(tiles, titles, columns=ANSWERS_AT_MOST // 2, title="Your new pictures")
    drawn = f", the first {len(tiles)} drawn" if len(tiles) < len(pictures) else ""
    figure.description = f"{len(pictures)} new pictures{drawn}, in their order: {'; '.join(words)}. It can say nothing but: {', '.join(classifier.classes)}."
    return figure


def answer_figure(picture: Tensor, probabilities: Tensor, classifier: Any) -> Figure:
    """A picture with the probabilities of the classes, and whether the most probable one looks likely at all."""
    classes, best = classifier.classes, int(probabilities.argmax())
    figure = plots.top_k(picture, probabilities.tolist(), classes, min(5, len(classes)))
    said = f"It says '{classes[best]}' with {probabilities[best]:.1%}."
    if probabilities[best] < classifier.threshold:
        said = f"None of these looks likely: the best, '{classes[best]}', has {probabilities[best]:.1%}, and 95 % of your own pictures reach {classifier.threshold:.1%}."
    figure.description = f"{said} It can say nothing but: {', '.join(classes)}."
    return figure


def uploaded(value: dict | tuple) -> Given:
    """The files in a FileUpload: ipywidgets 7 keeps them in a dict by name, 8 in a tuple."""
    files = value.items() if isinstance(value, dict) else ((file["name"], file) for file in value)
    return [(PurePosixPath(name).name, partial(bytes, file["content"])) for name, file in files]


def together(waiting: Given, part: dict, take: Callable[[Given], None]) -> None:
    """Takes photographs that the browser sends in parts, once all have come; what is left of parts that broke off is forgotten."""
    if part["start"] == 0:
        waiting.clear()
    for name, text in part["files"]:
        waiting.append((PurePosixPath(name).name, partial(from_browser, text)))
    if len(waiting) >= part["of"]:
        take([waiting.pop(0) for _ in waiting[:]])


def from_browser(text: str) -> bytes:
    """A photograph as the browser sends it: a data address with base64. Raises DamagedFile if it is none, but says why not."""
    if not text.startswith("data:"):
        raise DamagedFile(text)
    try:
        return b64decode(text.partition(",")[2])
    except ValueError:
        raise DamagedFile("did not arrive whole: give it again") from None
