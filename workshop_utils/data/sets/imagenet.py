"""ImageNet (ILSVRC 2012), as people have it on disk: too big to be held in memory, and not to be had without an account."""

import csv
import os
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from workshop_utils.data.archives import FilePairs
from workshop_utils.data.cards import DatasetCard
from workshop_utils.data.imagenet import boxes, class_names, wnids
from workshop_utils.data.picture_files import read_file
from workshop_utils.errors import DamagedFile
from workshop_utils.progress import progress

SUFFIXES = (".jpeg", ".jpg", ".png")
PLACES = (".", "ILSVRC/Data/CLS-LOC", "Data/CLS-LOC", "CLS-LOC")  # of train and val
ANNOTATIONS = ("ILSVRC/Annotations/CLS-LOC", "Annotations/CLS-LOC")


def read(card: DatasetCard, split: str, files) -> tuple[FilePairs, Tensor]:
    """The files below a folder in ILSVRC's layout; "test" is ILSVRC's validation set.

    Its labels come from class folders, LOC_val_solution.csv or annotation files. Raises FileNotFoundError, naming what lacks.
    """
    root, part = files.folder, {"train": "train", "test": "val"}[split]
    pictures = _first(root, *(f"{place}/{part}" for place in PLACES))
    if pictures is None:
        raise FileNotFoundError(
            f"'{root}' has no folder '{part}' in ILSVRC's layout (ILSVRC/Data/CLS-LOC/{part}, or {part}). ImageNet cannot be "
            f"downloaded without an account: get it from {card.homepage}, then give its folder as root=."
        )
    position = {wnid: index for index, wnid in enumerate(wnids())}
    found = [
        (position[wnid], name)
        for wnid in progress(wnids(), f"Looking through {pictures.name}")
        if (pictures / wnid).is_dir()
        for name in _pictures(pictures / wnid, f"{wnid}/")
    ]
    if not found:
        flat, wnid_of = _pictures(pictures), _validation_wnids(root)
        unlabelled = [name for name in flat if wnid_of.get(Path(name).stem) not in position]
        if unlabelled or not flat:
            raise FileNotFoundError(
                f"'{pictures}' has neither class folders nor one of ImageNet's 1,000 classes for "
                f"{unlabelled[0] if unlabelled else 'any picture'}: put LOC_val_solution.csv or the folder Annotations beside it."
            )
        found = sorted((position[wnid_of[Path(name).stem]], name) for name in flat)
    labels = torch.tensor([index for index, _ in found])
    return [(name, partial(read_file, os.path.join(pictures, name))) for _, name in found], labels


def _first(root: Path, *places: str, sort=Path.is_dir) -> Path | None:
    """The first of these folders, or Path.is_file, that there is below the folder."""
    return next((root / place for place in places if sort(root / place)), None)


def _pictures(place: Path, prefix: str = "") -> list[str]:
    names = [entry.name for entry in os.scandir(place) if not entry.name.startswith(".")]
    return sorted(prefix + name for name in names if name.lower().endswith(SUFFIXES))


def _validation_wnids(root: Path) -> dict[str, str]:
    """Picture name -> WordNet id of the flat validation folder, from Kaggle's table or from the annotation files."""
    tables = (f"{place}LOC_val_solution.csv" for place in ("", "ILSVRC/"))
    table = _first(root, *tables, sort=Path.is_file)
    if table is None:
        annotations = _first(root, *(f"{place}/val" for place in ANNOTATIONS), "Annotations")
        described = annotations.glob("*.xml") if annotations else ()
        return {file.stem: found[0].name for file in described if (found := boxes(file))}
    try:
        with open(table, newline="", encoding="utf-8-sig") as lines:
            rows = list(csv.DictReader(lines))
        return {row["ImageId"]: row["PredictionString"].split()[0] for row in rows}
    except (AttributeError, IndexError, KeyError, UnicodeError, csv.Error):
        raise DamagedFile(
            f"'{table}' is not Kaggle's table of two columns, ImageId and PredictionString. Get it again."
        ) from None


CARDS = (
    DatasetCard(
        name="imagenet",
        title="ImageNet (ILSVRC 2012)",
        classes=tuple(class_names()),
        shape=(3, 256, 256),
        train=1_281_167,
        test=50_000,
        licence="non-commercial research and education only, after registration",
        homepage="https://image-net.org/download",
        citation="Russakovsky et al. 2015, arXiv:1409.0575",
        note="1,000 of ImageNet's more than 20,000 classes. The photographs have many sizes; loading scales and cuts them to 256 x 256. The test "
        "set here is ILSVRC's validation set: the labels of its own test set are secret.",
        size_on_request=154_642_401_280,
        mean=(0.485, 0.456, 0.406),  # as torchvision has them
        std=(0.229, 0.224, 0.225),
        read=read,
        place=7,
        storable=False,
    ),
)
