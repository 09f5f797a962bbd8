"""The photographs of photos.tsv, cut to squares, with the boxes drawn by hand in the folder photos."""

import csv
import io
from pathlib import Path

from PIL import Image

from bundle.archive import write_zip

CHOICES = Path(__file__).with_name("photos.tsv")
BOXES = Path(__file__).with_name("photos")
SIDE = 320
GREY = (235, 235, 235)  # behind cut-outs, and where a crop reaches beyond the picture


def build(packages: dict[str, Path], out: Path) -> None:
    """Writes photos.zip, with label/name.jpg and Annotations/name.xml for each photograph.

    packages: the column `package` of photos.tsv without the version, such as "pypi:scikit-image", to the folder into
    which that package was unpacked.
    """
    members = {}
    for row in choices():
        picture = square(packages[_package(row)] / row["file"], row["crop"])
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=92, subsampling="4:4:4", optimize=True)
        members[f"{row['label']}/{row['name']}.jpg"] = buffer.getvalue()
        members[f"Annotations/{row['name']}.xml"] = (BOXES / f"{row['name']}.xml").read_bytes()
    out.mkdir(parents=True, exist_ok=True)
    write_zip(out / "photos.zip", members)


def packages() -> list[str]:
    """The packages that the photographs come from, as `build` names them."""
    return sorted({_package(row) for row in choices()})


def choices() -> list[dict[str, str]]:
    """The rows of photos.tsv: where each photograph comes from, its label, its crop and its licence."""
    with CHOICES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def square(path: Path, crop: str) -> Image.Image:
    """A square of a picture, "left,top,side" in its pixels, shrunk to 320 x 320 and never enlarged.

    A crop may begin or end outside the picture, so that a wide cut-out keeps its shape. Raises ValueError if the crop
    is smaller than 320 x 320.
    """
    left, top, side = map(int, crop.split(","))
    if side < SIDE:
        raise ValueError(
            f"{path.name}: the crop is {side} pixels wide and would have to be enlarged to {SIDE}"
        )
    with Image.open(path) as picture:
        cut = picture.convert("RGBA").crop(
            (left, top, left + side, top + side)
        )  # transparent outside the picture
    flat = Image.alpha_composite(Image.new("RGBA", cut.size, (*GREY, 255)), cut).convert("RGB")
    return flat.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def _package(row: dict[str, str]) -> str:
    return row["package"].split("=")[0]
