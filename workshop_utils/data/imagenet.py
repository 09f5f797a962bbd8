"""ImageNet's words: its 1,000 classes, and WordNet's paths from each of them up to "entity"."""

from functools import lru_cache

from workshop_utils import names
from workshop_utils.data.sources import bundled


def class_names() -> list[str]:
    """The 1,000 short class names, in the order in which nets trained on ILSVRC number them."""
    return [synset["name"] for synset in _synsets().values() if synset["index"]]


def wnids() -> list[str]:
    """The 1,000 WordNet ids ("n" and eight digits), in the order of `class_names`."""
    return [wnid for wnid, synset in _synsets().items() if synset["index"]]


def definition(wnid: str) -> str:
    """What WordNet 3.0 says that a synset means."""
    return _synset(wnid)["definition"]


def paths(wnid: str) -> list[list[str]]:
    """Every path of names from a synset up to "entity"; there are several where a synset has several parents."""
    synset = _synset(wnid)
    if not synset["parents"]:
        return [[synset["name"]]]
    return [[synset["name"], *path] for parent in synset["parents"] for path in paths(parent)]


def _synset(wnid: str) -> dict:
    if wnid not in _synsets():
        raise names.unknown("ImageNet synset", wnid, wnids()[:3] + ["..."], "data.imagenet.wnids()")
    return _synsets()[wnid]


@lru_cache(maxsize=1)
def _synsets() -> dict[str, dict]:
    lines = bundled("imagenet-words.tsv").decode("utf-8").splitlines()
    return {wnid: {"index": index, "name": name, "parents": parents.split(), "definition": meaning}
            for index, wnid, name, parents, meaning in (line.split("\t") for line in lines)}
