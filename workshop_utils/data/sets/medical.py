"""Medical MNIST: thousands of small scans in a folder a class, as Kaggle and the MONAI project publish them."""

import hashlib
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from workshop_utils import paths
from workshop_utils.data.archives import files_below
from workshop_utils.data.cards import DatasetCard, RemoteFile
from workshop_utils.data.download import is_whole
from workshop_utils.data.folders import class_names
from workshop_utils.data.picture_files import picture_files
from workshop_utils.data.pictures import decode_all
from workshop_utils.errors import DamagedFile

TEST_SHARE = 5  # the last fifth of each class, in order of file names, is the test set
# Kaggle's Medical MNIST has the classes and counts of MedNIST, which the MONAI project publishes in one file, with this sum.
NAME = "MedNIST.tar.gz"
SUM = "md5:0bc7306e7427e00ad1c5526a6677552d"
HOST = "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/"


def read(card: DatasetCard, split: str, files) -> tuple[Tensor, Tensor]:
    """One split of a folder, zip or tar.gz with a folder a class. Its pictures are decoded once and kept."""
    source, published = files.pictures(), card.files[0]
    images, labels = remembered(files.cache / "decoded.safetensors", source, card)
    parts = []
    for label in range(len(card.classes)):
        positions = torch.nonzero(labels == label).flatten()
        cut = len(positions) - len(positions) // TEST_SHARE
        parts.append(positions[cut:] if split == "test" else positions[:cut])
    chosen = torch.cat(parts)
    another = source.name == published.name and not is_whole(source, published)
    if another or len(chosen) != card.splits[split]:
        files.unofficial.append(source.name)
    return images[chosen], labels[chosen]


def remembered(kept: Path, source: Path, card: DatasetCard) -> tuple[Tensor, Tensor]:
    """What `decoded` gives: from the file `kept`, if it is sound and the files of its source are as they were; else decoded, and kept."""
    below = [] if source.is_file() else map(Path, files_below(source))
    own = [path for path in below if not path.name.startswith((".", "decoded."))]
    states = [(path, path.stat()) for path in own or [source]]
    state = sorted(f"{path} {one.st_size} {one.st_mtime_ns}" for path, one in states)
    with suppress(OSError, KeyError, SafetensorError), safe_open(kept, "pt") as file:
        whole = file.get_tensor("images"), file.get_tensor("labels")
        if file.metadata() == {"sum": checksum(state, *whole)}:
            return whole
    images, labels = decoded(source, card)
    about = {"sum": checksum(state, images, labels)}
    try:
        paths.write(kept, save({"images": images, "labels": labels}, about))
    except OSError as error:
        print(f"The decoded pictures could not be kept and will be decoded again: {error}")
    return images, labels


def checksum(state: list[str], *arrays: Tensor) -> str:
    """The sha256 of names, sizes and times of the files that were decoded, and of what came of them."""
    digest = hashlib.sha256("\n".join(state).encode())
    for array in arrays:
        digest.update(array.numpy().data)
    return digest.hexdigest()


def decoded(source: Path, card: DatasetCard) -> tuple[Tensor, Tensor]:
    """(pictures (N, C, H, W) uint8, labels (N,) int64) of every class.

    Raises DamagedFile if a picture cannot be read or has not the size on the card, ValueError for classes that it has not.
    """
    found = list(picture_files(source)[0].items())
    names = [name for name, _ in found]
    folders = class_names(source, names)
    if set(folders) != set(card.classes):
        raise ValueError(
            f"'{source}' has the folders {', '.join(folders)}; {card.title} has {', '.join(card.classes)}."
        )
    images, damaged = decode_all(found, f"Reading {len(found):,} pictures, once", shape=card.shape)
    for place, error in damaged.items():
        raise DamagedFile(f"'{names[place]}' in '{source}' {error}. Get it again, or remove it.")
    return images, torch.tensor([card.classes.index(name.parts[0]) for name in names])


CARDS = (
    DatasetCard(
        name="medical-mnist",
        title="Medical MNIST",
        classes=("AbdomenCT", "BreastMRI", "CXR", "ChestCT", "Hand", "HeadCT"),
        shape=(1, 64, 64),
        train=47_164,
        test=11_790,
        licence="CC BY-SA 4.0 (MedNIST)",
        homepage="https://www.kaggle.com/datasets/andrewmvd/medical-mnist",
        citation="MedNIST, made available by B. J. Erickson (Mayo Clinic), from TCIA, the RSNA Bone Age Challenge and the NIH Chest X-ray data set",
        note="Which part of the body a scan shows. Kaggle's set is taken for MedNIST, for classes and counts agree. It has no official split: here the last fifth of each class, in order of file names, is "
        "the test set. The files do not say whose scans they are, so pictures of one patient may be on both sides of any split.",
        files=(RemoteFile(NAME, 61_834_679, SUM, {}, (HOST + NAME,)),),
        kaggle="andrewmvd/medical-mnist",
        read=read,
        place=3,
    ),
)
