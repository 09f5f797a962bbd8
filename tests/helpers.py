"""What several test files need: tiny sets, picture files, and a fresh Python."""

import io
import os
import signal
import struct
import subprocess
import sys
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from workshop_utils import data

os.environ.setdefault("WORKSHOP_DEVICE", "cpu")  # the same arithmetic on every computer
REPOSITORY = Path(__file__).parents[1]
TESTDATA = (
    REPOSITORY.parent / "shared" / "testdata"
)  # real cuts in official formats; may not be copied into the repository
needs_testdata = pytest.mark.skipif(
    not TESTDATA.is_dir(), reason="reads shared/testdata beside the repository, which is absent"
)

BUNDLED_SPLITS = [
    (card.name, split)
    for card in data.catalog()
    if card.bundled
    for split, count in zip(("train", "test"), card.bundled)
    if count
]


@lru_cache
def loaded(name: str, split: str = "train") -> data.ImageDataset:
    """A bundled set, read once for all tests."""
    return data.load(name, split)


def tiny_dataset(
    per_class: int = 8, *, classes: int = 3, channels: int = 1, side: int = 8, seed: int = 0, **more
) -> data.ImageDataset:
    """Noise, brighter from class to class, so that a net can learn it: classes a, b, c ... in turn."""
    labels = torch.arange(classes).repeat(per_class)
    noise = torch.randint(
        0, 60, (len(labels), channels, side, side), generator=torch.Generator().manual_seed(seed)
    )
    images = (noise + 190 * labels.view(-1, 1, 1, 1) // max(classes - 1, 1)).to(torch.uint8)
    return data.ImageDataset(
        images, labels, tuple("abcdefghij"[:classes]), **{"name": "tiny", **more}
    )


def tiny_net(classes: int = 3, channels: int = 1, seed: int = 0) -> nn.Module:
    """A convolution, batch normalisation and a head: the smallest net in which everything can go wrong."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16, classes),
    )


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def normalised(dataset: data.ImageDataset) -> torch.Tensor:
    """What a net gets of a set, written by hand: (N, C, H, W)."""
    return (dataset.images.float() / 255 - dataset.mean.view(-1, 1, 1)) / dataset.std.view(-1, 1, 1)


def photo(width: int = 320, height: int = 260, mode: str = "RGB", seed: int = 0) -> Image.Image:
    """Smooth random colours, as a photograph has them."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).convert(mode)


def file_bytes(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def class_folders(root: Path, **counts: int) -> Path:
    """A folder of grey pictures for each class, no two alike: class_folders(tmp_path, cats=3, dogs=4)."""
    for place, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (root / name / f"{number}.png").write_bytes(
                file_bytes(Image.new("L", (10, 10), 100 * place + number))
            )
    return root


def linked_course(folder: Path) -> Path:
    """A folder that looks like the course, and in which what is written stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("workshop_utils", "notebooks"):
        (folder / name).symlink_to(REPOSITORY / name)
    return folder


def code_cells(path: Path) -> list:
    """The code cells of a notebook, in order."""
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def code_by_section(path: Path) -> dict[str, list]:
    """The code cells of each section of a notebook, by the section's title."""
    found, current = {}, None
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            current = found[cell.source.splitlines()[0].removeprefix("## ")] = []
        elif cell.cell_type == "code" and current is not None:
            current.append(cell)
    return found


def idx(values: np.ndarray) -> bytes:
    """An IDX file of bytes as the format's page describes it."""
    return (
        bytes([0, 0, 8, values.ndim])
        + b"".join(struct.pack(">I", side) for side in values.shape)
        + values.tobytes()
    )


def fresh_python(code: str, **options) -> subprocess.CompletedProcess:
    """Runs code in a Python that has imported nothing yet and finds the package."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), **options.pop("env", {})}
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        **{"timeout": 300, **options},
    )


def started_python(code: str, *arguments: str, **environment: str) -> subprocess.Popen:
    """The same without waiting for its end, in the repository's folder."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
    )


def full_disk(room: int) -> str:
    """The first lines of a program that can write no file of more bytes, as on a disk without room."""
    return f"import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nhard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]\nresource.setrlimit(resource.RLIMIT_FSIZE, ({room}, hard))\n"


@contextmanager
def disk_with(room: int):
    """Inside, this process can write no file of more bytes; quicker than `full_disk` in a process of its own."""
    import resource  # Unix has it

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handled = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handled)
