"""Builds the slides, the cheat sheets, the glossary and what is printed for a room: python slides/build.py [--local]

Needs Node (npx), Chromium, Playwright (tests/requirements-browser.txt) and the fonts Inter and Noto (Debian: fonts-inter, fonts-noto-core). Each document becomes one
HTML file and one PDF in slides/built/, with everything inside; whoever shows them needs a browser only. The deck's HTML holds all three routes
(?route=short, half or day) and has a PDF for each, and one with notes. --local writes a private deck with pictures of the
whole sets on this computer into slides/local/, which is never committed.
"""

import argparse
import base64
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import warnings
from html import escape
from pathlib import Path

import matplotlib

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("WORKSHOP_DEVICE", "cpu")  # the same pictures on every computer
os.environ["WORKSHOP_PROGRESS"] = tempfile.mkdtemp()  # of the nets of the course, not of one's own

from slides import printables, routes, values
from workshop_utils import recorded
from workshop_utils.paths import HOME

HERE = HOME / "slides"
BUILT, LOCAL, STAMP = HERE / "built", HERE / "local", HERE / "built" / "STAMP.json"
MARP = "@marp-team/marp-cli@4.5.1"
DECK = "image_classification"
DOCUMENTS = {
    DECK: "deck/*.md",
    **{
        name: f"{name}.md" for name in ("metrics", "architectures", "transfer_learning", "glossary")
    },
}
FONTS: dict[tuple[str, int, str], str | Path] = {  # family, weight, style -> file
    ("Course", 400, "normal"): "opentype/inter/Inter-Regular.otf",
    ("Course", 700, "normal"): "opentype/inter/Inter-Bold.otf",
    ("Course", 400, "italic"): "opentype/inter/Inter-Italic.otf",
    ("Course Mono", 400, "normal"): Path(
        matplotlib.get_data_path(), "fonts/ttf/DejaVuSansMono.ttf"
    ),
    ("Course Arabic", 400, "normal"): "truetype/noto/NotoNaskhArabic-Regular.ttf",
}
CODE = (
    *(f"slides/{path.name}" for path in sorted(HERE.glob("*.py"))),
    *(
        f"workshop_utils/{name}.py"
        for name in ("ways", "diagrams", "blocks_drawn", "illustrations")
    ),
)
LOSSLESS_UP_TO = 100_000  # bytes
FINER = {
    "slide": 1.5,
    "paper": 2,
}  # pixels of a picture for each of its page: a projector has 1920 for our 1280
FONT_FOLDER = Path("/usr/share/fonts")  # joined with an absolute path, it gives that path


def source(name: str) -> str:
    """The Markdown of a document as people write it; a deck's files follow one another."""
    return "\n\n---\n\n".join(
        path.read_text("utf-8").strip() for path in sorted((HERE / "sources").glob(DOCUMENTS[name]))
    )


def sums() -> dict[str, str]:
    """What the built files were made of: the Markdown with its numbers filled in, and the files that draw and set it. Name -> sha256."""
    texts = {f"{name}, filled in": values.expand(source(name)) for name in DOCUMENTS}
    texts |= {
        path.name: path.read_text("utf-8") for kind in ("*.css", "*.js") for path in HERE.glob(kind)
    }
    texts |= {
        f"{path.stem}, recorded": json.dumps(recorded.load(path.stem)["results"])
        for path in recorded.RECORDED.glob("*.json")
    }
    texts["printables"] = printables.page()
    sums = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    sums |= {Path(file).name: recorded.code_sum([file]) for file in CODE}
    return dict(sorted(sums.items()))


