"""python -m tests.benchmarks.margins NOTEBOOK ...: how near each compared output of a notebook is to another one.

A notebook runs once as it is and then again under other seeds, numbers of threads, an old processor's kernels and without
oneDNN. Told are the outputs that then differ as nbval compares them, and for every printed inequality and every rounded
number without ~ the smallest distance to its edge and how much that distance moves from run to run.
"""

import argparse
import ast
import os
import re
import tempfile
from collections import defaultdict
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from workshop_utils import paths

ROUNDED = re.compile(r",?\.(\d)([f%])")
PRELUDE = """
import numpy, sys, torch
sys.path.insert(0, {home!r})
from tests.benchmarks import margins
manual_seed, default_rng = torch.manual_seed, numpy.random.default_rng
torch.manual_seed = lambda seed: manual_seed(seed + {seed})
numpy.random.default_rng = lambda s=None: default_rng(s + {seed} if isinstance(s, int) else s)
torch.set_num_threads({threads})
torch.backends.mkldnn.enabled = {onednn}
watch = margins.Watch()
get_ipython().user_ns["margin_of"] = watch
get_ipython().ast_transformers.append(watch)
"""
LAST = "from IPython.display import display\ndisplay({'application/json': dict(margin_of.found)}, raw=True)"


class Watch(ast.NodeTransformer):
    """Rewrites what is printed so that each compared value, on its way, leaves its distance to the edge in `found`.

    found: text of the claim -> distances, positive where it holds, one for each time that it was printed.
    """

    def __init__(self):
        self.found, self.printing = defaultdict(list), False

    def visit_Call(self, node):
        outer, called = self.printing, getattr(node.func, "id", "")
        self.printing = outer or called == "print"
        self.generic_visit(node)
        self.printing = outer
        return node

    def visit_Compare(self, node):
        self.generic_visit(node)
        orders = all(isinstance(one, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) for one in node.ops)
        if not (self.printing and orders):
            return node
        signs = [1 if isinstance(one, (ast.Lt, ast.LtE)) else -1 for one in node.ops]
        values = ast.Tuple([node.left, *node.comparators], ast.Load())
        asked = [ast.Constant(ast.unparse(node)), ast.Constant(tuple(signs)), values]
        noted = ast.Call(ast.Attribute(_name(), "compared", ast.Load()), asked, [])
        # a value is computed once more, which changes nothing that is printed
        return ast.copy_location(ast.BoolOp(ast.And(), [noted, node]), node)

    def visit_JoinedStr(self, node):
        self.generic_visit(node)
        before = ""
        for part in node.values:
            spec = getattr(getattr(part, "format_spec", None), "values", None)
            shape = ROUNDED.fullmatch(str(spec[0].value)) if spec and len(spec) == 1 else None
            if shape and not before.endswith("~"):
                text = f"{{{ast.unparse(part.value)}:{spec[0].value}}}"
                digits = ast.Constant(int(shape[1]) + 2 * (shape[2] == "%"))
                asked = [ast.Constant(text), part.value, digits]
                part.value = ast.Call(ast.Attribute(_name(), "rounded", ast.Load()), asked, [])
            before = part.value if isinstance(part, ast.Constant) else ""
        return node

    def visit_Module(self, node):
        return ast.fix_missing_locations(self.generic_visit(node))

    def compared(self, claim, signs, values):
        """Notes by how much the nearest of the inequalities holds; True, so that the claim itself comes next."""
        try:
            gaps = [float(s * (b - a)) for s, a, b in zip(signs, values, values[1:])]
        except (TypeError, ValueError):  # words, or rows of a table, have no distance
            return True
        self.found[claim].append(min(gaps))
        return True

    def rounded(self, claim, value, digits):
        """Notes how far a value is from where it would be rounded to another number, in units of the last digit."""
        self.found[claim].append(abs(abs(float(value)) * 10**digits % 1 - 0.5))
        return value


def _name():
    return ast.Name("margin_of", ast.Load())


def run(path: Path, *, seed=0, threads=1, onednn=True, old=False) -> tuple[list[str], dict]:
    """(the outputs of each code cell as nbval compares them, the distances of each claim) of one run."""
    from nbval.plugin import get_sanitize_patterns

    rules = get_sanitize_patterns((paths.HOME / "tests/nbval_sanitize.cfg").read_text("utf-8"))
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    settings = {"home": str(paths.HOME), "seed": seed, "threads": threads, "onednn": onednn}
    first, last = (nbformat.v4.new_code_cell(text) for text in (PRELUDE.format(**settings), LAST))
    notebook.cells = [first, *code, last]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    if old:
        environment["ATEN_CPU_CAPABILITY"] = "default"
    where = {"metadata": {"path": str(path.parent)}}
    with tempfile.TemporaryDirectory() as kept:
        client = NotebookClient(notebook, timeout=1200, resources=where)
        client.execute(env={**environment, "WORKSHOP_PROGRESS": kept})
    told = [_compared(cell, rules) for cell in code]
    return told, last.outputs[0]["data"]["application/json"]


def _compared(cell, rules) -> str:
    """What nbval would compare of a cell: text and values, without pictures, and cleaned."""
    if "nbval-ignore-output" in cell.metadata.get("tags", []):
        return ""
    parts = [
        out.get("text", "") + out.get("data", {}).get("text/plain", "")
        for out in cell.outputs
        if out.get("name") != "stderr"
    ]
    text = "".join(parts)
    for pattern, replacement in rules:
        text = re.sub(pattern, replacement, text)
    return text


def report(runs: dict[str, tuple[list[str], dict]]) -> str:
    """What differs from the first run, and every claim, the nearest to its edge first: lowest distance, its spread, their ratio."""
    (first, (outputs, _)), *others = runs.items()
    lines = [
        f"FLIPPED under {name}, code cell {number}:\n  {first}: {outputs[number]!r}\n  {name}: {text!r}"
        for name, (told, _) in others
        for number, text in enumerate(told)
        if text != outputs[number]
    ]
    rows = []
    for claim in {claim for _, found in runs.values() for claim in found}:
        series = [
            [found[claim][turn] for _, found in runs.values() if len(found.get(claim, ())) > turn]
            for turn in range(max(len(found.get(claim, ())) for _, found in runs.values()))
        ]
        lowest, spread = min((min(map(abs, one)), max(one) - min(one)) for one in series)
        rows.append((lowest / spread if spread else float("inf"), lowest, spread, claim))
    lines += ["", "| lowest | spread | lowest / spread | claim |", "| --- | --- | --- | --- |"]
    for ratio, lowest, spread, claim in sorted(rows):
        lines.append(f"| {lowest:.4g} | {spread:.4g} | {ratio:.2g} | `{claim}` |")
    return "\n".join(lines)


if __name__ == "__main__":
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("notebooks", type=Path, nargs="+")
    reader.add_argument("--seeds", type=int, default=3, help="how many more seeds")
    reader.add_argument("--threads", type=int, nargs="+", default=[1, 4])
    options = reader.parse_args()
    first, *more = options.threads
    others = {f"{count} threads": {"threads": count} for count in more}
    others |= {f"seeds + {n}": {"seed": n} for n in range(1, options.seeds + 1)}
    others |= {"an old processor": {"old": True}, "no oneDNN": {"onednn": False}}
    for path in options.notebooks:
        runs = {"as it is": run(path, threads=first)}
        for name, changed in others.items():
            runs[name] = run(path, **{"threads": first, **changed})
        print(f"## {path.name}\n\n{report(runs)}\n", flush=True)
