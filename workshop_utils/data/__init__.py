"""Data sets: what there is, and how to load it."""

# ruff: noqa: F401 - what is imported here is public
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from workshop_utils.data import galleries, imagenet
from workshop_utils.data.augment import augmentation
from workshop_utils.data.batches import Batches
from workshop_utils.data.bundled_files import BundledFiles
from workshop_utils.data.cards import DatasetCard
from workshop_utils.data.dataset import ImageDataset, LazyImageDataset, pixel_statistics
from workshop_utils.data.folders import from_folder, pixels
from workshop_utils.data.picture_files import given
from workshop_utils.data.published import PublishedFiles
from workshop_utils.data.sets import card, catalog
from workshop_utils.data.sets.bundled_pictures import masks, photo_annotation, rejected
from workshop_utils.errors import DamagedFile
from workshop_utils.paths import data_home, there


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
    CIFAR-100's 20 superclasses. size: of ImageNet's pictures, which stay on disk. Warns where files in root have the right
    number of pictures and another sum than the published ones.
    Raises ValueError for a name, split, source, labels or size that do not exist, DamagedFile for a file that is not whole or
    holds what the set cannot, FileNotFoundError if root lacks a file, ConnectionError if no host delivers it.
    """
    chosen, root = card(name), given(root) if root else None
    source = "full" if root and source == "bundled" else source
    _need_sense(chosen, split, source, root, labels)
    if labels == "coarse":
        chosen = replace(chosen, classes=chosen.coarse)
    files: Callable = partial(PublishedFiles, chosen, root, download)
    if source == "bundled" or chosen.comes_whole:
        files = partial(BundledFiles, chosen)
    images, numbers = _read(chosen, split, files())
    about = {"name": name, "split": split, "source": source}
    if not isinstance(images, Tensor):  # files, which stay on disk
        mean, std = (torch.tensor(one) if one else None for one in (chosen.mean, chosen.std))
        return LazyImageDataset(
            images, numbers, chosen.classes, size=pixels(size), mean=mean, std=std, **about
        )
    learnt = images if split == "train" else _read(chosen, "train", files(), announce=False)[0]
    mean, std = pixel_statistics(learnt)
    return ImageDataset(images, numbers, chosen.classes, mean=mean, std=std, **about)


def gallery(name: str) -> galleries.Gallery:
    """Pictures, labels and source of a set without a network, or of what stands in for it, and the sentence that has to stand under them."""
    try:
        return galleries.of(at_hand(name), card(name))
    except FileNotFoundError:
        return galleries.instead_of(card(name))


def at_hand(name: str) -> ImageDataset:
    """The training pictures of a set on this computer: its bundled cut, or all. Raises FileNotFoundError if it is not here."""
    return load(name, source="bundled" if card(name).bundled else "full", download=False)


def _read(chosen: DatasetCard, split: str, files, announce: bool = True):
    images, labels = chosen.read(chosen, split, files)
    known, count = labels.unique().tolist(), len(chosen.classes)
    if labels.shape != (len(images),) or not set(known) <= set(range(count)):
        ends = f"from {min(known, default='none')} to {max(known, default='none')}"
        raise DamagedFile(
            f"'{files.folder}' holds {len(images):,} {split} pictures and {len(labels):,} labels {ends}; those of {chosen.title} go from 0 to {count - 1}. "
            f"Get the official files ({chosen.homepage})."
        )
    if isinstance(images, Tensor) and images.shape[1:] != chosen.shape:
        found, right = (" x ".join(map(str, shape)) for shape in (images.shape[1:], chosen.shape))
        raise DamagedFile(
            f"'{files.folder}' holds {split} pictures of {found}; those of {chosen.title} are {right}. Get the official files "
            f"({chosen.homepage}); pictures of your own are read by data.from_folder, arrays by data.ImageDataset."
        )
    if files.unofficial:
        files.explain_unofficial(split, len(labels), announce)
    return images, labels


def _need_sense(
    chosen: DatasetCard, split: str, source: str, root: Path | None, labels: str
) -> None:
    """Raises ValueError, with what there is instead, for what does not exist; FileNotFoundError for the folder."""
    if source not in ("bundled", "full"):
        raise ValueError(
            f'There is no source \'{source}\'. There are "bundled", the cut that comes with the course, and "full", the whole set.'
        )
    if labels != "fine" and not (labels == "coarse" and chosen.coarse):
        instead = 'There are "fine" and "coarse".' if chosen.coarse else "Leave labels= out."
        raise ValueError(f"{chosen.title} has no labels '{labels}'. {instead}")
    if root and not there(root):
        raise FileNotFoundError(
            f"There is no folder '{root}'. Give the one that holds the official files of {chosen.title}."
        )
    if source == "bundled" and not chosen.bundled:
        raise ValueError(
            f"No cut of {chosen.title} comes with the course. {chosen.how} brings the whole set."
        )
    splits = chosen.splits if source == "full" else chosen.bundled_splits
    if split not in splits:
        raise ValueError(f"{chosen.title} has no split '{split}'. It has: {', '.join(splits)}.")
    if root and chosen.comes_whole:
        raise ValueError(
            f"All of {chosen.title} comes with the course: leave root= out. Your own pictures: data.from_folder('{root}')."
        )
