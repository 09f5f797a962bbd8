"""Data sets: what there is, and how to load it."""

from pathlib import Path

from workshop_utils.data import imagenet, sources
from workshop_utils.data.augment import augmentation
from workshop_utils.data.batches import Batches
from workshop_utils.data.bundled_files import photo_annotation, read_bundled, rejected
from workshop_utils.data.cards import DatasetCard, card, catalog
from workshop_utils.data.dataset import ImageDataset, LazyImageDataset, pixel_statistics
from workshop_utils.data.folders import from_folder
from workshop_utils.data.pictures import DamagedFile
from workshop_utils.paths import data_home

__all__ = [
    "Batches",
    "DamagedFile",
    "DatasetCard",
    "ImageDataset",
    "LazyImageDataset",
    "augmentation",
    "card",
    "catalog",
    "data_home",
    "from_folder",
    "imagenet",
    "load",
    "photo_annotation",
    "rejected",
]


def load(
    name: str,
    split: str = "train",
    *,
    source: str = "bundled",
    root: str | Path | None = None,
    download: bool = True,
    labels: str = "fine",
    size: int = 256,
) -> ImageDataset:
    """The pictures of one split of a data set, with labels and class names.

    split: "train" or "test", for MedMNIST also "validation". source: "bundled" is the cut that comes with the course and
    needs no network, "full" the whole set. root: your folder with the official files, or one of them; it means the full
    set. Without it they are looked for in the folder that the environment variable WORKSHOP_DATA names (or the platform's
    cache folder) and, if `download`, fetched into it, from the address in WORKSHOP_MIRROR first. labels: "coarse" for
    CIFAR-100's 20 superclasses. size: of ImageNet's pictures, which stay on disk.
    Raises ValueError for a name, split, source or labels that do not exist, DamagedFile for a file that is not what was
    published, FileNotFoundError if root lacks a file, ConnectionError if no host delivers it.
    """
    chosen = card(name)
    if source not in ("bundled", "full"):
        raise ValueError(
            f'There is no source \'{source}\'. There are "bundled", the cut that comes with the course, and "full", the whole set.'
        )
    if labels != "fine" and not (labels == "coarse" and chosen.coarse):
        raise ValueError(
            f"{chosen.title} has no labels '{labels}'. "
            + ('There are "fine" and "coarse".' if chosen.coarse else "Leave labels= out.")
        )
    root = Path(root).expanduser() if root else None
    if root and not root.exists():
        raise FileNotFoundError(
            f"There is no folder '{root}'. Give the one that holds the official files of {chosen.title}."
        )
    if source == "bundled" and not root:
        return _bundled(chosen, split)
    _need_split(chosen, split, chosen.splits)
    if name == "imagenet":
        files, numbers = imagenet.pictures_below(root or data_home() / name, split)
        return LazyImageDataset(
            files,
            numbers,
            chosen.classes,
            size=size,
            name=name,
            split=split,
            source="full",
            mean=imagenet.MEAN,
            std=imagenet.STD,
        )
    if not chosen.files:  # all of it comes with the course
        if root:
            raise ValueError(
                f"All of {chosen.title} comes with the course: leave root= out. Your own pictures: data.from_folder('{root}')."
            )
        return _bundled(chosen, split, "full")
    where = {"root": root, "download": download, "labels": labels}
    images, numbers = sources.read_full(chosen, split, **where)
    mean, std = pixel_statistics(
        images
        if split == "train"
        else sources.read_full(chosen, "train", announce=False, **where)[0]
    )
    return ImageDataset(
        images,
        numbers,
        chosen.coarse if labels == "coarse" else chosen.classes,
        name=name,
        split=split,
        source="full",
        mean=mean,
        std=std,
    )


def _bundled(chosen: DatasetCard, split: str, source: str = "bundled") -> ImageDataset:
    if not chosen.bundled:
        raise ValueError(
            f"No cut of {chosen.title} comes with the course. {chosen.how} brings the whole set."
        )
    _need_split(
        chosen,
        split,
        {key: count for key, count in zip(("train", "test"), chosen.bundled) if count},
    )
    images, labels = read_bundled(chosen.name, split, chosen.classes)
    mean, std = pixel_statistics(
        images if split == "train" else read_bundled(chosen.name, "train", chosen.classes)[0]
    )
    return ImageDataset(
        images,
        labels,
        chosen.classes,
        name=chosen.name,
        split=split,
        source=source,
        mean=mean,
        std=std,
    )


def _need_split(chosen: DatasetCard, split: str, splits: dict[str, int]) -> None:
    if split not in splits:
        raise ValueError(f"{chosen.title} has no split '{split}'. It has: {', '.join(splits)}.")
