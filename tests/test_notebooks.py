"""Guards for what nbval does not see, and proof that nbval and the guards catch a broken notebook."""

import builtins
import dis
import re
import shutil
import subprocess
import sys
from pathlib import Path

import clock
import nbformat
import pytest
from helpers import code_by_section, code_cells

from workshop_utils import data, paths
from workshop_utils.tools import links

NOTEBOOKS = sorted(paths.NOTEBOOKS.rglob("*.ipynb"))
EXCUSED = {"nbval-ignore-output", "nbval-skip", "raises-exception", "nbval-raises-exception"}
SILENT = re.compile(r"^(import |from |#|\s*$)")
WAITS = 1.5  # minutes that a chapter may compute
LIMITS = {
    "sections": 9,
    "code cells": 42,
    "minutes": 90,
    "minutes declared": 90,
    "words": 2600,
    "lines of code": 220,
    "names of the package": 24,
    "exercises": 10,
    "minutes of exercises": 25,
    "panels": 6,
}
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def findings(path: Path) -> list[str]:
    """What is wrong with a committed notebook, although nbval might pass it."""
    cells, found = code_cells(path), []
    if [cell.execution_count for cell in cells] != list(range(1, len(cells) + 1)):
        found.append("execution counts are not 1..n: execute it from a fresh kernel")
    for number, cell in enumerate(cells, 1):
        lines = cell.source.splitlines()
        last = lines[-1] if lines else ""
        shows = (
            "print(" in cell.source
            or last.startswith("plots.")
            or re.fullmatch(r"[\w.]+(\(.*\))?", last) is not None
        )
        if shows and not cell.outputs and not cell.source.startswith(("my_", "transfer.freeze")):
            found.append(f"cell {number} shows something, but has no stored output")
        if any(re.match(r"\s*[%!]", line) for line in lines):
            found.append(
                f"cell {number} uses a magic or shell line, whose failure nbval would not see"
            )
        if any(len(line) > 100 for line in lines):
            found.append(
                f"cell {number} has a line of more than 100 characters, which a page cuts off"
            )
        if len(lines) > 25:
            found.append(f"cell {number} has {len(lines)} lines, more than 25")
        for output in cell.outputs:
            if output.output_type == "error" or output.get("name") == "stderr":
                found.append(f"cell {number} stores an error or text on stderr")
    return found


@every_notebook
def test_committed_notebook_has_no_findings(path):
    assert findings(path) == []


@every_notebook
def test_metadata_is_the_same_on_every_computer(path):
    notebook = nbformat.read(path, as_version=4)
    assert (
        set(notebook.metadata) == {"colab", "kernelspec", "language_info"}
        and notebook.metadata.colab == {"generative_ai_disabled": True}
        and notebook.metadata.kernelspec.name == "python3"
    )
    assert not re.search(r"/(tmp|home|root|Users)/", path.read_text("utf-8"))


@every_notebook
def test_at_most_15_percent_of_the_cells_are_excused_each_with_a_reason(path):
    excused = [
        cell
        for cell in code_cells(path)
        if EXCUSED & set(cell.metadata.get("tags", [])) or "NBVAL_" in cell.source
    ]
    assert len(excused) <= 0.15 * len(code_cells(path))
    assert all(cell.metadata.get("excused_because") for cell in excused)


@every_notebook
def test_setup_cell_and_badges_follow_the_one_address(path):
    notebook = nbformat.read(path, as_version=4)
    setup = code_cells(path)[0]
    assert setup.source == links.setup_cell() and setup.metadata.items() >= links.FOLDED.items()
    own = path.relative_to(paths.HOME).as_posix()
    places = [
        place
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for place in links.PLACE.finditer(cell.source)
    ]
    assert [place[1] for place in places] == [own]
    assert links.with_badges(places[0][0], links.REPOSITORY, links.TAG) == places[0][0]


@every_notebook
def test_links_to_other_notebooks_lead_to_a_file(path):
    texts = [
        cell.source
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "markdown"
    ]
    links = [link for text in texts for link in re.findall(r"\]\(([^):]+\.ipynb)\)", text)]
    assert [link for link in links if not (path.parent / link).is_file()] == []


def test_table_of_the_famous_sets_agrees_with_their_cards():
    table = next(
        cell.source
        for cell in nbformat.read(paths.chapter(1), as_version=4).cells
        if "| set | what it is for |" in cell.source
    )
    rows = {
        line.split("](")[0].lstrip("| ["): line
        for line in table.splitlines()
        if line.startswith("| [")
    }
    for name, size in {
        "mnist": "60,000 + 10,000",
        "fashion-mnist": "60,000 + 10,000",
        "sign-mnist": "27,455 + 7,172",
        "medical-mnist": "58,954",
        "cifar10": "6,000 a class",
        "cifar100": "600 a class",
    }.items():
        card, row = data.card(name), rows[data.card(name).title]
        train, test = card.splits["train"], card.splits["test"]
        assert size in row and size in (
            f"{train:,} + {test:,}",
            f"{train + test:,}",
            f"{(train + test) // len(card.classes):,} a class",
        )
        assert (
            f"{card.shape[1]}x{card.shape[2]} {'grey' if card.shape[0] == 1 else 'colour'} | {len(card.classes)} |"
            in row
        )


