"""The helper package under the image-classification workshop: data, models, training, evaluation, pictures.

Each part loads when it is first used, so that `import workshop_utils` costs next to nothing.
"""

import os
from importlib import import_module

# Set before torch loads. Waiting threads would otherwise spin: on two cores a training beside another one takes 30 s instead of 4 s;
# alone it is a quarter slower with small nets, and no slower with large ones.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

__all__ = ["data", "device", "evaluation", "exercises", "explain", "models", "plots", "training", "transfer", "widgets"]


def __getattr__(name):
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"workshop_utils has no part called '{name}'. It has: {', '.join(__all__)}.")


def __dir__():
    return __all__
