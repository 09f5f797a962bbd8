"""The clock that a chapter's minutes are held against: what there is to read, run, look at and solve, section by section.

`python -m tests.clock NOTEBOOK` prints it.
"""

import ast
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

import nbformat

WORDS, CODE, IDIOM = 110, 12, 4  # a minute; many read in a second language, and new code slowly
PANEL, FIGURE, SETUP = 1.5, 0.5, 3.0  # minutes


@dataclass
class Section:
    """What one section holds; `idiom` are the lines of cells tagged so: code of the field that is seen there for the first time."""

    title: str
    declared: int = 0
    words: int = 0
    code: int = 0
    idiom: int = 0
    panels: int = 0
    figures: int = 0
    exercises: float = 0.0

    @property
    def minutes(self) -> float:
        read = self.words / WORDS + self.code / CODE + self.idiom / IDIOM
        return read + PANEL * self.panels + FIGURE * self.figures + self.exercises


def sections(path: Path) -> list[Section]:
    """The opening first, then one for each heading of level 2, with the closing words in the last. The setup cell is not read."""
    found = [Section("opening")]
    for number, cell in enumerate(nbformat.read(path, as_version=4).cells):
        if cell.cell_type == "markdown":
            if heading := re.match(r"## (\d+\. .*) \((\d+) min\)\n", cell.source):
                found.append(Section(heading[1], int(heading[2])))
            found[-1].words += len(re.sub(r"<[^>]+>|\||\]\([^)]*\)", " ", cell.source).split())
            stated = re.findall(r"\*\*Exercise \d\.\d+\.\*\* \((\d+) min", cell.source)
            found[-1].exercises += sum(map(int, stated))
        elif number > 1:
            lines = sum(bool(line.strip()) for line in cell.source.splitlines())
            kind = "idiom" if "idiom" in cell.metadata.get("tags", []) else "code"
            setattr(found[-1], kind, getattr(found[-1], kind) + lines)
            shown = [output.get("data", {}).get("text/plain", "") for output in cell.outputs]
            found[-1].panels += sum(text.startswith("Panel: ") for text in shown)
            found[-1].figures += sum(text.startswith("Figure: ") for text in shown)
    return found


def minutes(path: Path, waits: float) -> float:
    """All of a chapter, with the setup and `waits`, the minutes that it computes."""
    return SETUP + waits + sum(section.minutes for section in sections(path))


def names_used(path: Path) -> set[str]:
    """The dotted names of the package in a notebook's cells, as `data.load`: what a reader has to learn of it."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    nodes = [node for cell in cells[1:] for node in ast.walk(ast.parse(cell.source))]
    modules, found = {}, set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("workshop_utils"):
            for alias in node.names:
                with suppress(ModuleNotFoundError):
                    modules[alias.name] = import_module(f"{node.module}.{alias.name}")
                if alias.name not in modules:
                    found.add(f"{node.module.rpartition('.')[2]}.{alias.name}")
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = modules.get(node.value.id)
            if module and not isinstance(getattr(module, node.attr, None), ModuleType):
                found.add(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
            module = getattr(
                modules.get(getattr(node.value.value, "id", "")), node.value.attr, None
            )
            if isinstance(module, ModuleType):
                found.add(ast.unparse(node))
    return found


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        parts = sections(path)
        for part in parts:
            print(f"{part.minutes:5.1f} min  {part}")
        words, code = (sum(getattr(part, name) for part in parts) for name in ("words", "code"))
        idiom, names = sum(part.idiom for part in parts), sorted(names_used(path))
        print(
            f"{path.name}: {minutes(path, 0):.0f} min before waits, {words} words, {code} + {idiom} lines"
        )
        print(
            f"exercises {sum(part.exercises for part in parts):.0f} min, {len(names)} names: {' '.join(names)}"
        )
