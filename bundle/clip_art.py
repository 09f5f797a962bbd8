"""The clip-art set and the pictures taken out of it, from Debian's openclipart-png and the choices in clip_art.tsv."""

import csv
import io
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from bundle.archive import write_zip

CHOICES = Path(__file__).with_name("clip_art.tsv")
PICTURES = Path("usr/share/openclipart/png")
SIDE = 128
TOO_CLOSE = 0.2  # found by looking at the pairs around it: see clip_art.md


def build(package: Path, out: Path) -> None:
    """Writes clip-art.zip (split/class/name.png) and clip-art-rejected.zip (pairs of a rejected picture and its twin).

    package: the folder into which the package was unpacked.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows = choices()
    kept = {
        f"{row['split']}/{row['class']}/{_name(row['file'])}.png": row["file"]
        for row in rows
        if row["split"] != "rejected"
    }
    if len(kept) != sum(row["split"] != "rejected" for row in rows):
        raise ValueError("Two pictures of one class would have the same name in the zip.")
    write_zip(
        out / "clip-art.zip", {name: _png(package / PICTURES / file) for name, file in kept.items()}
    )
    rejected, pairs = {}, ["class\trejected\tkept\treason"]
    for number, row in enumerate(examples(rows)):
        begin = f"{row['class']}/{number:02}"
        rejected[f"{begin}-rejected.png"] = _png(package / PICTURES / row["file"])
        if row["twin"]:
            rejected[f"{begin}-kept.png"] = _png(package / PICTURES / row["twin"])
        pairs.append(
            f"{row['class']}\t{begin}-rejected.png\t{begin + '-kept.png' if row['twin'] else ''}\t{row['reason']}"
        )
    write_zip(
        out / "clip-art-rejected.zip", {**rejected, "pairs.tsv": "\n".join(pairs + [""]).encode()}
    )


def choices() -> list[dict[str, str]]:
    """The rows of clip_art.tsv: class, split (train, test or rejected), file, twin, reason."""
    with CHOICES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def examples(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The rejected rows that go into the zip: the first of each reason in a class, so that a small file shows every kind.

    What was excluded as unfit for a course (logos, weapons, persons) stays out of it, as does what nobody can read.
    """
    first = {}
    for row in rows:
        if row["split"] == "rejected" and not row["reason"].startswith(("excluded", "unreadable")):
            first.setdefault((row["class"], row["reason"].partition(":")[0]), row)
    return list(first.values())


def render(path: Path) -> Image.Image:
    """A picture on white, cut to what is drawn, in the middle of a white square of 128 x 128 pixels, RGB."""
    picture = Image.open(path).convert("RGBA")
    picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert(
        "RGB"
    )
    picture = picture.crop(ImageOps.invert(picture).getbbox())
    margin = max(picture.size) // 20
    square = ImageOps.pad(picture, (max(picture.size),) * 2, color="white")
    return ImageOps.expand(square, margin, "white").resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def fingerprint(picture: Image.Image) -> np.ndarray:
    """(1024,) the outlines of a picture, blurred to 32 x 32 and normalised: colours and sizes do not matter, shapes do."""
    grey = np.asarray(picture.convert("L"), dtype=np.float64)
    outlines = np.hypot(*np.gradient(grey)).clip(max=40)
    cell = len(outlines) // 32
    small = outlines.reshape(32, cell, 32, cell).mean((1, 3))
    small = small - small.mean()
    return (small / np.linalg.norm(small)).ravel()


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """0 for the same outlines, 1 for unrelated ones; a mirrored picture counts as the same."""
    mirrored = other.reshape(32, 32)[:, ::-1].ravel()
    return 1 - max(one @ other, one @ mirrored)


def near_duplicates(
    pictures: dict[str, Image.Image], closer_than: float = TOO_CLOSE
) -> list[tuple[float, str, str]]:
    """(distance, name, name) of every pair that is closer than a threshold, the closest first."""
    prints = {name: fingerprint(picture) for name, picture in pictures.items()}
    pairs = [
        (distance(prints[one], prints[other]), one, other)
        for one, other in combinations(pictures, 2)
    ]
    return sorted(pair for pair in pairs if pair[0] < closer_than)


def _png(path: Path) -> bytes:
    buffer = io.BytesIO()
    render(path).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _name(file: str) -> str:
    return "".join(
        letter if letter.isalnum() and letter.isascii() else "_"
        for letter in Path(file).stem.lower()
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1]) / PICTURES
    files = [row["file"] for row in choices() if row["split"] != "rejected"]
    found = near_duplicates({file: render(folder / file) for file in files})
    print(*(f"{pair[0]:.3f}  {pair[1]}  {pair[2]}" for pair in found), sep="\n")
    sys.exit(bool(found))
