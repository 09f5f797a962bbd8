"""What a slide shows of the course: numbers that the code printed, facts of the cards, exercises and sections as the notebooks have them."""

import base64
import csv
import json
import re
from collections.abc import Callable
from functools import lru_cache
from html import unescape
from statistics import mean
from textwrap import fill

from workshop_utils import data, models, paths, recorded
from workshop_utils.exercises import kit
from workshop_utils.paths import HOME
from workshop_utils.tables import Table

GUIDE = HOME / "slides" / "INSTRUCTORS.md"
HELPERS = HOME / "slides" / "HELPERS.md"
ROUTES = {"short": "90 minutes", "half": "half a day", "day": "a day"}
SHORTER = ("half", "short")
# of an agenda of the guide: minutes of work, what, how
ROW = re.compile(r"(?m)^\| [\d:]+ \| [\d.]+ \| ([\d.]+) \| [\d-]* ?\| (.+?) \| (.+) \|$")
COLUMNS = 74  # letters of code that stand side by side on a slide
LONG = 420  # letters of a question and its answer that no longer fit in large type
PLACEHOLDER = re.compile(r"\{\{(\w+)(?: ([^:{}]+))?(?:: (.+?))?\}\}")


def expand(markdown: str) -> str:
    """The Markdown of the slides with every placeholder replaced by what it stands for.

    {{chapter 3: PATTERN}}: the group of the pattern in chapter 3's outputs; {{chapter 3, percent: PATTERN}}: a fraction there, in percent.
    {{model vgg16: parameters}}, {{data mnist: train}}: facts of the cards. {{architectures}}, {{few_pictures}}, {{credits}}: tables and a list. {{section 1.3}}, {{section 1.3: its question}}, {{exercise 1.3}},
    {{question 1.1}}, {{break 15: 1.5}} (minutes, after which section): the body of a slide with its notes, or the band below one. {{routes}}: the links of the cover. Raises ValueError for a placeholder that stands for nothing.
    """
    return PLACEHOLDER.sub(lambda found: value(*found.groups()), markdown)


def value(kind: str, name: str | None = None, what: str | None = None) -> str:
    """The text of one placeholder."""
    if kind not in KINDS:
        raise ValueError(f"No placeholder is called '{kind}'. There are: {', '.join(KINDS)}.")
    name, *how = name.split(", ") if name else (None,)
    return KINDS[kind](*filter(None, (name, what)), *how)


def from_chapter(chapter: str, pattern: str, how: str = "") -> str:
    found = set(re.findall(pattern, outputs(chapter)))
    if len(found) != 1:
        raise ValueError(
            f"The outputs of chapter {chapter} should hold '{pattern}' with one value; they hold {sorted(found) or 'none'}."
        )
    return f"{100 * float(found.pop()):.0f}" if how == "percent" else found.pop()


def from_model(name: str, what: str) -> str:
    found = getattr(models.card(name), what)
    return f"{found:,}" if isinstance(found, int) else f"{found:.1f}"


def from_data(name: str, what: str) -> str:
    card = data.card(name)
    return {
        "train": f"{card.splits['train']:,}",
        "test": f"{card.splits['test']:,}",
        "all": f"{sum(card.splits.values()):,}",
        "classes": str(len(card.classes)),
        "shape": " x ".join(map(str, card.shape[1:])),
        "names": ", ".join(card.classes),
    }[what]


AFTER_THE_DECK = ("mobilenet_v3_large", "vit_b_16", "swin_t", "efficientnet_v2_s", "convnext_tiny")


def named_architectures() -> list[models.ModelCard]:
    """The cards of the architectures of the deck, without those made for this course and those that came after its story."""
    return [card for card in models.catalog() if not card.ours and card.name not in AFTER_THE_DECK]


def architectures() -> str:
    """The cards of the named architectures as a table."""
    return Table(
        named_architectures(),
        {
            "what": lambda card: card.title,
            "year": lambda card: str(card.year),
            "layers": lambda card: card.layers,
            "parameters": lambda card: card.parameters,
            "top-1, %": lambda card: f"{card.top1:.1f}" if card.top1 else "–",
            "idea": lambda card: card.idea,
        },
    ).markdown()


