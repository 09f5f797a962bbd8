"""The cards: what every data set is, who made it, under which licence."""

from dataclasses import dataclass

from workshop_utils import names
from workshop_utils.tables import Table

FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


@dataclass(frozen=True)
class DatasetCard:
    """What there is to know about a data set before it is loaded.

    shape: (channels, height, width) in pixels. train, test: how many pictures the whole set has.
    bundled: how many (train, test) pictures of it come with the course, or None.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    train: int
    test: int
    licence: str
    homepage: str
    download_bytes: int
    bundled: tuple[int, int] | None
    note: str


CARDS = {card.name: card for card in (
    DatasetCard(
        "mnist", "MNIST", tuple("0123456789"), (1, 28, 28), 60_000, 10_000, "CC BY-SA 3.0",
        "https://yann.lecun.org/exdb/mnist/", 11_594_722, (4_000, 1_000),
        "Handwritten digits, the hello world of image classification. Both parts of the bundled cut come from the "
        "official training images."),
    DatasetCard(
        "fashion-mnist", "Fashion-MNIST", FASHION, (1, 28, 28), 60_000, 10_000, "MIT",
        "https://github.com/zalandoresearch/fashion-mnist", 30_878_645, (10_000, 2_000),
        "Clothes in the format of MNIST, made because MNIST had become too easy (Xiao et al. 2017, arXiv:1708.07747)."),
    DatasetCard(
        "clip-art", "Clip-art", ("bird", "bug", "dessert", "drink", "fruit", "home", "instrument", "mammal", "vehicle"), (3, 128, 128), 168, 152,
        "public domain", "https://packages.debian.org/bookworm/openclipart-png", 0, (168, 152),
        "Drawings by many hands, 15 to 20 a class to learn from: too few to train a net from nothing, enough to transfer one. "
        "How they were chosen stands in bundle/clip_art.md."),
    DatasetCard(
        "photos", "Photographs", ("alp", "cocker spaniel", "dragonfly", "drum", "espresso", "fig", "fire engine", "nuthatch", "pagoda", "paintbrush",
                                  "rocket", "tabby", "wall clock"), (3, 320, 320), 13, 0,
        "CC0, public domain, CC BY, CC BY-SA: see bundled/LICENSES.md", "", 0, (13, 0),
        "One photograph a class, ten of them ImageNet classes, to try pretrained nets on. They have boxes that we drew."),
)}


def catalog() -> list[DatasetCard]:
    """Every data set that `data.load` knows, as a table in a notebook."""
    return Table(CARDS.values(), {
        "name": lambda card: card.name,
        "what": lambda card: card.title,
        "classes": lambda card: len(card.classes),
        "picture": lambda card: " x ".join(map(str, card.shape)),
        "train": lambda card: card.train,
        "test": lambda card: card.test,
        "bundled here": lambda card: " + ".join(f"{count:,}" for count in card.bundled) if card.bundled else "",
        "licence": lambda card: card.licence,
    })


def card(name: str) -> DatasetCard:
    """The card of one set. Raises ValueError, with the nearest name, if there is none."""
    if name not in CARDS:
        raise names.unknown("dataset", name, CARDS, "data.catalog()")
    return CARDS[name]
