"""Sign Language MNIST: hands, 28 x 28 grey pixels, as rows of two CSV files."""

import re

import numpy as np
import torch
from torch import Tensor

from workshop_utils.data.cards import DatasetCard, RemoteFile
from workshop_utils.errors import DamagedFile

HEADING = b"label," + b",".join(b"pixel%d" % place for place in range(1, 785))
LABELS = [label for label in range(25) if label != 9]  # J (9) and Z (25) are movements
# Kaggle publishes no sums; these were published, alike, by four users who had downloaded the files.
TRAIN = "sha256:4c2897f19fab2b0ae2a7e4fa82e969043315d9f3a1a9cc0948b576bf1189a7e5"
TEST = "sha256:0e9d67bae23e67f40728e0b63bf15ad4bd5175947b8a9fac5dd9f17ce133c47b"


def read(card: DatasetCard, split: str, files) -> tuple[Tensor, Tensor]:
    """The CSV of a split: a heading, then rows of a label and 28 x 28 pixels; labels become 0..23 (A..Y without J).

    What spreadsheets and pandas change when they save it again is undone: line endings, quotes, separators, an index in front.
    Raises DamagedFile, naming the line, for a row of the wrong length or a value out of range.
    """
    name = f"sign_mnist_{split}.csv"
    (raw,) = files.contents(name)
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raw = raw.decode("utf-16", errors="replace").encode()
    raw = raw.removeprefix(b"\xef\xbb\xbf").replace(b"\r\r\n", b"\n").translate(None, b"\"' ")
    if HEADING not in raw[: 2 * len(HEADING)]:
        raw = raw.translate(bytes.maketrans(b";\t", b",,"))
    raw = re.sub(rb"\.0*(?=[,\r\n]|$)", b"", raw)  # 7.0 is 7
    heading, *lines = raw.rstrip().splitlines() or [b""]
    if heading.endswith(b"," + HEADING):
        before = heading.count(b",") - 784
        heading, lines = HEADING, [line.split(b",", before)[-1] for line in lines]
    if heading != HEADING or not lines:
        raise DamagedFile(
            f"'{name}' does not begin with the line label,pixel1,...,pixel784 and go on with rows of numbers. Get it again."
        )
    for number, line in enumerate(lines, 2):
        if line.count(b",") != 784:
            raise DamagedFile(
                f"Line {number:,} of '{name}' has {line.count(b',') + 1} values instead of 785. Get the file again."
            )
    try:
        if b"".join(lines).translate(None, b"0123456789,"):  # numpy would read 1.5 as 1
            raise ValueError
        rows = np.loadtxt(lines, delimiter=",", dtype=np.uint8, ndmin=2, comments=None)
    except (ValueError, OverflowError):
        fits = lambda value: value.isdigit() and len(value) < 9 and int(value) < 256
        sound = [all(map(fits, line.split(b","))) for line in lines]
        number = sound.index(False) + 2
        raise DamagedFile(
            f"Line {number:,} of '{name}' holds a value that is no whole number from 0 to 255. Get the file again."
        ) from None
    wrong = np.flatnonzero(~np.isin(rows[:, 0], LABELS))
    if len(wrong):
        raise DamagedFile(
            f"Line {wrong[0] + 2:,} of '{name}' has the label {rows[wrong[0], 0]}; labels are 0 to 24 without 9. Get the file again."
        )
    labels = np.searchsorted(LABELS, rows[:, 0]).astype(np.int64)
    images = rows[:, 1:].reshape(-1, 1, 28, 28).copy()
    return torch.from_numpy(images), torch.from_numpy(labels)


CARDS = (
    DatasetCard(
        name="sign-mnist",
        title="Sign Language MNIST",
        classes=tuple("ABCDEFGHIKLMNOPQRSTUVWXY"),
        shape=(1, 28, 28),
        train=27_455,
        test=7_172,
        licence="CC0",
        homepage="https://www.kaggle.com/datasets/datamunge/sign-language-mnist",
        citation="tecperson 2017, Kaggle",
        note="Hands that form the letters of American Sign Language. J and Z are movements, so there are 24 classes. All of it was made from "
        "1,704 photographs by cropping, turning and changing brightness, so a test picture may have a close relative to learn from.",
        files=(
            RemoteFile("sign_mnist_train.csv", 83_281_065, TRAIN, {"sign_mnist_train.csv": TRAIN}),
            RemoteFile("sign_mnist_test.csv", 21_777_485, TEST, {"sign_mnist_test.csv": TEST}),
        ),
        kaggle="datamunge/sign-language-mnist",
        read=read,
        place=4,
    ),
)
