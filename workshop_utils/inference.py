"""What a classifier says of picture files that nobody has labelled."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from zipfile import is_zipfile

import numpy as np
import torch
from torch import nn

from workshop_utils import device as devices
from workshop_utils.data.picture_files import LeftOut, Pictures, given, pictures_in, read_file, told
from workshop_utils.data.pictures import decode_in_turn
from workshop_utils.models.cost import answer
from workshop_utils.models.modes import evaluating, inside
from workshop_utils.models.preprocess import Preprocessing
from workshop_utils.paths import there
from workshop_utils.progress import progress
from workshop_utils.tables import Table

AT_A_TIME = 8  # pictures: however many files there are, they do not fill the memory


@dataclass(frozen=True)
class Answer:
    """The most probable class of one file, its probability, and whether that reaches the classifier's threshold."""

    file: str
    predicted: str
    probability: float
    likely: bool


def classify(net: nn.Module, files: str | Path | Iterable[str | Path], *, device=None) -> Table:
    """One row a picture file, with its class, the probability, and "none looks likely" below the net's threshold.

    net: with .classes and .preprocess, as `transfer.classifier` and `models.load` give it. files: a file, a folder (all
    that lies below it counts) or a zip, or several of them. Pictures of any size are read as `data.from_folder` reads them with
    size=net.preprocess.resize; files that cannot be read are named in a printed line.
    Raises FileNotFoundError for a path that does not exist, ValueError if no picture can be read or the net lacks one of the two.
    """
    net = inside(net)
    classes, recipe = getattr(net, "classes", None), getattr(net, "preprocess", None)
    if not isinstance(classes, (list, tuple, np.ndarray)) or not isinstance(recipe, Preprocessing):
        raise ValueError(
            "This net does not know its .classes and its .preprocess. transfer.classifier and models.load give one that does."
        )
    alone = isinstance(files, str) or not isinstance(files, Iterable)
    named: list[Any] = [files] if alone else list(files)  # type: ignore[arg-type]
    if not all(isinstance(path, (str, Path)) for path in named):
        raise ValueError(
            "classify reads files: give their paths. Of a picture in memory: net(net.preprocess(picture)[None]).softmax(1)."
        )
    found, left_out = _pictures(named)
    side, parts = recipe.resize, torch.arange(len(found)).split(AT_A_TIME)
    positions = [part.tolist() for part in parts if len(part)]
    decoded = decode_in_turn(found, positions, shape=(3, side, side), size=side)
    net.to(devices.pick(device))
    rows: list[Answer] = []
    with evaluating(net):
        for part, (images, odd) in zip(progress(positions, "Reading", len(positions)), decoded):
            left_out |= {PurePosixPath(found[place][0]): str(why) for place, why in odd.items()}
            if len(images):
                scores = answer(net, net.preprocess(images.to(devices.of(net))))
                if scores.shape[1:] != (len(classes),):
                    raise ValueError(
                        f"The net has {len(classes)} classes, but answers with {tuple(scores.shape[1:])} scores a picture."
                    )
                names = [str(found[place][0]) for place in part if place not in odd]
                for name, (sure, best) in zip(names, zip(*scores.float().softmax(1).max(1))):
                    likely = float(sure) >= getattr(net, "threshold", 0)
                    rows.append(Answer(name, str(classes[best]), float(sure), likely))
    if not rows:
        raise ValueError(f"There is no picture to classify.{told(left_out)}")
    if left_out:
        print(told(left_out).strip())
    columns = {"file": "file", "class": "predicted", "probability": "probability"}
    remark = lambda row: "" if row.likely else "none looks likely"
    return Table(rows, {**columns, "remark": remark})


def _pictures(paths: Iterable[str | Path]) -> tuple[Pictures, LeftOut]:
    """Every picture file of these paths, under a name by which it can be opened; and what else there was."""
    found, left_out = [], {}
    for path in map(given, paths):
        if not there(path):
            raise FileNotFoundError(
                f"There is no file and no folder '{path}'. Paths count from '{Path.cwd()}'."
            )
        files, odd = {PurePosixPath(): partial(read_file, str(path))}, {}
        if path.is_dir() or is_zipfile(path):
            files, odd = pictures_in(path)
        found += [(path.as_posix() / name, read) for name, read in sorted(files.items())]
        left_out |= {path.as_posix() / name: why for name, why in odd.items()}
    return found, left_out
