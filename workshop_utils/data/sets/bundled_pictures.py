"""Clip-art and photographs, which come with the course as a whole: picture files in a zip, a folder a class."""

from pathlib import PurePosixPath
from typing import NamedTuple

import torch
from torch import Tensor

from workshop_utils import errors
from workshop_utils.data.archives import zip_files
from workshop_utils.data.bundled_files import bundled
from workshop_utils.data.cards import DatasetCard
from workshop_utils.data.pictures import decode

DRAWN = "bird bug dessert drink fruit home instrument mammal vehicle"
PHOTOGRAPHED = (
    "alp, cocker spaniel, dragonfly, drum, espresso, fig, fire engine, nuthatch, pagoda, "
    "paintbrush, rocket, tabby, wall clock"
)


def read(card: DatasetCard, split: str, files) -> tuple[Tensor, Tensor]:
    """The class folders lie in a folder of their split where there are two."""
    (raw,) = files.contents(f"{card.name}.zip")
    pictures = [
        (path, get)
        for path, get in sorted(zip_files(raw, card.name).items())
        if path.suffix in (".png", ".jpg") and (len(path.parts) == 2 or path.parts[0] == split)
    ]
    labels = torch.tensor([card.classes.index(path.parent.name) for path, _ in pictures])
    return torch.stack([decode(get()) for _, get in pictures]), labels


class Rejected(NamedTuple):
    """A drawing that was taken out of clip-art: (3, 128, 128) uint8, its class there, and why.

    twin: the drawing of the set that is nearly the same, or None where the picture was mislabelled.
    """

    picture: Tensor
    twin: Tensor | None
    label: str
    reason: str


def rejected() -> list[Rejected]:
    """The near-duplicates and mislabelled drawings that were taken out of clip-art, for the lesson on leakage."""
    files = {
        str(name): read
        for name, read in zip_files(bundled("clip-art-rejected.zip"), "clip-art-rejected").items()
    }
    rows = [line.split("\t") for line in files["pairs.tsv"]().decode("utf-8").splitlines()[1:]]
    return [
        Rejected(decode(files[picture]()), decode(files[twin]()) if twin else None, label, reason)
        for label, picture, twin, reason in rows
    ]


def photo_annotation(label: str) -> str:
    """The annotation file of the bundled photograph of that class, with the boxes that we drew, for `imagenet.boxes`.

    Raises ValueError for a class that `photos` does not have.
    """
    files = zip_files(bundled("photos.zip"), "photos")
    stems = {name.parts[0]: name.stem for name in files if name.suffix == ".jpg"}
    if label not in stems:
        raise errors.unknown("photograph", label, stems, 'data.load("photos").classes')
    return files[PurePosixPath("Annotations", f"{stems[label]}.xml")]().decode("utf-8")


CARDS = (
    DatasetCard(
        name="clip-art",
        title="Clip-art",
        classes=tuple(DRAWN.split()),
        shape=(3, 128, 128),
        train=168,
        test=152,
        licence="public domain",
        homepage="https://packages.debian.org/bookworm/openclipart-png",
        citation="Open Clip Art Library 0.18",
        bundled=(168, 152),
        note="Drawings by many hands, 15 to 20 a class to learn from: too few to train a net from nothing, enough to transfer one. "
        "How they were chosen stands in bundle/clip_art.md.",
        read=read,
        place=8,
    ),
    DatasetCard(
        name="photos",
        title="Photographs",
        classes=tuple(PHOTOGRAPHED.split(", ")),
        shape=(3, 320, 320),
        train=13,
        test=0,
        licence="CC0, public domain, CC BY, CC BY-SA: see bundled/LICENSES.md",
        bundled=(13, 0),
        note="One photograph a class, ten of them ImageNet classes, to try pretrained nets on. They have boxes that we drew.",
        read=read,
        place=9,
    ),
)
