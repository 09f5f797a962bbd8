"""PneumoniaMNIST and PathMNIST, two of the sets of MedMNIST: all splits in one npz file. Format: https://medmnist.com"""

import io
from zipfile import ZipFile

import numpy as np
import torch
from torch import Tensor

from workshop_utils.data.archives import UNPACKED_AT_MOST
from workshop_utils.data.cards import DatasetCard, RemoteFile
from workshop_utils.errors import DamagedFile, reading

PARTS = {"train": "train", "test": "test", "validation": "val"}  # a split in the arrays' names
HOST = "https://zenodo.org/records/10519652/files/{}?download=1"
TISSUES = (
    "adipose, background, debris, lymphocytes, mucus, smooth muscle, normal colon mucosa, "
    "cancer-associated stroma, colorectal adenocarcinoma epithelium"
)


def read(card: DatasetCard, split: str, files) -> tuple[Tensor, Tensor]:
    """One split of a MedMNIST file. Raises DamagedFile if it is no such file."""
    name, part = f"{card.name}.npz", PARTS[split]
    (raw,) = files.contents(name)
    with reading(f"'{name}' is not a MedMNIST file"):
        with ZipFile(io.BytesIO(raw)) as archive:
            if sum(member.file_size for member in archive.infolist()) > UNPACKED_AT_MOST:
                raise DamagedFile(f"it unpacks to more than {UNPACKED_AT_MOST:,} bytes")
        with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
            pictures, numbers = arrays[f"{part}_images"], arrays[f"{part}_labels"]
        shaped = pictures.ndim in (3, 4) and pictures.shape[3:] in ((), (3,)) and pictures.size
        if pictures.dtype != np.uint8 or not shaped:
            raise DamagedFile(
                f"it holds pictures of shape {pictures.shape} and type {pictures.dtype}"
            )
        if numbers.shape != (len(pictures), 1) or numbers.dtype.kind not in "ui":
            raise DamagedFile(f"it does not hold one label for each of {len(pictures):,} pictures")
        pictures = pictures[:, None] if pictures.ndim == 3 else pictures.transpose(0, 3, 1, 2)
        images = torch.from_numpy(np.ascontiguousarray(pictures))
        return images, torch.from_numpy(numbers[:, 0].astype(np.int64))


def _file(name: str, size: int, md5: str) -> tuple[RemoteFile]:
    """Sums: the Python package medmnist 3.0.2."""
    return (RemoteFile(name, size, f"md5:{md5}", {name: f"md5:{md5}"}, (HOST.format(name),)),)


CARDS = (
    DatasetCard(
        name="pneumoniamnist",
        title="PneumoniaMNIST",
        classes=("normal", "pneumonia"),
        shape=(1, 28, 28),
        train=4_708,
        test=624,
        validation=524,
        licence="CC BY 4.0",
        homepage="https://medmnist.com",
        citation="Yang et al. 2023, doi:10.1038/s41597-022-01721-8",
        note="Chest X-rays of children, from MedMNIST: unbalanced, small, and a question that matters.",
        files=_file("pneumoniamnist.npz", 4_170_669, "28209eda62fecd6e6a2d98b1501bb15f"),
        read=read,
        place=10,
    ),
    DatasetCard(
        name="pathmnist",
        title="PathMNIST",
        classes=tuple(TISSUES.split(", ")),
        shape=(3, 28, 28),
        train=89_996,
        test=7_180,
        validation=10_004,
        licence="CC BY 4.0",
        homepage="https://medmnist.com",
        citation="Yang et al. 2023, doi:10.1038/s41597-022-01721-8",
        note="Tissue under the microscope, from MedMNIST. Its test pictures come from another hospital than the rest.",
        files=_file("pathmnist.npz", 205_615_438, "a8b06965200029087d5bd730944a56c1"),
        read=read,
        place=11,
    ),
)
