"""Shows on a page of this computer how far the room is: what is solved, what is tried and wrong, where most people are stuck.

On laptops people read out or paste the code that exercises.progress() prints; on a hub the page reads people's folders. Nothing is
sent by a notebook, a code holds a nickname that was drawn, and the key Delete forgets all codes.
"""

import re
import webbrowser
from collections.abc import Callable, Iterator
from functools import partial
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs

from workshop_utils import journal
from workshop_utils.exercises import kit, solved
from workshop_utils.tables import Table

CODES = "room.txt"
EXAMPLE = solved.Standing("bafiko", 1, "aac2").code
STUCK = 3  # exercises that are named
PASTED_BYTES = 1 << 20
PAGE = """<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>The room</title>
<style>
body { font: 16px sans-serif; margin: 1em } table { border-collapse: collapse; margin: 1em 0 } caption { text-align: left; font-weight: bold }
th, td { padding: 2px 6px; border: 1px solid #bbb; vertical-align: bottom } .people th:nth-child(n + 5) { writing-mode: vertical-rl }
.people { font-size: 13px } .people td:nth-child(2) { white-space: nowrap } .people td:nth-child(n + 5) { text-align: center !important } tr:hover { background: #eef } textarea { width: 40em; vertical-align: top }
</style>
<form method="post" action="/add"><textarea name="codes" rows="2" aria-label="Codes" placeholder="Codes that people read out or paste"></textarea>
<button>Add</button> The key Delete forgets all codes.</form>
<main>%s</main>
<script>
setInterval(async () => {
  const page = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
  document.querySelector("main").innerHTML = page.querySelector("main").innerHTML;
}, 3000);
addEventListener("keydown", async (event) => {
  if (event.key != "Delete" || event.target.matches("textarea")) return;
  await fetch("/forget", { method: "POST" });
  location = "/";
});
</script></html>"""


def add_arguments(parser) -> None:
    people = "people's folders of a hub on this computer: my-workshop/people"
    parser.add_argument("folder", type=Path, nargs="?", help=people)
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--no-browser", action="store_true", help="print the address alone")


def run(options) -> int:
    if options.folder and not options.folder.is_dir():
        raise ValueError(f"'{options.folder}' is no folder. A hub's are in my-workshop/people.")
    room = Room(options.folder)
    try:
        server = ThreadingHTTPServer(("127.0.0.1", options.port), partial(Handler, room))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        another = f"python -m workshop_utils room --port {options.port % 60_000 + 1}"
        raise ValueError(f"Port {options.port} cannot be used ({reason}). Try: {another}") from None
    address = f"http://127.0.0.1:{server.server_port}"
    print(f"The room is at {address}, for this computer alone. Ctrl+C ends it.", flush=True)
    if not options.no_browser:
        webbrowser.open(address)
    with server:
        server.serve_forever()
    return 0


class Room:
    """What is known of everybody: the codes that were given, and what a hub's folders hold."""

    def __init__(self, folder: Path | None = None):
        self.folder, self.said = folder, ""
        # the last of a person and chapter counts
        self.codes = dict.fromkeys(filter(understood, journal.load(CODES)))

    def add(self, text: str) -> None:
        """Takes codes with spaces, commas or line ends between; what cannot be read is named, the others count."""
        given = [code for code in re.split(r"[\s,;]+", text) if code]
        good = [code for code in given if understood(code)]
        for code in good:
            self.codes.pop(code, None)
            self.codes[code] = None
        bad = [f"'{code[:60]}'" for code in given if code not in self.codes]
        self.said = f"{len(good)} codes were read."
        if bad:
            self.said += f" No code, one sign wrong, or of another version of the course: {', '.join(bad[:10])}. One looks like {EXAMPLE}"
        try:
            journal.change(CODES, add=list(dict.fromkeys(good)))
        except OSError as error:
            self.said += f" The codes stay until this command ends. {error}"

    def forget(self) -> None:
        self.said = "All codes are forgotten. What a hub's folders hold stays."
        try:
            journal.change(CODES, remove=journal.load(CODES))
        except OSError as error:
            self.said = f"The codes are forgotten here, and come again with the next start. {error}"
        self.codes.clear()

    def standings(self, chapter: int) -> dict[str, str]:
        """Who -> a sign for each exercise of a chapter, of those who tried one; "?" where a folder cannot be read."""
        numbers = [one.number for one in kit.exercises(chapter)]
        found = {}
        for folder in sorted(self.folder.iterdir()) if self.folder else ():
            try:
                found[folder.name] = solved.signs(numbers, folder / ".progress")
            except OSError:
                found[folder.name] = "?" * len(numbers)
        for standing in filter(None, map(understood, self.codes)):
            if standing.chapter == chapter:
                found[standing.who] = standing.signs.ljust(len(numbers), "0")
        return {who: found[who] for who in sorted(found) if found[who].strip("0")}


