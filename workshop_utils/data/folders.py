"""People's own pictures: a folder, or a zip, with a folder for each class."""

import operator
from contextlib import suppress
from numbers import Integral, Real
from pathlib import Path, PurePosixPath
from typing import Any

import torch

from workshop_utils.data.dataset import ImageDataset, LazyImageDataset
from workshop_utils.data.picture_files import (
    Pictures,
    class_of,
    doubt,
    given,
    picture_files,
    split_folders,
    told,
)
from workshop_utils.data.pictures import decode_all

IN_MEMORY_AT_MOST = 1 << 30  # bytes of pixels; a folder that needs more stays on disk


def from_folder(
    path: str | Path, *, size: int = 128, test_fraction: float = 0.25, seed: int = 0
) -> tuple[ImageDataset, ImageDataset]:
    """(train, test) from a folder, or a zip or tar archive, that holds one folder of pictures for each class.

    Pictures may lie deeper in their class folder. They are turned upright (EXIF), put on white where transparent, scaled
    and cut to size x size pixels, RGB. Folders named train and test (or val, training_set, seg_test) are kept as the split;
    without them `test_fraction` of every class is drawn with `seed`; 0 draws none, and test is an empty set. size: for a
    pretrained net `net.preprocess.resize`, so that it reads what it would make of the files themselves. Files that cannot be
    read are left out and named, and folders that may be no classes. More than 1 GiB of pixels stay on disk, and are read, or named, when their turn comes.
    Raises ValueError without two classes of two pictures each (one, if none is for testing), FileNotFoundError without such a path.
    """
    path, size = given(path), pixels(size)
    sound = isinstance(test_fraction, Real) and 0 <= test_fraction < 1
    if not sound or not isinstance(seed, Integral):
        raise ValueError(
            f"test_fraction must lie between 0 and 1, such as 0.25, or be 0, and seed is a whole number, such as 0; these are {test_fraction!r} and {seed!r}."
        )
    files, left_out = picture_files(path)
    parts = split_folders(path, files, left_out)
    if left_out:
        print(f"In '{path.name}':{told(left_out)}")
    names = [name for part in parts for name, _ in part]
    classes = class_names(path, names)
    if words := doubt(names):
        print(words)
    build = _left_on_disk if len(files) * 3 * size * size > IN_MEMORY_AT_MOST else _in_memory
    train, *rest = (build(path, part, classes, size) for part in parts)
    if not rest and not test_fraction:
        rest = [train.subset([])]
    elif not rest:
        each = "readable picture. Each needs at least two, one to learn from and one to test on"
        _need_pictures(path, train, 2, each)
        train, *rest = train.split_off(test_fraction, int(seed))
    (test,) = rest
    for dataset, split in ((train, "train"), (test, "test")):
        dataset.split = split
        if len(dataset):
            none = f"pictures in {split}. Put some there, or remove the class"
            _need_pictures(path, dataset, 1, none)
    test.mean, test.std = train.mean, train.std = train.pixel_statistics()
    return train, test


def pixels(size: Any) -> int:
    """One side from what is given for it, (128, 128) too. Raises ValueError for what is none."""
    with suppress(TypeError):
        sides = {*map(operator.index, size if isinstance(size, (tuple, list)) else [size])}
        if len(sides) == 1 and 0 < (side := sides.pop()) <= 10_000:
            return side
    raise ValueError(f"size is the side of a square in pixels, such as 128; this is {size!r}.")


def class_names(path: Path, files: list[PurePosixPath]) -> tuple[str, ...]:
    """The class folders of these files. Raises ValueError if pictures lie outside of one, or there are fewer than two."""
    loose = [name for name in files if len(name.parts) == 1]
    classes = sorted({class_of(name) for name in files if len(name.parts) > 1})
    if loose or len(classes) < 2:
        what = (
            f"{len(loose)} pictures lie outside of a class folder, '{loose[0]}' for one"
            if loose
            else f"only the class '{classes[0]}' has pictures"
        )
        raise ValueError(
            f"'{path}': {what}. Two classes or more are needed, each in a folder named after it."
        )
    return tuple(classes)


def _in_memory(path: Path, files: Pictures, classes: tuple[str, ...], size: int) -> ImageDataset:
    """The pictures of these files; those that cannot be read are named in a printed line."""
    images, damaged = decode_all(files, f"Reading {path.name}", shape=(3, size, size), size=size)
    if damaged:
        named = [f"{files[position][0]} {error}" for position, error in damaged.items()]
        print(
            f"{len(damaged)} of {len(files)} files in '{path.name}' were left out: {'; '.join(named[:5])}{' ...' * (len(named) > 5)}."
        )
    if not len(images):
        raise ValueError(f"None of the {len(files)} pictures in '{path}' can be read.")
    whole = [file for position, file in enumerate(files) if position not in damaged]
    return ImageDataset(images, _labels(whole, classes), classes, **_about(path))


def _left_on_disk(path: Path, files: Pictures, classes: tuple[str, ...], size: int) -> ImageDataset:
    return LazyImageDataset(files, _labels(files, classes), classes, size=size, **_about(path))


def _labels(files: Pictures, classes: tuple[str, ...]) -> torch.Tensor:
    return torch.tensor([classes.index(class_of(name)) for name, _ in files])


def _about(path: Path) -> dict[str, Any]:
    return {"name": path.stem, "source": f"your {'zip' if path.is_file() else 'folder'}"}


def _need_pictures(path: Path, dataset: ImageDataset, least: int, sentence: str) -> None:
    counts = torch.bincount(dataset.labels, minlength=len(dataset.classes)).tolist()
    for name, count in zip(dataset.classes, counts):
        if count < least:
            raise ValueError(f"'{path}': the class '{name}' has {count} {sentence}.")
