"""The helper package under the image-classification workshop: data, models, training, evaluation, pictures.

Each part loads when it is first used, so that `import workshop_utils` costs next to nothing.
"""

import os
import sys
import warnings
from importlib import import_module

if sys.version_info < (3, 11):  # noqa: UP036  nothing else refuses an older one
    raise SystemExit(
        f"The course needs Python 3.11 or newer; this is Python {sys.version_info[0]}.{sys.version_info[1]}. Install a newer one from python.org, "
        "delete the folder .venv and begin again, or open the chapters in Colab."
    )

# Set before torch loads. Threads that wait would otherwise spin for long: on two cores a training beside another one takes 1,000 ms
# a step instead of 40. Not spinning at all (passive) makes small nets slow, 22 ms a step alone; a thousand turns make it 14.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # Linux
# numpy's and SciPy's own threads, apart from torch's: the matrices of a linear head are so small that one thread fits it 8 to 20 times as fast as two.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# scikit-learn wonders whether classes with one or two pictures each are meant as numbers. They are classes.
warnings.filterwarnings("ignore", message="The number of unique classes is greater than 50%")

__version__ = "1.0.0"  # a release is the tag v1.0.0: see CHANGELOG.md
__all__ = [
    "data",
    "device",
    "evaluation",
    "exercises",
    "explain",
    "models",
    "plots",
    "recorded",
    "scoreboard",
    "takehome",
    "training",
    "transfer",
    "widgets",
]


def __getattr__(name):
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    known = ", ".join(__all__)
    raise AttributeError(f"workshop_utils has no part called '{name}'. It has: {known}.")


def __dir__():
    return __all__
