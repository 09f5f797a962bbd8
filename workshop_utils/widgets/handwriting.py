"""Digits as people write them elsewhere: what MNIST, written in the United States, does not hold."""

import torch

from workshop_utils.data import ImageDataset
from workshop_utils.data.dataset import image_dataset
from workshop_utils.widgets.digit_pad import drawn

# the points (right, down) of the strokes on a pad of 280 x 280; a name begins with the digit that is meant
STROKES: dict[str, list[list[tuple[int, int]]]] = {
    "7, crossed": [[(60, 40), (210, 40), (130, 240)], [(80, 150), (230, 150)]],
    "1, long flag": [[(60, 160), (160, 40), (160, 240)]],
    "4, as ٤": [[(190, 50), (110, 70), (110, 110), (165, 125), (105, 160), (110, 210), (200, 220)]],
    "5, as ٥": [[(140, 60), (200, 100), (210, 170), (140, 220), (70, 170), (80, 100), (140, 60)]],
    "6, as ٦": [[(80, 50), (190, 50), (190, 240)]],
    "7, as ٧": [[(70, 40), (140, 230), (210, 40)]],
}


def written_digits(trained_on: ImageDataset) -> ImageDataset:
    """Six digits: the 7 and the 1 of Algeria and France, then 4, 5, 6 and 7 of Egypt and its neighbours, (6, 1, 28, 28) uint8.

    trained_on: MNIST, which gives classes, mean and spread. The names of the six, such as "7, crossed", are under `.names`.
    ٥ and 0 are the same picture with two labels: a net for both ways of writing has to be told which of them is meant.
    """
    trained_on = image_dataset(trained_on)
    pictures = torch.stack([*map(drawn, STROKES.values())])
    meant = torch.tensor([int(name[0]) for name in STROKES])
    made = ImageDataset(pictures, meant, trained_on.classes, name="written digits")
    made.mean, made.std = trained_on.mean, trained_on.std
    vars(made)["names"] = [*STROKES]
    return made
