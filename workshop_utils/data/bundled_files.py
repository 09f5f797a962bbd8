"""The cuts of data sets that come with the course, and how their files are checked."""

import hashlib
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import torch
from torch import Tensor

from workshop_utils import errors
from workshop_utils.data.formats import read_idx
from workshop_utils.data.pictures import DamagedFile, decode, zip_files

BUNDLED = Path(__file__).with_name("bundled")
IDX_PARTS = {"train": "train", "test": "t10k"}  # the official file names of MNIST and its relatives


def bundled(name: str) -> bytes:
    """The bytes of a file that comes with the course, after its sha256 was compared with the list beside it.

    Raises DamagedFile if the file is missing or its bytes are not the ones that were published.
    """
    path = BUNDLED / name
    files = " ".join(
        file.relative_to(BUNDLED.parents[2]).as_posix() for file in (path, BUNDLED / "SHA256SUMS")
    )
    cure = f"Bring it back with: git checkout -- {files} (or download the course again)."
    if not path.is_file():
        raise DamagedFile(f"The bundled file '{name}' is missing. {cure}")
    raw = path.read_bytes()
    if hashlib.sha256(raw).hexdigest() != _sums().get(name):
        raise DamagedFile(
            f"The bundled file '{name}' is damaged: its sha256 is not the published one. {cure}"
        )
    return raw


def verify() -> None:
    """Raises DamagedFile if any of the files that come with the course is missing or damaged."""
    for name in _sums():
        bundled(name)


def read_bundled(name: str, split: str, classes: tuple[str, ...]) -> tuple[Tensor, Tensor]:
    """(pictures (N, C, H, W) uint8, labels (N,) int64) of a bundled set; classes: its folders, where it has some."""
    if name in ("clip-art", "photos"):
        files = {
            path: read
            for path, read in zip_files(bundled(f"{name}.zip"), name).items()
            if path.suffix in (".png", ".jpg") and (name == "photos" or path.parts[0] == split)
        }
        ordered = sorted(files)
        return torch.stack([decode(files[path]()) for path in ordered]), torch.tensor(
            [classes.index(path.parent.name) for path in ordered]
        )
    images, labels = (
        f"{name}/{IDX_PARTS[split]}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")
    )
    return read_idx(bundled(images), images).unsqueeze(1), read_idx(bundled(labels), labels).long()


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


@lru_cache(maxsize=1)
def _sums() -> dict[str, str]:
    lines = (
        (BUNDLED / "SHA256SUMS").read_text("utf-8", errors="replace").splitlines()
    )  # the list may be damaged itself
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