def few_pictures() -> str:
    """Mean accuracy by pictures a class, as recorded, in percent."""
    found = recorded.load("fewshot")["results"]
    numbers = list(next(iter(found.values())))
    columns = {
        "pictures a class": lambda row: row[0],
        **{
            number: lambda row, number=number: f"{100 * mean(row[1][number]['accuracy']):.0f} %"
            for number in numbers
        },
    }
    return Table(
        (
            (way.replace(" ", "-") if way == "fine tuned" else way, rows)
            for way, rows in found.items()
        ),
        columns,
    ).markdown()


def credits() -> str:
    """Who took each photograph, and its licence."""
    with open(HOME / "bundle" / "photos.tsv", encoding="utf-8", newline="") as table:
        rows = csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)
        return "\n".join(
            f"- {row['label']}: {row['author'].strip()}, {row['licence']}" for row in rows
        )


def minutes(section: str) -> str:
    """What a section takes: on the day as the heading in its notebook says, on the other routes as the guide does."""
    chapter, number = section.split(".")
    day = sections(chapter)[int(number)][1]
    others = {ROUTES[route]: on_route(section, route)[0] for route in SHORTER}
    said = ", ".join(f"{route} {least:g}" for route, least in others.items() if least)
    return f"{day} min ({said})" if said else f"{day} min"


def on_route(section: str, route: str) -> tuple[float, str]:
    """The minutes that the guide's agenda of a route leaves for a section, 0 for one that it leaves out, and what it says of it."""
    name = "Chapter {}, section {}:".format(*section.split("."))
    rows = [row for row in rows_of(route) if row[1].startswith(name)]
    return sum(float(work) for work, *_ in rows), " ".join(how for *_, how in rows)


@lru_cache
def rows_of(route: str) -> list[tuple[str, str, str]]:
    """Minutes of work, what and how of each row of the guide's agenda of a route."""
    return ROW.findall(agenda(route, GUIDE.read_text("utf-8"))[2])


def agenda(route: str, text: str) -> tuple[str, int, str]:
    """Heading, minutes and lines of a route's agenda in the guide."""
    heading = ROUTES[route].capitalize()
    found = re.search(rf"(?s)## {heading} \((\d+) minutes\)\n(.+?)(?=\n## )", text)
    return heading, int(found[1]), found[2]


def routes_of(exercise: str) -> str:
    """The routes on which an exercise is typed: those that run its section or name it, and do not leave it out."""
    found = ["day"]
    for route in SHORTER:
        done, _, left_out = on_route(place(exercise), route)[1].partition("without")
        if exercise in done or (done.startswith("**run**") and exercise not in left_out):
            found.append(route)
    return " ".join(found)


def stamp_credits() -> str:
    """Everybody who is named for the photographs on white."""
    with open(HOME / "bundle" / "photographs.tsv", encoding="utf-8", newline="") as table:
        rows = csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)
        return "\n".join(
            f"- {one}" for one in sorted({r["credit"] for r in rows if not r["reason"]})
        )


def section_slide(number: str, question: str = "") -> str:
    """What sends the room to a section of a notebook, with a timer for it and one for each exercise that is typed there: a slide, or, with the question to guess at, a band below one."""
    chapter, section = number.split(".")
    title, minutes = sections(chapter)[int(section)]
    clock = timer(minutes, **{route: on_route(number, route)[0] for route in SHORTER})
    tasks = [
        f'<li data-on="{routes_of(one.number)}"><b>{one.number}</b> {"" if question else one.title} {timer(task(one.number)[0])}</li>'
        for one in exercises(chapter)
        if place(one.number) == number and not one.options
    ]
    listed = f'\n\n<ul class="tasks">{"".join(tasks)}</ul>' if tasks else ""
    if not question:
        return f"# {title}\n\n{where(number)}\n\n{clock}{listed}"
    words = f"<div>\n\n{where(number, title)}\n\n{question}\n\n</div>"
    return f'<div class="band">\n\n{clock}\n\n{words}{listed}\n\n</div>'


