"""Nets: what there is, how to build one, what it costs, and those already trained."""

from workshop_utils.models.blocks import IDEAS, deep, small
from workshop_utils.models.build import build, head
from workshop_utils.models.catalog import ModelCard, card, catalog
from workshop_utils.models.preprocessing import preprocessing
from workshop_utils.models.saved import load, save
from workshop_utils.models.shapes import summary
from workshop_utils.models.stacked import stacked
from workshop_utils.models.trained import keep, ready

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
]
