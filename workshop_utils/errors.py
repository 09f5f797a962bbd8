"""Answers to names that do not exist."""

from collections.abc import Iterable
from difflib import get_close_matches


def unknown(kind: str, name: object, known: Iterable[str], listing: str) -> ValueError:
    """The error for a name that nobody knows: it suggests the nearest and lists the others.

    kind: what was asked for, "dataset" or "model". listing: the call that shows them all.
    """
    known = list(known)
    nearest = get_close_matches(
        str(name).lower().replace("_", "-").replace(" ", "-"), known, n=1, cutoff=0.5
    ) or get_close_matches(str(name).lower(), known, n=1, cutoff=0.5)
    guess = f" Did you mean '{nearest[0]}'?" if nearest else ""
    return ValueError(
        f"No {kind} is called '{name}'.{guess} Known: {', '.join(known)}. {listing} lists them all."
    )