def understood(code: str) -> solved.Standing | None:
    """The standing of a code of this version of the course."""
    standing = solved.read(code)
    if not standing or standing.chapter not in kit.CHAPTERS:
        return None
    return standing if len(standing.signs) <= len(kit.exercises(standing.chapter)) else None


def page(room: Room) -> str:
    """All chapters in which somebody tried something, the last one first."""
    chapters = [part for number in reversed(kit.CHAPTERS) for part in chapter(room, number)]
    empty = f"Nobody has tried an exercise yet. exercises.progress() prints a code like {EXAMPLE}"
    return PAGE % "\n".join([f"<p>{escape(room.said)}</p>", *(chapters or [f"<p>{empty}</p>"])])


class Row(NamedTuple):
    """An exercise, and how everybody stands in it."""

    record: kit.Exercise
    signs: dict[str, str]

    @property
    def missed(self) -> list[tuple[str, int]]:
        """Who has not solved it after how many misses, most first."""
        found = [(who, int(sign)) for who, sign in self.signs.items() if sign in "123456789"]
        return sorted(found, key=lambda one: -one[1])

    def count(self, kinds: str) -> int:
        return sum(sign in kinds for sign in self.signs.values())


def chapter(room: Room, number: int) -> Iterator[str]:
    """The table of those who are stuck, then the table of everybody."""
    standings = room.standings(number)
    if not standings:
        return
    everybody = zip(kit.exercises(number), zip(*standings.values()))
    rows = [Row(record, dict(zip(standings, signs))) for record, signs in everybody]
    # people's names have no capital first, so that none is a heading of these
    what: dict[str, Callable[[Row], object]] = {
        "Exercise": lambda row: row.record.number,
        "What": lambda row: row.record.title,
    }
    stuck = what | {
        "Not yet": lambda row: len(row.missed),
        "Who (how often missed)": lambda row: ", ".join(f"{who} ({n})" for who, n in row.missed),
        "What to ask": lambda row: row.record.nudge,
    }
    most = sorted(rows, key=lambda row: -len(row.missed))[:STUCK]
    yield f"<h2>Chapter {number}</h2>"
    yield Table(filter(lambda row: row.missed, most), stuck, "Where most are stuck")._repr_html_()
    grid = what | {
        "Solved": lambda row: row.count(solved.SOLVED),
        "At first try": lambda row: row.count("a"),
        **{who: partial(shown, who) for who in standings},
    }
    key = "✓ solved, ✓2 after two misses, ✗2 missed twice, · untouched"
    table = Table(rows, grid, f"{len(standings)} people. {key}")._repr_html_()
    yield table.replace("<table", '<table class="people"', 1)


def shown(who: str, row: Row) -> str:
    """An exercise of a person, to be told at a glance and without colours."""
    sign = row.signs[who]
    if sign in solved.SOLVED:
        return f"✓{solved.SOLVED.index(sign) or ''}"
    return {"0": "·", "?": "?"}.get(sign, f"✗{sign}")


class Handler(BaseHTTPRequestHandler):
    """Answers the browser of this computer: nobody else's page may ask or write."""

    def __init__(self, room: Room, *connection):
        self.room = room
        super().__init__(*connection)

    def do_GET(self) -> None:
        if self.path != "/" or not self.ours():
            return self.send_error(404)
        content = page(self.room).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        size = self.headers.get("Content-Length", "")
        if not self.ours() or not size.isdecimal() or int(size) > PASTED_BYTES:
            return self.send_error(403)
        form = parse_qs(self.rfile.read(int(size)).decode("utf-8", "replace"))
        if self.path == "/forget":
            self.room.forget()
        elif self.path == "/add":
            self.room.add("\n".join(form.get("codes", [])))
        self.send_response(303)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def ours(self) -> bool:
        """Whether this page's own address was asked, by this page."""
        port = self.connection.getsockname()[1]
        names = [f"{host}:{port}" for host in ("127.0.0.1", "localhost")]
        host = self.headers.get("Host", "")
        origin = self.headers.get("Origin", f"http://{host}")
        return host in names and origin == f"http://{host}"

    def log_message(self, *_) -> None:
        """Silent: the page asks every three seconds."""
