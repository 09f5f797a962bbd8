"""ImageNet: its 1,000 classes, WordNet's paths from each of them up to "entity" and its boxes."""

from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from workshop_utils.data.bundled_files import bundled
from workshop_utils.errors import DamagedFile


class Box(NamedTuple):
    """One object in a photograph: its WordNet id or name, and the corners of its box in pixels."""

    name: str
    xmin: int
    ymin: int
    xmax: int
    ymax: int


def class_names() -> list[str]:
    """The 1,000 short class names, in the order in which nets trained on ILSVRC number them."""
    return [synset["name"] for synset in synsets().values() if synset["index"]]


def wnids() -> list[str]:
    """The 1,000 WordNet ids ("n" and eight digits), in the order of `class_names`."""
    return [wnid for wnid, synset in synsets().items() if synset["index"]]


def paths(wnid: str) -> list[list[str]]:
    """Every path of names from a synset up to "entity"; there are several where a synset has several parents."""
    if wnid not in synsets():
        near = get_close_matches(str(wnid).lower(), synsets(), n=1, cutoff=0.85)
        guess = f" Did you mean '{near[0]}' ({synsets()[near[0]]['name']})?" if near else ""
        raise ValueError(
            f"No ImageNet synset is called '{wnid}'.{guess} A WordNet id is an n and eight digits, such as {wnids()[281]} for {class_names()[281]}. data.imagenet.wnids() lists those of the 1,000 classes."
        )
    return [[synsets()[one]["name"] for one in way] for way in ways(wnid)]


def ways(wnid: str) -> list[list[str]]:
    """The paths of a synset as WordNet ids."""
    parents = synsets()[wnid]["parents"]
    return [[wnid, *way] for parent in parents for way in ways(parent)] or [[wnid]]


def boxes(xml: str | bytes | Path) -> list[Box]:
    """The boxes of one VOC-style annotation file, in its order; a photograph can have several.

    xml: the path of the file, or its text. Raises DamagedFile if it is no such file, or a box has no area.
    """
    if isinstance(xml, str) and xml.lstrip().startswith("<"):
        xml = xml.encode("utf-8", "surrogatepass")
    if isinstance(xml, bytes):
        name, raw = "This text", xml
    else:
        name, raw = f"'{xml}'", Path(xml).read_bytes()
    try:
        # A few lines of entities can unpack to gigabytes. NUL: in UTF-16, where the mark would not be seen.
        if b"<!" in raw.replace(b"<!--", b"") or b"\0" in raw:
            raise ValueError("it declares entities, which no annotation needs")
        found = [_box(entry) for entry in ElementTree.fromstring(raw).iter("object")]
    except (ElementTree.ParseError, ValueError, OverflowError, LookupError) as error:
        raise DamagedFile(
            f"{name} is not an annotation file of boxes ({error}). Get it again."
        ) from None
    for box in found:
        if not (box.name and box.xmin < box.xmax and box.ymin < box.ymax):
            raise DamagedFile(
                f"{name} has a box without a name or an area: {tuple(box)}. Get it again."
            )
    return found


def _box(entry: ElementTree.Element) -> Box:
    sides = [entry.findtext(f"bndbox/{side}", "") for side in Box._fields[1:]]
    return Box(entry.findtext("name", ""), *(round(float(side)) for side in sides))


@lru_cache(maxsize=1)
def synsets() -> dict[str, dict]:
    """WordNet id -> index among the 1,000 (or ""), name and parents, of the 1,000 classes and all above them."""
    lines = bundled("imagenet-words.tsv").decode("utf-8").splitlines()
    return {
        wnid: {"index": index, "name": name, "parents": parents.split()}
        for index, wnid, name, parents, _ in (line.split("\t") for line in lines)
    }
