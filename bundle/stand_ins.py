"""What is shown of sets that do not come with the course: stand_ins.tsv, drawn hands, and medical pictures of scikit-image."""

import io
from pathlib import Path

from PIL import Image, ImageOps

from bundle.archive import write_zip
from bundle.clip_art import SIDE, render

# set, sha256 of its files in the package foolbox (empty: its pictures are in the zip), source, sentence to stand under them
SAID = Path(__file__).with_name("stand_ins.tsv")
HANDS = Path("usr/share/tuxpaint/stamps/symbols/alphabets/asl")
LETTERS = "abcdefghiklmnopqrstuvwxy"  # those of Sign Language MNIST: J and Z are movements
# the words for what is seen, and the file
MEDICAL = {
    "cell in saline": "cell.png",
    "colon tissue": "ihc.png",
    "retina": "retina.jpg",
    "retina, detail": "microaneurysms.png",
}


def build(stamps: Path, skimage: Path, out: Path) -> None:
    """Writes stand-ins.zip: stand-ins.tsv, and set/label.png of at most 128 x 128 pixels.

    stamps, skimage: the folders into which tuxpaint-stamps-default and scikit-image were unpacked.
    """
    members = {
        f"sign-mnist/{letter.upper()}.png": _png(render(stamps / HANDS / f"asl_{letter}.png"), "L")
        for letter in LETTERS
    }
    for words, file in MEDICAL.items():
        with Image.open(skimage / "skimage/data" / file) as picture:
            side = min(SIDE, *picture.size)
            square = ImageOps.fit(picture, (side, side), Image.Resampling.LANCZOS)
        members[f"medical-mnist/{words}.png"] = _png(square, square.mode)
    write_zip(out / "stand-ins.zip", {**members, "stand-ins.tsv": SAID.read_bytes()})


def _png(picture: Image.Image, mode: str) -> bytes:
    buffer = io.BytesIO()
    picture.convert(mode).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
