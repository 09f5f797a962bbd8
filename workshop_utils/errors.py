"""Answers to names that do not exist, and to files that are not what they should be."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from math import inf, nan
from numbers import Integral, Real
from typing import Any


def unknown(kind: str, name: object, known: Iterable[str], listing: str) -> ValueError:
    """The error for a name that nobody knows: it suggests the nearest and lists the others.

    kind: what was asked for, "dataset" or "model". listing: the call that shows them all.
    """
    plain = lambda word: re.sub("[ _]", "-", word.lower())
    known = list(known)
    spelt = {plain(one): one for one in known}
    nearest = get_close_matches(plain(str(name)), spelt, n=1, cutoff=0.5)
    guess = f" Did you mean '{spelt[nearest[0]]}'?" if nearest else ""
    return ValueError(
        f"No {kind} is called '{name}'.{guess} Known: {', '.join(known)}. {listing} lists them all."
    )


def whole(value: object, name: str, least: int = 1) -> int:
    """`value` as an int. Raises ValueError unless it is a whole number of `least` or more."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} is {value!r}: give a whole number, {least} or more.")
    return int(value)


def rate(value: object, name: str) -> float:
    """`value` as a float: how far a step goes. Raises ValueError unless it is a number, not below 0."""
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else nan
    if not 0 <= number < inf:
        raise ValueError(f"{name} is {value!r}: give a number such as 0.001, not below 0.")
    return number


def sides(input_shape: Any) -> tuple[int, int, int]:
    """A picture's (channels, height, width). Raises ValueError unless it is three whole numbers."""
    try:
        channels, height, width = (whole(side, "side") for side in input_shape)
    except (TypeError, ValueError):
        raise ValueError(
            f"input_shape is (channels, height, width), such as (1, 28, 28); this is {input_shape}."
        ) from None
    return channels, height, width


class DamagedFile(ValueError):
    """A file does not hold what its name promises; the message says which, and what to do."""


@contextmanager
def reading(sentence: str) -> Iterator[None]:
    """Reads bytes that may be anything: whatever goes wrong inside ends as a DamagedFile with this sentence and the reason."""
    try:
        yield
    except Exception as error:  # bytes that are no such file fail in many ways
        known = isinstance(error, DamagedFile)
        reason = error if known else f"it cannot be read ({type(error).__name__})"
        raise DamagedFile(f"{sentence}: {reason}. Get it again.") from None
