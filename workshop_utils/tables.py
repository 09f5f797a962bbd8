"""Small tables that a notebook shows as HTML and a terminal as text."""

from collections.abc import Callable, Iterable, Mapping
from html import escape
from operator import attrgetter


class Table(list):
    """A list of records that draws itself as a table.

    columns: heading -> name of an attribute, or function from a record, that its cell shows. Numbers stand right, with thousands separated.
    """

    def __init__(self, records: Iterable, columns: Mapping[str, str | Callable], caption: str = ""):
        super().__init__(records)
        reader = lambda column: column if callable(column) else attrgetter(column)
        self.columns = {title: reader(column) for title, column in columns.items()}
        self.caption = caption

    def _cells(self) -> list[list]:
        return [[read(record) for read in self.columns.values()] for record in self]

    def _texts(self) -> list[list[str]]:
        """The headings, then every row, in words."""
        return [list(self.columns), *([_text(cell) for cell in row] for row in self._cells())]

    def _repr_html_(self) -> str:
        cell = '<th scope="col" style="text-align:left">{}</th>'
        head = "".join(cell.format(escape(name)) for name in self.columns)
        rows = "".join(f"<tr>{''.join(map(_html_cell, row))}</tr>" for row in self._cells())
        caption = f"<caption>{escape(self.caption)}</caption>" if self.caption else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"

    def __repr__(self) -> str:
        texts = self._texts()
        widths = [max(map(len, column)) for column in zip(*texts)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in texts]
        return "\n".join(([self.caption] if self.caption else []) + lines)

    def markdown(self) -> str:
        """The table as README and slides hold it."""
        head, *rows = self._texts()
        return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


class Measured:
    """A result that is shown as the table which `table` gives; its caption alone is its text where HTML is shown."""

    def table(self) -> Table:
        raise NotImplementedError

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        table = self.table()
        shown = table._repr_html_().replace("<table>", '<table class="measured">', 1)
        return {"text/plain": table.caption, "text/html": shown}


def _text(cell: object) -> str:
    """A cell's words: whole numbers with separated thousands, fractions with three digits."""
    if isinstance(cell, float):
        return f"{cell:.3f}"
    return f"{cell:,}" if isinstance(cell, int) else "" if cell is None else str(cell)


def _html_cell(cell: object) -> str:
    side = "right" if isinstance(cell, (int, float)) else "left"
    return f'<td dir="auto" style="text-align:{side}">{escape(_text(cell))}</td>'
