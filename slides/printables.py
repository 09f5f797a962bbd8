"""Sheets to print before a workshop: one for each table, one for helpers, cards for feedback: python slides/printables.py --course https://...

Writes slides/local/printables.html, to be printed from a browser, with the addresses of your room and their QR codes (these need segno:
pip install segno). The builder puts one with lines to write on into slides/built/. Helpers' tables and the six questions are read where they stand.
"""

import argparse
import re
import sys
from html import escape
from pathlib import Path

import mistune

sys.path.insert(0, str(Path(__file__).parents[1]))
from workshop_utils import paths
from workshop_utils.tools import links

HELPERS = paths.HOME / "slides" / "HELPERS.md"
CARD = paths.HOME / "docs" / "before_and_after.md"
OWN = paths.HOME / "slides" / "local"
FILE = "printables.html"
BLANK = '<span class="blank"></span>'
to_html = mistune.create_markdown(escape=False, plugins=["table"])
PAGE = """<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>To print</title>
<style>
@page { size: A4; margin: 12mm }
body { font: 10pt/1.35 sans-serif; max-width: 186mm; margin: auto } article { break-after: page } article:last-of-type { break-after: auto }
h1 { font-size: 20pt; margin: 0 0 3mm } h2 { font-size: 12pt; margin: 4mm 0 1mm } p { margin: 1mm 0 }
table { border-collapse: collapse; width: 100%% } th, td { text-align: left; vertical-align: top; padding: 1mm 2mm; border-bottom: 1px solid #999 } tr { break-inside: avoid }
code { font: 0.95em monospace; background: #eee } a { color: inherit; text-decoration: none } svg { display: block }
.table { font-size: 13pt } .table h2 { font-size: 15pt } .helpers { font-size: 9pt } .blank { display: inline-block; width: 90mm; border-bottom: 1px solid; height: 9mm }
.card { height: 128mm; break-inside: avoid; border-bottom: 1px dashed #777; margin-bottom: 5mm } .card li { height: 14mm }
</style>
%s</html>"""
TABLE = """# Image classification

| | |
| --- | --- |
| The course | {course} |
| In this room | {room} |
| Who helps | {people} |

## Begin

- macOS, Linux: `.venv/bin/python -m workshop_utils start`
- Windows: `.venv\\Scripts\\python -m workshop_utils start`

`start 2` opens chapter 2. Not installed? Sit beside somebody: two people learn more at one laptop.

## Run

Guess first, then Shift+Enter. The square stops a cell that does not end. After a restart: the setup cell, then the section from its top.

## Stuck?

- Read the sentence under the cell aloud. It names the mistake.
- `exercises.hint("1.2")` in a new cell, with your number: one hint more each time. `exercises.solution("1.2")` shows one that is right.
- `doctor` in place of `start` finds what is broken.
- A red note on your lid: somebody comes.

## Together

Every question is welcome. Photograph nobody without a yes. An AI may explain your mistake; it may not fill in the exercise.
"""


def page(course: str = "", room: str = "", people: str = "") -> str:
    """All sheets as HTML; what is not given becomes a line to write on."""
    table = TABLE.format(course=coded(course), room=coded(room), people=escape(people) or BLANK)
    questions = "\n".join(f"{number}. {words}" for number, words in six_questions())
    card = f'<div class="card">\n\n## Before you go\n\n{questions}\n\n</div>\n\n'
    sheets = {"table": table, "helpers": HELPERS.read_text("utf-8"), "cards": 2 * card}
    articles = (
        f'<article class="{name}">{to_html(words)}</article>' for name, words in sheets.items()
    )
    return PAGE % "\n".join(articles)


def coded(address: str) -> str:
    """An address with its QR code, which a phone reads."""
    if not address:
        return BLANK
    try:
        import segno
    except ModuleNotFoundError:
        raise SystemExit(
            "The QR code of an address needs segno: .venv/bin/python -m pip install segno"
        ) from None
    return f"{segno.make(address).svg_inline(scale=4)} {address}"


def six_questions() -> list[tuple[str, str]]:
    """Number and words of the feedback card's questions."""
    card = CARD.read_text("utf-8").split("## After: the feedback card\n")[1].split("\n## ")[0]
    return re.findall(r"(?m)^> (\d)\. (.+)$", card)


def main() -> None:
    published = f"https://github.com/{links.REPOSITORY}"
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument(
        "--course",
        default="" if links.TAG in links.NOWHERE.values() else published,
        help="the address of the course",
    )
    options.add_argument("--room", default="", help="the address of the room's hub or mirror")
    options.add_argument("--people", default="", help="the instructor and the helpers")
    made = OWN / FILE
    paths.write(made, page(**vars(options.parse_args())).encode())
    print(f"{made.relative_to(paths.HOME)} is ready: open it in a browser and print it.")


if __name__ == "__main__":
    main()
