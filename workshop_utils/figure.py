"""What every figure is made of: the picture with its description, colours, and the words for numbers."""

import base64
import math
import sys
from collections.abc import Iterable, Mapping, Sequence, Sized
from functools import lru_cache
from html import escape
from io import BytesIO
from typing import Any
from unicodedata import bidirectional
from warnings import catch_warnings, filterwarnings

import numpy as np
import torch
from matplotlib import __version_info__ as VERSION
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as MatplotlibFigure
from matplotlib.font_manager import findfont, fontManager, get_font
from matplotlib.text import Text
from PIL import Image
from torch import Tensor

# Okabe and Ito's colours, which people with any kind of colour vision can tell apart; markers and dashes repeat them.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "os^Dv<>"
DASHES = ("-", "--", ":", "-.")
HATCHES = ("", "//", "..", "xx")
MIDDLE: dict[str, Any] = {"ha": "center", "va": "center"}  # where a text stands around its point
SPINES = {"axes.spines.top": False, "axes.spines.right": False}
STYLE = {"font.size": 11, **SPINES, "text.parse_math": False}


def running() -> tuple[str, int]:
    """The cell that runs, by the front end's name of it where it gives one, else by its text, and its execution count; ("", 0) outside of a notebook."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        return "", 0
    request = getattr(shell, "parent_header", {}).get("metadata", {})
    cell = request.get("cellId") or shell.history_manager.input_hist_raw[-1]
    return cell, shell.execution_count


class Shown:
    """A result that takes the place of what an earlier run of its cell showed.

    IPython keeps every result under Out, a figure with its arrays and a panel with its net, so a kernel in which cells are
    changed and run again would grow by megabytes a run. A result that the notebook still has a name for is kept.
    """

    cell = ""  # which cell showed it

    def close(self) -> None:
        """Called when nothing can show it again."""

    def replace_earlier(self) -> None:
        """To be called when it is shown. Outside of a notebook it does nothing."""
        self.cell, _ = running()
        if not self.cell:
            return
        shell = sys.modules["IPython"].get_ipython()
        results = shell.user_ns["Out"]
        for number, earlier in list(results.items()):
            if isinstance(earlier, Shown) and earlier.cell == self.cell:
                del results[number]
                shell.del_var(f"_{number}", by_name=True)
                named = [value for name, value in shell.user_ns.items() if not name.startswith("_")]
                if all(value is not earlier for value in (self, *named, *results.values())):
                    earlier.close()


class Figure(MatplotlibFigure, Shown):
    """A figure that knows its title and a description from which someone who cannot see it learns the same.

    In a notebook it shows the picture and, below it, the description to unfold.
    """

    def __init__(self, title: str, size: tuple[float, float]):
        super().__init__(figsize=size, layout="constrained", dpi=100)
        self.title, self.description = title, ""
        self.storable = True  # False: shown when its cell is run, and left out of what is passed on

    def draw(self, renderer) -> None:
        formulas: set[Text] = set()
        for axes in self.axes:
            if not axes.axison:  # ticks that nobody sees take half of the time
                axes.set(xticks=[], yticks=[])
        for axis in (axis for axes in self.axes for axis in (axes.xaxis, axes.yaxis)):
            axis.get_ticklabels()  # so that they have their words
            if axis.get_scale() == "log":  # powers of 10
                formulas |= {*axis.get_ticklabels(which="both")}
        as_written({*self.findobj(Text)} - formulas)
        with catch_warnings():
            filterwarnings("ignore", "Glyph .* missing")  # said once, in words
            super().draw(renderer)

    def subplots(self, *shape, **options):
        with rc_context(STYLE):
            return super().subplots(*shape, **options)

    def png(self) -> bytes:
        """The picture as a PNG file, the same to the byte for the same data."""
        # savefig would draw a figure with a layout twice, its images too; packed less tightly,
        # and without the opacity that all of it has, a file is as large in half of the time
        (canvas := FigureCanvasAgg(self)).draw()
        buffer, pixels = BytesIO(), np.asarray(canvas.buffer_rgba())
        Image.fromarray(pixels).convert("RGB").save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()

    def bundles(self) -> tuple[dict, dict]:
        """(picture, description) as the mime bundles that a notebook shows."""
        png = base64.b64encode(self.png()).decode()
        where = "" if self.storable else " (seen where its cell is run)"
        picture = {"image/png": png, "text/plain": f"Figure: {self.title}{where}"}
        words = f'<details class="in-words"><summary>This figure in words</summary>{escape(self.description)}</details>'
        return picture, {"text/html": words, "text/plain": "This figure in words"}

    def _ipython_display_(self) -> None:
        from IPython.display import display

        self.replace_earlier()
        for bundle in self.bundles():
            display(bundle, raw=True, metadata=alt(bundle, self))


def alt(bundle: dict, figure: Figure) -> dict:
    """The metadata of what is shown: an exported page (nbconvert) has the words for who cannot see the picture from there.

    `execute` learns from it that a picture must not be stored.
    """
    about = {"alt": figure.description, **({} if figure.storable else {"storable": False})}
    return {"image/png": about} if "image/png" in bundle else {}


def as_written(texts: Iterable[Text]) -> None:
    """Has names drawn as they are written: '$5' is no formula, and letters that matplotlib's own font lacks get another."""
    words = "".join(text.get_text() for text in texts)
    fonts = _fonts_with(frozenset(letter for letter in words if not letter.isascii()))
    for text in texts:
        text.set_parse_math(False)
        if fonts:
            text.set_fontfamily(["DejaVu Sans", *fonts])


