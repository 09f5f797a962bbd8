"""From pictures to the batches that a net reads."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from workshop_utils import device as devices
from workshop_utils.data.dataset import ImageDataset, LazyImageDataset, image_dataset
from workshop_utils.errors import whole


class Batches:
    """The pictures of a set as normalised batches on the device; those held in memory are moved there once.

    Iterating gives (B, C, H, W) float32 and (B,) int64. shuffle: a new order in every pass, which `torch.manual_seed` repeats
    as a DataLoader's; a seed repeats it whatever else draws random numbers (an `augment` draws its own: see `augmentation`).
    preprocess: uint8 batch -> float batch, as `model.preprocess`; without it pixels are scaled by the set's mean and std.
    augment: float batch -> float batch, as `augmentation` makes it. The last batch may be smaller. A lazy set is read by a
    torch DataLoader behind the same call.
    Raises ValueError if the set is empty or batch_size is not positive.
    """

    def __init__(
        self,
        dataset: ImageDataset,
        batch_size: int,
        *,
        shuffle: bool = False,
        augment: Callable | None = None,
        preprocess: Callable | None = None,
        device=None,
        seed: int | None = None,
    ):
        dataset, batch_size = image_dataset(dataset), whole(batch_size, "batch_size")
        if not len(dataset):
            raise ValueError(f"There is nothing to read: {dataset!r}.")
        self.device = devices.pick(device)
        if augment is not None and not callable(augment):
            raise ValueError(f"augment is a function of a float batch, and this is {augment!r}.")
        self.batch_size, self.shuffle, self.augment = batch_size, shuffle, augment
        self.generator = None if seed is None else torch.Generator().manual_seed(int(seed))
        self._labels, self.count = dataset.labels.to(self.device), len(dataset)
        mean, std = (each.to(self.device).view(-1, 1, 1) for each in (dataset.mean, dataset.std))
        scale, shift = 1 / (255 * std), mean / std
        standardised = lambda images: images.float().mul_(scale).sub_(shift)
        self.preprocess = preprocess or standardised
        if isinstance(dataset, LazyImageDataset):
            self._read = lambda parts: dataset.read(part.tolist() for part in parts)
        else:
            images = dataset.images.to(self.device)
            # copies whole pictures; images[part] goes byte by byte, ten times as slowly
            self._read = lambda parts: (images.index_select(0, part) for part in parts)

    def __len__(self) -> int:
        return -(-self.count // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.arange(self.count)
        if self.shuffle:
            order = torch.randperm(self.count, generator=self.generator)
        parts = order.to(self.device).split(self.batch_size)
        for part, images in zip(parts, self._read(parts)):
            images = self.preprocess(images.to(self.device))
            yield _changed(images, self.augment) if self.augment else images, self._labels[part]


def _changed(images: Tensor, augment: Callable) -> Tensor:
    """An augmented batch. Raises ValueError if `augment` gives something else."""
    changed = augment(images)
    if not isinstance(changed, Tensor) or changed.shape[:1] != images.shape[:1]:
        raise ValueError(
            f"augment takes a batch of pictures and returns one of as many; this one gives {type(changed).__name__} for {len(images)}. Does it end with return?"
        )
    return changed


def reading(
    preprocess: Callable | None,
    dataset: ImageDataset,
    *,
    batch_size: int | None = None,
    device=None,
) -> Batches:
    """The batches in which a net only looks at a set, in order, through its own `preprocess` where it has one.

    batch_size: 250 small pictures. Preprocessing makes them large: then 4 on the CPU, where more no longer fit into its cache
    (a picture takes EfficientNet-Lite0 20 ms of one core in batches of 4 and 27 in batches of 8, which need 90 MB more;
    batches of 64 take twice as long), and 64 elsewhere.
    """
    place = devices.pick(device)
    usual = 250 if preprocess is None else 4 if place.type == "cpu" else 64
    size = usual if batch_size is None else batch_size
    return Batches(dataset, size, preprocess=preprocess, device=place)


def within_memory(work: Callable, batches: Batches):
    """What `work()` returns. Raises MemoryError, with the batch size to try, if the device's memory was full in it."""
    try:
        return work()
    except (RuntimeError, MemoryError) as error:
        if not devices.memory_is_full(error):
            raise
    size = batches.batch_size  # from here on, where no error keeps the batch that did not fit
    cure = f"batch_size={size // 2}" if size > 1 else "a smaller net, or smaller pictures"
    raise MemoryError(
        f"The memory of the device '{batches.device}' is too small for this net with batches of {size} pictures. Try {cure}."
    )
