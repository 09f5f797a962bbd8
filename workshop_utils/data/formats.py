"""Readers of the official formats: bytes in, (pictures (N, C, H, W) uint8, labels (N,) int64) out.

Whatever the bytes are, a reader gives pictures or raises DamagedFile with a sentence that names the file; it never runs
what a file holds.
"""

import gzip
import io
import math
import pickle
import pickletools
import struct
import zlib
from zipfile import ZipFile

import numpy as np
import torch
from torch import Tensor

from workshop_utils.data.pictures import DamagedFile

UNPACKED_AT_MOST = (
    1 << 29
)  # bytes; no published file unpacks to half a gibibyte, and a small archive can promise terabytes
SIGN_HEADING = b"label," + b",".join(b"pixel%d" % place for place in range(1, 785))
SIGN_LABELS = [label for label in range(25) if label != 9]  # J (9) and Z (25) are movements


class _Unfit(ValueError):
    """What is wrong with a file, in words that a reader adds its name to."""


def gunzip(raw: bytes, name: str) -> bytes:
    """The content of a gzip file. Raises DamagedFile if it is not whole or unpacks to more than any published file."""
    try:
        with gzip.open(io.BytesIO(raw)) as file:
            content = file.read(UNPACKED_AT_MOST + 1)
    except (OSError, EOFError, zlib.error):
        raise DamagedFile(f"'{name}' is not a whole gzip file. Get it again.") from None
    if len(content) > UNPACKED_AT_MOST:
        raise DamagedFile(
            f"'{name}' unpacks to more than {UNPACKED_AT_MOST:,} bytes. Get it again, from another place."
        )
    return content


def read_idx(raw: bytes, name: str) -> Tensor:
    """An IDX file, gzipped or not, as a uint8 tensor of the shape that its header states.

    Raises DamagedFile if header and length do not agree. Format: https://yann.lecun.org/exdb/mnist/
    """
    raw = gunzip(raw, name) if raw[:2] == b"\x1f\x8b" else raw
    if len(raw) < 4 or raw[:3] != b"\0\0\x08" or len(raw) < 4 + 4 * raw[3]:
        raise DamagedFile(f"'{name}' does not begin as an IDX file of bytes does. Get it again.")
    shape = struct.unpack_from(f">{raw[3]}I", raw, 4)
    body = raw[4 + 4 * raw[3] :]
    expected = math.prod(shape)
    if len(body) != expected or not body:
        raise DamagedFile(
            f"'{name}' promises {expected:,} values ({' x '.join(map(str, shape))}) but holds {len(body):,}. Get it again."
        )
    return torch.frombuffer(bytearray(body), dtype=torch.uint8).view(shape)


def read_cifar(raw: bytes, name: str, labels: str, classes: int) -> tuple[Tensor, Tensor]:
    """One pickled file of CIFAR; labels: "labels", "fine_labels" or "coarse_labels", each from 0 to classes - 1.

    Format: https://www.cs.toronto.edu/~kriz/cifar.html (each row 1,024 red, green, blue values).
    """
    try:
        _need_plain_pickle(raw)
        content = _CifarUnpickler(io.BytesIO(raw), encoding="latin1").load()
        rows, numbers = content["data"].values, np.asarray(content[labels])
        if (
            rows.dtype != np.uint8
            or rows.ndim != 2
            or rows.shape[1] != 3072
            or numbers.shape != (len(rows),)
            or not len(rows)
        ):
            raise _Unfit(
                f"it holds {rows.dtype} values of shape {rows.shape} and {numbers.size} labels"
            )
        if numbers.dtype.kind != "i" or not 0 <= numbers.min() <= numbers.max() < classes:
            raise _Unfit(f"it holds labels outside of 0..{classes - 1}")
        return torch.from_numpy(rows.reshape(-1, 3, 32, 32).copy()), torch.from_numpy(
            numbers.astype(np.int64)
        )
    except Exception as error:  # a pickle of arbitrary bytes fails in many ways
        raise DamagedFile(
            f"'{name}' is not a file of CIFAR: {_reason(error)}. Get it again."
        ) from None


def _need_plain_pickle(raw: bytes) -> None:
    """Refuses pickles that are small and grow: by far-off memory places, or by using one value again and again."""
    repeats = 0
    for operation, argument, _ in pickletools.genops(raw):
        repeats += operation.name == "DUP" or operation.name == "REDUCE" or "GET" in operation.name
        if repeats > 32 or (
            "PUT" in operation.name and isinstance(argument, int) and argument > len(raw)
        ):
            raise _Unfit("it is not put together as CIFAR's files are")


