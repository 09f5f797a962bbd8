"""How do the sets differ? A browser of every set of the course, ten pictures at a time."""

from functools import lru_cache

import torch

from workshop_utils import data, plots
from workshop_utils.figure import Figure, extremes
from workshop_utils.widgets.panel import Panel, choice, slider


def browser() -> Panel:
    """Leafs through every data set of the course, ten pictures at a time."""
    cards = sorted(data.catalog(), key=lambda card: not card.bundled)  # first those that are here
    absent = {True: "", False: " (does not come with the course)"}
    names = [(card.name + absent[bool(card.bundled)], card.name) for card in cards]
    name, page = choice("data set", names, value="fashion-mnist"), slider("page", 1, 1, 20)
    controls = {"name": name, "page": page}
    return Panel("The data sets, picture by picture", browser_figure, controls)


def browser_figure(*, name: str, page: int) -> Figure:
    """Ten pictures of a set, drawn with the page as seed, and how many each class has; where it is not here, its card."""
    dataset = on_this_computer(name)
    if dataset is None:
        return plots.dataset_card(name)
    generator = torch.Generator().manual_seed(page)
    chosen = torch.randperm(len(dataset), generator=generator)[:10].tolist()
    pictures = [dataset[number][0] for number in chosen]
    classes = [dataset.classes[dataset.labels[number]] for number in chosen]
    title = f"{name}, page {page}"
    figure = plots.images(pictures, classes, columns=10, title=title, width=11)
    counts = torch.bincount(dataset.labels, minlength=len(dataset.classes)).tolist()
    each = extremes(dict(zip(dataset.classes, counts)), "pictures")
    figure.storable = data.card(name).storable
    figure.description = f"{dataset!r}. {each} On page {page}: {', '.join(classes)}."
    return figure


loaded = lru_cache(data.at_hand)  # each set is read once a kernel


def on_this_computer(name: str) -> data.ImageDataset | None:
    """The training pictures of a set, or None if they are not on this computer."""
    try:
        return loaded(name)
    except FileNotFoundError:  # not remembered: it may be fetched meanwhile
        return None
