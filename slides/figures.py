"""Every figure of the slides by name, as large as its slide has room for and with letters that the last row can read."""

from matplotlib.text import Text

from slides import charts, contest, drawings, moving, nets, sets
from slides.canvas import INCH, Canvas
from slides.check import SMALLEST
from workshop_utils.errors import unknown
from workshop_utils.figure import Figure

WIDE, HIGH = 1160, 450  # pixels below a title and above a line of words
COLUMN = 706  # pixels between the margins of a sheet


def draw(call: str, *, paper: bool = False) -> tuple[Figure, float]:
    """A figure and the width in pixels at which a slide, or a sheet of paper, shows it. call: the name of a function of these modules and its arguments, "block resnet"."""
    name, *arguments = call.split()
    if name not in FIGURES:
        raise unknown("figure", name, FIGURES, "slides/figures.py")
    figure = FIGURES[name](*arguments)
    if not figure.storable:
        raise ValueError(
            f"'{call}' shows pictures that may not be passed on; no slide may keep it."
        )
    if paper:
        return figure, of_one_size(figure, SMALLEST["794"], COLUMN)
    if isinstance(figure, Canvas):
        return figure, INCH * figure.get_figwidth()
    width = legible(figure)
    two = name == "block" and len(arguments) > 1
    return figure, of_one_size(figure, SMALLEST["1280"], width) if two else width


def legible(figure: Figure) -> float:
    """Makes the sheet of a figure so small that its letters are large on the slide; returns the width in pixels that fills the slide."""
    for axes in figure.axes:  # no word stands on its side
        if axes.get_ylabel() and not axes.get_title(loc="left"):
            axes.set_title(axes.get_ylabel(), loc="left", fontsize=axes.yaxis.label.get_fontsize())
            axes.set_ylabel("")
    smallest = smallest_letters(figure)
    width, height = figure.get_size_inches()
    shown = min(WIDE, HIGH * width / height)
    scale = min(1, shown / width * smallest / 72 / SMALLEST["1280"])
    figure.set_size_inches(width * scale, height * scale)
    return shown


def of_one_size(figure: Figure, letters: int, room: float) -> float:
    """The width in pixels at which the smallest letters have this size, so that blocks near each other look alike."""
    return min(room, letters * 72 * figure.get_figwidth() / smallest_letters(figure))


def smallest_letters(figure: Figure) -> float:
    """In points."""
    figure.draw_without_rendering()  # so that the ticks have their words
    words = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    return min((text.get_fontsize() for text in words), default=SMALLEST["1280"])


def html(call: str) -> str:
    """What moves or answers on a slide, as HTML; written ![](html:CALL)."""
    name, *arguments = call.split()
    if name not in moving.PIECES:
        raise unknown("moving piece", name, moving.PIECES, "slides/moving.py")
    return moving.PIECES[name](*arguments)


FIGURES = {
    name: function
    for module in (sets, charts, contest, drawings, nets)
    for name, function in vars(module).items()
    if not name.startswith("_") and getattr(function, "__annotations__", {}).get("return") is Figure
}
