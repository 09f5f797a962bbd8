"""The full sets: found in a folder or fetched into one, checked against the published sums, and read."""

import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from workshop_utils.data import decoded, formats
from workshop_utils.data.bundled_files import IDX_PARTS
from workshop_utils.data.cards import DatasetCard
from workshop_utils.data.download import fetch, fetch_from_kaggle, is_whole
from workshop_utils.data.pictures import SUFFIXES, DamagedFile, files_below, tar_files, zip_files
from workshop_utils.data.published import has_sum
from workshop_utils.paths import data_home

Pictures = tuple[Tensor, Tensor]  # (N, C, H, W) uint8 and (N,) int64
Contents = Callable[..., list[bytes]]  # official names of unpacked files -> their bytes


def read_full(
    card: DatasetCard,
    split: str,
    *,
    root: Path | None,
    download: bool,
    labels: str,
    announce: bool = True,
) -> Pictures:
    """One split of a full set; labels: "fine" or "coarse", for CIFAR-100.

    root: the user's folder with the official files, packed or not; without it they are kept in `data_home` and fetched if
    `download`. Files in a user's folder that are not the published ones, such as smaller cuts, are read, and this is said
    if `announce`; if they hold as many pictures as the published ones they are damaged. Raises DamagedFile for those,
    FileNotFoundError if files are missing, ConnectionError if no host delivers them.
    """
    folder = root or data_home() / card.name
    unofficial: list[str] = []

    def contents(*names: str) -> list[bytes]:
        found, others = _find(card, names, folder, own=root is not None)
        if found is None and root is None and download:
            obtain(card, names, folder)
            found, others = _find(card, names, folder, own=False)
        if found is None:
            raise _missing(
                card,
                [file.name for file in card.files if file.contents.keys() & set(names)],
                folder,
            )
        unofficial.extend(others)
        return [found[name] for name in names]

    if card.name == "medical-mnist":
        place = _class_folders(card, folder, own=root is not None, download=download)
        images, numbers = decoded.read(place, split, card, data_home() / card.name)
        if len(numbers) != card.splits[split] or (
            place.name == card.files[0].name and not is_whole(place, card.files[0])
        ):
            unofficial = [place.name]
    else:
        images, numbers = _read(card, split, labels, contents)
    if unofficial and len(numbers) == card.splits[split]:
        raise DamagedFile(
            f"Damaged in '{folder}': {', '.join(unofficial)}. The sum is not the published one. Get it again."
        )
    if unofficial and announce:
        print(
            f"Not as published, and read as it is, in '{folder}': {', '.join(unofficial)}. "
            f"{len(numbers):,} {split} pictures instead of {card.splits[split]:,}."
        )
    return images, numbers


def _read(card: DatasetCard, split: str, labels: str, contents: Contents) -> Pictures:
    match card.name:
        case "mnist" | "fashion-mnist":
            names = [f"{IDX_PARTS[split]}-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1")]
            images, numbers = (
                formats.read_idx(raw, name) for raw, name in zip(contents(*names), names)
            )
            if (
                images.ndim != 3
                or numbers.shape != images.shape[:1]
                or int(numbers.max()) >= len(card.classes)
            ):
                raise DamagedFile(
                    f"'{names[0]}' holds pictures of shape {tuple(images.shape)}, '{names[1]}' labels of shape {tuple(numbers.shape)} "
                    f"up to {int(numbers.max())}: they do not belong together. Get both again."
                )
            return images.unsqueeze(1), numbers.long()
        case "cifar10":
            names = (
                ["test_batch"]
                if split == "test"
                else [f"data_batch_{number}" for number in range(1, 6)]
            )
            images, numbers = zip(
                *(
                    formats.read_cifar(raw, name, "labels", len(card.classes))
                    for raw, name in zip(contents(*names), names)
                )
            )
            return torch.cat(images), torch.cat(numbers)
        case "cifar100":
            return formats.read_cifar(
                *contents(split),
                split,
                f"{labels}_labels",
                len(card.coarse if labels == "coarse" else card.classes),
            )
        case "sign-mnist":
            name = f"sign_mnist_{split}.csv"
            return formats.read_sign_csv(*contents(name), name)
        case "pneumoniamnist" | "pathmnist":
            name = f"{card.name}.npz"
            return formats.read_npz(
                *contents(name), name, {"validation": "val"}.get(split, split), len(card.classes)
            )


