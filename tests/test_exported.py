"""A notebook that was run and is exported as a page: every picture is there, with its words for who cannot see it."""

import re
from html import unescape

import nbformat
import pytest
from bs4 import BeautifulSoup
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
def cells() -> dict[str, nbformat.NotebookNode]:
    """The cells of a notebook that was run, and saved as JupyterLab saves it, without the state of widgets."""
    notebook = new_notebook(cells=[new_code_cell(code) for code in (BEGIN, *CELLS.values())])
    where = {"metadata": {"path": str(paths.HOME)}}
    client = NotebookClient(
        notebook, kernel_name="python3", resources=where, store_widget_state=False
    )
    client.execute()
    nbformat.validate(notebook)
    return dict(zip(CELLS, notebook.cells[1:]))


def page(cell: nbformat.NotebookNode, template: str) -> str:
    exporter = nbconvert.HTMLExporter(template_name=template)
    return exporter.from_notebook_node(new_notebook(cells=[cell]))[0]


@pytest.mark.parametrize("name", CELLS)
def test_picture_is_on_every_page_and_its_words_where_the_template_reads_them(cells, name):
    for template in ("lab", "classic"):
        (picture,) = BeautifulSoup(page(cells[name], template), "html.parser").find_all("img")
        assert picture["src"].startswith("data:image/png")
    (output,) = (one for one in cells[name].outputs if "image/png" in one.get("data", {}))
    words = output.metadata["image/png"]["alt"]
    assert len(words) > 40 and words == picture["alt"]


@pytest.mark.parametrize("template", ["lab", "classic"])
def test_words_of_a_figure_stand_below_it_whatever_its_names_are(cells, template):
    (words,) = re.findall("</summary>(.*?)</details>", page(cells["figure"], template), re.S)
    assert '<one> & "more" 1, two 2' in unescape(words) and "<one>" not in words
