"""Which set is a picture from? A game, for sets are easier to tell apart than one thinks."""

from functools import partial
from textwrap import fill
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from workshop_utils import data
from workshop_utils.figure import MIDDLE, Figure, drawable
from workshop_utils.widgets.panel import Panel, button, buttons, slider
from workshop_utils.widgets.set_browser import on_this_computer

TITLE = "Which set is this picture from?"
ROUNDS = 12  # pictures that are shown whole; as many follow of which only the frame is shown
FRAME = 4  # pixels
UNDECIDED = "?"
SETS = ("mnist", "fashion-mnist", "clip-art", "photos", "cifar10", "sign-mnist", "medical-mnist")


def guess_the_set() -> Panel:
    """Shows pictures as a net might read them, small and grey, then only a frame of others; which set are they from?

    A guess from a frame cannot come from what a picture shows. After Torralba and Efros 2011, "Unbiased Look at Dataset Bias".
    """
    guesses: dict[int, str] = {}
    names = tuple(name for name in SETS if drawn_from(name)[0])

    def moved(name: str, state: dict) -> dict:
        if name == "guess" and state["guess"] != UNDECIDED:
            guesses.setdefault(state["number"], state["guess"])  # the first guess counts
        return {"guess": guesses.get(state["number"], UNDECIDED)}

    number, guess = slider("picture", 1, 1, 2 * ROUNDS), buttons("from", (UNDECIDED, *names))
    controls = {"number": number, "guess": guess}
    draw = partial(guess_figure, names, guesses)

    def on() -> None:
        following = number.value % number.max + 1
        panel.set(number=following, guess=guesses.get(following, UNDECIDED))

    panel: Panel = Panel(TITLE, draw, controls, moved=moved, above=[button("next picture", on)])
    return panel


def guess_figure(
    names: tuple[str, ...], guesses: dict[int, str], *, number: int, guess: str
) -> Figure:
    """A picture, or its frame, as 28 x 28 grey pixels; once guessed, also as it is, with its set. guesses: those of all pictures."""
    name, picture, note = asked(names, number)
    figure, framed = Figure(TITLE, (8, 3.6)), number > ROUNDS
    left, right = figure.subplots(1, 2)
    small = interpolate(picture[None].float().mean(1, keepdim=True), (28, 28), mode="area")[0, 0]
    seen, what = torch.ones(28, 28, dtype=torch.bool), "28 x 28 grey pixels"
    if framed:
        seen[FRAME:-FRAME, FRAME:-FRAME] = False
        what = f"its frame, {FRAME} pixels wide"
        left.text(13.5, 13.5, "hidden", fontsize=14, **MIDDLE)
    left.imshow(drawable(small.where(seen, 190).byte()))
    left.set(title=f"Picture {number}: {what}", xticks=[], yticks=[])
    left.spines[:].set_visible(True)
    right.axis("off")
    if guess == UNDECIDED:
        light = f"mean {small[seen].mean():.0f} of 255, corners {small[::27, ::27].mean():.0f}"
        figure.description = f"Picture {number}: {what}, {light}. From which set? Choose above."
        return figure
    right.imshow(drawable(picture))
    right.set_title(fill(": ".join(filter(None, (name, note))), 42))
    verdict = f"{'Right' if guess == name else f'Not {guess}'}: it is from {name}. {note}".strip()
    right_ones = [place for place, said in guesses.items() if set_of(names, place) == said]
    frames = lambda places: sum(place > ROUNDS for place in places)
    score = f"{len(right_ones) - frames(right_ones)} of {len(guesses) - frames(guesses)} whole pictures and {frames(right_ones)} of {frames(guesses)} frames"
    figure.description = f"{verdict} Right so far: {score}; blind guessing gets 1 of {len(names)}."
    return figure


def set_of(names: tuple[str, ...], number: int) -> str:
    """The set of a picture: the same for everybody with the same sets, and each set about as often as the others in each round."""
    late, place = divmod(number - 1, ROUNDS)
    order = torch.randperm(ROUNDS, generator=torch.Generator().manual_seed(late + 1))
    return names[int(order[place]) % len(names)]


def asked(names: tuple[str, ...], number: int) -> tuple[str, Tensor, str]:
    """The set of one round, a picture of it, and what has to be said where the picture only stands in for one."""
    name = set_of(names, number)
    pictures, note = drawn_from(name)
    order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(0))
    turn = [set_of(names, earlier) for earlier in range(1, number)].count(name)
    return name, pictures[int(order[turn % len(order)])][0], note


def drawn_from(name: str) -> tuple[Any, str]:
    """The pictures of a set, and what has to be said of them; none where there are none on this computer."""
    if dataset := on_this_computer(name):
        return dataset, ""
    gallery = data.gallery(name)
    return [*zip(gallery.pictures, gallery.labels)], gallery.note
