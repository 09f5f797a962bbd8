"""Which slides a route shows, and the guide's agendas: each slide's minutes are counted where it stands."""

import re
from dataclasses import dataclass
from itertools import accumulate

from slides import values
from workshop_utils.paths import HOME

DECK = HOME / "slides" / "sources" / "deck"
TAG = re.compile(r"(?m)^<!-- route: (short|half|day)( only)? -->\n*")
PARTS = ("opening", "part 1", "part 2", "part 3", "close")
BEGIN = 9 * 60


@dataclass
class Slide:
    """One slide of the sources: its part, the routes that show it, its minutes of talk, and the row of an agenda that it is named by (none: the next slide's)."""

    markdown: str
    part: str
    routes: tuple[str, ...]
    talk: float
    row: str | None


def deck() -> list[Slide]:
    """All slides in order. Raises ValueError for one without a route."""
    files = sorted(DECK.glob("*.md"))
    return [
        _slide(part, markdown)
        for part, file in zip(PARTS, files, strict=True)
        for markdown in slides(file.read_text("utf-8").strip())
    ]


def slides(text: str) -> list[str]:
    """The slides of a document's Markdown, without what stands before the first."""
    return re.sub(r"(?s)\A---\n.*?\n---\n", "", text).split("\n---\n")


def _slide(part: str, markdown: str) -> Slide:
    tag = TAG.search(markdown)
    if not tag:
        raise ValueError(
            f"This slide names no route: {markdown.strip()[:80]!r}. Its first line should be <!-- route: short -->, half or day."
        )
    names = list(values.ROUTES)
    routes = (tag[1],) if tag[2] else tuple(names[names.index(tag[1]) :])
    talk = re.search(r"(?m)^(?:<!--\s*)?([\d.]+) min\.$", markdown)
    inside = re.search(r"\{\{(section|exercise|question|break) ([\d.]+)", markdown)
    row = None
    if inside and inside[1] != "break":
        section = inside[2] if inside[1] == "section" else values.place(inside[2])
        row = "Chapter {}, section {}".format(*section.split("."))
    elif inside:
        row = "Lunch" if values.break_title(inside[2]) == "Lunch" else "Break"
    elif part in ("opening", "close"):
        row = f"Slides: {part}"
    return Slide(markdown, part, routes, float(talk[1]) if talk else 0, row)


@dataclass
class Row:
    """One line of an agenda."""

    what: str
    how: str
    work: float
    talk: float = 0
    first: int = 0
    last: int = 0

    def line(self, clock: float) -> str:
        numbers = f"{self.first}-{self.last}" if self.last > self.first else str(self.first or "")
        at = f"{int(BEGIN + clock) // 60}:{int(BEGIN + clock) % 60:02}"
        return f"| {at} | {self.talk:g} | {self.work:g} | {numbers} | {self.what} | {self.how} |"


def agenda(route: str, text: str) -> list[Row]:
    """The rows of the guide's agenda, with the minutes and slide numbers that follow from deck and notebooks; buffers get what is left of the route's minutes."""
    heading, whole, table = values.agenda(route, text)
    rows = [_row(route, *cells) for cells in values.ROW.findall(table)]
    waiting = rows.copy()
    shown = [slide for slide in deck() if route in slide.routes]
    for number, (slide, row) in enumerate(zip(shown, _named(shown)), 1):
        if not any(row in one.what for one in waiting):
            raise ValueError(
                f"The agenda '{heading}' has no row '{row}' for slide {number}, or has it too early: {slide.markdown.strip()[:80]!r}."
            )
        while row not in waiting[0].what:
            waiting.pop(0)
        waiting[0].first = waiting[0].first or number
        waiting[0].last = number
        waiting[0].talk += slide.talk
    _fill_buffers(rows, heading, whole)
    return rows


def _row(route: str, work: str, what: str, how: str) -> Row:
    """A row of the guide; the title is that of the section's heading, and so are the minutes of the day; no route takes more."""
    if found := re.fullmatch(r"Chapter (\d), section (\d): [^`]+", what):
        title, minutes = values.sections(found[1])[int(found[2])]
        what = f"Chapter {found[1]}, section {found[2]}: {title}"
        work = str(minutes if route == "day" else min(float(work), minutes))
    return Row(what, how, float(work))


def _named(shown: list[Slide]) -> list[str]:
    """The row of each slide: its own, else the next one's; before a break and at the end of a part the last one's."""
    rows = [slide.row for slide in shown]
    for place, slide in enumerate(shown):
        if rows[place]:
            continue
        ahead = [one for one in shown[place:] if one.part == slide.part]
        coming = next((one.row for one in ahead if one.row), None)
        rows[place] = rows[place - 1] if coming in (None, "Break", "Lunch") else coming
    return rows


def _fill_buffers(rows: list[Row], heading: str, whole: int) -> None:
    buffers = [row for row in rows if row.what == "Buffer"]
    left = whole - sum(row.talk + row.work for row in rows if row not in buffers)
    if left < 0 or not buffers:
        raise ValueError(
            f"The agenda '{heading}' has {whole} minutes and lacks {-left:g}. Shorten a row, or talk less."
        )
    for row in buffers:
        row.work = left // len(buffers)
    buffers[-1].work = left - sum(row.work for row in buffers[:-1])


def written(route: str, text: str) -> str:
    """The agenda's table as the guide should have it."""
    rows = agenda(route, text)
    clock = accumulate((row.talk + row.work for row in rows), initial=0)
    return "\n".join(row.line(at) for row, at in zip(rows, clock))


def write_guide() -> None:
    """Writes the guide's agendas, and the helpers' tables of exercises from their records: `python -m slides.routes`."""
    values.write_helpers()
    text = values.GUIDE.read_text("utf-8")
    for route in values.ROUTES:
        table = values.agenda(route, text)[2]
        rows = re.search(r"(?m)(^\| \d+:\d\d .*\|\n?)+", table)[0]
        text = text.replace(rows, written(route, text) + "\n", 1)
    values.GUIDE.write_text(text, "utf-8")


if __name__ == "__main__":
    write_guide()
