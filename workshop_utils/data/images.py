"""Pictures with labels: the one form in which every data set is used, and people's own folders turned into it."""

from typing import Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset


class ImageDataset(Dataset):
    """Pictures of one size with their labels, all in memory.

    images: (N, C, H, W) uint8. labels: (N,) int64, positions in `classes`. mean, std: (C,) float32, of the pixels of the
    training pictures on a scale of 0 to 1, also where this is a test set. Indexing with a number gives
    (picture, label), so that a torch DataLoader takes it too.
    Raises ValueError if pictures, labels and classes do not fit together.
    """

    def __init__(self, images: Tensor, labels: Tensor, classes: Sequence[str], *, name: str, split: str = "train",
                 source: str = "memory", mean: Tensor | None = None, std: Tensor | None = None):
        if images.dtype != torch.uint8 or images.ndim != 4:
            raise ValueError(f"Pictures must be uint8 of shape (N, C, H, W); these are {images.dtype} of shape {tuple(images.shape)}.")
        if len(images) != len(labels):
            raise ValueError(f"{len(images):,} pictures but {len(labels):,} labels: every picture needs one.")
        if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < len(classes):
            raise ValueError(f"Labels must lie in 0..{len(classes) - 1} for {len(classes)} classes; "
                             f"these go from {int(labels.min())} to {int(labels.max())}.")
        self.images, self.labels, self.classes = images, labels.long(), tuple(classes)
        self.name, self.split, self.source = name, split, source
        self.mean, self.std = (mean, std) if mean is not None else pixel_statistics(images)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.images[index], int(self.labels[index])

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.images.shape[1:]))
        return f"{self.name}, {self.split}: {len(self):,} pictures of {shape}, {len(self.classes)} classes, {self.source}"

    def subset(self, indices: Sequence[int] | Tensor) -> "ImageDataset":
        """The pictures at these positions, in this order; mean and std stay those of the training set."""
        indices = torch.as_tensor(indices)
        return ImageDataset(self.images[indices], self.labels[indices], self.classes, name=self.name, split=self.split,
                            source=self.source, mean=self.mean, std=self.std)

    def per_class(self, k: int, seed: int = 0) -> "ImageDataset":
        """`k` pictures of every class, drawn with `seed`. Raises ValueError, naming the class, where there are fewer."""
        return self.subset(self.draw(k, seed))

    def draw(self, k: int, seed: int = 0) -> Tensor:
        """The positions of the pictures that `per_class` takes, (classes * k,) int64: for features computed once."""
        positions = self._positions(seed)
        for label, found in enumerate(positions):
            if len(found) < k:
                raise ValueError(f"{self.name} has {len(found)} pictures of '{self.classes[label]}', fewer than {k}. Ask for at most {len(found)}.")
        return torch.cat([found[:k] for found in positions])

    def split_off(self, fraction: float, seed: int = 0) -> tuple["ImageDataset", "ImageDataset"]:
        """(the rest, a `fraction` of every class), drawn with `seed`; the second is for validation, say.

        Both get at least one picture of every class that has two.
        Raises ValueError if fraction is not between 0 and 1.
        """
        if not 0 < fraction < 1:
            raise ValueError(f"The fraction to split off must lie between 0 and 1, for example 0.2; this is {fraction}.")
        positions = self._positions(seed)
        counts = [min(max(round(fraction * len(found)), 1), max(len(found) - 1, 0)) for found in positions]
        rest = torch.cat([found[count:] for found, count in zip(positions, counts)])
        part = torch.cat([found[:count] for found, count in zip(positions, counts)])
        return self.subset(rest), self.subset(part)

    def _positions(self, seed: int) -> list[Tensor]:
        """For every class the positions of its pictures, shuffled."""
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        return [order[self.labels[order] == label] for label in range(len(self.classes))]


def pixel_statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel, (C,) float32 on a scale of 0 to 1; (N, C, H, W) uint8 in.

    Counted from a histogram: exact, and without a float copy of the whole set.
    """
    levels = torch.arange(256, dtype=torch.float64) / 255
    counts = torch.stack([torch.bincount(images[:, channel].flatten(), minlength=256) for channel in range(images.shape[1])])
    shares = counts.double() / counts.sum(1, keepdim=True).clamp(min=1)
    mean = shares @ levels
    variance = shares @ levels.square() - mean.square()
    return mean.float(), variance.clamp(min=0).sqrt().clamp(min=1e-6).float()
