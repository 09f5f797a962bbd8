"""The notebooks as Colab has them: its versions, one notebook alone in an empty folder, the course fetched by the setup cell.

Runs where ipywidgets is Colab's (pip install -r tests/requirements-colab.txt, in an environment of its own); skipped elsewhere.
"""

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
from helpers import REPOSITORY
from packaging.requirements import Requirement

from workshop_utils import paths
from workshop_utils.tools import links

PINS = {
    pin.name: next(iter(pin.specifier))
    for pin in map(
        Requirement,
        (REPOSITORY / "tests/requirements-colab.txt").read_text("utf-8").splitlines()[1:],
    )
}
MAY_ADD = {package.partition("==")[0] for package in paths.ADDED.values()}
in_colab = pytest.mark.skipif(
    metadata.version("ipywidgets") != PINS["ipywidgets"].version,
    reason="this environment does not have Colab's versions",
)


def test_oldest_versions_that_are_admitted_are_colabs():
    """Colab's patch releases may be newer than a floor that names none."""
    floors = {
        one.name: next((part.version for part in one.specifier if part.operator == ">="), None)
        for line in (REPOSITORY / "requirements.txt").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
        for one in [Requirement(line)]
    }
    for name in floors.keys() & PINS.keys():
        if PINS[name].operator == "==":
            assert PINS[name].version.startswith(floors[name]) or name in (
                "filelock",
                "nbformat",
            ), name
    assert {
        "torch",
        "torchvision",
        "numpy",
        "ipywidgets",
        "ipython",
        "ipykernel",
        "matplotlib",
        "scikit-learn",
        "timm",
        "anywidget",
    } <= floors.keys() & PINS.keys()


def installed() -> dict[str, str]:
    """Every package of this environment with its version, as a new Python sees them; not what the test beside this one is just adding."""
    code = "from importlib import metadata\nfor one in metadata.distributions():\n    if one.metadata['Name']: print(one.metadata['Name'].lower(), one.version)"
    return dict(
        line.split()
        for line in subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.splitlines()
    )


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """Environment of a kernel on Colab: google.colab is there, the course's address leads to a bare copy of this repository, home is empty."""
    place = tmp_path_factory.mktemp("colab")
    (place / "modules/google/colab").mkdir(parents=True)
    (place / "modules/google/colab/__init__.py").write_text("", "utf-8")
    (place / "modules/sitecustomize.py").write_text(
        "import google.colab", "utf-8"
    )  # Colab's kernel has imported it before the first cell
    bare = place / "hub/us/course.git"
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", "clone", "--quiet", "--bare", str(REPOSITORY), str(bare)], check=True)
    subprocess.run([*git, "tag", "--force", "v1"], cwd=bare, check=True, capture_output=True)
    return {
        **os.environ,
        "PYTHONPATH": f"{place / 'modules'}{os.pathsep}{place / 'plugin'}",
        "HOME": str(place),
        "WORKSHOP_DATA": str(place / "data"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{place / 'hub'}/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
    }


@in_colab
@pytest.mark.parametrize(
    "path",
    [
        # chapter 3 adds the weights, which its companion uses too
        pytest.param(path, id=path.stem, marks=() if path in paths.chapters() else pytest.mark.slow)
        for path in paths.notebooks()
    ],
)
def test_notebook_runs_from_its_setup_cell_and_leaves_what_colab_has(path, colab, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    setup = next(cell for cell in notebook.cells if cell.cell_type == "code")
    setup.source = links.setup_cell("us/course", "v1")
    setup.outputs[
        0
    ].text += "Nothing was installed: torch, numpy and ipywidgets are those that Colab brought.\n"
    nbformat.write(notebook, tmp_path / path.name)
    plugin = Path(colab["PYTHONPATH"].split(os.pathsep)[1])
    plugin.mkdir(exist_ok=True)
    (plugin / "lane.py").write_text((REPOSITORY / "conftest.py").read_text("utf-8"), "utf-8")
    before = installed()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "lane",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        "--nbval",
        "--nbval-current-env",
        "--nbval-cell-timeout=300",
        f"--nbval-sanitize-with={REPOSITORY / 'tests/nbval_sanitize.cfg'}",
        "-q",
        path.name,
    ]
    ran = subprocess.run(command, cwd=tmp_path, env=colab, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-4000:]
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    solved = sum("exercises.check(" in source for source in code)  # by conftest.py
    assert int(re.search(r"(\d+) passed", ran.stdout)[1]) == len(code) + solved, ran.stdout[-500:]
    assert (tmp_path / "course/workshop_utils/__init__.py").is_file()
    after = installed()
    assert {
        name: after.get(name) for name in before
    } == before and after.keys() - before.keys() <= MAY_ADD
