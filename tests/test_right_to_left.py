"""Names in Arabic, below folders with accents, in figures, tables and panels: joined, from right to left, and whole."""

from io import BytesIO

import numpy as np
import pytest
from matplotlib import __version_info__ as VERSION
from PIL import Image

from workshop_utils import data, plots, widgets
from workshop_utils.evaluation import Predictions, evaluate


def ink(words: str) -> np.ndarray:
    """How much ink each column of pixels has where a bar has this name."""
    figure = plots.bars({words: 1.0}, "x")
    figure.draw_without_rendering()
    (label,) = figure.axes[0].get_yticklabels()
    box = label.get_window_extent()
    picture = np.asarray(Image.open(BytesIO(figure.png())).convert("L"), dtype=float)
    rows = slice(int(figure.bbox.height - box.y1), int(figure.bbox.height - box.y0) + 1)
    return 255 - picture[rows, int(box.x0) : int(box.x1) + 1].mean(0)


SHAPED = pytest.mark.skipif(VERSION < (3, 11), reason="this matplotlib does not join letters")


@SHAPED
def test_arabic_letters_are_joined():
    apart = "\u200c"  # a sign that keeps letters from joining
    assert len(ink("\u0633\u0633\u0633")) < len(ink(apart.join("\u0633\u0633\u0633")))


@SHAPED
def test_arabic_words_begin_on_the_right():
    columns = ink("\u0627\u0633\u0633\u0633")  # an upright line, then three of small teeth
    assert columns.argmax() > len(columns) * 0.7


def test_matplotlib_that_joins_no_letters_says_so_once(monkeypatch, capsys):
    monkeypatch.setattr("workshop_utils.figure.VERSION", (3, 10, 0))
    for _ in range(2):
        plots.bars({"\u0645\u0627\u0621": 1.0}, "x").png()
    assert capsys.readouterr().out.count("since matplotlib 3.11; yours shows them apart") == 1


def test_arabic_class_names_of_a_folder_with_accents_reach_figures_tables_and_panels(
    tmp_path, capsys
):
    names = ("\u0642\u0637\u0629", "\u0643\u0644\u0628", "\u00e9t\u00e9")
    home = tmp_path / "\u00c9l\u00e8ve d'Alger" / "\u0635\u0648\u0631"
    for place, name in enumerate(names):
        (home / name).mkdir(parents=True)
        for number in range(4):
            shade = np.full((8, 8, 3), 60 * place + number, np.uint8)
            Image.fromarray(shade).save(home / name / f"{number}.png")
    train, _ = data.from_folder(home, size=8)
    assert set(train.classes) == set(names)
    said = Predictions(np.eye(3)[train.labels], train.labels, train.classes)
    table = evaluate(said).per_class._repr_html_()
    panel = widgets.confusion(evaluate(said), train)
    axes = panel.figure.axes[0]
    for name in names:
        assert name in [label.get_text() for label in axes.get_yticklabels()]
        assert f'<td dir="auto" style="text-align:left">{name}</td>' in table
        panel.set(true=name, said=name)
        assert f"pictures of '{name}' are right" in panel.figure.description
    assert "figures show boxes" not in capsys.readouterr().out