def build(name: str, folder: Path) -> list[str]:
    """Writes NAME.html and NAME.pdf into the folder; returns what is wrong with them."""
    from slides import check, paper

    deck = name == DECK
    markdown, pieces, found = with_figures(values.expand(source(name)), paper=not deck)
    page = marp(routes.TAG.sub("", markdown), "bespoke" if deck else "bare")
    page = re.sub(r'(?<=src=")piece-(\d+)', lambda found: pieces[int(found[1])], page)
    page = re.sub(
        r'(?<=<div )data-piece="(\d+)">',
        lambda found: f'class="piece">{pieces[int(found[1])]}',
        page,
    )
    page = page.replace("</head>", f"<style>{fonts(page)}</style></head>")
    if deck:
        page = with_scripts(with_routes(page))
    folder.mkdir(exist_ok=True)
    html = folder / f"{name}.html"
    html.write_text(page, "utf-8")
    with check.browser() as chromium:
        found = check.problems(chromium, html) + (
            found if deck else []
        )  # on paper one looks closer
        paper.print_pdf(chromium, html, folder / f"{name}.pdf")
        if deck:
            for route in ("short", "half"):
                paper.print_pdf(chromium, html, folder / f"{name}_{route}.pdf", route)
            paper.print_notes(chromium, html, folder / f"{name}_notes.pdf")
    return found


def build_printables() -> None:
    """Writes the sheets for tables, helpers and feedback, with lines to write on, and their PDF."""
    from slides import check, paper

    html = BUILT / printables.FILE
    html.write_text(printables.page(), "utf-8")
    with check.browser() as chromium:
        paper.print_pdf(chromium, html, html.with_suffix(".pdf"))
    print(f"{html.name} and its PDF are built.")


def with_routes(page: str) -> str:
    """Each slide says which routes show it."""
    tags = iter(routes.deck())
    return re.sub(
        r'<svg data-marpit-svg=""',
        lambda found: f'{found[0]} data-routes="{" ".join(next(tags).routes)}"',
        page,
    )


def with_scripts(page: str) -> str:
    """The route is chosen before the deck starts; timers and the black screen come after it."""
    route, *after = (
        f"<script>{(HERE / f'{name}.js').read_text('utf-8')}</script>"
        for name in ("route", "timer", "black")
    )
    start = page.index("<script>/*!! License: ")  # of Marp's own script
    return page[:start] + route + page[start:].replace("</body>", "".join(after) + "</body>")


def with_figures(markdown: str, *, paper: bool) -> tuple[str, list[str], list[str]]:
    """Puts a place where the Markdown says ![](figure:CALL) or ![](html:CALL).

    Returns the Markdown, what goes into its places (a picture as data: address, or HTML, of which Marp must not touch a letter), and the words that cannot be read.
    """
    from slides import check, figures

    pieces: list[str] = []
    small: list[str] = []

    def place(found: re.Match) -> str:
        kind, call = found.groups()
        if kind == "html":
            pieces.append(figures.html(call))
            return f'<div data-piece="{len(pieces) - 1}"></div>'
        figure, width = figures.draw(call, paper=paper)
        pieces.append(as_address(figure, width * FINER["paper" if paper else "slide"]))
        small.extend(f"figure {call}: {words}" for words in check.unreadable(figure, width))
        return f'<img src="piece-{len(pieces) - 1}" width="{width:.0f}" alt="{escape(" ".join(figure.description.split()))}">'

    return re.sub(r"!\[\]\((figure|html):([^)]+)\)", place, markdown), pieces, small


def as_address(figure, width: float) -> str:
    """The figure as a picture so many pixels wide: without loss where that is small, as for charts."""
    from PIL import Image

    drawn, packed = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=width / figure.get_figwidth())
    picture = Image.open(drawn).convert("RGB")
    picture.save(packed, "WEBP", method=6, lossless=True)
    kind = "webp"
    if len(packed.getvalue()) > LOSSLESS_UP_TO:  # JPEG, for it goes into the PDF as it is
        packed, kind = io.BytesIO(), "jpeg"
        picture.save(packed, "JPEG", quality=75, optimize=True)
    return f"data:image/{kind};base64," + base64.b64encode(packed.getvalue()).decode()


