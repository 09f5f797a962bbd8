"""Nets beside each other, by what they cost and what they give; and the places of a picture, by which attend to which."""

from collections.abc import Mapping
from itertools import product
from math import cos, radians, sin

import numpy as np
from matplotlib.ticker import LogLocator, NullLocator
from matplotlib.transforms import Bbox

from workshop_utils.figure import (
    COLOURS,
    Figure,
    as_written,
    filled,
    floats,
    number,
    sheet,
    short,
)

GREY, POINTS = "#888888", {"textcoords": "offset points"}
BESIDE = tuple(product((10, 18, 30, 44, 60, 80), range(0, 360, 30)))  # points away, degrees


def tradeoff(
    points: dict[str, tuple[float, float]],
    cost: str,
    score: str,
    *,
    later: Mapping[str, float | None] | None = None,
) -> Figure:
    """Each name at (cost, score), cost on a logarithmic axis; those that no other beats in both are filled and joined by a line.

    later: name -> its score by a later recipe at the same cost, or None: an arrow leads there, and it counts. A name is left out,
    and said to be, where a number of it is None or NaN or its cost is not above 0.
    """
    figure, axes = sheet(f"{score}, by {cost}", (10, 5))
    known = {name: tuple(floats(pair, name)) for name, pair in points.items()}
    out = [name for name, pair in known.items() if not (np.isfinite(pair).all() and pair[0] > 0)]
    points = filled({name: known[name] for name in known if name not in out}, figure.title)
    rises = {name: float(high) for name, high in (later or {}).items() if high and name in points}
    final = {name: (x, rises.get(name, y)) for name, (x, y) in points.items()}
    ordered = sorted(points, key=lambda name: points[name])
    better = lambda one, other: one != other and one[0] <= other[0] and one[1] >= other[1]
    beaten = {name for name in final if any(better(one, final[name]) for one in final.values())}
    best = [name for name in ordered if name not in beaten]
    joined = {"label": "no other is both cheaper and better", "color": COLOURS[0], "zorder": 1}
    axes.plot(*zip(*(final[name] for name in best)), "--o", markersize=9, **joined)
    hollow = {"markersize": 9, "markerfacecolor": "white", "color": GREY}
    for name in {*beaten, *rises}:
        axes.plot(*points[name], "o", **hollow)
        if name in beaten and name in rises:
            axes.plot(*final[name], "o", **hollow)
    for name, high in rises.items():
        arrow = {"arrowstyle": "-|>", "color": COLOURS[1], "linewidth": 1.6, "shrinkA": 5}
        ends = (points[name][0], high), points[name]
        axes.annotate("", *ends, arrowprops=arrow | {"shrinkB": 5})
    if rises:
        axes.plot([], [], color=COLOURS[1], marker="^", label="the same net by a later recipe")
    axes.set(xlabel=f"{cost} (each mark is about three times the one before)", ylabel=score)
    axes.set(xscale="log", xmargin=0.12, ymargin=0.08)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter(lambda value, _: number(value))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    _names_beside(axes, points, final)
    risen = lambda name: f", later {number(rises[name])}," if name in rises else ""
    said = [f"{n} {number(points[n][1])}{risen(n)} for {number(points[n][0])}" for n in ordered]
    figure.description = f"{score} by {cost}, from the cheapest on: {'; '.join(said)}. Joined by a line, for {joined['label']}: {', '.join(best)}."
    figure.description += f" Left out, for want of a number: {', '.join(out)}." if out else ""
    return figure


def _names_beside(axes, points: dict[str, tuple], final: dict[str, tuple]) -> None:
    """Writes each name beside its point, or, with a line to it, as near as it covers no name, point or line."""
    axes.figure.draw_without_rendering()  # the layout, so that places are final
    ends = [axes.transData.transform([points[name], final[name]]) for name in points]
    taken = [Bbox([pair.min(0), pair.max(0)]).padded(5) for pair in ends]
    path = axes.lines[0].get_transform().transform_path(axes.lines[0].get_path())
    line = path.interpolated(25).vertices
    taken += [Bbox([place, place]).padded(2) for place in line]
    room = axes.get_window_extent()
    for name, point in final.items():
        text = axes.annotate(short(name), point, (0, 0), va="center", fontsize=10, **POINTS)
        as_written([text])
        for away, angle in BESIDE:
            x, y = away * cos(radians(angle)), away * sin(radians(angle))
            text.xyann = (x, y)
            text.set_ha("center" if abs(x) < 1 else "left" if x > 0 else "right")
            box = text.get_window_extent()
            covers = any(box.overlaps(other) for other in taken)
            if room.containsx(box.x0) and room.containsx(box.x1) and not covers:
                break
        taken.append(box)
        if away > 18:
            line = {"arrowstyle": "-", "color": GREY, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 5}
            axes.annotate("", point, text.xyann, arrowprops=line, zorder=0, **POINTS)
