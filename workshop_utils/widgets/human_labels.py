"""How good are you yourself? A person labels pictures, and the answers become predictions like those of a net."""

import json
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import numpy as np
from torch import Tensor

from workshop_utils import journal, paths
from workshop_utils.data import ImageDataset
from workshop_utils.data.dataset import image_dataset
from workshop_utils.data.pictures import fingerprint
from workshop_utils.evaluation import Predictions
from workshop_utils.figure import Figure, drawable, sheet
from workshop_utils.widgets.panel import Panel, buttons, slider

FILE, UNDECIDED = "labels.json", "?"
# the probability that an answer stands for; the other classes share the rest
SURE = {"sure": 0.91, "not sure": 0.55}
_unkept: list[str] = []  # why the last answer could not be written


def labelling(dataset: ImageDataset) -> Panel:
    """Shows the pictures of a set one by one; a click or a digit names the class, and the next picture comes.

    dataset: of at most ten classes. Answers are kept when the kernel ends; `your_labels` has them as predictions.
    """
    dataset = image_dataset(dataset)
    names = {f"{label} {name}": name for label, name in enumerate(dataset.classes)}
    texts = {name: text for text, name in names.items()}

    def said(number: int) -> dict[str, str]:
        name, how = _remembered().get(fingerprint(dataset.images[number - 1]), ("", "sure"))
        return {"answer": texts.get(name, UNDECIDED), "sure": how}

    def without_label(numbers: Iterable[int], otherwise: int) -> int:
        return next((n for n in numbers if said(n)["answer"] == UNDECIDED), otherwise)

    def moved(control: str, state: dict) -> dict:
        number = state["number"]
        if control == "number":
            return said(number)
        if state["answer"] == UNDECIDED:
            return {}
        _remember(dataset.images[number - 1], names[state["answer"]], state["sure"])
        if control == "sure":  # only how sure the last answer was has changed
            return {}
        following = without_label([*range(number + 1, len(dataset) + 1), *range(1, number)], number)
        return {"number": following, **said(following)}

    first = without_label(range(1, len(dataset) + 1), 1)
    controls = {
        "number": slider("picture", first, 1, len(dataset)),
        "sure": buttons("I am", tuple(SURE), value=said(first)["sure"]),
        "answer": buttons("it is", (UNDECIDED, *names), value=said(first)["answer"]),
    }
    draw = lambda number, sure, answer: labelling_figure(dataset, number=number)
    return Panel("You against the net", draw, controls, moved=moved)


def labelling_figure(dataset: ImageDataset, *, number: int) -> Figure:
    """One picture, small as the net gets it, and how many have a label."""
    picture, known = dataset.images[number - 1], _remembered()
    labelled = sum(fingerprint(other) in known for other in dataset.images)
    figure, axes = sheet("You against the net", (2.6, 2.7), bare=True)
    axes.imshow(drawable(picture), interpolation="nearest")
    axes.set_title(f"picture {number} of {len(dataset)}", fontsize=11)
    name, how = known.get(fingerprint(picture), ("", ""))
    ask = f"You said '{name}', {how}." if name else "What is it?"
    rest = " All have a label: run the next cell." if labelled == len(dataset) else ""
    ask += f" {labelled} of {len(dataset)} have a label.{rest}{''.join(_unkept)}"
    height, width = picture.shape[-2:]
    figure.description = f"Picture {number}, {height} x {width} pixels. {ask}"
    return figure


def your_labels(dataset: ImageDataset) -> Predictions:
    """What a person said in `labelling` to these pictures, as predictions; prints how many have a label.

    An answer stands for 91 % where the person was sure, else for 55 %, and the other classes share the rest. A picture without
    an answer counts as no idea: the same probability for every class.
    """
    dataset = image_dataset(dataset)
    known, count = _remembered(), len(dataset.classes)
    probabilities = np.full((len(dataset), count), 1 / count)
    labelled = 0
    for row, picture in zip(probabilities, dataset.images):
        name, how = known.get(fingerprint(picture), ("", ""))
        if name in dataset.classes:
            row[:] = (1 - SURE[how]) / (count - 1)
            row[dataset.classes.index(name)] = SURE[how]
            labelled += 1
    rest = ""
    if labelled < len(dataset):
        rest = f" The other {len(dataset) - labelled} count as no idea: the same probability for every class."
    print(f"You have labelled {labelled} of {len(dataset)} pictures.{rest}")
    return Predictions(probabilities, dataset.labels.numpy(), dataset.classes)


def _remembered() -> dict[str, tuple[str, str]]:
    folder = Path()
    with suppress(OSError):  # this computer has no place for them: they hold until the kernel ends
        folder = paths.folder()
    return _read(folder)


@lru_cache
def _read(folder: Path) -> dict[str, tuple[str, str]]:
    """A line holds the answer to one picture, later ones count; the first version had all in one line."""
    answers: dict[str, tuple[str, str]] = {}
    with suppress(OSError):
        for line in journal.load(FILE):
            # a line that somebody broke
            with suppress(ValueError, TypeError, AttributeError, RecursionError):
                said = json.loads(line).items()
                answers |= {key: (str(name), how) for key, (name, how) in said if how in SURE}
    return answers


def _remember(picture: Tensor, name: str, how: str) -> None:
    key = fingerprint(picture)
    _remembered()[key] = (name, how)
    _unkept.clear()
    try:
        journal.change(FILE, add=[json.dumps({key: (name, how)})])
    except OSError as error:
        _unkept.append(f" Your answers hold until this kernel ends. {error}")