def _find(
    card: DatasetCard, names: Sequence[str], folder: Path, *, own: bool
) -> tuple[dict[str, bytes] | None, list[str]]:
    """(bytes of every unpacked file, or None if one is missing; the names of those whose sum is not the published one).

    Only files in the user's own folder may have another sum. Unpacked files come before archives.
    """
    published = {
        name: file.contents[name] for file in card.files for name in names if name in file.contents
    }
    archives = [
        file.name for file in card.files if file.contents.keys() & published.keys() - {file.name}
    ] + _kaggle_archives(card)
    files = [folder] if folder.is_file() else list(files_below(folder)) if folder.is_dir() else []
    places = [
        (Path(file), packed)
        for packed, wanted in ((False, names), (True, archives))
        for name in wanted
        for file in files
        if file.name == name
    ]
    found, others = {}, {name: set() for name in names}
    for path, packed in places:
        try:
            contents = _unpacked(path, names) if packed else {path.name: path.read_bytes()}
        except DamagedFile:
            if own:
                raise
            continue  # a damaged copy in our own folder is fetched again
        for name, raw in contents.items():
            if has_sum(io.BytesIO(raw), published[name]):
                found[name] = raw
            else:
                others[name].add(raw)
        if len(found) == len(names):
            return found, []
    rest = [name for name in names if name not in found]
    if not own or not all(others[name] for name in rest):
        return None, []
    for name in rest:
        if len(others[name]) > 1:
            raise ValueError(
                f"'{folder}' holds {len(others[name])} different files called {name}. Give the folder of one of them as root=."
            )
        found[name] = others[name].pop()
    return found, rest


def _unpacked(archive: Path, names: Sequence[str]) -> dict[str, bytes]:
    """The bytes of those files of an archive that have one of these names."""
    raw = archive.read_bytes()
    if archive.name.endswith(".tar.gz"):
        files = tar_files(raw, archive.name, lambda path: path.name in names)
    elif archive.suffix == ".zip":
        files = zip_files(raw, archive.name)
    else:
        return {archive.stem: formats.gunzip(raw, archive.name)}
    return {path.name: read() for path, read in files.items() if path.name in names}


def _kaggle_archives(card: DatasetCard) -> list[str]:
    """What a set that was downloaded from Kaggle's page, or with Kaggle's command, is called."""
    return ["archive.zip", f"{card.kaggle.rpartition('/')[2]}.zip"] if card.kaggle else []


def _class_folders(card: DatasetCard, folder: Path, *, own: bool, download: bool) -> Path:
    """The archive, or the folder, that holds a set of picture files. Our own folder holds the published archive or Kaggle's files."""
    published, *others = [folder / name for name in (card.files[0].name, *_kaggle_archives(card))]
    if own and folder.is_file():
        return folder
    if published.is_file() and (own or is_whole(published, card.files[0])):
        return published
    for place in others:
        if place.is_file():
            return place
    if folder.is_dir() and any(
        os.path.splitext(file.name)[1].lower() in SUFFIXES for file in files_below(folder)
    ):
        return folder
    if own or not download:
        raise _missing(card, [card.files[0].name, *_kaggle_archives(card)], folder)
    obtain(card, [], folder)
    return _class_folders(card, folder, own=False, download=False)


def obtain(card: DatasetCard, names: Sequence[str], folder: Path) -> None:
    """Brings the published files that hold these unpacked ones, or all of them, into a set's folder. Raises ConnectionError if no host delivers one."""
    try:
        for file in card.files:
            if not names or file.contents.keys() & set(names):
                fetch(file, folder, card.name)
        return
    except ConnectionError as error:
        reasons = [str(error)]
    if card.kaggle:
        try:
            return fetch_from_kaggle(card.kaggle, card.files, folder)
        except ConnectionError as error:
            reasons.append(str(error))
    instead = (
        f'data.load("{card.name}") is the cut that comes with the course'
        if card.bundled
        else 'data.load("fashion-mnist") works without a network'
    )
    raise ConnectionError(
        f"The full {card.title} is not on this computer and could not be fetched: {'; '.join(reasons)}. {instead}; "
        f"or put {' and '.join(file.name for file in card.files)} into '{folder}' by hand ({card.homepage})."
    )


def _missing(card: DatasetCard, names: Sequence[str], folder: Path) -> FileNotFoundError:
    return FileNotFoundError(
        f"'{folder}' does not hold {', '.join(names)} of {card.title} as published, packed or unpacked. "
        f"Put it there ({card.homepage}), or let {card.how} fetch it."
    )
