"""The card of a data set: what it is, who made it, under which licence, where its files are, and how they are read."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import itemgetter

from torch import Tensor

from workshop_utils.data.archives import FilePairs
from workshop_utils.tables import Table


@dataclass(frozen=True)
class RemoteFile:
    """One published file.

    sum: "sha256:..." or "md5:..." of the file. contents: the files packed in it, name -> sum, where there is a published
    sum: the same data is found in other packagings too. urls: tried from left to right; none where only Kaggle has it.
    """

    name: str
    bytes: int
    sum: str
    contents: dict[str, str]
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DatasetCard:
    """What there is to know about a data set before it is loaded.

    shape: (channels, height, width) in pixels. train, test, validation: how many pictures the whole set has. licence: as
    its owner states it. bundled: how many (train, test) pictures of it come with the course, or None. files: as they are
    published; kaggle: its name there. coarse: the names of its superclasses. mean, std: of the pixels to learn from, where
    counting would take hours. place: in the catalogue. storable: whether notebooks with outputs, slides and pages may show it.
    read(card, split, files) -> (pictures (N, C, H, W) uint8, labels (N,) int64). `files.contents(name, ...)` are the
    verified bytes of files, unpacked, bundled or published alike; `files.folder` is where they lie. For a published set of
    picture files, `files.pictures()` is its archive or folder, and `files.cache` a folder to keep what was decoded. A set
    that is left on disk gives (name, function that reads the file) pairs instead of pictures.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    train: int
    test: int
    licence: str
    note: str
    read: Callable[..., tuple[Tensor | FilePairs, Tensor]]
    homepage: str = ""
    citation: str = ""
    bundled: tuple[int, int] | None = None
    files: tuple[RemoteFile, ...] = ()
    kaggle: str = ""
    validation: int = 0
    coarse: tuple[str, ...] = ()
    size_on_request: int = 0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    place: int = 100
    storable: bool = True

    @property
    def download_bytes(self) -> int:
        """What the full set weighs on its way here; 0 where all of it comes with the course."""
        return self.size_on_request or sum(file.bytes for file in self.files)

    @property
    def splits(self) -> dict[str, int]:
        """How many pictures each split of the whole set has."""
        counts = {"train": self.train, "test": self.test, "validation": self.validation}
        return {split: count for split, count in counts.items() if count}

    @property
    def bundled_splits(self) -> dict[str, int]:
        """How many pictures of each split come with the course."""
        return {split: n for split, n in zip(("train", "test"), self.bundled or ()) if n}

    @property
    def comes_whole(self) -> bool:
        """Whether the course brings all of it."""
        return self.bundled is not None and not self.files

    @property
    def where(self) -> str:
        """Its page, in brackets, for the end of a sentence; nothing where it has none."""
        return f" ({self.homepage})" if self.homepage else ""

    @property
    def how(self) -> str:
        """The one line that brings the whole set."""
        if self.comes_whole:
            return f'data.load("{self.name}")'
        more = "" if self.files else ', root="the folder of your copy"'
        return f'data.load("{self.name}", source="full"{more})'

    def _repr_html_(self) -> str:
        megabytes = f", {_megabytes(self)} MB" if self.download_bytes else ""
        facts = {
            "classes": f"{len(self.classes):,}: {', '.join(self.classes[:10])}{', ...' if len(self.classes) > 10 else ''}",
            "pictures": f"{' + '.join(f'{count:,} {split}' for split, count in self.splits.items())}, {_shape(self)}",
            "here": f"{_bundled(self) or 'no'} {'pictures come' if self.bundled else 'cut comes'} with the course",
            "whole set": f"{self.how}{megabytes}",
            "licence": self.licence,
            "from": self.homepage,
            "cite": self.citation,
            "note": self.note,
        }
        said = [(name, fact) for name, fact in facts.items() if fact]
        return Table(said, {"set": itemgetter(0), self.title: itemgetter(1)})._repr_html_()


def table(cards: Iterable[DatasetCard]) -> list[DatasetCard]:
    """The cards, which a notebook shows as a table."""
    columns: dict[str, str | Callable] = {
        "name": "name",
        "what": "title",
        "classes": lambda card: len(card.classes),
        "picture": _shape,
        "train": "train",
        "test": "test",
        "bundled here": _bundled,
        "whole set, MB": lambda card: _megabytes(card) if card.download_bytes else "",
        "licence": "licence",
    }
    return Table(cards, columns)


def _shape(card: DatasetCard) -> str:
    return " x ".join(map(str, card.shape))


def _bundled(card: DatasetCard) -> str:
    return " + ".join(f"{count:,}" for count in card.bundled_splits.values())


def _megabytes(card: DatasetCard) -> str:
    return f"{card.download_bytes / 1e6:,.0f}"
