"""Clip-art: drawings that come with the course, and those that were taken out of it."""

from typing import NamedTuple

from torch import Tensor

from workshop_utils.data.archives import zip_files
from workshop_utils.data.bundled_files import bundled
from workshop_utils.data.cards import DatasetCard
from workshop_utils.data.pictures import decode, decode_by_folder

CLASSES = "bird bug dessert drink fruit home instrument mammal vehicle"


def read(card: DatasetCard, split: str, files) -> tuple[Tensor, Tensor]:
    (raw,) = files.contents("clip-art.zip")
    drawings = {
        path: get
        for path, get in zip_files(raw, "clip-art").items()
        if path.suffix == ".png" and path.parts[0] == split
    }
    return decode_by_folder(drawings, card.classes)


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


CARDS = (
    DatasetCard(
        name="clip-art",
        title="Clip-art",
        classes=tuple(CLASSES.split()),
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
)