def exercise_slide(number: str) -> str:
    """An exercise as its notebook states it, with its stub; its notes are the record's usual mistake and nudge."""
    found, (minutes, text) = kit.find(number), task(number)
    note = f"Exercise {number}, {minutes} min, inside its section.\nIts timer is on the section's page. Walk around.\nUsual mistake: {found.mistake}\nA nudge: {found.nudge}"
    return f"<!-- _class: exercise -->\n# {number} {found.title}\n\n{text}\n\n```python\n{stub(number)}\n```\n\n<!--\n{note}\n-->"


def question_slide(number: str) -> str:
    """A question for a show of hands: its text, four letters, a timer, and, one press later, the right letter with its reason; what to say to the other letters is in the notes."""
    found, (minutes, text) = kit.find(number), task(number)
    note = "\n".join(
        (
            f"Question {number}, {minutes} min, inside its section.",
            "Read it out. Half a minute alone, then hands for A, B, C and D, all before you say anything. "
            "If the room is split: half a minute with the neighbour, and hands again. One press shows the answer.",
            *(
                f"To those who chose {letter}: {said}"
                for letter, said in found.options.items()
                if letter != found.right
            ),
        )
    )
    answer = f'<div class="answer" data-marpit-fragment="1">\n\n<b>{found.right}</b> {found.why}\n\n</div>'
    size = "question long" if len(text + found.why) > LONG else "question"
    return f"<!-- _class: {size} -->\n# {number} {found.title}\n\n{text}\n\n{answer}\n\n{timer(minutes)}\n\n<!--\n{note}\n-->"


def break_title(minutes: str) -> str:
    return "Lunch" if int(minutes) >= 45 else "Break"


def break_slide(minutes: str, last: str) -> str:
    """A pause of so many minutes after the section `last`: when it goes on, how to ask for help, and where the room is."""
    rows = []
    for chapter in "123":
        done = [f"{chapter}.{section}" <= last for section in sections(chapter)]
        boxes = "".join(f'<i class="{"done" if one else "to-come"}"></i>' for one in done)
        rows.append(f"<li><b>{chapter}</b> {boxes} {sum(done)} of {len(done)} sections done</li>")
    title = break_title(minutes)
    note = f"{title}, {minutes} min.\nSay the minute of return aloud, then press T: the slide keeps it. Helpers visit every red note. B makes the screen black."
    return f"""<!-- _class: notebook break -->
# {title}

<p class="back">Back in {minutes} minutes</p>

{timer(int(minutes))}

**Stuck?** Red note on the lid: somebody comes.

<ul class="sofar">{"".join(rows)}</ul>

<!--
{note}
-->"""


def routes() -> str:
    """The line on the cover that chooses the route."""
    return " · ".join(
        f'<a href="?route={name}">{title}</a>' for name, title in ROUTES.items()
    ).join(('<p class="routes">', "</p>"))


def place(number: str) -> str:
    """The section that an exercise stands in, such as 1.4."""
    before = prose(number[0]).split(f"**Exercise {number}.**")[0]
    section = re.findall(r"(?m)^## (\d)\.", before)[-1]
    return f"{number[0]}.{section}"


def where(section: str, title: str = "") -> str:
    chapter, number = section.split(".")
    said = f": {title}" if title else ""
    return f'<p class="where">Notebook {chapter}, section {number}{said}</p>'


def stub(number: str) -> str:
    """The cell of an exercise as attendees find it, without the line that checks; of a long one the head and the last function; a line too long for a slide goes on, indented, in the next."""
    cells = notebook(number[0])["cells"]
    at = next(
        place
        for place, cell in enumerate(cells)
        if f"**Exercise {number}.**" in "".join(cell["source"])
    )
    code = "".join(next(cell for cell in cells[at:] if cell["cell_type"] == "code")["source"])
    lines = code.split("exercises.check(")[0].strip().splitlines()
    last = max((at for at, line in enumerate(lines) if line.strip().startswith("def ")), default=0)
    shown = lines if len(lines) <= 10 else [lines[0], "    ...", *lines[last:]]
    return "\n".join(fill(line, COLUMNS, subsequent_indent=12 * " ") for line in shown)


