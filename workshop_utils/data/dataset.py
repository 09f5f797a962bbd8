"""Pictures with labels: the one form in which every data set is used, in memory or left on disk."""

from collections.abc import Iterable, Iterator, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset

from workshop_utils.data.archives import FilePairs
from workshop_utils.data.labels import array, class_names, positions
from workshop_utils.data.pictures import decode_in_turn
from workshop_utils.errors import DamagedFile


class ImageDataset(Dataset):
    """Pictures of one size with their labels, all in memory.

    images: (N, C, H, W) uint8. labels: (N,) int64, positions in `classes`; a column, one-hot rows and names are read as well.
    mean, std: (C,) float32, of the pixels of the training pictures on a scale of 0 to 1, also where this is a test set.
    Indexing with a number gives (picture, label), so that a torch DataLoader takes it too; a slice, as [:5], gives a subset.
    Raises ValueError if pictures, labels and classes do not fit together.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        classes: Sequence[str],
        *,
        name: str,
        split: str = "train",
        source: str = "memory",
        mean: Tensor | None = None,
        std: Tensor | None = None,
    ):
        self._hold(images)
        self.classes = class_names(classes)
        self.labels = torch.from_numpy(positions(labels, self.classes))
        if len(images) != len(self):
            raise ValueError(
                f"{len(images):,} pictures but {len(self):,} labels: every picture needs one."
            )
        self.name, self.split, self.source = name, split, source
        if mean is None and std is None:
            mean, std = self.pixel_statistics()
        self.mean, self.std = self._scaling(mean), self._scaling(std)
        if not (0 <= self.mean.min() <= self.mean.max() <= 1 and self.std.min() > 0):
            raise ValueError(
                f"mean and std count pixels from 0 to 1, and std lies above 0; these are {self.mean.tolist()} and {self.std.tolist()}."
            )

    def _scaling(self, values) -> Tensor:
        found, channels = np.atleast_1d(array(values)), self.shape[0]
        if found.shape not in ((1,), (channels,)) or found.dtype.kind not in "iuf":
            raise ValueError(
                f"Give mean and std both, each one number, or one for each of {channels} channels; one of them is {values}."
            )
        return torch.from_numpy(found.astype(np.float32))

    def _hold(self, images) -> None:
        images = images if isinstance(images, Tensor) else array(images)
        turned = images.ndim == 4 and images.shape[1] > 4 >= images.shape[3]  # colours come last
        if str(images.dtype).removeprefix("torch.") != "uint8" or images.ndim != 4 or turned:
            raise ValueError(
                f"Pictures must be uint8 of shape (N, C, H, W); these are {images.dtype} of shape {tuple(images.shape)}. Colours that come last are moved with np.moveaxis(x, -1, 1), grey pictures take x[:, None], "
                "and floats from 0 to 1 become bytes with (255 * x).round()."
            )
        self.images = images if isinstance(images, Tensor) else torch.from_numpy(images.copy())

    def _about(self) -> dict:
        """What a part of this set has in common with it."""
        return {name: getattr(self, name) for name in ("name", "split", "source", "mean", "std")}

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index) -> Any:
        if np.ndim(index):
            return self.subset(index)
        place = range(len(self))[index]
        if isinstance(place, range):
            return self.subset(place)
        return self._picture(place), int(self.labels[place])

    def _picture(self, place: int) -> Tensor:
        return self.images[place]

    def __repr__(self) -> str:
        return f"{self.name}, {self.split}: {len(self):,} pictures of {' x '.join(map(str, self.shape))}, {len(self.classes)} classes, {self.source}"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of every picture, in pixels."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    def pixel_statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each channel over these pictures, (C,) float32 on a scale of 0 to 1."""
        return pixel_statistics(self.images)

    def subset(self, indices: Sequence[int] | Tensor) -> "ImageDataset":
        """The pictures at these positions, in this order, or where a mask is True; mean and std stay those of the training set.

        Raises ValueError for positions that are no whole numbers or that the set does not have.
        """
        indices = self._positions_of(indices)
        return ImageDataset(
            self.images[indices], self.labels[indices], self.classes, **self._about()
        )

    def per_class(self, k: int, seed: int = 0) -> "ImageDataset":
        """`k` pictures of every class, drawn with `seed`. Raises ValueError, naming the class, where there are fewer."""
        return self.subset(self.draw(k, seed))

    def draw(self, k: int, seed: int = 0) -> Tensor:
        """The positions of the pictures that `per_class` takes, (classes * k,) int64: for features computed once."""
        if not isinstance(k, Integral) or k < 1:
            raise ValueError(f"Ask for one picture a class or more; this is {k}.")
        positions = self._positions(seed)
        for label, found in enumerate(positions):
            if len(found) < k:
                raise ValueError(
                    f"{self.name} has {len(found)} pictures of '{self.classes[label]}', fewer than {k}. Ask for at most {len(found)}."
                )
        return torch.cat([found[:k] for found in positions])

    def split_off(self, fraction: float, seed: int = 0) -> tuple["ImageDataset", "ImageDataset"]:
        """(the rest, a `fraction` of every class), drawn with `seed`; the second is for validation, say.

        Both get at least one picture of every class that has two.
        Raises ValueError if fraction is not between 0 and 1.
        """
        if not 0 < fraction < 1:
            raise ValueError(
                f"The fraction to split off must lie between 0 and 1, for example 0.2; this is {fraction}."
            )
        rest, part = [], []
        for found in self._positions(seed):
            count = min(max(round(fraction * len(found)), 1), max(len(found) - 1, 0))
            rest.append(found[count:])
            part.append(found[:count])
        return self.subset(torch.cat(rest)), self.subset(torch.cat(part))

    def _positions_of(self, indices: Sequence[int] | Tensor) -> Tensor:
        places = array(indices)
        if places.dtype == bool and places.shape == (len(self),):
            return torch.from_numpy(np.flatnonzero(places))
        numbers = places.ndim == 1 and (places.dtype.kind in "iu" or not len(places))
        odd = places[(places < -len(self)) | (places >= len(self))] if numbers else places
        if not numbers or len(odd):
            raise ValueError(
                f"{self.name} has the positions 0 to {len(self) - 1}, or takes a mask of {len(self)} True and False; these are {places.dtype} of shape {places.shape}, with {str(*odd.flatten()[:1].tolist())[:40]} for one."
            )
        return torch.from_numpy(places.astype(np.int64)) % max(len(self), 1)

    def _positions(self, seed: int) -> list[Tensor]:
        """For every class the positions of its pictures, shuffled."""
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        return [order[self.labels[order] == label] for label in range(len(self.classes))]


