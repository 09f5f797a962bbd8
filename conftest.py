"""How pytest runs the notebooks: strictly, with every exercise solved once, the longest first, one kernel thread each beside xdist, and no cascade after a first failure."""

import os
import random
import re
import sys
import tempfile
from collections import defaultdict

import nbval.plugin
import pytest
from nbformat.v4 import new_code_cell
from nbval.plugin import IPyNbCell, IPyNbFile

CHECK = re.compile(r'^exercises\.check\(\s*"(.+?)"[^@]*', re.M)
KEPT = re.compile("^(?:from |import |trouser = |costs = ).*", re.M)  # of a stub
SOLUTION = """
import os, tempfile, torch
from contextlib import chdir
from unittest.mock import patch
from workshop_utils.exercises import kit, solved

with (tempfile.TemporaryDirectory() as folder, chdir(folder), patch.dict(os.environ, WORKSHOP_PROGRESS=folder),
      patch.object(kit, "show") as shown, torch.random.fork_rng(devices=[])):
    exec("\\n".join([*kept, kit.find(number).solution, call]), {**notebook})
    assert solved.remembered() == {number}, shown.call_args
"""  # in a copy of the notebook's names, with its own progress, so that the next cell finds what the stub left

if (
    "PYTEST_XDIST_WORKER" in os.environ
):  # two kernels at once on two cores: one thread each is faster than two
    os.environ["OMP_NUM_THREADS"] = "1"
nbval.plugin.setup_coverage = nbval.plugin.teardown_coverage = lambda *_: (
    None
)  # coverage is that of the unit tests, not of what a notebook happens to pass
LONG = "colab.py", "browser.py", "hard_to_break.py", "other_devices.py", "panels.py", "exercises.py"


@pytest.hookimpl(hookwrapper=True)
def pytest_collect_file(file_path, parent):
    """Progress bars and libraries may write to stderr; that it holds no warning is checked by tests/test_notebooks.py."""
    outcome = yield
    for collected in outcome.get_result() or []:
        if isinstance(collected, IPyNbFile):
            collected.skip_compare += ("stderr",)
            collected.collect = lambda cells=collected.collect: with_solutions(cells())
            collected.setup = lambda start=collected.setup: (new_progress(), start())[1]


def new_progress() -> None:
    """What a notebook trains and solves stays in it, so that the next one starts as an attendee's first."""
    os.environ["WORKSHOP_PROGRESS"] = tempfile.mkdtemp()


new_progress()  # what the maintainer has solved is neither shown nor changed


def with_solutions(cells):
    """The cells of a notebook, after each stub of an exercise its solution, which its check must call right."""
    for item in cells:
        yield item
        if call := CHECK.search(item.cell.source):
            kept = KEPT.findall(item.cell.source)
            given = f"number={call[1]!r}, kept={kept!r}, call={call[0]!r}, notebook=globals()"
            yield IPyNbCell.from_parent(
                item.parent,
                name=f"Solution {call[1]}",
                cell_num=item.cell_num,
                cell=new_code_cell(f"exec({SOLUTION!r}, dict({given}))"),
                options=defaultdict(bool),
            )


def pytest_collection_modifyitems(items):
    """Notebooks and the longest files first: two processes then end at nearly the same time."""
    items.sort(key=lambda item: not (isinstance(item, IPyNbCell) or item.path.name.endswith(LONG)))


def pytest_runtest_setup(item):
    """Each unit test begins with the same random numbers, whichever ran before it, so that none fails by luck; SEED=1 gives others."""
    seed = int(os.environ.get("SEED", 0))
    random.seed(seed)
    if torch := sys.modules.get(
        "torch"
    ):  # which the kernels of notebooks load, and not this process
        torch.manual_seed(seed)
        sys.modules["numpy"].random.seed(seed)
    if isinstance(item, IPyNbCell) and getattr(item.parent, "failed_cell", None):
        pytest.skip(f"{item.parent.failed_cell} of this notebook failed before")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if isinstance(item, IPyNbCell) and outcome.get_result().failed:
        item.parent.failed_cell = item.name
