"""Results of experiments that take too long to run live: read, and held to the code that made them."""

import ast
import hashlib
import json
from collections.abc import Iterable
from typing import Any

from workshop_utils.paths import HOME, NOTEBOOKS

RECORDED = NOTEBOOKS / "recorded"
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def load(name: str) -> dict[str, Any]:
    """What `python notebooks/recorded/record.py NAME` wrote: results, seconds, seeds, machine, versions, and the sum of the code that ran.

    Raises FileNotFoundError, with the command, if it was never run.
    """
    path = RECORDED / f"{name}.json"
    if not path.is_file():
        command = f"python notebooks/recorded/record.py {name}"
        raise FileNotFoundError(f"There is no recording '{name}'. {command} makes it.")
    return json.loads(path.read_text("utf-8"))


def label(name: str) -> str:
    """The words under which a recording is shown: "recorded, 5 seeds, 12 min"."""
    found = load(name)
    return f"recorded, {len(found['seeds'])} seeds, {found['seconds'] / 60:.0f} min"


def code_sum(files: Iterable[str]) -> str:
    """The sha256 of what these files, named from the root of the course, do: of their syntax trees, without layout, comments and docstrings.

    A file that is gone changes the sum. The same in every version of Python.
    """
    paths = {file: HOME / file for file in sorted(files)}
    said = {file: _plain(path.read_text("utf-8")) for file, path in paths.items() if path.is_file()}
    return hashlib.sha256(repr(said).encode()).hexdigest()


def _plain(code: str) -> str:
    """The syntax tree without docstrings, and without what Python's versions write differently: empty fields and a few others."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
            del node.body[0]
        for name, value in list(ast.iter_fields(node)):
            if value in (None, []) or name in ("type_params", "kind", "ctx"):
                delattr(node, name)
    return ast.dump(tree)
