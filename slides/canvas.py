"""A figure whose places are the pixels of the slide, for what is drawn by hand."""

from collections.abc import Sequence
from typing import Any

import torch
from matplotlib.image import AxesImage
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from torch import Tensor, nn

from workshop_utils.diagrams import INK
from workshop_utils.figure import COLOURS, Figure, drawable, mosaic

INCH = 100  # pixels of a slide
LETTERS = 26  # pixels
LIGHT, LINE = "#E8F1F8", "#9AA5B1"
FIRST_LINE = {"center": 0.33, "top": 1.02}  # how far below y the first line stands, in its size


class Canvas(Figure):
    """x goes to the right and y down, in pixels of the slide."""

    def __init__(self, title: str, width: int, height: int):
        super().__init__(title, (width / INCH, height / INCH))
        self.set_layout_engine("none")
        self.page = self.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
        self.page.set_autoscale_on(False)
        self.page.axis("off")

    def write(self, x: float, y: float, words: str, size: int = LETTERS, **look) -> None:
        """Words around (x, y), of letters `size` pixels high; words at one height share their line, with a g or without."""
        look = {"ha": "center", "va": "center", "color": INK, "linespacing": 1.15, **look}
        lines, step = [words], 0.0
        if look["va"] in FIRST_LINE and "bbox" not in look:
            lines, step = words.split("\n"), 1.38 * size
            y += FIRST_LINE[look["va"]] * size
            y -= step * (len(lines) - 1) / 2 if look["va"] == "center" else 0
            look["va"] = "baseline"
        for place, line in enumerate(lines):
            self.page.text(x, y + place * step, line, fontsize=72 * size / INCH, **look)

    def box(self, x: float, y: float, width: float, height: float, **look) -> None:
        """A box with round corners, light with a blue frame if nothing else is said."""
        look = {"facecolor": LIGHT, "edgecolor": COLOURS[0], "linewidth": 2, **look}
        shape = "round,pad=0,rounding_size=10"
        self.page.add_patch(FancyBboxPatch((x, y), width, height, boxstyle=shape, **look))

    def bar(self, x: float, y: float, width: float, height: float, colour: str, **look) -> None:
        look = {"edgecolor": "none", **look}
        self.page.add_patch(Rectangle((x, y), width, height, facecolor=colour, **look))

    def line(self, xs: Sequence[float], ys: Sequence[float], colour: str = INK, **look) -> None:
        self.page.plot(xs, ys, color=colour, **{"linewidth": 2.5, **look})

    def arrow(
        self, start: tuple[float, float], end: tuple[float, float], bow: float = 0, colour=INK
    ) -> None:
        look: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 22, "linewidth": 2.5}
        style = f"arc3,rad={bow}"
        self.page.add_patch(
            FancyArrowPatch(start, end, connectionstyle=style, color=colour, **look)
        )

    def show(self, picture: Any, x: float, y: float, width: float, height: float) -> AxesImage:
        """A picture, a map or a mosaic in this frame; its pixels stay sharp."""
        pixels = drawable(picture) if isinstance(picture, Tensor) else picture
        frame = (x, x + width, y + height, y)
        return self.page.imshow(
            pixels, extent=frame, aspect="auto", interpolation="nearest", zorder=1
        )

    def wall(
        self, pictures: Sequence[Tensor], columns: int, x: float, y: float, side: float
    ) -> None:
        """Square pictures row by row, each `side` pixels wide."""
        columns, rows = min(columns, len(pictures)), -(-len(pictures) // columns)
        self.show(mosaic(pictures, columns), x, y, columns * side, rows * side)


def square(picture: Tensor, side: int, mode: str = "area") -> Tensor:
    """A picture, uint8 (C, H, W), as uint8 (3, side, side)."""
    sized = nn.functional.interpolate(picture[None].float(), side, mode=mode)[0]
    return sized.round().to(torch.uint8).expand(3, -1, -1)


def grid(
    title: str,
    pictures: Sequence[Tensor],
    labels: Sequence[str],
    columns: int,
    side: int,
    *,
    gap: int = 18,
    size: int = 24,
) -> Canvas:
    """Square pictures side by side, each above its label; labels may have several lines."""
    lines = max(label.count("\n") for label in labels) + 1
    rows, under = -(-len(pictures) // columns), round(lines * 1.2 * size) + 14
    width, height = columns * (side + gap) - gap, rows * (side + under)
    canvas = Canvas(title, width, height)
    for place, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        x, y = place % columns * (side + gap), place // columns * (side + under)
        canvas.show(picture, x, y, side, side)
        canvas.write(x + side / 2, y + side + 6, label, size, va="top")
    said = "; ".join(label.replace("\n", " ") for label in labels)
    canvas.description = (
        f"{title}: {len(pictures)} pictures. From left to right, top to bottom: {said}."
    )
    return canvas


def answers(canvas: Canvas, shares: dict[str, float], x: float, y: float, true: str = "") -> None:
    """The most probable classes with bars of at most 300 pixels, one below the other; a star marks the true one."""
    for place, (name, share) in enumerate(shares.items()):
        top, colour = y + 84 * place, COLOURS[2] if name == true else COLOURS[0]
        star = " ★" if name == true else ""
        canvas.write(x, top, f"{name}{star}", ha="left", fontweight="bold" if place == 0 else None)
        canvas.bar(x, top + 20, 300, 26, "#E3E7EB")
        canvas.bar(x, top + 20, max(2, 300 * share), 26, colour)
        canvas.write(x + 314, top + 33, f"{100 * share:.0f} %", ha="left")
