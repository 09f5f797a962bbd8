"""What a saved net tells people: a model card, and the lines that open its file without this course."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from workshop_utils.data import ImageDataset
from workshop_utils.models.pretrained import Timm, builder_of, timm_size

TEMPLATE = Path(__file__).with_suffix(".md")
BLANKS = {
    "PURPOSE": "who uses it for what, and for what it must not be used",
    "PICTURES": "which pictures of each class, how many, from where, and who allowed it",
    "SCORE": "how many of which new pictures are right",
    "LIMITS": "which pictures it was not tried on, what an error costs, and who decides where it matters",
}


@dataclass(frozen=True, kw_only=True)
class About:
    """What is known of a net beside how it answers; what is empty a person has to fill in.

    source: where the pictures come from that it learned from; pictures: how many of each class. right, judged: its score,
    on pictures that `how` tells of. Raises ValueError for what is neither text nor count.
    """

    purpose: str = ""
    limits: str = ""
    source: str = ""
    pictures: tuple[int, ...] = ()
    right: int = 0
    judged: int = 0
    how: str = ""

    def __post_init__(self):
        object.__setattr__(self, "pictures", tuple(self.pictures))
        counts = (*self.pictures, self.right, self.judged, self.judged - self.right)
        texts = {type(text) for text in (self.purpose, self.limits, self.source, self.how)}
        if texts != {str} or not all(type(count) is int and count >= 0 for count in counts):
            raise ValueError("what it says about data and score are no words and counts")

    @classmethod
    def learned(cls, dataset: ImageDataset) -> "About":
        """Of a net that learned from this set."""
        counts = torch.bincount(dataset.labels, minlength=len(dataset.classes)).tolist()
        return cls(
            source=f"{dataset.name}, {dataset.split}, {dataset.source}", pictures=tuple(counts)
        )

    def scored(self, said: Any, how: str) -> "About":
        """The same, with the score of these Predictions."""
        right = int((said.predicted == said.labels).sum())
        return replace(self, right=right, judged=len(said.labels), how=how)

    def completed(self, purpose: str, limits: str, tested: Any) -> "About":
        """The same, with what is given here in the place of what was known: words, and Predictions for new pictures."""
        about = self if tested is None else self.scored(tested, "new to it")
        return replace(about, purpose=purpose or self.purpose, limits=limits or self.limits)


class Markdown(str):
    """A text that a notebook shows as Markdown, and a terminal as it is."""

    def _repr_markdown_(self) -> str:
        return str(self)

    __repr__ = str.__str__


def model_card(net: nn.Module, file: str) -> Markdown:
    """What people have to know of a net that `models.load` gave, as Mitchell et al. 2019 ask (arXiv:1810.03993)."""
    about, recipe, text = net.about, net.preprocess, TEMPLATE.read_text("utf-8")
    builder = builder_of(net.architecture, **timm_size(net))
    if code := getattr(builder, "code", None):
        words = {"CODE": code(len(net.classes)), "PATH": json.dumps(file)}
        words["LIBRARY"] = "timm" if isinstance(builder, Timm) else "torchvision"
    else:
        words = {}
        text = f"{text.partition('## ')[0]}It is the course's own: `models.load` opens it.\n"
    counts = [f"{count:,} of '{_plain(name)}'" for name, count in zip(net.classes, about.pictures)]
    learned = f"{sum(about.pictures):,} pictures, {_plain(about.source)}: {', '.join(counts)}."
    below = f" Below {100 * net.threshold:.1f} % none of them looks likely." * (net.threshold > 0)
    known = {
        "PURPOSE": _plain(about.purpose),
        "PICTURES": learned * bool(counts),
        "SCORE": _score(about) if about.judged else "",
        "LIMITS": _plain(about.limits),
    }
    words |= {
        name: said or f"**[To be filled in: {BLANKS[name]}.]**" for name, said in known.items()
    }
    words |= {"FILE": _plain(file), "CLASSES": ", ".join(map(_plain, net.classes))}
    size = sum(one.numel() for one in net.parameters())
    words |= {"THRESHOLD": below, "NET": f"{net.architecture}, {size:,} parameters"}
    words |= {name.upper(): str(value) for name, value in vars(recipe).items()}
    for name, said in words.items():
        text = text.replace(f"__{name}__", said)
    return Markdown(text)


def _score(about: About) -> str:
    from scipy.stats import binomtest

    interval = binomtest(about.right, about.judged).proportion_ci(method="wilson")
    part, low, high = (f"{100 * p:.0f}" for p in (about.right / about.judged, *interval))
    return (
        f"{about.right:,} of {about.judged:,} pictures right, {_plain(about.how)}: {part} %; "
        f"of all such pictures {low} to {high} % (95 % interval, Wilson)."
    )


def _plain(text: str) -> str:
    """A text that Markdown shows as it is, whoever wrote it."""
    return re.sub(r"([\\`*_{}\[\]<>#+!|~&$])", r"\\\1", " ".join(text.split()))
