"""How do the sets differ? A browser of the sets on this computer, and a game: which set is this picture from?"""

from functools import lru_cache

import ipywidgets
import torch

from workshop_utils import data, plots
from workshop_utils.figure import Figure, drawable, extremes
from workshop_utils.widgets.panel import WIDE, Panel

ROUNDS = 12
UNDECIDED = "?"


def browser() -> Panel:
    """Leafs through every data set of the course, ten pictures at a time."""
    cards = sorted(
        data.catalog(), key=lambda card: not card.bundled
    )  # those that are here for certain come first
    names = [
        (card.name if card.bundled else f"{card.name} (does not come with the course)", card.name)
        for card in cards
    ]
    return Panel(
        "The data sets, picture by picture",
        browser_figure,
        {
            "name": ipywidgets.Dropdown(
                options=names, value="fashion-mnist", description="data set", **WIDE
            ),
            "page": ipywidgets.IntSlider(1, min=1, max=20, description="page", **WIDE),
        },
    )


def browser_figure(*, name: str, page: int) -> Figure:
    """Ten pictures of a set, drawn with the page as seed, and how many each class has; a frame where the set is not here."""
    dataset = _here(name)
    if dataset is None:
        return plots.dataset_card(name)
    chosen = torch.randperm(len(dataset), generator=torch.Generator().manual_seed(page))[
        :10
    ].tolist()
    figure = plots.images(
        [dataset[number][0] for number in chosen],
        [dataset.classes[dataset.labels[number]] for number in chosen],
        columns=10,
        title=f"{name}, page {page}",
        width=11,
    )
    counts = torch.bincount(dataset.labels, minlength=len(dataset.classes)).tolist()
    figure.description = (
        f"{dataset!r}. {extremes(dict(zip(dataset.classes, counts)), 'pictures')} "
        f"On page {page}: {', '.join(dataset.classes[dataset.labels[number]] for number in chosen)}."
    )
    return figure


def guess_the_set() -> Panel:
    """Shows a picture, small and grey as a net might read it; which set is it from? After Torralba and Efros 2011, "Name That Dataset!"."""
    guesses: dict[int, str] = {}
    names = tuple(
        name
        for name in (
            "mnist",
            "fashion-mnist",
            "clip-art",
            "photos",
            "cifar10",
            "sign-mnist",
            "medical-mnist",
        )
        if _here(name)
    )

    def moved(name: str, state: dict) -> dict:
        if name == "guess" and state["guess"] != UNDECIDED:
            guesses.setdefault(state["number"], state["guess"])  # the first guess counts
        return {"guess": guesses.get(state["number"], UNDECIDED)}

    return Panel(
        "Which set is this picture from?",
        lambda number, guess: guess_figure(names, guesses, number=number, guess=guess),
        {
            "number": ipywidgets.IntSlider(1, min=1, max=ROUNDS, description="picture", **WIDE),
            "guess": ipywidgets.ToggleButtons(
                options=(UNDECIDED, *names), description="from", style={"button_width": "auto"}
            ),
        },
        moved=moved,
    )


def guess_figure(
    names: tuple[str, ...], guesses: dict[int, str], *, number: int, guess: str
) -> Figure:
    """A picture as 28 x 28 grey pixels; once guessed, also as it is, with its set. guesses: those of all pictures, for the score."""
    name, picture = _asked(names, number)
    figure = Figure("Which set is this picture from?", (7, 3.2))
    left, right = figure.subplots(1, 2)
    small = torch.nn.functional.interpolate(
        picture[None].float().mean(1, keepdim=True), (28, 28), mode="area"
    )[0]
    left.imshow(drawable(small.byte()))
    left.set_title(f"picture {number}, 28 x 28, grey")
    left.axis("off")
    right.axis("off")
    if guess == UNDECIDED:
        light = "light" if small.mean() > 128 else "dark"
        figure.description = (
            f"A picture of 28 x 28 grey pixels, {light} on average ({small.mean():.0f} of 255), "
            f"corners {small[0, ::27, ::27].mean():.0f}. From which set? Choose above."
        )
        return figure
    right.imshow(drawable(picture))
    right.set_title(f"{name}, as it is")
    score = sum(_asked(names, asked)[0] == said for asked, said in guesses.items())
    verdict = "Right" if guess == name else f"Not {guess}"
    figure.description = (
        f"{verdict}: it is from {name}. {score} of {len(guesses)} guesses are right so far; blind guessing gets 1 of {len(names)}. "
        "Move to the next picture."
    )
    return figure


def _asked(names: tuple[str, ...], number: int) -> tuple[str, torch.Tensor]:
    """The set and the picture of one round: the same for everybody with the same sets, in no order that could be learnt."""
    generator = torch.Generator().manual_seed(100 + number)
    name = names[int(torch.randint(len(names), (), generator=generator))]
    dataset = _here(name)
    return name, dataset[int(torch.randint(len(dataset), (), generator=generator))][0]


def _here(name: str) -> data.ImageDataset | None:
    """The training pictures of a set if they are on this computer."""
    try:
        return _loaded(name)
    except FileNotFoundError:  # not remembered: it may be fetched meanwhile
        return None


@lru_cache
def _loaded(name: str) -> data.ImageDataset:
    return data.load(name, source="bundled" if data.card(name).bundled else "full", download=False)
