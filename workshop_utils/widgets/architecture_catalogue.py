"""What do the famous nets look like? Each architecture of the catalogue, drawn from its modules."""

from functools import lru_cache

from workshop_utils import models, plots
from workshop_utils.figure import Figure
from workshop_utils.widgets.panel import Panel, choice


def catalogue() -> Panel:
    """Leafs through the architectures that `models.build` knows, each drawn, with the one idea that it added."""
    names = [(f"{card.title}, {card.year}: {card.idea}", card.name) for card in models.catalog()]
    controls = {"name": choice("architecture", names, value="lenet")}
    return Panel("The architectures, one by one", catalogue_figure, controls)


@lru_cache  # the deepest nets take most of a second
def catalogue_figure(*, name: str) -> Figure:
    """An architecture of the catalogue without weights, as `plots.architecture` draws it; its idea in the words."""
    figure = plots.architecture(name)
    figure.description = f"The idea: {models.card(name).idea}. {figure.description}"
    return figure
