"""Picture files, as people keep them, into tensors: folders and zips with a folder a class."""

import io
import zlib
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Callable
from zipfile import BadZipFile, ZipFile, ZipInfo

import numpy as np
import torch
from torch import Tensor

from workshop_utils.data.images import ImageDataset, pixel_statistics
from workshop_utils.progress import progress

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"}
PIXELS_AT_MOST = 100_000_000  # more is a mistake or an attack: a small file can unpack to gigabytes
SPLIT_FOLDERS = {"train": "train", "test": "test", "val": "test", "valid": "test", "validation": "test"}


class DamagedFile(ValueError):
    """A file does not hold what its name promises; the message says which, and what to do."""


def from_folder(path: str | Path, *, size: int = 128, test_fraction: float = 0.25, seed: int = 0) -> tuple[ImageDataset, ImageDataset]:
    """(train, test) from a folder, or a zip, that holds one folder of pictures for each class.

    Pictures may lie deeper in their class folder. They are turned upright (EXIF), put on white where transparent, scaled
    and cut to size x size pixels, RGB. Folders named train and test (or val) are kept as the split; without them
    `test_fraction` of every class is drawn with `seed`. Files that cannot be read are left out and named.
    Raises ValueError if there are not two classes with two pictures each, FileNotFoundError if there is no such path.
    """
    path = Path(path)
    files = {name: read for name, read in picture_files(path).items()}
    splits = {SPLIT_FOLDERS.get(name.parts[0].lower()) for name in files}
    if splits == {"train", "test"}:
        parts = [[(PurePosixPath(*name.parts[1:]), read) for name, read in files.items() if SPLIT_FOLDERS[name.parts[0].lower()] == split]
                 for split in ("train", "test")]  # pairs, for val/cats/1.jpg and test/cats/1.jpg are two pictures
        classes = class_names(path, [name for part in parts for name, _ in part])
        train, test = (_labelled(path, part, classes, size) for part in parts)
    else:
        classes = class_names(path, list(files))
        images, labels = _labelled(path, list(files.items()), classes, size)
        _need_two_each(path, labels, classes)
        whole = ImageDataset(images, labels, classes, name=path.stem)
        train, test = ((part.images, part.labels) for part in whole.split_off(test_fraction, seed))
    mean, std = pixel_statistics(train[0])
    return tuple(ImageDataset(*part, classes, name=path.stem, split=split, source=f"your {'zip' if path.is_file() else 'folder'}", mean=mean, std=std)
                 for part, split in ((train, "train"), (test, "test")))


def picture_files(path: Path) -> dict[PurePosixPath, Callable[[], bytes]]:
    """Every picture file below a folder or inside a zip: relative name -> function that reads it, sorted by name.

    Folders that hold everything else are left off the names, so that `pets/cats/1.jpg` and `cats/1.jpg` mean the same.
    """
    if not path.exists():
        raise FileNotFoundError(f"There is no folder or zip at '{path}'. Give the path of a folder that holds one folder a class.")
    if path.is_dir():
        found = {PurePosixPath(file.relative_to(path).as_posix()): file.read_bytes for file in path.rglob("*") if file.is_file()}
    else:
        found = zip_files(path.read_bytes(), path.name)
    found = {name: found[name] for name in sorted(found) if name.suffix.lower() in SUFFIXES and not name.name.startswith(".")
             and "__MACOSX" not in name.parts}
    if not found:
        raise ValueError(f"'{path}' holds no pictures ({', '.join(sorted(SUFFIXES))}). Put one folder of pictures for each class into it.")
    return _without_common_folders(found)


def zip_files(raw: bytes, name: str) -> dict[PurePosixPath, Callable[[], bytes]]:
    """The files in a zip, read from memory: member names are only names here, so none can point outside."""
    try:
        archive = ZipFile(io.BytesIO(raw))
    except BadZipFile:
        raise DamagedFile(f"'{name}' is not a zip file, or not a whole one. Make or download it again.") from None
    return {PurePosixPath(info.filename): partial(_unzip, archive, info) for info in archive.infolist() if not info.is_dir()}