def marp(markdown: str, template: str) -> str:
    """Marp's HTML of the Markdown; its emoji and their addresses are off."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "slides.md").write_text(markdown, "utf-8")
        Path(folder, "config.json").write_text(
            json.dumps(
                {
                    "html": True,
                    "themeSet": [str(HERE / "theme.css"), str(HERE / "sheet.css")],
                    "template": template,
                    "options": {"emoji": {"shortcode": False, "unicode": False}, "math": "mathjax"},
                }
            ),
            "utf-8",
        )
        ran = subprocess.run(
            ["npx", "--yes", MARP, "slides.md", "-c", "config.json", "-o", "slides.html"],
            cwd=folder,
            capture_output=True,
            text=True,
        )
        if ran.returncode:
            raise SystemExit(f"Marp could not build the slides. It says:\n{ran.stderr}")
        return Path(folder, "slides.html").read_text("utf-8")


def fonts(page: str) -> str:
    """@font-face rules with the letters that the page needs. Raises ValueError for a letter that no font has."""
    from fontTools import subset
    from fontTools.ttLib import TTFont

    text = set(re.sub(r"(?s)<(script|style).*?</\1>|data:[^\"]+", "", page)) - set("\n\r\t")
    rules, known = [], set()
    for (family, weight, style), file in FONTS.items():
        if not (FONT_FOLDER / file).is_file():
            raise SystemExit(
                f"The font {file} was not found in {FONT_FOLDER}. On Debian: apt install fonts-inter fonts-noto-core"
            )
        font = TTFont(FONT_FOLDER / file, recalcTimestamp=False)
        letters = text & set(map(chr, font.getBestCmap()))
        known |= letters
        subsetter = subset.Subsetter(
            subset.Options(layout_features=["*"], hinting=False, drop_tables=["FFTM"])
        )
        subsetter.populate(text="".join(letters))
        subsetter.subset(font)
        font.flavor, packed = "woff", io.BytesIO()
        font.save(packed)
        rules.append(
            f"@font-face{{font-family:'{family}';font-weight:{weight};font-style:{style};{'size-adjust:130%;' if family == 'Course Arabic' else ''}src:url(data:font/woff;base64,{base64.b64encode(packed.getvalue()).decode()})}}"
        )
    if text - known:
        raise ValueError(f"No font has these letters: {' '.join(sorted(text - known))}")
    return "".join(rules)


def draw_with_the_fonts() -> None:
    """Figures get the slides' font, and a letter that it lacks is an error."""
    from matplotlib import font_manager, rcParams

    for (family, *_), file in FONTS.items():
        if family == "Course":
            font_manager.fontManager.addfont(FONT_FOLDER / file)
    rcParams["font.family"] = "Inter"
    warnings.filterwarnings("error", message="Glyph .* missing from font")
    warnings.filterwarnings(
        "ignore", message="There are no gridspecs with layoutgrids"
    )  # the cover places its axes itself


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument(
        "--local",
        action="store_true",
        help="a private deck with pictures of the whole sets on this computer",
    )
    options.add_argument(
        "names", nargs="*", help=f"only these of: {', '.join(DOCUMENTS)}", choices=[*DOCUMENTS, []]
    )
    chosen = options.parse_args()
    draw_with_the_fonts()
    if chosen.local:
        from slides import sets

        sets.LOCAL = True
    found: dict[str, None] = {}
    for name in [DECK] if chosen.local else chosen.names or DOCUMENTS:
        found |= {
            f"{name}: {problem}": None for problem in build(name, LOCAL if chosen.local else BUILT)
        }
        print(f"{name}.html and {name}.pdf are built.")
    if not chosen.local and not chosen.names:
        build_printables()
    if found:
        raise SystemExit("\n".join(["Not right yet:", *found]))
    if not chosen.local and not chosen.names:
        STAMP.write_text(json.dumps(sums(), indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
