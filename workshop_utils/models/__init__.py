"""Nets: what there is, how to build one, what it costs, and those already trained."""

# ruff: noqa: F401 - what is imported here is public
from workshop_utils.models import architectures  # its entries fill the catalogue
from workshop_utils.models.about import About
from workshop_utils.models.blocks import IDEAS, deep, small
from workshop_utils.models.cards import ModelCard, build, card, catalog, head
from workshop_utils.models.cost import summary
from workshop_utils.models.preprocess import preprocessing
from workshop_utils.models.pretrained import timm_preprocessing, weights_file
from workshop_utils.models.stack import stacked
from workshop_utils.models.weights import describe, keep, load, ready, save