@pytest.mark.parametrize("path", paths.chapters(), ids=lambda path: path.stem)
def test_chapter_keeps_to_the_core_path(path):
    """What a chapter may hold by the clock; each section's minutes leave time for what stands in it, and together they are the chapter's."""
    cells, parts = nbformat.read(path, as_version=4).cells, clock.sections(path)
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    items = sum(text.count("**Exercise ") for text in texts)
    stated = sum(len(re.findall(r"\*\*Exercise \d\.\d+\.\*\* \(\d+ min", text)) for text in texts)
    assert items == stated, "an exercise without minutes"
    declared = sum(part.declared for part in parts)
    found = {
        "sections": len(parts) - 1,
        "code cells": sum(cell.cell_type == "code" for cell in cells),
        "minutes": clock.minutes(path, WAITS),
        "minutes declared": clock.SETUP + parts[0].minutes + declared,
        "words": sum(part.words for part in parts),
        "lines of code": sum(part.code + part.idiom for part in parts),
        "names of the package": len(clock.names_used(path)),
        "exercises": items,
        "minutes of exercises": sum(part.exercises for part in parts),
        "panels": sum(part.panels for part in parts),
    }
    assert {
        what: (found[what], limit) for what, limit in LIMITS.items() if found[what] > limit
    } == {}
    assert [part for part in parts[1:] if part.minutes > part.declared] == []


def test_chapter_3_prints_what_its_words_say():
    """nbval leaves numbers behind ~ and in figures alone; these bands are at least twice what seeds and draws differ by."""
    outputs = [output for cell in code_cells(paths.chapter(3)) for output in cell.outputs]
    shown = [(output.get("text"), output.get("data", {})) for output in outputs]
    texts = [text or data.get("text/html") or data.get("text/plain", "") for text, data in shown]

    def numbers(pattern):
        (found,) = (match for text in texts if (match := re.search(pattern, text)))
        return [float(number) for number in found.groups()]

    wrong, right = numbers(r"wrong mean and std: mean (0\.\d+).* right mean and std: mean (0\.\d+)")
    assert right - wrong > 0.06
    none, five = numbers(r"names alone: (0\.\d+) at 0.* head: .*(0\.\d+) at 5")
    assert abs(none - five) < 0.06
    frozen, tuned = numbers(r"frozen ~(\d+)%, fine-tuned ~(\d+)% of 300")
    (long,) = numbers(r"^~(\d+)% of 300 right")
    assert tuned > frozen + 3 and long < 30
    before, after = numbers(r"clothes: ~(\d+)% right before, ~(\d+)% after")
    assert before > after + 10
    grounds = r"usual grounds: ~(\d+) of 16 right, swapped: ~(\d+)"
    planted, mended = (re.search(grounds, text) for text in texts if "usual grounds" in text)
    assert int(planted[1]) > 14 and int(planted[2]) < 8 and min(map(int, mended.groups())) > 13
    own, strangers = numbers(r"vehicles: ~(\d+) of 24 refused\nstrangers: ~(\d+) of 78")
    assert own < 6 and strangers < 39
    (excerpts,) = (text for text in texts if text.startswith("def outputs("))
    assert sum(bool(line.strip()) for line in excerpts.splitlines()) <= 40


def inside(code) -> list:
    """A code object and those of all functions, classes and lambdas in it."""
    inner = [one for one in code.co_consts if hasattr(one, "co_code")]
    return [code, *(found for one in inner for found in inside(one))]


def undefined(cells: list[str]) -> set[str]:
    """The names that these cells read, run one after another in a fresh kernel, before one of them has defined them."""
    known, lacking = {"display", *vars(builtins)}, set()
    for source in cells:
        code, *inner = inside(compile(source, "cell", "exec"))
        for step in dis.get_instructions(code):
            if step.opname == "LOAD_NAME":
                lacking |= {step.argval} - known
            elif step.opname == "STORE_NAME":
                known.add(step.argval)
        for one in inner:  # runs when it is called, so after what stands around it
            steps = list(dis.get_instructions(one))
            own = {step.argval for step in steps if step.opname == "STORE_NAME"}
            read = {step.argval for step in steps if step.opname in ("LOAD_NAME", "LOAD_GLOBAL")}
            lacking |= read - own - known
    return lacking


@every_notebook
def test_every_section_defines_the_names_that_it_uses(path):
    """What nbval cannot see, for it runs the sections in turn; that each also runs is tested below, which takes minutes."""
    for title, cells in code_by_section(path).items():
        assert undefined([links.setup_cell(), *(cell.source for cell in cells)]) == set(), title


