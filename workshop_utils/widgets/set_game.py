"""Which set is a picture from? A game, for sets are easier to tell apart than one thinks."""

from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from workshop_utils.figure import Figure, drawable
from workshop_utils.widgets.panel import Panel, buttons, slider
from workshop_utils.widgets.set_browser import loaded, on_this_computer

TITLE = "Which set is this picture from?"
ROUNDS = 12
UNDECIDED = "?"
SETS = ("mnist", "fashion-mnist", "clip-art", "photos", "cifar10", "sign-mnist", "medical-mnist")


def guess_the_set() -> Panel:
    """Shows a picture, small and grey as a net might read it; which set is it from? After Torralba and Efros 2011, "Name That Dataset!"."""
    guesses: dict[int, str] = {}
    names = tuple(name for name in SETS if on_this_computer(name))

    def moved(name: str, state: dict) -> dict:
        if name == "guess" and state["guess"] != UNDECIDED:
            guesses.setdefault(state["number"], state["guess"])  # the first guess counts
        return {"guess": guesses.get(state["number"], UNDECIDED)}

    number, guess = slider("picture", 1, 1, ROUNDS), buttons("from", (UNDECIDED, *names))
    controls = {"number": number, "guess": guess}
    return Panel(TITLE, partial(guess_figure, names, guesses), controls, moved=moved)


def guess_figure(
    names: tuple[str, ...], guesses: dict[int, str], *, number: int, guess: str
) -> Figure:
    """A picture as 28 x 28 grey pixels; once guessed, also as it is, with its set. guesses: those of all pictures, for the score."""
    name, picture = asked(names, number)
    figure = Figure(TITLE, (7, 3.2))
    left, right = figure.subplots(1, 2)
    grey = picture[None].float().mean(1, keepdim=True)
    small = interpolate(grey, (28, 28), mode="area")[0]
    left.imshow(drawable(small.byte()))
    left.set_title(f"picture {number}, 28 x 28, grey")
    for axes in (left, right):
        axes.axis("off")
    if guess == UNDECIDED:
        mean, corners = small.mean(), small[0, ::27, ::27].mean()
        light = f"{'light' if mean > 128 else 'dark'} on average ({mean:.0f} of 255), corners {corners:.0f}"
        asks = "From which set? Choose above."
        figure.description = f"A picture of 28 x 28 grey pixels, {light}. {asks}"
        return figure
    right.imshow(drawable(picture))
    right.set_title(f"{name}, as it is")
    right_ones = sum(asked(names, number)[0] == said for number, said in guesses.items())
    verdict = "Right" if guess == name else f"Not {guess}"
    score = f"{right_ones} of {len(guesses)} guesses are right so far; blind guessing gets 1 of {len(names)}"
    figure.description = f"{verdict}: it is from {name}. {score}. Move to the next picture."
    return figure


def asked(names: tuple[str, ...], number: int) -> tuple[str, Tensor]:
    """The set and the picture of one round: the same for everybody with the same sets, in no order that could be learnt."""
    generator = torch.Generator().manual_seed(100 + number)
    name = names[int(torch.randint(len(names), (), generator=generator))]
    dataset = loaded(name)
    return name, dataset[int(torch.randint(len(dataset), (), generator=generator))][0]
