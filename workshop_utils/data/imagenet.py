"""ImageNet: its 1,000 classes, WordNet's paths from each of them up to "entity", its boxes, and its folders on disk."""

import csv
import os
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import torch
from torch import Tensor

from workshop_utils import errors
from workshop_utils.data.bundled_files import bundled
from workshop_utils.data.pictures import DamagedFile
from workshop_utils.progress import progress

MEAN, STD = (
    torch.tensor([0.485, 0.456, 0.406]),
    torch.tensor([0.229, 0.224, 0.225]),
)  # of ILSVRC's training pictures, as torchvision has them


class Box(NamedTuple):
    """One object in a photograph: its WordNet id or name, and the corners of its box in pixels."""

    name: str
    xmin: int
    ymin: int
    xmax: int
    ymax: int


def class_names() -> list[str]:
    """The 1,000 short class names, in the order in which nets trained on ILSVRC number them."""
    return [synset["name"] for synset in _synsets().values() if synset["index"]]


def wnids() -> list[str]:
    """The 1,000 WordNet ids ("n" and eight digits), in the order of `class_names`."""
    return [wnid for wnid, synset in _synsets().items() if synset["index"]]


def paths(wnid: str) -> list[list[str]]:
    """Every path of names from a synset up to "entity"; there are several where a synset has several parents."""
    if wnid not in _synsets():
        raise errors.unknown(
            "ImageNet synset", wnid, wnids()[:3] + ["..."], "data.imagenet.wnids()"
        )
    synset = _synsets()[wnid]
    if not synset["parents"]:
        return [[synset["name"]]]
    return [[synset["name"], *path] for parent in synset["parents"] for path in paths(parent)]


def boxes(xml: str | bytes | Path) -> list[Box]:
    """The boxes of one VOC-style annotation file, in its order; a photograph can have several.

    xml: the path of the file, or its text. Raises DamagedFile if it is no such file, or a box has no area.
    """
    is_text = isinstance(xml, bytes) or (isinstance(xml, str) and xml.lstrip().startswith("<"))
    name, raw = ("This text", xml) if is_text else (f"'{xml}'", Path(xml).read_bytes())
    raw = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    try:
        if (
            b"<!" in raw.replace(b"<!--", b"") or b"\0" in raw
        ):  # NUL: in UTF-16, where the mark would not be seen
            raise ValueError(
                "it declares entities, which no annotation needs"
            )  # a few lines of them can unpack to gigabytes
        found = [
            Box(
                entry.findtext("name"),
                *(
                    round(float(entry.findtext(f"bndbox/{side}")))
                    for side in ("xmin", "ymin", "xmax", "ymax")
                ),
            )
            for entry in ElementTree.fromstring(raw).iter("object")
        ]
    except (ElementTree.ParseError, TypeError, ValueError, OverflowError, LookupError) as error:
        raise DamagedFile(
            f"{name} is not an annotation file of boxes ({error}). Get it again."
        ) from None
    for box in found:
        if not (box.name and box.xmin < box.xmax and box.ymin < box.ymax):
            raise DamagedFile(
                f"{name} has a box without a name or an area: {tuple(box)}. Get it again."
            )
    return found


def pictures_below(root: Path, split: str) -> tuple[list[tuple], Tensor]:
    """((name, function that reads the file) a picture, labels (N,) int64) of "train" or "test" below a folder in ILSVRC's layout.

    "test" is ILSVRC's validation set. Its labels come from class folders, or from LOC_val_solution.csv, or from the
    annotation files. Raises FileNotFoundError, saying what is missing.
    """
    part = {"train": "train", "test": "val"}[split]
    places = [
        root / place / part for place in ("", "ILSVRC/Data/CLS-LOC", "Data/CLS-LOC", "CLS-LOC")
    ]
    pictures = next((place for place in places if place.is_dir()), None)
    if pictures is None:
        raise FileNotFoundError(
            f"'{root}' has no folder '{part}' in ILSVRC's layout (ILSVRC/Data/CLS-LOC/{part}, or {part}). ImageNet cannot be "
            "downloaded without an account: get it from https://image-net.org/download, then give its folder as root=."
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
    return [
        (name, partial(_read, os.path.join(pictures, name))) for _, name in found
    ], torch.tensor([index for index, _ in found])


def _pictures(place: Path, prefix: str = "") -> list[str]:
    return sorted(
        prefix + entry.name
        for entry in os.scandir(place)
        if entry.name.lower().endswith((".jpeg", ".jpg", ".png")) and not entry.name.startswith(".")
    )


def _read(path: str) -> bytes:
    return Path(path).read_bytes()


def _validation_wnids(root: Path) -> dict[str, str]:
    """Picture name -> WordNet id of the flat validation folder, from Kaggle's table or from the annotation files."""
    table = next(
        (
            place
            for place in (root / "LOC_val_solution.csv", root / "ILSVRC/LOC_val_solution.csv")
            if place.is_file()
        ),
        None,
    )
    if table:
        try:
            with open(table, newline="", encoding="utf-8-sig") as lines:
                return {
                    row["ImageId"]: row["PredictionString"].split()[0]
                    for row in csv.DictReader(lines)
                }
        except (AttributeError, IndexError, KeyError, UnicodeError, csv.Error):
            raise DamagedFile(
                f"'{table}' is not Kaggle's table of two columns, ImageId and PredictionString. Get it again."
            ) from None
    places = [
        root / place
        for place in ("ILSVRC/Annotations/CLS-LOC/val", "Annotations/CLS-LOC/val", "Annotations")
    ]
    annotations = next((place for place in places if place.is_dir()), None)
    return (
        {file.stem: found[0].name for file in annotations.glob("*.xml") if (found := boxes(file))}
        if annotations
        else {}
    )


@lru_cache(maxsize=1)
def _synsets() -> dict[str, dict]:
    lines = bundled("imagenet-words.tsv").decode("utf-8").splitlines()
    return {
        wnid: {"index": index, "name": name, "parents": parents.split()}
        for index, wnid, name, parents, _ in (line.split("\t") for line in lines)
    }
