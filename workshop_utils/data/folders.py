"""People's own pictures: a folder, or a zip, with a folder for each class."""

from pathlib import Path, PurePosixPath

import torch

from workshop_utils.data.dataset import ImageDataset, LazyImageDataset
from workshop_utils.data.pictures import FilePairs, decode_all, picture_files

IN_MEMORY_AT_MOST = 1 << 30  # bytes of pixels; a folder that needs more stays on disk
SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "test",
    "valid": "test",
    "validation": "test",
}


def from_folder(
    path: str | Path, *, size: int = 128, test_fraction: float = 0.25, seed: int = 0
) -> tuple[ImageDataset, ImageDataset]:
    """(train, test) from a folder, or a zip, that holds one folder of pictures for each class.

    Pictures may lie deeper in their class folder. They are turned upright (EXIF), put on white where transparent, scaled
    and cut to size x size pixels, RGB. Folders named train and test (or val, training, testing) are kept as the split;
    without them `test_fraction` of every class is drawn with `seed`. Files that cannot be read are left out and named.
    More than 1 GiB of pixels stay on disk and are decoded when asked for (then a file that cannot be read is named when
    its turn comes).
    Raises ValueError if there are not two classes with two pictures each, FileNotFoundError if there is no such path.
    """
    path = Path(path).expanduser()
    files = list(picture_files(path).items())
    classes, parts = _split_folders(path, files)
    build = _left_on_disk if len(files) * 3 * size * size > IN_MEMORY_AT_MOST else _in_memory
    sets = [build(path, part, classes, size) for part in parts]
    if len(sets) == 1:
        _need_pictures(
            path,
            sets[0],
            2,
            "readable picture. Each needs at least two, one to learn from and one to test on",
        )
        sets = sets[0].split_off(test_fraction, seed)
    for dataset, split in zip(sets, ("train", "test")):
        dataset.split = split
        _need_pictures(
            path, dataset, 1, f"pictures in {split}. Put some there, or remove the class"
        )
    sets[1].mean, sets[1].std = sets[0].mean, sets[0].std = sets[0].pixel_statistics()
    return tuple(sets)


def _split_folders(path: Path, files: FilePairs) -> tuple[tuple[str, ...], list[FilePairs]]:
    """(classes, [train, test]) where there are folders of these names, else (classes, [everything])."""
    parts, splits = [files], {SPLIT_FOLDERS.get(name.parts[0].lower()) for name, _ in files}
    if splits == {"train", "test", None}:
        raise ValueError(
            f"'{path}' has folders for training and for testing, and others beside them: "
            f"{', '.join(sorted({name.parts[0] for name, _ in files}))}. Move the others into a part, or away."
        )
    if splits == {"train", "test"}:
        parts = [
            [
                (PurePosixPath(*name.parts[1:]), read)
                for name, read in files
                if SPLIT_FOLDERS[name.parts[0].lower()] == split
            ]
            for split in ("train", "test")
        ]
    return class_names(path, [name for part in parts for name, _ in part]), parts


def class_names(path: Path, files: list[PurePosixPath]) -> tuple[str, ...]:
    """The class folders of these files. Raises ValueError if pictures lie outside of one, or there are fewer than two."""
    loose = [name for name in files if len(name.parts) == 1]
    classes = sorted({name.parts[0] for name in files} - {name.parts[0] for name in loose})
    if len(classes) < 2 or loose:
        what = (
            f"{len(loose)} pictures lie outside of a class folder, '{loose[0]}' for one"
            if loose
            else f"only the class '{classes[0]}' has pictures"
        )
        raise ValueError(
            f"'{path}': {what}. Two classes or more are needed, each in a folder named after it."
        )
    return tuple(classes)


def _in_memory(path: Path, files: FilePairs, classes: tuple[str, ...], size: int) -> ImageDataset:
    """The pictures of these files; those that cannot be read are named in a printed line."""
    images, damaged = decode_all(files, f"Reading {path.name}", shape=(3, size, size), size=size)
    if damaged:
        named = "; ".join(
            f"{files[position][0]} {error}" for position, error in list(damaged.items())[:5]
        )
        print(
            f"{len(damaged)} of {len(files)} files in '{path.name}' were left out: {named}{' ...' if len(damaged) > 5 else ''}."
        )
    if not len(images):
        raise ValueError(f"None of the {len(files)} pictures in '{path}' can be read.")
    labels = torch.tensor(
        [
            classes.index(name.parts[0])
            for position, (name, _) in enumerate(files)
            if position not in damaged
        ]
    )
    return ImageDataset(images, labels, classes, name=path.stem, source=_source(path))


def _left_on_disk(
    path: Path, files: FilePairs, classes: tuple[str, ...], size: int
) -> LazyImageDataset:
    labels = torch.tensor([classes.index(name.parts[0]) for name, _ in files])
    return LazyImageDataset(
        [(str(name), read) for name, read in files],
        labels,
        classes,
        size=size,
        name=path.stem,
        source=_source(path),
    )


def _source(path: Path) -> str:
    return f"your {'zip' if path.is_file() else 'folder'}"


def _need_pictures(path: Path, dataset: ImageDataset, least: int, sentence: str) -> None:
    for name, count in zip(
        dataset.classes, torch.bincount(dataset.labels, minlength=len(dataset.classes)).tolist()
    ):
        if count < least:
            raise ValueError(f"'{path}': the class '{name}' has {count} {sentence}.")