def _unzip(archive: ZipFile, member: ZipInfo) -> bytes:
    try:
        return archive.read(member)
    except (BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error) as error:  # RuntimeError: it has a password
        raise DamagedFile(f"cannot be unpacked ({error})") from None


def decode(raw: bytes, size: int | None = None) -> Tensor:
    """One picture file as (3, H, W) uint8: upright, RGB, on white where transparent; size: cut to a square of that side.

    Raises DamagedFile if it is no picture, not whole, or beyond 100 million pixels.
    """
    from PIL import Image, ImageOps

    try:
        picture = Image.open(io.BytesIO(raw))
        if picture.width * picture.height > PIXELS_AT_MOST:
            raise DamagedFile(f"has {picture.width:,} x {picture.height:,} pixels, beyond the limit of {PIXELS_AT_MOST:,}")
        picture = ImageOps.exif_transpose(picture)
        if picture.mode.startswith("I"):  # 16 bits a pixel, as scanners write them; Pillow would clip them to white
            picture = Image.fromarray((np.asarray(picture) // 257).astype(np.uint8))
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    except DamagedFile:
        raise
    except Exception as error:  # a decoder fed with arbitrary bytes fails in many ways
        raise DamagedFile(f"cannot be read as a picture ({type(error).__name__})") from None
    if size and picture.size != (size, size):
        picture = ImageOps.fit(picture, (size, size), Image.Resampling.BICUBIC)
    return torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).view(picture.height, picture.width, 3).permute(2, 0, 1).contiguous()


def class_names(path: Path, files: list[PurePosixPath]) -> tuple[str, ...]:
    """The class folders of these files. Raises ValueError if pictures lie outside of one, or there are fewer than two."""
    loose = [name for name in files if len(name.parts) == 1]
    classes = sorted({name.parts[0] for name in files} - {name.parts[0] for name in loose})
    if len(classes) < 2 or loose:
        what = f"{len(loose)} pictures lie outside of a class folder, '{loose[0]}' for one" if loose else f"only the class '{classes[0]}' has pictures"
        raise ValueError(f"'{path}': {what}. Two classes or more are needed, each in a folder named after it.")
    return tuple(classes)


def _labelled(path: Path, files: list[tuple[PurePosixPath, Callable]], classes: tuple[str, ...], size: int) -> tuple[Tensor, Tensor]:
    """(pictures, labels) of these files; those that cannot be read are named in a printed line."""
    images, labels, broken = [], [], []
    for name, read in progress(files, f"Reading {path.name}"):
        try:
            images.append(decode(read(), size))
            labels.append(classes.index(name.parts[0]))
        except DamagedFile as error:
            broken.append(f"{name} {error}")
    if broken:
        print(f"{len(broken)} of {len(files)} files in '{path.name}' were left out: {'; '.join(broken[:5])}{' ...' if len(broken) > 5 else ''}.")
    if not images:
        raise ValueError(f"None of the {len(files)} pictures in '{path}' can be read.")
    return torch.stack(images), torch.tensor(labels)


def _need_two_each(path: Path, labels: Tensor, classes: tuple[str, ...]) -> None:
    for label, count in enumerate(torch.bincount(labels, minlength=len(classes)).tolist()):
        if count < 2:
            raise ValueError(f"'{path}': the class '{classes[label]}' has {count} readable picture. "
                             "Each needs at least two, one to learn from and one to test on.")


def _without_common_folders(files: dict[PurePosixPath, Callable]) -> dict[PurePosixPath, Callable]:
    while len({name.parts[0] for name in files}) == 1 and all(len(name.parts) > 2 for name in files):
        files = {PurePosixPath(*name.parts[1:]): read for name, read in files.items()}
    return files