def exercises(chapter: str) -> list:
    """The exercises that stand in the chapter; the companion has the others."""
    return [
        one
        for one in kit.exercises(int(chapter))
        if f"**Exercise {one.number}.**" in prose(chapter)
    ]


def timer(minutes: int, **routes: float) -> str:
    """routes: the minutes on others than the day; 0: no timer there."""
    others = "".join(f' data-{route}="{least:g}"' for route, least in routes.items())
    return f'<div class="timer" data-minutes="{minutes}"{others}>{minutes}:00</div>'


def emoji(name: str) -> str:
    """One of Twemoji's pictures as part of a line."""
    picture = (HOME / "slides" / "emoji" / f"{name}.svg").read_bytes()
    address = f"data:image/svg+xml;base64,{base64.b64encode(picture).decode()}"
    return f'<img class="emoji" alt="{name}" src="{address}">'


@lru_cache
def notebook(chapter: str) -> dict:
    return json.loads(paths.chapter(int(chapter)).read_text("utf-8"))


@lru_cache
def outputs(chapter: str) -> str:
    """Everything that the chapter's cells printed, and the words of their figures."""
    texts = []
    for cell in notebook(chapter)["cells"]:
        for output in cell.get("outputs", []):
            texts.append("".join(output.get("text", "")))
            texts.append(
                unescape(
                    re.sub("<[^>]+>", "", "".join(output.get("data", {}).get("text/html", "")))
                )
            )
    return "\n".join(texts)


@lru_cache
def prose(chapter: str) -> str:
    return "\n\n".join(
        "".join(cell["source"])
        for cell in notebook(chapter)["cells"]
        if cell["cell_type"] == "markdown"
    )


@lru_cache
def sections(chapter: str) -> dict[int, tuple[str, int]]:
    """Number -> title and minutes, as the headings of the notebook say."""
    return {
        int(number): (title, int(minutes))
        for number, title, minutes in re.findall(
            r"(?m)^## (\d)\. (.+) \((\d+) min\)$", prose(chapter)
        )
    }


@lru_cache
def task(number: str) -> tuple[int, str]:
    """Minutes and text of an exercise, with the options of a question, as its notebook states it, but for links: a deck stands alone."""
    found = re.search(
        rf"(?s)\*\*Exercise {re.escape(number)}\.\*\* \((\d+) min[^)]*\) (.+?)(?=\n\n(?!- \*\*)|\Z)",
        prose(number[0]),
    )
    if not found:
        raise ValueError(f"Chapter {number[0]} has no exercise {number}.")
    return int(found[1]), re.sub(r"\[(.+?)\]\([^)]+\)", r"\1", found[2])


def write_helpers() -> None:
    """Writes the helpers' tables of exercises from their records."""
    text = HELPERS.read_text("utf-8")
    for chapter in kit.CHAPTERS:
        heading, table = rf"\*\*Chapter {chapter}\*\*\n\n", kit.guide(chapter).markdown()
        text = re.sub(rf"({heading})(\|.*\n)+", lambda old, table=table: f"{old[1]}{table}\n", text)
    HELPERS.write_text(text, "utf-8")


KINDS: dict[str, Callable[..., str]] = {
    "chapter": from_chapter,
    "model": from_model,
    "data": from_data,
    "architectures": architectures,
    "few_pictures": few_pictures,
    "credits": credits,
    "stamp_credits": stamp_credits,
    "emoji": emoji,
    "minutes": minutes,
    "section": section_slide,
    "exercise": exercise_slide,
    "question": question_slide,
    "break": break_slide,
    "routes": routes,
}
