"""A set of thousands of small picture files as one array, decoded once and kept."""

import hashlib
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from workshop_utils.data.cards import DatasetCard
from workshop_utils.data.folders import class_names
from workshop_utils.data.pictures import DamagedFile, decode_all, files_below, picture_files

TEST_SHARE = 5  # the last fifth of each class, in order of file names, is the test set


def read(source: Path, split: str, card: DatasetCard, cache: Path) -> tuple[Tensor, Tensor]:
    """(pictures (N, C, H, W) uint8, labels (N,) int64) of one split of a folder, zip or tar.gz with a folder a class.

    The decoded pictures are kept in the folder `cache` with their sum and the state of their source; the next call reads
    them from there. Raises DamagedFile if a picture cannot be read or has not the size on the card, ValueError if the
    classes are not those of the card.
    """
    kept, state = cache / "decoded.safetensors", _state(source)
    whole = _load(kept, state)
    if whole is None:
        whole = _decode(source, card)
        _keep(kept, state, *whole)
    images, labels = whole
    places = [torch.nonzero(labels == label).flatten() for label in range(len(card.classes))]
    parts = [
        place[len(place) - len(place) // TEST_SHARE :]
        if split == "test"
        else place[: len(place) - len(place) // TEST_SHARE]
        for place in places
    ]
    chosen = torch.cat(parts)
    return images[chosen], labels[chosen]


def _decode(source: Path, card: DatasetCard) -> tuple[Tensor, Tensor]:
    files = picture_files(source)
    folders = class_names(source, list(files))
    if set(folders) != set(card.classes):
        raise ValueError(
            f"'{source}' has the folders {', '.join(folders)}; {card.title} has {', '.join(card.classes)}."
        )
    images, damaged = decode_all(
        list(files.items()), f"Reading {len(files):,} pictures, once", shape=card.shape
    )
    for position, error in damaged.items():
        raise DamagedFile(
            f"'{list(files)[position]}' in '{source}' {error}. Get it again, or remove it."
        )
    return images, torch.tensor([card.classes.index(name.parts[0]) for name in files])


def _state(source: Path) -> str:
    """What changes when the source does: names, sizes and times of its files."""
    if source.is_file():
        files = [(str(source), source.stat())]
    else:
        files = [
            (file.path, file.stat())
            for file in files_below(source)
            if not file.name.startswith((".", "decoded."))
        ]
    lines = sorted(f"{path} {status.st_size} {status.st_mtime_ns}" for path, status in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _sum(images: Tensor, labels: Tensor) -> str:
    digest = hashlib.sha256(images.numpy().data)
    digest.update(labels.numpy().data)
    return digest.hexdigest()


def _load(kept: Path, state: str) -> tuple[Tensor, Tensor] | None:
    try:
        with safe_open(kept, "pt") as file:
            if (file.metadata() or {}).get("state") != state:
                return None
            whole = file.get_tensor("images"), file.get_tensor("labels")
            return whole if _sum(*whole) == file.metadata()["sum"] else None
    except (OSError, KeyError, SafetensorError):  # absent, or damaged: decoded again
        return None


def _keep(kept: Path, state: str, images: Tensor, labels: Tensor) -> None:
    """Written beside and moved into place; a disk that is full or closed costs only the time of the next decoding."""
    writing = kept.with_name(f"decoded.{os.getpid()}.part")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        save_file(
            {"images": images, "labels": labels},
            writing,
            metadata={"state": state, "sum": _sum(images, labels)},
        )
        os.replace(writing, kept)
    except (OSError, SafetensorError) as error:
        print(
            f"The decoded pictures could not be kept in '{kept.parent}' ({error}); they will be decoded again next time."
        )
        if writing.parent.is_dir():
            writing.unlink(missing_ok=True)
