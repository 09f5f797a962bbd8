"""A cell that runs again lets go of what it showed before, and of nothing else."""

import gc
import weakref

import pytest
from helpers import loaded
from IPython.core.interactiveshell import InteractiveShell
from ipywidgets import Widget
from torch import nn

from workshop_utils import plots, widgets

PANEL, FIGURE = (
    "widgets.feature_maps(nn.Sequential(nn.Conv2d(1, 2, 3)), dataset)",
    "plots.bars({'a': 1, 'b': 2}, 'x')",
)


@pytest.fixture
def notebook():
    """Runs a cell, and gives back what it showed. cell: the front end's name for it."""
    shell = InteractiveShell.instance()
    dataset = loaded("mnist", "test").subset(range(20))
    shell.push({"widgets": widgets, "plots": plots, "nn": nn, "dataset": dataset})

    def run(source, cell=None):
        shell.parent_header = {"metadata": {"cellId": cell}}
        result = shell.run_cell(source, store_history=True)
        result.raise_error()
        return result.result

    yield run
    InteractiveShell.clear_instance()


def results() -> list:
    return list(InteractiveShell.instance().user_ns["Out"].values())


def alive() -> int:
    """How many widgets ipywidgets keeps, whoever asks for them."""
    return len(Widget.get_manager_state()["state"])


def test_panel_of_an_earlier_run_ends_with_its_net_and_all_its_widgets(notebook):
    before = alive()
    net = weakref.ref(notebook(PANEL).box)
    once = alive()
    for _ in range(4):  # `_`, `__` and `___` name the last three
        notebook(PANEL)
    gc.collect()
    assert alive() == once > before and net() is None
    assert len(results()) == 1


def test_figure_of_an_earlier_run_goes_when_the_front_end_names_the_cell_though_its_text_changed(
    notebook,
):
    for number in range(5):
        last = notebook(FIGURE.replace("1", str(number)), cell="a1")
    assert results() == [last]


def test_other_cells_keep_what_they_show(notebook):
    panel, figure, number = notebook(PANEL), notebook(FIGURE), notebook("40 + 2")
    notebook("40 + 2")
    assert results() == [panel, figure, number, 42] and panel.box.comm is not None


@pytest.mark.parametrize("again", ["kept", "kept.set(); kept"])
def test_panel_that_still_has_a_name_goes_on_when_its_cell_runs_again(notebook, again):
    first = notebook(f"kept = {PANEL}; kept")
    assert notebook(again) is notebook(again) is first
    first.set(picture=3)
    assert first.state["picture"] == 3 and first.box.comm is not None
    notebook("other = kept")
    notebook(f"kept = {PANEL}; kept")
    assert first.box.comm is not None, "'other' still names it"


def test_without_a_notebook_nothing_is_replaced():
    assert not InteractiveShell.initialized()
    plots.bars({"a": 1, "b": 2}, "x").replace_earlier()


NEW_FILE = '''"""How bright is a picture?"""

from workshop_utils import plots
from workshop_utils.widgets.panel import Panel, slider


def brightness(picture):
    draw = lambda more: brightness_figure(picture, more=more)
    return Panel("How bright is it?", draw, {"more": slider("brighter by", 0, 0, 100)})


def brightness_figure(picture, *, more):
    return plots.bars({"dark": 0, "this picture": float(picture.float().mean()) + more}, "mean")
'''
NEW_LINE = "from workshop_utils.widgets.picture_brightness import brightness"


def test_new_panel_is_one_file_and_one_line(notebook, tmp_path, monkeypatch, capsys):
    (tmp_path / "picture_brightness.py").write_text(NEW_FILE)
    monkeypatch.setattr(widgets, "__path__", [*widgets.__path__, str(tmp_path)])
    monkeypatch.setattr(widgets, "brightness", None, raising=False)  # so that it goes again
    exec(NEW_LINE, vars(widgets))
    before = alive()
    shown = notebook("widgets.brightness(dataset.images[0] * 0 + 100)")
    once = alive()
    assert "Panel: How bright is it?" in capsys.readouterr().out
    shown.controls["more"].value = 7
    assert "dark 0, this picture 107" in shown.sentence.value
    notebook("widgets.brightness(dataset.images[0] * 0 + 100)")
    assert alive() == once > before and shown.box.comm is None
