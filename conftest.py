"""How pytest runs the notebooks: strictly, one kernel thread each beside xdist, and no cascade after a first failure."""

import os
import tempfile

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

if (
    "PYTEST_XDIST_WORKER" in os.environ
):  # two kernels at once on two cores: one thread each is faster than two
    os.environ["OMP_NUM_THREADS"] = "1"
os.environ["WORKSHOP_PROGRESS"] = (
    tempfile.mkdtemp()
)  # what the maintainer has solved is neither shown nor changed


@pytest.hookimpl(hookwrapper=True)
def pytest_collect_file(file_path, parent):
    """Progress bars and libraries may write to stderr; that it holds no warning is checked by tests/test_notebooks.py."""
    outcome = yield
    for collected in outcome.get_result() or []:
        if isinstance(collected, IPyNbFile):
            collected.skip_compare += ("stderr",)


def pytest_runtest_setup(item):
    if isinstance(item, IPyNbCell) and getattr(item.parent, "failed_cell", None):
        pytest.skip(f"{item.parent.failed_cell} of this notebook failed before")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if isinstance(item, IPyNbCell) and outcome.get_result().failed:
        item.parent.failed_cell = item.name
