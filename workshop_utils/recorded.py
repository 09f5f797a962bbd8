"""Results of experiments that take too long to run live: read, and held to the code that made them."""

import ast
import hashlib
import json
from collections.abc import Iterable
from typing import Any

from workshop_utils.paths import HOME

RECORDED = HOME / "notebooks" / "recorded"


def load(name: str) -> dict[str, Any]:
    """What `python notebooks/recorded/record.py NAME` wrote: results, seconds, seeds, machine, versions, and the sum of the code that ran.

    Raises FileNotFoundError, with the command, if it was never run.
    """
    path = RECORDED / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no recording '{name}'. python notebooks/recorded/record.py {name} makes it."
        )
    return json.loads(path.read_text("utf-8"))


def label(name: str) -> str:
    """The words under which a recording is shown: "recorded, 5 seeds, 12 min"."""
    found = load(name)
    return f"recorded, {len(found['seeds'])} seeds, {found['seconds'] / 60:.0f} min"


def code_sum(files: Iterable[str]) -> str:
    """The sha256 of what these files, named from the root of the course, do: of their syntax trees, without layout, comments and docstrings.

    A file that is gone changes the sum. The same in every version of Python.
    """
    trees = {
        file: _plain(ast.parse((HOME / file).read_text("utf-8")))
        if (HOME / file).is_file()
        else None
        for file in sorted(files)
    }
    return hashlib.sha256(repr(trees).encode()).hexdigest()


def _plain(node: Any) -> Any:
    """A syntax tree as nested tuples, without what says nothing: empty fields, positions, docstrings, and what newer versions of Python add."""
    if isinstance(node, list):
        return [_plain(part) for part in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = {
        name: value
        for name, value in ast.iter_fields(node)
        if value not in (None, []) and name not in ("type_params", "kind", "ctx")
    }
    if (
        isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and ast.get_docstring(node) is not None
    ):
        fields["body"] = node.body[1:]
    return type(node).__name__, [
        (name, _plain(value)) for name, value in fields.items() if value != []
    ]
