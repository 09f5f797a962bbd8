"""Nets: what there is, how to build one, what it costs, and those already trained."""

from workshop_utils.models import architectures  # noqa: F401  its entries fill the catalogue
from workshop_utils.models.blocks import IDEAS, deep, small
from workshop_utils.models.cards import ModelCard, build, card, catalog, head
from workshop_utils.models.cost import summary
from workshop_utils.models.preprocess import preprocessing
from workshop_utils.models.pretrained import weights_file
from workshop_utils.models.stack import stacked
from workshop_utils.models.weights import keep, load, ready, save

__all__ = [
    "IDEAS",
    "ModelCard",
    "build",
    "card",
    "catalog",
    "deep",
    "head",
    "keep",
    "load",
    "preprocessing",
    "ready",
    "save",
    "small",
    "stacked",
    "summary",
    "weights_file",
]