class _CifarUnpickler(pickle.Unpickler):
    """Admits what CIFAR's files hold, which is a byte array beside lists and strings; a pickle could run anything else.

    Stand-ins take the place of numpy's own types, which would let a file set flags that numpy trusts.
    """

    def find_class(self, module, name):
        admitted = {
            "_reconstruct": lambda *_: _Rows(),
            "ndarray": None,
            "dtype": _ByteType,
            "encode": _latin1,
        }
        if (
            module in ("numpy", "numpy.core.multiarray", "numpy._core.multiarray", "_codecs")
            and name in admitted
        ):
            return admitted[name]
        raise _Unfit(f"it asks to run '{module}.{name}', which no file of CIFAR does")


class _ByteType:
    def __init__(self, code, *_):
        if code != "u1":
            raise _Unfit(f"it holds values of type '{code}'")

    def __setstate__(self, _):
        """Byte order and flags, which bytes do not need."""


class _Rows:
    values = np.empty(0, np.uint8)

    def __setstate__(self, state):
        _, shape, kind, _, raw = state
        if not isinstance(kind, _ByteType):
            raise _Unfit("it holds values of no type")
        self.values = np.frombuffer(
            raw.encode("latin1") if isinstance(raw, str) else raw, np.uint8
        ).reshape(shape)


def _latin1(text, encoding):
    if encoding != "latin1":
        raise _Unfit(f"it asks for the encoding '{encoding}'")
    return text.encode("latin1")


def read_sign_csv(raw: bytes, name: str) -> tuple[Tensor, Tensor]:
    """One CSV of Sign Language MNIST: a heading, then rows of a label and 28 x 28 pixels; labels become 0..23 (A..Y without J).

    Raises DamagedFile, naming the line, for a row of the wrong length or a value out of range.
    """
    heading, *lines = raw.replace(b"\r\n", b"\n").rstrip(b"\n").split(b"\n")
    if heading != SIGN_HEADING or not lines:
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
        number = next(
            number
            for number, line in enumerate(lines, 2)
            if not all(
                value.isdigit() and len(value) < 9 and int(value) < 256
                for value in line.split(b",")
            )
        )
        raise DamagedFile(
            f"Line {number:,} of '{name}' holds a value that is no whole number from 0 to 255. Get the file again."
        ) from None
    wrong = np.flatnonzero(~np.isin(rows[:, 0], SIGN_LABELS))
    if len(wrong):
        raise DamagedFile(
            f"Line {wrong[0] + 2:,} of '{name}' has the label {rows[wrong[0], 0]}; labels are 0 to 24 without 9. Get the file again."
        )
    labels = np.searchsorted(SIGN_LABELS, rows[:, 0])
    return torch.from_numpy(rows[:, 1:].reshape(-1, 1, 28, 28).copy()), torch.from_numpy(
        labels.astype(np.int64)
    )


def read_npz(raw: bytes, name: str, split: str, classes: int) -> tuple[Tensor, Tensor]:
    """One split ("train", "val" or "test") of a MedMNIST file. Format: https://medmnist.com"""
    try:
        with ZipFile(io.BytesIO(raw)) as archive:
            if sum(member.file_size for member in archive.infolist()) > UNPACKED_AT_MOST:
                raise _Unfit(f"it unpacks to more than {UNPACKED_AT_MOST:,} bytes")
        with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
            pictures, numbers = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        if (
            pictures.dtype != np.uint8
            or pictures.ndim not in (3, 4)
            or pictures.shape[3:] not in ((), (3,))
            or not pictures.size
        ):
            raise _Unfit(f"it holds pictures of shape {pictures.shape} and type {pictures.dtype}")
        if (
            numbers.shape != (len(pictures), 1)
            or numbers.dtype.kind not in "ui"
            or not 0 <= numbers.min() <= numbers.max() < classes
        ):
            raise _Unfit(
                f"it does not hold one label from 0 to {classes - 1} for each of its {len(pictures):,} pictures"
            )
        pictures = pictures[:, None] if pictures.ndim == 3 else pictures.transpose(0, 3, 1, 2)
        return torch.from_numpy(np.ascontiguousarray(pictures)), torch.from_numpy(
            numbers[:, 0].astype(np.int64)
        )
    except Exception as error:  # zip and npy headers of arbitrary bytes fail in many ways
        raise DamagedFile(
            f"'{name}' is not a MedMNIST file: {_reason(error)}. Get it again."
        ) from None


def _reason(error: Exception) -> str:
    return (
        str(error) if isinstance(error, _Unfit) else f"it cannot be read ({type(error).__name__})"
    )
