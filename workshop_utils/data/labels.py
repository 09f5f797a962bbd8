"""Labels and class names in the forms in which people have them; what cannot be read rightly is refused in a sentence."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set

import numpy as np
import torch
from torch import Tensor

from workshop_utils import errors


def class_names(classes: Iterable) -> tuple[str, ...]:
    """The names in their order, as text that can be written; those that come twice get their positions, as "crane (134)".

    Raises ValueError for what has no order of its own.
    """
    if isinstance(classes, (Mapping, Set)) or not isinstance(classes, Iterable):
        kind = type(classes).__name__
        raise ValueError(
            f"Classes are a list of names in the order of the labels; this is a {kind}."
        )
    names = [str(name).encode("utf-8", "replace").decode() for name in classes]
    often = Counter(names)
    numbered = enumerate(names)
    return tuple(f"{name} ({place})" if often[name] > 1 else name for place, name in numbered)


def array(values) -> np.ndarray:
    """The numbers of an array, a list, or a tensor on any device and also bfloat16, which numpy lacks."""
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        values = values.float() if values.dtype == torch.bfloat16 else values
    found = np.asarray(values)
    return np.ascontiguousarray(found) if found.ndim else found  # torch knows no step backwards


def positions(labels, classes: Sequence[str]) -> np.ndarray:
    """(N,) int64 positions in `classes`, from whole numbers of any type, names, a column (N, 1), or one-hot rows (N, K).

    Raises ValueError, with what is wrong, for everything else.
    """
    try:
        found = array(labels)
        found = np.array(found.tolist()) if found.dtype == object else found
    except (TypeError, ValueError):  # rows of different lengths, say
        raise ValueError(
            f"Labels are one position or name a picture; this {type(labels).__name__} holds something else."
        ) from None
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim == 2 and found.shape[1] == len(classes) and np.isin(found, (0, 1)).all():
        found = found.argmax(1) if (found.sum(1) == 1).all() else found
    if found.ndim == 1 and found.dtype.kind in "UT":
        place = {name: position for position, name in enumerate(classes)}
        for name in set(found.tolist()) - place.keys():
            raise errors.unknown("class", name, classes, "classes")
        found = np.array([place[name] for name in found.tolist()])
    whole = found.dtype.kind in "iuf" or (found.dtype.kind == "b" and len(classes) == 2)
    if found.ndim != 1 or not whole or (found != np.round(found)).any():
        raise ValueError(
            f"Labels are one whole number a picture, its position in classes, or its name; these are {found.dtype} of shape {found.shape}, such as {str(found.flat[0]) if found.size else 'none'}."
        )
    low, high = (found.min(), found.max()) if len(found) else (0, 0)
    if len(found) and not 0 <= low <= high < len(classes):
        cure = " Do they count from 1? Then subtract 1." if (low, high) == (1, len(classes)) else ""
        raise ValueError(
            f"Labels must lie in 0..{len(classes) - 1} for {len(classes)} classes; these go from {low:.0f} to {high:.0f}.{cure}"
        )
    return found.astype(np.int64)
