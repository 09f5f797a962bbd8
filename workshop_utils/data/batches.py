"""From pictures to the batches that a net reads."""

from typing import Callable, Iterator

import torch
from torch import Tensor

from workshop_utils import device as devices
from workshop_utils.data.images import ImageDataset


class Batches:
    """The pictures of a set as normalised batches, kept on the device.

    Iterating gives (B, C, H, W) float32 and (B,) int64. shuffle: a new order in every pass; a seed makes the passes
    repeat, whatever else draws random numbers. preprocess: uint8 batch -> float batch, as `model.preprocess`; without it
    pixels are scaled by the set's mean and std. augment: float batch -> float batch. The last batch may be smaller.
    Raises ValueError if the set is empty or batch_size is not positive.
    """

    def __init__(self, dataset: ImageDataset, batch_size: int, *, shuffle: bool = False, augment: Callable | None = None,
                 preprocess: Callable | None = None, device=None, seed: int | None = None):
        if not len(dataset):
            raise ValueError(f"There is nothing to read: {dataset!r}.")
        if batch_size < 1:
            raise ValueError(f"A batch holds at least one picture; batch_size is {batch_size}.")
        place = devices.pick(device)
        self.images, self.labels = dataset.images.to(place), dataset.labels.to(place)
        self.batch_size, self.shuffle, self.augment = batch_size, shuffle, augment
        self.generator = torch.Generator()
        self.generator.seed() if seed is None else self.generator.manual_seed(seed)
        self.preprocess = preprocess or standardise(dataset.mean.to(place), dataset.std.to(place))

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for chosen in self._order().split(self.batch_size):
            images = self.preprocess(self.images[chosen])
            yield self.augment(images) if self.augment else images, self.labels[chosen]

    def _order(self) -> Tensor:
        count = len(self.labels)
        order = torch.randperm(count, generator=self.generator) if self.shuffle else torch.arange(count)
        return order.to(self.labels.device)


def standardise(mean: Tensor, std: Tensor) -> Callable[[Tensor], Tensor]:
    """A function from (B, C, H, W) uint8 to float32 with mean 0 and standard deviation 1 a channel."""
    scale = (1 / (255 * std)).view(-1, 1, 1)
    shift = (mean / std).view(-1, 1, 1)
    return lambda images: images.float().mul_(scale).sub_(shift)
