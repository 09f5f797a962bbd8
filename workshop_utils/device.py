"""Which accelerator to use, and why."""

import ctypes
import os
import sys
from functools import lru_cache

import torch
from torch import Tensor, nn

ORDER = ("cuda", "xpu", "mps", "cpu")  # fastest first
ABSENT = "not found on this computer"
IN_WORDS = {  # what drivers say -> what it means
    "out of memory": "its memory is full; close other programs that use it",
    "no kernel image": "this torch was not built for a card of this age",
    "driver": "its driver is too old for this torch, or does not answer",
    "implemented for": "an operation that the course needs is missing there",
}


def pick(preferred: str | torch.device | None = None) -> torch.device:
    """The fastest device on which a convolution really runs forward and backward.

    preferred: "cuda", "xpu", "mps" or "cpu"; without it WORKSHOP_DEVICE decides, and without that it is the computer's
    accelerator, if that works. Raises ValueError for a word that names no device, RuntimeError if the preferred one fails.
    """
    _keep_freed_memory()
    wanted = preferred or os.environ.get("WORKSHOP_DEVICE")
    if not wanted:
        return fastest()
    try:
        chosen = torch.device(wanted)
    except RuntimeError:
        raise ValueError(f"'{wanted}' is no device. Choose one of {', '.join(ORDER)}.") from None
    if why := trouble(str(chosen)):
        raise RuntimeError(
            f"The device '{chosen}' cannot be used: {why}. device.pick() without a name finds one that works."
        )
    return chosen


def of(model: nn.Module) -> torch.device:
    """The device on which a net's weights lie; the CPU for a net without any."""
    return next((weight.device for weight in model.parameters()), torch.device("cpu"))


def like(model: nn.Module, images: Tensor) -> Tensor:
    """Pictures where a net's weights lie; those of floats as its kind of float. Bytes stay bytes: no net was trained on them."""
    kinds = (weight.dtype for weight in model.parameters() if weight.is_floating_point())
    kind = next(kinds, images.dtype) if images.is_floating_point() else images.dtype
    return images.to(of(model), kind)


def report() -> str:
    """One line a device: which was chosen, and what keeps the others from being used."""
    chosen = pick().type
    words = {kind: "chosen" if kind == chosen else trouble(kind) or "works" for kind in ORDER}
    return "\n".join(f"{kind}: {what}" for kind, what in (words | {chosen: "chosen"}).items())


def memory_is_full(error: Exception) -> bool:
    """Whether an error of torch says that there was no memory left, in the words of CUDA, XPU, MPS or the CPU."""
    signs = ("out of memory", "can't allocate memory", "alloc_failed")
    return isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in signs)


@lru_cache
def fastest() -> torch.device:
    """The accelerator that torch finds, if a convolution runs on it, else the CPU; says once why one is not used."""
    found = torch.accelerator.current_accelerator(check_available=True)
    if found and (why := trouble(found.type)):
        print(f"{found} is on this computer but is not used: {why}. The course runs on cpu.")
        found = None
    return found or torch.device("cpu")


@lru_cache
def trouble(kind: str) -> str | None:
    """What is wrong with a device, in words, or None where a small convolution runs on it forward and backward."""
    here = torch.accelerator.current_accelerator(check_available=True)
    if torch.device(kind).type not in ("cpu", here and here.type):
        return ABSENT
    try:
        layer = nn.Conv2d(3, 4, 3, device=kind)
        score = layer(torch.ones(2, 3, 8, 8, device=kind)).square().sum()
        right = bool(torch.isfinite(torch.autograd.grad(score, layer.weight)[0]).all())
        return None if right else "its arithmetic gives wrong numbers"
    except Exception as error:  # drivers fail in many ways, each of which only means: not this one
        lines = str(error).splitlines() or ["no reason given"]
        said = f"{type(error).__name__}: {lines[0]}"
        meant = (words for sign, words in IN_WORDS.items() if sign in str(error).lower())
        return f"{words} ({said})" if (words := next(meant, None)) else said


@lru_cache
def _keep_freed_memory() -> None:
    """Has Linux's malloc keep up to 256 MB that one step frees for the next, where it would give it back and ask again.

    Asking again makes the system clear every page: LeNet trained at 13,000 to 21,000 pictures a second from run to run,
    with this at 21,000 to 22,000 (two cores). Only glibc has these switches; the numbers name them in its malloc.h.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(-3, 32 << 20)  # M_MMAP_THRESHOLD
        mallopt(-1, 256 << 20)  # M_TRIM_THRESHOLD
