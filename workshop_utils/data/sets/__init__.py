"""The data sets: one module a family, with its cards in `CARDS` and the functions that read it.

A module that is added here is a set everywhere: the cards are found by listing this package.
"""

from importlib import import_module
from pkgutil import iter_modules

from workshop_utils import errors
from workshop_utils.data.cards import DatasetCard, table


def catalog() -> list[DatasetCard]:
    """Every data set that `data.load` knows, as a table in a notebook."""
    families = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    cards = [card for family in families for card in family.CARDS]
    return table(sorted(cards, key=lambda card: card.place))


def card(name: str) -> DatasetCard:
    """The card of one set. Raises ValueError, with the nearest name, if there is none."""
    cards = {card.name: card for card in catalog()}
    if name not in cards:
        raise errors.unknown("dataset", name, cards, "data.catalog()")
    return cards[name]
