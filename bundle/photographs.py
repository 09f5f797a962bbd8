"""The photographs cut out by hand, from Debian's tuxpaint-stamps-default and the choices in photographs.tsv."""

import csv
import hashlib
import io
import sys
from collections import defaultdict
from pathlib import Path

from PIL import Image

from bundle.archive import write_zip
from bundle.clip_art import near_duplicates

CHOICES = Path(__file__).with_name("photographs.tsv")
PICTURES = Path("usr/share/tuxpaint/stamps")
SIDE, MARGIN = 224, 8
VISIBLE = 16  # fainter pixels are dirt of the cutting and do not decide where a thing ends
TEST_AT_LEAST = 8
BEGIN, END = "<!-- photographs.tsv begins -->\n", "<!-- photographs.tsv ends -->\n"


def build(package: Path, out: Path) -> None:
    """Writes photographs.zip (split/class/name.webp), photographs-rejected.zip (as clip-art's) and the credits in LICENSES.md.

    package: the folder into which the package was unpacked.
    """
    rows = choices()
    kept = {f"{row['split']}/{row['class']}/{_name(row)}": row for row in rows if not row["reason"]}
    if len(kept) != sum(not row["reason"] for row in rows):
        raise ValueError("Two pictures of one class would have the same name in the zip.")
    write_zip(
        out / "photographs.zip", {name: _webp(package, row["file"]) for name, row in kept.items()}
    )
    rejected, pairs = {}, ["class\trejected\tkept\treason"]
    for number, row in enumerate(examples(rows)):
        begin = f"{row['class']}/{number:02}"
        files = {f"{begin}-rejected.webp": row["file"], f"{begin}-kept.webp": row["twin"]}
        names = [name if file else "" for name, file in files.items()]
        rejected |= {name: _webp(package, file) for name, file in files.items() if file}
        pairs.append("\t".join((row["class"], *names, row["reason"])))
    write_zip(
        out / "photographs-rejected.zip",
        {**rejected, "pairs.tsv": "\n".join(pairs + [""]).encode()},
    )
    licences = out / "LICENSES.md"
    before, _, rest = licences.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    licences.write_text(f"{before}{BEGIN}\n{credits()}\n{END}{after}", "utf-8", newline="\n")


def choices() -> list[dict[str, str]]:
    """The rows of photographs.tsv: class, split, file, group, credit, licence, entry, twin and reason, which kept ones lack."""
    with CHOICES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def assigned(rows: list[dict[str, str]]) -> dict[str, str]:
    """File -> "train" or "test", by rule: groups in the order of the sha256 of their name fill the test half of their class.

    A group is pictures of one animal or thing, or of one place and day; it is never torn. Half a class, and at least eight.
    """
    groups: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if not row["reason"]:
            groups[row["class"]][row["group"] or row["file"]].append(row["file"])
    split = {}
    for found in groups.values():
        wanted = max(TEST_AT_LEAST, sum(map(len, found.values())) // 2)
        for group in sorted(found, key=lambda name: hashlib.sha256(name.encode()).hexdigest()):
            split |= dict.fromkeys(found[group], "test" if wanted > 0 else "train")
            wanted -= len(found[group])
    return split


def examples(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The rejected rows that go into the zip: every twin, drawing and wrong label; not weapons, nor what has no licence for it."""
    return [row for row in rows if row["reason"] and not row["reason"].startswith(("ex", "lic"))]


def render(path: Path) -> Image.Image:
    """A thing cut to what is seen of it, 208 pixels long, in the middle of 224 x 224 transparent ones, RGBA."""
    picture = Image.open(path).convert("RGBA")
    seen = picture.getchannel("A").point(lambda alpha: 255 * (alpha >= VISIBLE))
    picture = picture.crop(seen.getbbox()).convert("RGBa")  # so that no hidden colour bleeds in
    scale = (SIDE - 2 * MARGIN) / max(picture.size)
    size = [max(1, round(scale * length)) for length in picture.size]
    picture = picture.resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    square = Image.new("RGBA", (SIDE, SIDE))
    square.paste(picture, [(SIDE - length) // 2 for length in size])
    return square


def credits() -> str:
    """The Markdown table of everybody's pictures: those of the set, and those kept aside in photographs-rejected.zip."""
    rows = choices()
    shown = [row for row in rows if not row["reason"]] + examples(rows)
    lines = ["| picture | class | by | licence | changelog |", "| --- | --- | --- | --- | --- |"]
    for row in sorted(shown, key=lambda row: row["file"]):
        label = f"({row['class']})" if row["reason"] else row["class"]
        cells = (row["file"].removesuffix(".png"), label, row["credit"], row["licence"])
        lines.append(f"| {' | '.join(cells)} | {row['entry']} |")
    return "\n".join(lines) + "\n"


def _webp(package: Path, file: str) -> bytes:
    """Colours lossy, the mask exact; Pillow's own wheels read WebP on every system."""
    buffer = io.BytesIO()
    render(package / PICTURES / file).save(buffer, "WEBP", quality=88, method=6)
    return buffer.getvalue()


def _name(row: dict[str, str]) -> str:
    return Path(row["file"]).with_suffix(".webp").name.lower()


if __name__ == "__main__":
    folder = Path(sys.argv[1]) / PICTURES
    files = [row["file"] for row in choices() if not row["reason"]]
    white = Image.new("RGBA", (SIDE, SIDE), "white")
    found = near_duplicates(
        {file: Image.alpha_composite(white, render(folder / file)) for file in files}
    )
    print(*(f"{pair[0]:.3f}  {pair[1]}  {pair[2]}" for pair in found), sep="\n")
    sys.exit(bool(found))
