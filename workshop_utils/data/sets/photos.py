"""The photographs that come with the course, and the boxes that we drew on them."""

from pathlib import PurePosixPath

from torch import Tensor

from workshop_utils import errors
from workshop_utils.data.archives import zip_files
from workshop_utils.data.bundled_files import bundled
from workshop_utils.data.cards import DatasetCard
from workshop_utils.data.pictures import decode_by_folder

CLASSES = (
    "alp, cocker spaniel, dragonfly, drum, espresso, fig, fire engine, nuthatch, pagoda, "
    "paintbrush, rocket, tabby, wall clock"
)


def read(card: DatasetCard, split: str, files) -> tuple[Tensor, Tensor]:
    (raw,) = files.contents("photos.zip")
    found = zip_files(raw, "photos").items()
    return decode_by_folder(
        {path: get for path, get in found if path.suffix == ".jpg"}, card.classes
    )


def photo_annotation(label: str) -> str:
    """The annotation file of the bundled photograph of that class, with the boxes that we drew, for `imagenet.boxes`.

    Raises ValueError for a class that `photos` does not have.
    """
    files = zip_files(bundled("photos.zip"), "photos")
    stems = {name.parts[0]: name.stem for name in files if name.suffix == ".jpg"}
    if label not in stems:
        raise errors.unknown("photograph", label, stems, 'data.load("photos").classes')
    return files[PurePosixPath("Annotations", f"{stems[label]}.xml")]().decode("utf-8")


CARDS = (
    DatasetCard(
        name="photos",
        title="Photographs",
        classes=tuple(CLASSES.split(", ")),
        shape=(3, 320, 320),
        train=13,
        test=0,
        licence="CC0, public domain, CC BY, CC BY-SA: see bundled/LICENSES.md",
        bundled=(13, 0),
        note="One photograph a class, ten of them ImageNet classes, to try pretrained nets on. They have boxes that we drew.",
        read=read,
        place=9,
    ),
)
