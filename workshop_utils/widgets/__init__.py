"""Interactive panels. Each is a pure function from the state of its controls to a figure with a sentence, plus the controls.

A new panel is one file in this folder, named by what it shows, and its line here.
"""

# ruff: noqa: F401 - what is imported here is public
import gc

from workshop_utils.widgets.architecture_catalogue import catalogue
from workshop_utils.widgets.class_activation import grad_cam
from workshop_utils.widgets.confusion_matrix import confusion
from workshop_utils.widgets.decision_threshold import threshold
from workshop_utils.widgets.digit_pad import drawing_pad, drawn
from workshop_utils.widgets.frozen_stages import freezing
from workshop_utils.widgets.handwriting import written_digits
from workshop_utils.widgets.human_labels import labelling, your_labels
from workshop_utils.widgets.kernels import kernel_playground
from workshop_utils.widgets.layer_maps import feature_maps
from workshop_utils.widgets.layer_stack import architecture
from workshop_utils.widgets.panel import Panel
from workshop_utils.widgets.picture_collection import own_pictures
from workshop_utils.widgets.set_browser import browser
from workshop_utils.widgets.set_game import guess_the_set
from workshop_utils.widgets.top_k_accuracy import top_k

__all__ = [name for name, value in globals().items() if callable(value)]

# What is loaded by now stays: to look for garbage among torch's 400,000 objects took up to a second in the middle of a move.
gc.freeze()
