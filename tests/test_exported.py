"""A notebook that was run and is exported as a page: every picture is there, with its words for who cannot see it."""

import re
from html import escape

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from workshop_utils import paths

nbconvert = pytest.importorskip("nbconvert")
BEGIN = "import os, sys; os.environ['WORKSHOP_DEVICE'] = 'cpu'; from workshop_utils import data, plots, training, widgets"
CELLS = {
    "figure": "plots.bars({'<one> & \"more\"': 1, 'two': 2}, 'x')",
    "panel": "widgets.browser()",
    "curves": (
        "draw = plots.live_curves(); history = training.History(2)\n"
        "for loss in (2.0, 1.0): history.loss.append(loss); history.accuracy.append(0.5); draw(history)"
    ),
}


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """The exported page of each cell of a notebook that is saved as JupyterLab saves it, without the state of widgets."""
    notebook = new_notebook(cells=[new_code_cell(code) for code in (BEGIN, *CELLS.values())])
    where = {"metadata": {"path": str(paths.HOME)}}
    NotebookClient(
        notebook, kernel_name="python3", resources=where, store_widget_state=False
    ).execute()
    nbformat.validate(notebook)
    return {
        name: nbconvert.HTMLExporter().from_notebook_node(new_notebook(cells=[cell]))[0]
        for name, cell in zip(CELLS, notebook.cells[1:])
    }


@pytest.mark.parametrize("name", CELLS)
def test_picture_is_on_the_page_with_its_words(pages, name):
    pictures = re.findall(r'<img[^>]*alt="([^"]*)"[^>]*src="data:image/png', pages[name])
    pictures += re.findall(r'<img[^>]*src="data:image/png[^>]*alt="([^"]*)"', pages[name])
    assert len(pictures) == 1 and len(pictures[0]) > 40, pages[name].count("<img")
    assert "No description" not in pictures[0] and "class=" not in pictures[0]


def test_words_of_a_figure_are_those_below_it_whatever_its_names_are(pages):
    assert escape('<one> & "more"', quote=False) in pages["figure"]
    (words,) = re.findall(r"</summary>(.*?)</details>", pages["figure"], re.S)
    assert words.count("&lt;one&gt; &amp; ") == 1
