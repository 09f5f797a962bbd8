"""Thousands of small picture files as one array, decoded once and kept."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from workshop_utils.data.archives import files_below
from workshop_utils.paths import write

Pictures = tuple[Tensor, Tensor]  # (N, C, H, W) uint8 and (N,) int64


def remembered(kept: Path, source: Path, decode: Callable[[], Pictures]) -> Pictures:
    """The pictures and labels of a folder or archive: from the file `kept`, or else by `decode`, and kept there.

    They are kept with their sum and the state of their source: where either has changed they are decoded again.
    """
    state = _state(source)
    whole = _load(kept, state)
    if whole is None:
        whole = decode()
        _keep(kept, state, *whole)
    return whole


def _state(source: Path) -> str:
    """What changes when the source does: names, sizes and times of its files."""
    below = () if source.is_file() else files_below(source)
    own = [file for file in below if not file.name.startswith((".", "decoded."))]
    files = [(file.path, file.stat()) for file in own] or [(str(source), source.stat())]
    lines = sorted(f"{path} {status.st_size} {status.st_mtime_ns}" for path, status in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def checksum(images: Tensor, labels: Tensor) -> str:
    """What is written beside the array and compared when it is read: the sha256 of both."""
    digest = hashlib.sha256(images.numpy().data)
    digest.update(labels.numpy().data)
    return digest.hexdigest()


def _load(kept: Path, state: str) -> Pictures | None:
    try:
        with safe_open(kept, "pt") as file:
            if (file.metadata() or {}).get("state") != state:
                return None
            whole = file.get_tensor("images"), file.get_tensor("labels")
            return whole if checksum(*whole) == file.metadata()["sum"] else None
    except (OSError, KeyError, SafetensorError):  # absent, or damaged: decoded again
        return None


def _keep(kept: Path, state: str, images: Tensor, labels: Tensor) -> None:
    """Written as it lies in memory: a copy would need as much again, and safetensors' own writer leaves a file of its own when
    it is killed. A disk that is full or closed costs only the time of the next decoding."""
    layout: dict[str, dict] = {
        "__metadata__": {"state": state, "sum": checksum(images, labels)},
        "labels": {"dtype": "I64", "shape": labels.shape, "data_offsets": (0, labels.nbytes)},
    }
    ends = labels.nbytes, labels.nbytes + images.nbytes
    layout["images"] = {"dtype": "U8", "shape": images.shape, "data_offsets": ends}
    header = json.dumps(layout).encode()
    header += b" " * (-len(header) % 8)  # tensors begin where numbers of eight bytes do
    arrays = (tensor.contiguous().numpy().data for tensor in (labels, images))
    try:
        write(kept, len(header).to_bytes(8, "little"), header, *arrays)
    except OSError as error:
        print(f"The decoded pictures could not be kept and will be decoded again: {error}")
