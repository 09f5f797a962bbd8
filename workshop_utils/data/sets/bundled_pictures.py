"""Clip-art, photographs and photos with boxes, which come with the course as a whole: picture files in a zip, a folder a class."""

import io
from pathlib import PurePosixPath
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

from workshop_utils import errors
from workshop_utils.data.archives import zip_files
from workshop_utils.data.bundled_files import bundled, sums
from workshop_utils.data.cards import DatasetCard
from workshop_utils.data.dataset import ImageDataset, image_dataset
from workshop_utils.data.pictures import decode, fingerprint

DRAWN = "bird bug dessert drink fruit home instrument mammal vehicle"
CUT_OUT = "bird, fish or shellfish, flower, fruit, mammal, tool, vegetable, vehicle"
PHOTOGRAPHED = (
    "alp, cocker spaniel, dragonfly, drum, espresso, fig, fire engine, nuthatch, pagoda, "
    "paintbrush, rocket, tabby, wall clock"
)
REJECTED = "-rejected.zip"


def read(card: DatasetCard, split: str, files) -> tuple[Tensor, Tensor]:
    """The class folders lie in a folder of their split where there are two."""
    (raw,) = files.contents(f"{card.name}.zip")
    pictures = [
        (path, get)
        for path, get in sorted(zip_files(raw, card.name).items())
        if path.suffix in (".png", ".jpg", ".webp")
        and (len(path.parts) == 2 or path.parts[0] == split)
    ]
    labels = torch.tensor([card.classes.index(path.parent.name) for path, _ in pictures])
    return torch.stack([decode(get()) for _, get in pictures]), labels


def masks(dataset: ImageDataset) -> Tensor:
    """Where the thing is on each picture of `photographs`, or of any part of it: (N, H, W) uint8 in the order of the pictures.

    255 on the thing, 0 beside it, values between on its edge. Raises ValueError, naming the first picture that is not as loaded.
    """
    dataset = image_dataset(dataset)
    files = zip_files(bundled("photographs.zip"), "photographs").values()
    known = {fingerprint(decode(raw)): raw for raw in (get() for get in files)}
    found = dataset.images[:, 0].clone()
    for place, picture in enumerate(dataset.images):
        if (wanted := fingerprint(picture)) not in known:
            raise ValueError(
                f'Picture {place} of {dataset.name} has no mask. Masks belong to the pictures of data.load("photographs"), in any order or part, before they are changed.'
            )
        edge = Image.open(io.BytesIO(known[wanted])).getchannel("A")
        found[place] = decode(edge, channels=1)[0]
    return found


class Rejected(NamedTuple):
    """A picture that was taken out of a set: (3, H, W) uint8, its class there, and why.

    twin: the picture of the set that is nearly the same, or None where the picture is mislabelled or of another kind.
    """

    picture: Tensor
    twin: Tensor | None
    label: str
    reason: str


def rejected(name: str = "clip-art") -> list[Rejected]:
    """What was taken out of "clip-art" or "photographs", near-duplicates above all, for the lesson on leakage. Raises ValueError for others."""
    kept = [file.removesuffix(REJECTED) for file in sums() if file.endswith(REJECTED)]
    if name not in kept:
        raise errors.unknown("set with rejected pictures", name, kept, "help(data.rejected)")
    files = {str(path): get for path, get in zip_files(bundled(name + REJECTED), name).items()}
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
        name="photographs",
        title="Photographs",
        classes=tuple(CUT_OUT.split(", ")),
        shape=(3, 224, 224),
        train=99,
        test=102,
        licence="GPL 2 or later, CC BY, CC BY-SA, public domain: see bundled/LICENSES.md",
        homepage="https://packages.debian.org/bookworm/tuxpaint-stamps-default",
        citation="Tux Paint Stamps 2022.06.04",
        bundled=(99, 102),
        note="Animals, plants and things, cut out by hand and put on white: nothing behind them gives them away. data.masks(dataset) tells "
        "where they are. Small originals are enlarged and blurred, most of all fruit and vegetables. How they were chosen stands in bundle/photographs.md.",
        read=read,
        place=9,
    ),
    DatasetCard(
        name="photos",
        title="Photos with boxes",
        classes=tuple(PHOTOGRAPHED.split(", ")),
        shape=(3, 320, 320),
        train=13,
        test=0,
        licence="CC0, public domain, CC BY, CC BY-SA: see bundled/LICENSES.md",
        bundled=(13, 0),
        note="One photograph a class, ten of them ImageNet classes, to try pretrained nets on. They have boxes that we drew.",
        read=read,
        place=10,
    ),
)
