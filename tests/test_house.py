"""How the house is built: arrows point down, names tell, modules and functions stay small, and nobody reaches into private drawers."""

import ast
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from helpers import fresh_python

from workshop_utils import data, models, paths

PACKAGE = paths.HOME / "workshop_utils"
MODULES = sorted(PACKAGE.rglob("*.py"))
FLOORS = (  # from the roof down; a room may import from those below it, and from its own
    ("__main__", "tools"),
    ("exercises", "scoreboard", "widgets"),
    ("takehome",),
    ("plots", "comparisons", "diagrams", "blocks_drawn", "ways", "illustrations"),
    ("explain", "transfer"),
    ("features", "inference"),
    ("evaluation", "training"),
    ("models",),
    ("data",),
    ("device", "recorded", "tables", "figure", "progress", "journal", "paths", "errors"),
)
ROOMS = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
LINES_OF_A_MODULE, LINES_OF_A_FUNCTION = 350, 60


def name_of(path: Path) -> str:
    return (
        path.relative_to(paths.HOME)
        .with_suffix("")
        .as_posix()
        .replace("/", ".")
        .removesuffix(".__init__")
    )


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imported(path: Path) -> set[str]:
    """The modules of the package that a module names in its imports, those inside of functions too."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found & {name_of(module) for module in MODULES} - {"workshop_utils"}


def room_of(module: str) -> str:
    return module.split(".")[1]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_down(path):
    if path == PACKAGE / "__init__.py":
        return
    own = ROOMS[room_of(name_of(path))]
    upwards = {module for module in imported(path) if ROOMS[room_of(module)] < own}
    assert not upwards, f"{name_of(path)} imports from above: {', '.join(sorted(upwards))}"


def test_no_module_imports_itself_through_others():
    """A face, an __init__ that only hands names on, is left out: importing it runs what it hands on, in its order."""
    arrows = {name_of(path): imported(path) for path in MODULES if path.name != "__init__.py"}
    finished: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, f"a circle: {' -> '.join((*above, module))}"
        if module not in finished:
            for below in arrows.get(module, ()):
                visit(below, (*above, module))
            finished.add(module)

    for module in arrows:
        visit(module, ())


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.name != "__init__.py"], ids=name_of
)
def test_no_module_is_shadowed_by_a_name_of_its_face(path):
    package, _, name = name_of(path).rpartition(".")
    import_module(name_of(path)) if name != "__main__" else None
    found = getattr(import_module(package), name, None)
    assert found is None or type(found).__name__ == "module"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_and_functions_are_small(path):
    lines = len(path.read_text("utf-8").splitlines())
    assert lines <= LINES_OF_A_MODULE or path.parent.name == "exercises", f"{lines} lines"
    for node in ast.walk(tree(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno - node.lineno < LINES_OF_A_FUNCTION, node.name


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nothing_dispatches_on_the_name_of_a_set_or_a_net(path):
    names = {card.name for card in [*data.catalog(), *models.catalog()]}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Compare):
            words = {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}
            assert not words & names, f"line {node.lineno} compares with {words & names}"


OUTSIDE = sorted(
    [
        *(paths.HOME / "tests").rglob("*.py"),
        *paths.NOTEBOOKS.rglob("*.py"),
        *(paths.HOME / "slides").glob("*.py"),
    ]
)


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: path.name)
def test_nobody_outside_touches_a_private_name_of_the_package(path):
    ours = {name_of(module).rpartition(".")[2] for module in MODULES}
    for node in ast.walk(tree(path)):
        if (
            isinstance(node, ast.Attribute)
            and node.attr.startswith("_")
            and not node.attr.startswith("__")
        ):
            assert not (isinstance(node.value, ast.Name) and node.value.id in ours), (
                f"line {node.lineno}: {ast.unparse(node)}"
            )
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("workshop_utils"):
            assert not [
                alias.name
                for alias in node.names
                if alias.name.startswith("_") and alias.name != "__main__"
            ], f"line {node.lineno}"
        if (
            isinstance(node, ast.Call)
            and getattr(node.func, "attr", "") == "setattr"
            and len(node.args) > 1
        ):
            of, name = node.args[:2]
            private = (
                isinstance(name, ast.Constant)
                and str(name.value).startswith("_")
                and not str(name.value).startswith("__")
            )
            assert not (private and isinstance(of, ast.Name) and of.id in ours), (
                f"line {node.lineno}: {ast.unparse(node)}"
            )


def test_libraries_are_loaded_by_what_needs_them():
    """Data needs none of the large ones and nothing of the network; figures draw without pyplot, which would keep them."""
    code = """
import sys
from workshop_utils import data
data.load("mnist", "test")
print({*"sklearn matplotlib timm ipywidgets requests pooch kagglehub".split()} & {*sys.modules})
from workshop_utils import plots
plots.bars({"a": 1.0, "b": 2.0}, "x").bundles()
print({"matplotlib.pyplot"} & {*sys.modules})
"""
    answer = fresh_python(code)
    assert answer.stdout.split() == ["set()", "set()"], answer.stderr