@lru_cache
def _fonts_with(letters: frozenset[str]) -> list[str]:
    """Fonts of this computer for those of the letters that DejaVu Sans lacks; says so where there is none."""
    usual = get_font(findfont("DejaVu Sans"))
    lacking = {one for one in letters if one.isprintable() and not usual.get_char_index(ord(one))}
    found = []
    for font in fontManager.ttflist if lacking else ():
        if "Last Resort" not in font.name and (file := get_font(font.fname)).scalable:
            known = {letter for letter in lacking if file.get_char_index(ord(letter))}
            found += [font.name] * bool(known)
            lacking -= known
    if lacking:
        print(f"No font here has the letters {' '.join(sorted(lacking))}: figures show boxes.")
    if any(bidirectional(letter) in ("R", "AL") for letter in letters) and VERSION < (3, 11):
        print(
            "Figures join letters from right to left since matplotlib 3.11; yours shows them apart."
        )
    return found


def short(name: object) -> str:
    """A name as it fits beside an axis: each of its lines without its middle, where it is very long."""
    cut = lambda line: line if len(line) <= 40 else f"{line[:28]} ... {line[-7:]}"
    return "\n".join(map(cut, str(name).split("\n")))


def sheet(title: str, size: tuple[float, float], *, bare: bool = False) -> tuple[Figure, Any]:
    """A figure of one panel, and the panel; a bare one has no axes around what is drawn."""
    figure = Figure(title, size)
    axes = figure.subplots()
    if bare:
        axes.axis("off")
    return figure, axes


def mosaic(pictures: Sequence[Tensor], columns: int) -> np.ndarray:
    """Pictures of one size, row by row in one array (H, W, 3) with white lines between them: far quicker to draw than one by one."""
    scaled = [drawable(one) / (1 if one.is_floating_point() else 255) for one in pictures]
    tiles = [np.pad(tile, ((1, 1), (1, 1), (0, 0)), constant_values=1) for tile in scaled]
    columns = min(columns, len(tiles))
    tiles += [np.ones_like(tiles[0])] * (-len(tiles) % columns)
    starts = range(0, len(tiles), columns)
    return np.vstack([np.hstack(tiles[start : start + columns]) for start in starts])


