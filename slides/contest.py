"""ImageNet's contest year by year, with a sketch of what was new in each winner."""

from slides.canvas import LIGHT, LINE, Canvas
from workshop_utils.diagrams import KINDS
from workshop_utils.figure import COLOURS, Figure
from workshop_utils.illustrations import WINNERS


def contest() -> Figure:
    """The top-5 error of ILSVRC's winners year by year, each with a sketch of its block."""
    canvas = Canvas("ILSVRC, year by year", 1160, 480)
    for place, (year, name, error, _) in enumerate(WINNERS):
        x, high = 4 + 145 * place, 9.2 * error
        net_won = year >= 2012
        canvas.bar(x, 395 - high, 132, high, COLOURS[1] if net_won else LINE)
        canvas.write(x + 66, 395 - high - 6, f"{error:.1f}", 28, va="bottom", fontweight="bold")
        short = {"SuperVision (AlexNet)": "AlexNet", "Trimps-Soushen": "Trimps"}.get(name, name)
        canvas.write(x + 66, 418, short, 24)
        canvas.write(x + 66, 454, f"{year}", 26, fontweight="bold")
        SKETCHES[year](canvas, x + 6, 395 - high - 48)
    canvas.write(1150, 30, "top-5 error in %, and what was new", 28, ha="right")
    said = "; ".join(f"{year} {name}: {error:g}" for year, name, error, _ in WINNERS)
    canvas.description = f"Columns that get shorter: the top-5 error in % of each year's winner. {said}. Grey until 2011: made by hand; orange: convolutional nets. Above each a sketch of its block."
    return canvas


def _slab_row(*heights: int):
    """Layers side by side, as high as these."""

    def sketch(canvas: Canvas, x: float, bottom: float) -> None:
        step = 120 / len(heights)
        for place, high in enumerate(heights):
            canvas.bar(x + step * place, bottom - high, step - 5, high, KINDS["convolution"])

    return sketch


def _by_hand(canvas: Canvas, x: float, bottom: float) -> None:
    canvas.write(x + 60, bottom - 32, "features\nby hand", 24)


def _side_by_side(canvas: Canvas, x: float, bottom: float) -> None:
    for place, wide in enumerate((22, 40, 62, 30)):
        canvas.bar(x + 60 - wide / 2, bottom - 22 - 30 * place, wide, 22, KINDS["convolution"])
        for end in (4, 116):
            canvas.line([x + end, x + 60], [bottom - 56, bottom - 11 - 30 * place], LINE, zorder=0)


def _way_around(canvas: Canvas, x: float, bottom: float) -> None:
    canvas.line([x, x + 118], [bottom - 20] * 2, LINE, zorder=0)
    for place in (26, 64):
        canvas.bar(x + place, bottom - 40, 28, 40, KINDS["convolution"])
    canvas.arrow((x + 6, bottom - 22), (x + 112, bottom - 22), bow=-0.75, colour=COLOURS[1])


def _together(canvas: Canvas, x: float, bottom: float) -> None:
    for place in range(3):
        canvas.bar(x + 10, bottom - 26 - 34 * place, 100, 26, KINDS["convolution"])


def _weighed(canvas: Canvas, x: float, bottom: float) -> None:
    for place, share in enumerate((1, 0.25, 0.7, 0.1, 0.5)):
        canvas.bar(x + 4 + 24 * place, bottom - 60, 18, 60, LIGHT)
        canvas.bar(x + 4 + 24 * place, bottom - 60 * share, 18, 60 * share, COLOURS[2])


SKETCHES = {
    2010: _by_hand,
    2011: _by_hand,
    2012: _slab_row(86, 66, 48, 48, 48, 36, 36, 36),
    2013: _slab_row(100, 62, 48, 48, 48, 36, 36, 36),
    2014: _side_by_side,
    2015: _way_around,
    2016: _together,
    2017: _weighed,
}
