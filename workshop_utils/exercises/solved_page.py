"""A page to print of what somebody really solved."""

from datetime import date
from html import escape
from pathlib import Path
from typing import Any

from workshop_utils import paths
from workshop_utils.exercises import kit, solved
from workshop_utils.tables import Table

LONGEST = 60  # letters of a name
HOW = {sign: f"after {misses} misses" for misses, sign in enumerate(solved.SOLVED)}
HOW |= {"a": "at first try", "b": "after 1 miss"}
PAGE = """<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Image classification</title>
<style>
@page { size: A4; margin: 15mm } body { font: 15px/1.4 sans-serif; max-width: 48em; margin: 2em auto } h1, h2 { margin-bottom: 0 }
table { border-collapse: collapse; break-inside: avoid; margin: 1em 0 } caption { text-align: left; font-weight: bold }
th, td { padding: 1px 10px 1px 0; border-bottom: 1px solid #bbb }
</style>
<p>Workshop "Image Classification"</p>
<h1 dir="auto">%s</h1>
<p>solved %d of %d exercises, each judged by its check. %s</p>
%s
<p>This page was written by the computer on which the exercises were solved. It says what was right, and proves nobody's identity.</p></html>"""


def certificate(name: str, path: str | Path = "my-certificate.html") -> Path:
    """Writes a page to print with a name, the date, and each exercise that was solved; returns its path.

    Raises ValueError where there is no name or nothing is solved, OSError, with what to do, where that cannot be read or written.
    """
    if not isinstance(name, str) or not name.strip() or len(name.strip()) > LONGEST:
        raise ValueError(
            f'Put your name in quotes, at most {LONGEST} letters: exercises.certificate("Amina Diallo").'
        )
    count, total, tables = 0, 0, []
    for chapter in kit.CHAPTERS:
        records = kit.exercises(chapter)
        signs = solved.signs([one.number for one in records])
        how = {one.number: HOW[sign] for one, sign in zip(records, signs) if sign in HOW}
        right = [one for one in records if one.number in how]
        if right:
            columns: dict[str, Any] = {"exercise": "number", "what": "title"}
            columns["solved"] = lambda one, how=how: how[one.number]
            caption = f"Chapter {chapter}: {len(right)} of {len(records)}"
            tables.append(Table(right, columns, caption)._repr_html_())
        count, total = count + len(right), total + len(records)
    if not tables:
        raise ValueError(
            "Nothing is solved yet on this computer. exercises.progress() lists what there is to solve."
        )
    day = f"{date.today():%d %B %Y}"
    page = PAGE % (escape(name.strip()), count, total, day, "\n".join(tables))
    paths.write(Path(path), page.encode())
    return Path(path)
