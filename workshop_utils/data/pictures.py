"""Picture files decoded into tensors, one by one or many on all cores."""

import ctypes
import hashlib
import io
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from workshop_utils.data.archives import FilePairs
from workshop_utils.errors import DamagedFile
from workshop_utils.progress import progress

PIXELS_AT_MOST = 100_000_000  # more is a mistake or an attack: a small file can unpack to gigabytes
# Whatever a file is called, Pillow may try no other: for EPS it starts a program.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")

Shape = tuple[int, int, int]  # (channels, height, width)
Decoded = tuple[Tensor, dict[int, DamagedFile]]


def decode(raw: bytes | Image.Image, size: int | None = None, channels: int = 3) -> Tensor:
    """A picture file, or a PIL picture, as (channels, H, W) uint8: upright, RGB or grey, on white where transparent.

    Grey values beyond 255 are scaled from 12 or from 16 bits, whichever holds the greatest of them; fractions from 0 to 1.
    size: cut to a square of that side. Raises DamagedFile if it is no picture, not whole, or beyond 100 million pixels.
    """
    try:
        if not isinstance(raw, Image.Image):
            Image.init()  # else Pillow knows only the formats that it has met so far
            known = [name for name in FORMATS if name in Image.OPEN]  # older ones have no AVIF
            raw = Image.open(io.BytesIO(raw), formats=known)
        picture: Image.Image = raw
        if not picture.width * picture.height:
            raise DamagedFile("has no pixels")
        if picture.width * picture.height > PIXELS_AT_MOST:
            raise DamagedFile(
                f"has {picture.width:,} x {picture.height:,} pixels, beyond the limit of {PIXELS_AT_MOST:,}"
            )
        picture = picture.copy()
        # it has been turned when the camera's other notes are found damaged
        with suppress(Exception):
            ImageOps.exif_transpose(picture, in_place=True)
        if picture.mode[0] in "IF":  # more bits a pixel: Pillow would clip them to white
            picture = Image.fromarray(_in_8_bits(np.asarray(picture)))
        if picture.has_transparency_data:
            picture = picture.convert("RGBA")
            picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
        picture = picture.convert("L" if channels == 1 else "RGB")
    except DamagedFile:
        raise
    except Exception as error:  # a decoder fed with arbitrary bytes fails in many ways
        raise DamagedFile(f"cannot be read as a picture ({type(error).__name__})") from None
    if size and picture.size != (size, size):
        picture = ImageOps.fit(picture, (size, size), Image.Resampling.BICUBIC)
    pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    return pixels.view(picture.height, picture.width, channels).permute(2, 0, 1).contiguous()


def fingerprint(picture: Tensor) -> str:
    """What tells a picture, on the CPU, from every other: the sum of its bytes."""
    return hashlib.sha1(picture.numpy().tobytes()).hexdigest()


def _in_8_bits(values: np.ndarray) -> np.ndarray:
    """Scanners and cameras store 12 bits in 16, which would be nearly black if they were taken for 16."""
    tops = (1, 255, 4095, 65535) if values.dtype.kind == "f" else (255, 4095, 65535)
    low, high = values.min(), values.max()
    if not 0 <= low <= high <= tops[-1]:
        raise DamagedFile(
            f"has values from {low} to {high}: scale them to 0 to {tops[-1]:,} and save it again"
        )
    top = next(top for top in tops if high <= top)
    # 1e-3: fractions that were whole numbers out of 255 become these again
    return (values.astype(np.float32) * 255 / top + 1e-3).astype(np.uint8)


def decode_all(
    files: FilePairs, description: str, *, shape: Shape, size: int | None = None
) -> Decoded:
    """(the readable pictures stacked in order (N, *shape), position -> what is wrong with each other one); on all cores."""
    parts = torch.arange(len(files)).split(max(16, len(files) // 100))
    batches = decode_in_turn(files, [part.tolist() for part in parts], shape=shape, size=size)
    # one array from the start: parts and their sum would be twice as much
    images, count, damaged = torch.empty(len(files), *shape, dtype=torch.uint8), 0, {}
    for whole, odd in progress(batches, description, total=len(parts)):
        images[count : count + len(whole)] = whole
        count += len(whole)
        damaged |= odd
    return images[:count], damaged


def decode_in_turn(
    files: FilePairs, positions: Sequence[list[int]], *, shape: Shape, size: int | None = None
) -> Iterator[Decoded]:
    """Batch after batch of the pictures at these positions, as `decode_all` gives them, decoded ahead by a torch DataLoader.

    Its processes are used on Linux alone, for elsewhere they hang in notebooks, and not for a handful of pictures.
    """
    workers: dict[str, Any] = {}
    if sys.platform == "linux" and sum(map(len, positions)) >= 100:
        workers = {
            "num_workers": min(4, len(os.sched_getaffinity(0))),
            "multiprocessing_context": "fork",
            "worker_init_fn": _die_with_the_kernel,
        }
    pictures = _Pictures(files, shape, size)
    loader = DataLoader(pictures, batch_sampler=positions, collate_fn=pictures.stack, **workers)
    for images, damaged in loader:
        yield torch.from_numpy(images), damaged


def _die_with_the_kernel(_worker: int) -> None:
    """A process whose kernel is killed would wait for ever for somebody to take its pictures, with all the memory that it holds."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class _Pictures(Dataset):
    """What a DataLoader asks for batches; damage is handed back and not raised, for it would lose its sentence on the way."""

    def __init__(self, files: FilePairs, shape: Shape, size: int | None):
        self.files, self.shape, self.size = files, shape, size

    def __getitem__(self, position: int) -> tuple[int, Tensor | DamagedFile]:
        try:
            picture = decode(self.files[position][1](), self.size, self.shape[0])
            if picture.shape != self.shape:
                raise DamagedFile(f"has the shape {tuple(picture.shape)} instead of {self.shape}")
            return position, picture
        except DamagedFile as error:
            return position, error
        except OSError as error:
            return position, DamagedFile(f"cannot be opened ({error.strerror or error})")

    def stack(self, pairs: list[tuple[int, Tensor | DamagedFile]]) -> tuple[np.ndarray, dict]:
        """As an array, which travels through a pipe; tensors travel through /dev/shm, and workers hang where that is small."""
        whole = [found for _, found in pairs if not isinstance(found, DamagedFile)]
        damaged = {place: found for place, found in pairs if isinstance(found, DamagedFile)}
        images = torch.stack(whole) if whole else torch.empty(0, *self.shape, dtype=torch.uint8)
        return images.numpy(), damaged
