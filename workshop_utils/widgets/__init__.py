"""Interactive panels. Each is a pure function from the state of its controls to a figure with a sentence, plus the controls."""

from workshop_utils.widgets.blocks import architecture
from workshop_utils.widgets.collecting import own_pictures
from workshop_utils.widgets.inside import feature_maps, grad_cam
from workshop_utils.widgets.kernels import kernel_playground
from workshop_utils.widgets.labels import labelling, your_labels
from workshop_utils.widgets.matrix import confusion
from workshop_utils.widgets.pad import drawing_pad, drawn
from workshop_utils.widgets.panel import Panel
from workshop_utils.widgets.sets import browser, guess_the_set
from workshop_utils.widgets.stages import freezing
from workshop_utils.widgets.thresholds import threshold, top_k

__all__ = [
    "Panel",
    "architecture",
    "browser",
    "confusion",
    "drawing_pad",
    "drawn",
    "feature_maps",
    "freezing",
    "grad_cam",
    "guess_the_set",
    "kernel_playground",
    "labelling",
    "own_pictures",
    "threshold",
    "top_k",
    "your_labels",
]