def drawable(picture: Tensor) -> np.ndarray:
    """(C, H, W) or (H, W) -> (H, W, 3) or (H, W); floats are stretched from their lowest to their highest value, NaN is black."""
    if not isinstance(picture, (Tensor, np.ndarray)):
        raise ValueError(f"A picture to draw is a tensor, and this is a {type(picture).__name__}.")
    picture = torch.as_tensor(picture).detach().cpu()
    if not picture.numel() or tuple(picture.shape[:-2]) not in ((), (1,), (3,), (4,)):
        raise ValueError(
            f"A picture to draw is (H, W) or (C, H, W) with 1, 3 or 4 channels; this one is {tuple(picture.shape)}."
        )
    if picture.is_floating_point():
        picture = picture.float()
        known = picture[picture.isfinite()] if picture.isfinite().any() else torch.zeros(1)
        picture = (picture - known.min()) / (known.max() - known.min()).clamp(min=1e-8)
        picture = picture.nan_to_num(0, 1, 0)
    picture = picture.permute(1, 2, 0).squeeze(-1) if picture.ndim == 3 else picture
    # three equal channels: matplotlib would stretch a single one from its own darkest to its lightest
    return np.stack([picture.numpy()] * 3, -1) if picture.ndim == 2 else picture.numpy()


def counts_in_cells(axes, counts: np.ndarray, classes: Sequence[str], aspect="equal") -> None:
    """Draws a confusion matrix, (K, K) counts, into axes: each cell as dark as its share of its row, with its count."""
    shares = counts / counts.sum(1, keepdims=True).clip(min=1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect=aspect)
    for row, column in zip(*np.nonzero(counts)):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, counts[row, column], fontsize=10, color=colour, **MIDDLE)
    axes.set_xticks(range(len(classes)), [*map(short, classes)], rotation=45, ha="right")
    axes.set_yticks(range(len(classes)), [*map(short, classes)])


def extremes(values: Mapping[str, float], unit: str) -> str:
    """Which is highest and lowest, with values, or that all are the same; and which are no numbers."""
    known = {name: value for name, value in values.items() if math.isfinite(value)}
    if len(known) < len(values):
        others = ", ".join(name for name in values if name not in known)
        return f"{extremes(known, unit) if known else 'Nothing is left.'} Not a finite number: {others}."
    unit = f" {unit}" if unit else ""
    if len(set(values.values())) == 1:
        return f"All {len(values)} have {number(next(iter(values.values())))}{unit}."
    high, low = max(values, key=values.__getitem__), min(values, key=values.__getitem__)
    return f"Most: {high} with {number(values[high])}{unit}; fewest: {low} with {number(values[low])}{unit}."


def in_numbers(picture: Tensor) -> str:
    """The shape of a picture, and its lowest, highest and mean value."""
    values = torch.as_tensor(picture).detach().cpu().float()
    mean = number(values.mean().item())
    return f"{' x '.join(map(str, values.shape))}, values {span(values)}, mean {mean}"


def number(value: float) -> str:
    """A number as people write it: whole, or with three digits that count; NaN and infinity by their names."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "infinity" if value > 0 else "-infinity"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def span(values: Sequence[float] | Tensor) -> str:
    """From the lowest to the highest value, and how many are no numbers."""
    every = np.asarray(values, float)
    known = every[np.isfinite(every)]
    low, high = (known.min(), known.max()) if known.size else (math.nan, math.nan)
    lost = f" and {every.size - known.size} NaN or infinite" if known.size < every.size else ""
    return f"{number(low)} to {number(high)}{lost}"


def reach(values: Iterable[float], highest: float | None) -> tuple[float, float]:
    """Where an axis begins and ends, so that bars from 0 to these values and words beside them find room."""
    known = [value for value in values if math.isfinite(value)]
    low, high = 1.15 * min(0, *known, 0), highest or 1.15 * max(0, *known, 0)
    return low, high if low < high else low + 1


def floats(values: Iterable, what: str) -> list[float]:
    """Values as Python's numbers, None as NaN. Raises ValueError, naming `what` they are of, if there are none or one is no number."""
    values = values.detach().cpu() if isinstance(values, Tensor) else values
    try:
        found = [math.nan if value is None else float(value) for value in values]
    except (TypeError, ValueError):
        raise ValueError(f"'{what}' takes numbers, one by one, and not {values!r}.") from None
    return filled(found, what)


def filled(values: Sized, what: str):
    """The values again. Raises ValueError, naming `what` they are of, if there are none."""
    if not len(values):
        raise ValueError(f"There is nothing to draw: '{what}' has no value that is a number.")
    return values
