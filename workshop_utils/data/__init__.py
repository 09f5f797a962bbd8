"""Data sets: what there is, and how to load it."""

from workshop_utils.data import imagenet
from workshop_utils.data.batches import Batches
from workshop_utils.data.catalog import DatasetCard, card, catalog
from workshop_utils.data.images import ImageDataset, pixel_statistics
from workshop_utils.data.pictures import DamagedFile, from_folder
from workshop_utils.data.sources import read_bundled

__all__ = ["Batches", "DamagedFile", "DatasetCard", "ImageDataset", "card", "catalog", "from_folder", "imagenet", "load"]


def load(name: str, split: str = "train", *, source: str = "bundled") -> ImageDataset:
    """The pictures of one split of a data set, with labels and class names.

    split: "train" or "test". source: "bundled" is the cut that comes with the course and needs no network.
    Raises ValueError for a name, split or source that does not exist, DamagedFile for a file with the wrong sha256.
    """
    chosen = card(name)
    if source != "bundled":
        raise ValueError(f"There is no source '{source}'. Only \"bundled\", the cut that comes with the course, can be loaded.")
    counts = dict(zip(("train", "test"), chosen.bundled))
    if not counts.get(split):
        raise ValueError(f"{chosen.title} has no split '{split}'. It has: {', '.join(key for key, count in counts.items() if count)}.")
    images, labels, classes = read_bundled(name, split)
    mean, std = pixel_statistics(images if split == "train" else read_bundled(name, "train")[0])
    return ImageDataset(images, labels, classes or chosen.classes, name=name, split=split, source=source, mean=mean, std=std)
