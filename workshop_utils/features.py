"""The features of a net: computed once for the same pictures, used many times."""

import hashlib
import math
from collections.abc import Hashable
from types import NoneType

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from workshop_utils import device as devices
from workshop_utils.data import ImageDataset, LazyImageDataset
from workshop_utils.data.batches import reading, within_memory
from workshop_utils.data.dataset import image_dataset
from workshop_utils.models.blocks import EachPlace
from workshop_utils.models.cards import head, headless
from workshop_utils.models.modes import evaluating, inside, known
from workshop_utils.models.preprocess import Preprocessing
from workshop_utils.progress import progress

REMEMBERED_AT_MOST, PICTURES_AT_MOST = 16, 4000  # 20 MB each, with 1,280 features
# what a net has beside its layers, and features do not depend on
BESIDE = ("training", "preprocess", "classes", "threshold", "architecture", "about", "left_out")
OF_TORCH = vars(nn.Module()).keys()  # those of every layer
_remembered: dict[tuple[str, Hashable], Tensor] = {}


def features(
    backbone: nn.Module, dataset: ImageDataset, *, device=None, batch_size: int | None = None
) -> Tensor:
    """What reaches the head of a net, (N, D) float32, for every picture in order: computed once, used many times.

    Asked again for the same pictures and a net with the same weights and preprocessing, a kernel answers from its memory,
    unless the preprocessing is a function of your own, which nobody can compare. `forget` empties that memory. Raises MemoryError, with the
    batch size to try, where the device's memory is too small.
    """
    backbone = inside(backbone)
    dataset = image_dataset(dataset)
    name = "" if headless(backbone) else head(backbone)[0]
    key = _contents(backbone, dataset, but=name)
    if key in _remembered:
        return _remembered[key].clone()
    batches = reading(known(backbone, "preprocess"), dataset, batch_size=batch_size, device=device)
    backbone.to(batches.device)
    caught: list[Tensor] = []
    around = backbone.get_submodule(name.rpartition(".")[0])
    each = isinstance(around, EachPlace)  # answers with a mean over places: so do its features
    rows = lambda given: given.mean((2, 3)) if each else given.flatten(1)
    keep = lambda _, given, answer: caught.append(
        (rows(given[0]) if name else answer).float().cpu()
    )

    def read() -> None:
        layer = around if each else backbone.get_submodule(name)
        with layer.register_forward_hook(keep), evaluating(backbone):
            for images, _ in progress(batches, f"Features of {len(dataset):,} pictures"):
                backbone(devices.like(backbone, images))

    within_memory(read, batches)
    found = torch.cat(caught or [torch.empty(0)])
    width = backbone.get_submodule(name).in_features if name else math.prod(found.shape[1:])
    if found.shape != (len(dataset), width):
        raise ValueError(
            f"The {'head ' * bool(name)}'{name}' of this net reads a shape of {tuple(found.shape)} for {len(dataset)} pictures, not one row of "
            f"{width} features each. Have its forward call the head once, with one row a picture."
        )
    if key:
        _remembered[key] = found.clone()
        if len(_remembered) > REMEMBERED_AT_MOST:
            del _remembered[next(iter(_remembered))]  # the oldest
    return found


def forget() -> None:
    """Empties the memory of `features`, as a new kernel would."""
    _remembered.clear()


def _contents(backbone: nn.Module, dataset: ImageDataset, but: str) -> tuple[str, Hashable] | None:
    """All that features depend on, to compare, without the layer `but`; None where that cannot be told, or would fill the memory."""
    preprocess = known(backbone, "preprocess")
    if isinstance(dataset, LazyImageDataset) or len(dataset) > PICTURES_AT_MOST:
        return None
    if type(preprocess) not in (NoneType, Preprocessing):  # two functions cannot be compared
        return None
    body = {name: part for name, part in backbone.named_modules() if not but or name != but}
    digest, tensors = hashlib.sha256(), [dataset.images, dataset.mean, dataset.std]
    for name, part in body.items():
        own = {key: value for key, value in vars(part).items() if key not in OF_TORCH}
        tensors += [*part.parameters(recurse=False), *part.buffers(recurse=False)]
        tensors += [value for value in own.values() if isinstance(value, Tensor)]
        digest.update(f"{name} {[item for item in own.items() if item[0] not in BESIDE]}".encode())
    if any(map(is_lazy, tensors)):
        return None
    for tensor in tensors:
        digest.update(f"{tensor.dtype} {tensor.shape}".encode())
        digest.update(tensor.detach().cpu().flatten().contiguous().view(torch.uint8).numpy().data)
    kinds = map(type, body.values())  # a class that is written anew is another
    return digest.hexdigest(), (preprocess, *kinds)