class LazyImageDataset(ImageDataset):
    """Pictures that stay in their files and are decoded when asked for: ImageNet, and folders too big for the memory.

    files: (name, function that reads the file) for each picture. Pictures are cut to (3, size, size) uint8. It has all that
    an ImageDataset has, but `images` answers with a sentence. about: name, split, source, mean and std, as there; mean and
    std, unless given, are those of 200 pictures.
    """

    def __init__(
        self, files: FilePairs, labels: Tensor, classes: Sequence[str], *, size: int, **about
    ):
        self.size = size
        super().__init__(files, labels, classes, **about)  # type: ignore[arg-type]

    def _hold(self, files) -> None:
        self.files = files

    def _picture(self, place: int) -> Tensor:
        return next(self.read([[place]]))[0]

    def read(self, positions: Iterable[list[int]]) -> Iterator[Tensor]:
        """Batch after batch of the pictures at these positions, (B, C, H, W) uint8. Raises DamagedFile, naming the file."""
        for images, damaged in self._decoded(list(positions)):
            for position, error in damaged.items():
                raise DamagedFile(
                    f"Picture {position} of {self.name}, '{self.files[position][0]}', {error}. Leave it out with .subset(...)."
                )
            yield images

    def _decoded(self, positions: Sequence[list[int]]):
        return decode_in_turn(self.files, positions, shape=self.shape, size=self.size)

    @property
    def images(self) -> Tensor:  # type: ignore[override]
        raise ValueError(
            f"The {len(self):,} pictures of {self.name} stay in their files and are read one by one. Use dataset[number], data.Batches(dataset, ...), or dataset.per_class(10).in_memory() for a part of it."
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        return 3, self.size, self.size

    def pixel_statistics(self) -> tuple[Tensor, Tensor]:
        """As of an ImageDataset, estimated from 200 pictures spread over the set."""
        sample = torch.linspace(0, len(self) - 1, min(len(self), 200)).long()
        readable = self._decoded([part.tolist() for part in sample.split(50)])
        return pixel_statistics(torch.cat([images for images, _ in readable]))

    def subset(self, indices: Sequence[int] | Tensor) -> "LazyImageDataset":
        indices = self._positions_of(indices)
        files, labels = [self.files[index] for index in indices.tolist()], self.labels[indices]
        return LazyImageDataset(files, labels, self.classes, size=self.size, **self._about())

    def in_memory(self) -> ImageDataset:
        """The same pictures, decoded now, as an ImageDataset."""
        parts = (part.tolist() for part in torch.arange(len(self)).split(64))
        images = torch.cat(list(self.read(parts)))
        return ImageDataset(images, self.labels, self.classes, **self._about())


def image_dataset(given) -> ImageDataset:
    """`given`, or the part of an ImageDataset that a torch Subset stands for, as random_split gives it.

    Raises ValueError, with what makes an ImageDataset, for anything else.
    """
    if type(given) is Subset:
        return image_dataset(given.dataset).subset(given.indices)
    if not isinstance(given, ImageDataset):
        raise ValueError(
            f"Pictures come as an ImageDataset, and this is a {type(given).__name__}. data.load, data.from_folder and data.ImageDataset(images, labels, classes, name=...) make one."
        )
    return given


def pixel_statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel, (C,) float32 on a scale of 0 to 1; (N, C, H, W) uint8 in.

    Counted from a histogram: exact, and without a float copy of the whole set.
    """
    levels = torch.arange(256, dtype=torch.float64) / 255
    channels = [channel.flatten() for channel in images.unbind(1)]
    counts = torch.stack([torch.bincount(channel, minlength=256).cpu() for channel in channels])
    shares = counts.double() / counts.sum(1, keepdim=True).clamp(min=1)
    mean = shares @ levels
    variance = shares @ levels.square() - mean.square()
    return mean.float(), variance.clamp(min=0).sqrt().clamp(min=1e-6).float()