def test_a_name_of_another_section_is_found():
    assert undefined(
        ["import torch", "x = torch.ones(2)\nf = lambda: [x for x in y] + len(z)"]
    ) == {
        "y",
        "z",
    }
    assert undefined(["x = x + 1"]) == {"x"}
    assert undefined(["def f():\n    return g()", "class A:\n    b = 1\n    c = b", "g = f"]) == {
        "g"
    }


FORGET = "get_ipython().reset(new_session=False); from workshop_utils.models import weights; weights.kept.clear()"


@pytest.mark.slow
@every_notebook
def test_every_section_runs_alone_after_the_setup_cell(path):
    """Each section in its turn, in a kernel that has forgotten all names and all nets of the sections before."""
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    (setup,) = (cell for cell in notebook.cells if cell.source == links.setup_cell())
    notebook.cells = [
        cell
        for code in code_by_section(path).values()
        for cell in (nbformat.v4.new_code_cell(FORGET), setup.copy(), *code)
    ][1:]  # at first there is nothing to forget
    NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()


@pytest.fixture
def small_course(tmp_path):
    """A folder with the project's own pytest settings; returns a function that puts a small notebook into it, which passes unless it is changed."""
    for name in ("pyproject.toml", "conftest.py"):
        shutil.copy(paths.HOME / name, tmp_path / name)
    (tmp_path / "tests").mkdir()
    shutil.copy(paths.HOME / "tests/nbval_sanitize.cfg", tmp_path / "tests")

    def write(change=lambda cells: None, name="small"):
        cells = [
            nbformat.v4.new_code_cell(
                source,
                execution_count=number,
                outputs=[nbformat.v4.new_output("stream", name="stdout", text=text)]
                if text
                else [],
            )
            for number, (source, text) in enumerate(
                [("x = 2", ""), ("print(x)", "2\n"), ("print(x + 1)", "3\n")], 1
            )
        ]
        change(cells)
        notebook = nbformat.v4.new_notebook(
            cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        )
        path = tmp_path / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return path

    return write


def test_nbval_passes_what_is_unchanged_fails_what_is_not_and_skips_the_rest(small_course):
    path = small_course(name="same")
    small_course(lambda cells: cells[1].outputs[0].update(text="3\n"), "changed")
    small_course(lambda cells: cells[1].update(source="print(1 / 0)"), "raising")
    command = [sys.executable, "-m", "pytest", "-v", "-n0", "--color=no", "."]
    answer = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, timeout=600)
    said = re.findall(r"^(\w+)::ipynb::Cell \d (\w+)", answer.stdout, re.M)
    told = {name: [word for one, word in said if one == name] for name, _ in said}
    failed = ["PASSED", "FAILED", "SKIPPED"]
    assert told == {"same": ["PASSED"] * 3, "changed": failed, "raising": failed}
    assert answer.returncode == 1 and "ZeroDivisionError" in answer.stdout
    assert findings(path) == []


def test_a_stripped_cell_is_found(small_course):
    assert (
        "has no stored output"
        in findings(small_course(lambda cells: cells[1].update(outputs=[])))[0]
    )


def test_a_cell_that_was_never_run_is_found(small_course):
    assert (
        "execution counts"
        in findings(small_course(lambda cells: cells[1].update(outputs=[], execution_count=None)))[
            0
        ]
    )


@pytest.mark.parametrize("line", ["%matplotlibb inline", "!no-such-command"])
def test_magic_and_shell_lines_are_found(small_course, line):
    assert (
        "magic or shell line"
        in findings(small_course(lambda cells: cells[0].update(source=line)))[0]
    )


def test_text_on_stderr_is_found(small_course):
    warn = nbformat.v4.new_output("stream", name="stderr", text="UserWarning: look out")
    assert "stderr" in findings(small_course(lambda cells: cells[0].update(outputs=[warn])))[0]


def test_every_rule_of_the_sanitize_file_is_read_and_works():
    from nbval.plugin import get_sanitize_patterns

    text = (paths.HOME / "tests/nbval_sanitize.cfg").read_text("utf-8")
    patterns = get_sanitize_patterns(text)
    assert len(patterns) == len(re.findall(r"^regex:", text, re.M))
    (figure, words), (table, values), (panel, sentence), (about, number), (code, mark) = patterns
    assert (
        re.sub(
            figure, words, '<details class="in-words"><summary>a</summary>12.3\n%</details> rest'
        )
        == "FIGURE-IN-WORDS  rest"
    )
    measured = '<table class="measured"><caption>a</caption>\n0.873</table> rest'
    assert re.sub(table, values, measured) == "MEASURED-VALUES  rest"
    assert (
        re.sub(about, number, "the net ~87.5 % of 2,000, ~3") == "the net ABOUT  % of 2,000, ABOUT "
    )
    assert (
        re.sub(
            code, mark, "anna is on the scoreboard. The code of this run: anna:88.35:20000:9:0af"
        )
        == "anna is on the scoreboard. CODE "
    )
    assert (
        re.sub(panel, sentence, "Panel: Top-k. In words: 87.9 % of them.")
        == "Panel: Top-k. PANEL-IN-WORDS "
    )
