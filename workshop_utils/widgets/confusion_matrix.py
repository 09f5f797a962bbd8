"""Which pictures hide behind a count? A confusion matrix whose cells open."""

from functools import partial

import numpy as np
from matplotlib.patches import Rectangle

from workshop_utils.data import ImageDataset
from workshop_utils.evaluation import Evaluation, predicted_pictures
from workshop_utils.figure import COLOURS, Figure, counts_in_cells, mosaic
from workshop_utils.widgets.panel import Panel, choice, clickable

TITLE = "The confusion matrix and its pictures"
MATRIX = (0.16, 0.27, 0.42, 0.7)  # left, bottom, width and height of the matrix within the picture


def confusion(evaluation: Evaluation, dataset: ImageDataset) -> Panel:
    """Click a cell, or choose its classes, and see its pictures. dataset: the pictures that were predicted, in order."""
    dataset = predicted_pictures(evaluation.predictions, dataset)
    classes, counts = evaluation.predictions.classes, evaluation.confusion
    off = counts * (1 - np.eye(len(classes), dtype=int))
    true, said = np.unravel_index(off.argmax(), off.shape)
    controls = {
        "true": choice("what it is", classes, value=classes[true]),
        "said": choice("what the net said", classes, value=classes[said]),
    }
    draw = partial(matrix_figure, evaluation, dataset)

    def opened(x: float, y: float) -> None:
        left, bottom, width, height = MATRIX
        across, down = (x - left) / width, (y - (1 - bottom - height)) / height
        if 0 <= across < 1 and 0 <= down < 1:  # NaN lies in none
            row, column = int(down * len(classes)), int(across * len(classes))
            panel.set(true=classes[row], said=classes[column])

    alt = "Confusion matrix: click a cell to see its pictures, or choose its classes above"
    picture = clickable(alt, opened)
    panel: Panel = Panel(TITLE, draw, controls, picture=picture)
    return panel


def matrix_figure(evaluation: Evaluation, dataset: ImageDataset, *, true: str, said: str) -> Figure:
    """The matrix with one cell framed, and up to 20 of the pictures counted in it."""
    predictions, counts = evaluation.predictions, evaluation.confusion
    row, column = predictions.classes.index(true), predictions.classes.index(said)
    figure = Figure(TITLE, (11, 5.2))
    figure.set_layout_engine("none")  # the cells stay where clicks are looked for
    matrix, pictures = figure.add_axes(MATRIX), figure.add_axes((0.62, 0.1, 0.37, 0.78))
    counts_in_cells(matrix, counts, predictions.classes, aspect="auto")
    matrix.set(xlabel="what the net said", ylabel="what it is")
    corner = column - 0.5, row - 0.5
    matrix.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=COLOURS[1], linewidth=4))
    found = np.flatnonzero((predictions.labels == row) & (predictions.predicted == column))
    pictures.axis("off")
    if len(found):
        shown = [dataset[int(number)][0] for number in found[:20]]
        pictures.imshow(mosaic(shown, 5), interpolation="nearest")
    first = ", the first 20" if len(found) > 20 else ""
    pictures.set_title(f"is '{true}', called '{said}': {len(found)}{first}", fontsize=12)
    what = "are right" if row == column else f"are wrongly called '{said}'"
    figure.description = f"{len(found)} of {counts[row].sum()} pictures of '{true}' {what}. "
    figure.description += f"Of all {counts[:, column].sum()} that the net calls '{said}', {counts[column, column]} are right."
    return figure
