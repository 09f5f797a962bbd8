"""What a check answers: right, wrong, an exception, stopped, or not attempted, in words, sign and colour."""

from dataclasses import dataclass
from html import escape

LOOKS = {  # kind: (heading, colour of the edge)
    "right": ("Right", "#009E73"),
    "wrong": ("Not yet", "#D55E00"),
    "raised": ("Your code stopped with an error", "#CC79A7"),
    "stopped": ("Stopped, not judged", "#E69F00"),
    "unattempted": ("Not attempted yet", "#0072B2"),
}


@dataclass(frozen=True)
class Verdict:
    """One answer to an answer. kind: a key of LOOKS. words: one or two sentences; code: lines shown as they are."""

    number: str
    kind: str
    words: str
    code: str = ""

    def __repr__(self) -> str:
        said = f"{self.number}. {LOOKS[self.kind][0]}. {self.words}"
        return "\n".join(filter(None, [said, self.code]))

    def _repr_html_(self) -> str:
        heading, colour = LOOKS[self.kind]
        return Help(f"{self.number}. {heading}.", self.words, self.code, colour)._repr_html_()


@dataclass(frozen=True)
class Help:
    """A hint or a solution. heading: what it is; colour: of the edge."""

    heading: str
    words: str
    code: str = ""
    colour: str = "#0072B2"

    def __repr__(self) -> str:
        return "\n".join(filter(None, [self.heading, self.words, self.code]))

    def _repr_html_(self) -> str:
        """Words beside a coloured edge, in the page's own colours, so that light and dark themes can both be read."""
        lines = f"<pre>{escape(self.code)}</pre>" if self.code else ""
        style = f"border-left:6px solid {self.colour};padding:4px 12px;white-space:pre-line"
        return f'<div role="status" style="{style}"><b>{escape(self.heading)}</b> {escape(self.words)}{lines}</div>'
