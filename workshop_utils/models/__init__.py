"""Nets: what there is, how to build one, what it costs, and those already trained."""

from workshop_utils.models import architectures  # noqa: F401  its entries fill the catalogue
from workshop_utils.models.about import About
from workshop_utils.models.blocks import IDEAS, deep, small
from workshop_utils.models.cards import ModelCard, build, card, catalog, head
from workshop_utils.models.cost import summary
from workshop_utils.models.preprocess import preprocessing
from workshop_utils.models.pretrained import timm_preprocessing, weights_file
from workshop_utils.models.stack import stacked
from workshop_utils.models.weights import describe, keep, load, ready, save

__all__ = [
    "IDEAS",
    "About",
    "ModelCard",
    "build",
    "card",
    "catalog",
    "deep",
    "describe",
    "head",
    "keep",
    "load",
    "preprocessing",
    "ready",
    "save",
    "small",
    "stacked",
    "summary",
    "timm_preprocessing",
    "weights_file",
]
