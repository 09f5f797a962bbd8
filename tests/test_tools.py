"""The commands, the setup cell, and the tables that notebooks show."""

import base64
import hashlib
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import helpers
import nbformat
import pytest
import servers
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from workshop_utils import __main__ as commands
from workshop_utils import data, models, paths, plots
from workshop_utils.figure import alt
from workshop_utils.tables import Table
from workshop_utils.tools import download, execute, links, mirror, start

PLACE = "<!-- badges notebooks/01_first.ipynb -->"


def notebook(*cells) -> nbformat.NotebookNode:
    return new_notebook(
        cells=[cell if not isinstance(cell, str) else new_code_cell(cell) for cell in cells]
    )


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A course of two chapters in an empty folder."""
    monkeypatch.setattr(paths, "HOME", tmp_path)
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(start, "MINE", tmp_path / "my-workshop")
    monkeypatch.setattr(
        models, "weights_file", lambda name, folder: (folder / f"{name}.safetensors").touch()
    )
    (tmp_path / "notebooks").mkdir()
    for name in ("01_first", "02_second"):
        cell = new_code_cell(
            "print(1)", execution_count=4, outputs=[new_output("stream", text="1\n")]
        )
        nbformat.write(
            notebook(new_markdown_cell(f"# {name}\n{PLACE}"), cell),
            tmp_path / "notebooks" / f"{name}.ipynb",
        )
    return tmp_path


# --- start ---


def test_working_copy_has_no_outputs_and_the_original_keeps_its_own(home):
    original = paths.chapter(1)
    copy = nbformat.read(start.working_copy(original), as_version=4)
    assert (
        copy.cells[0].source == "# 01_first\n<!-- badges notebooks/01_first.ipynb -->"
        and copy.cells[1].source == "print(1)"
        and copy.cells[1].outputs == []
        and copy.cells[1].execution_count is None
    )
    assert nbformat.read(original, as_version=4).cells[1].outputs[0].text == "1\n"


def test_working_copy_is_never_overwritten(home):
    copy = start.working_copy(paths.chapter(1))
    copy.write_text("my own work", "utf-8")
    assert start.working_copy(paths.chapter(1)) == copy and copy.read_text("utf-8") == "my own work"


def test_fresh_copy_keeps_the_old_one_under_a_dated_name(home, capsys):
    copy = start.working_copy(paths.chapter(1))
    copy.write_text("my own work", "utf-8")
    assert (
        nbformat.read(start.working_copy(paths.chapter(1), fresh=True), as_version=4)
        .cells[1]
        .source
        == "print(1)"
    )
    (old,) = (path for path in copy.parent.glob("01_first.*.ipynb"))
    assert (
        old.read_text("utf-8") == "my own work"
        and f"my-workshop/{old.name}" in capsys.readouterr().out
    )


def test_two_fresh_copies_at_once_keep_both_old_ones(home):
    for text in ("first", "second"):
        start.working_copy(paths.chapter(1)).write_text(text, "utf-8")
        start.working_copy(paths.chapter(1), fresh=True)
    assert {path.read_text("utf-8") for path in start.MINE.glob("01_first.*.ipynb")} == {
        "first",
        "second",
    }


def test_start_opens_the_asked_chapter_and_copies_the_others_beside_it(home, monkeypatch, capsys):
    called = []
    monkeypatch.setattr(
        subprocess, "call", lambda command, cwd, env: called.append((command, cwd)) or 0
    )
    assert commands.main(["start", "2", "--no-browser"]) == 0
    ((command, folder),) = called
    assert (
        "--LabApp.default_url=/lab/tree/my-workshop/02_second.ipynb" in command
        and "--no-browser" in command
        and folder == home
    )
    mine = home / "my-workshop"
    assert {path.name for path in mine.iterdir()} == {
        "01_first.ipynb",
        "02_second.ipynb",
        "at_work.py",
        "efficientnet_lite0.safetensors",
    }
    (mine / "at_work.py").write_text("changed by me", "utf-8")
    assert commands.main(["start", "--no-browser"]) == 0
    assert (mine / "at_work.py").read_text("utf-8") == "changed by me"


def test_companion_is_copied_below_the_chapters_so_that_links_between_them_hold(home, monkeypatch):
    monkeypatch.setattr(subprocess, "call", lambda *_, **__: 0)
    (paths.NOTEBOOKS / "deeper").mkdir()
    shutil.copy(paths.chapter(1), paths.NOTEBOOKS / "deeper/01_more.ipynb")
    assert commands.main(["start", "--no-browser"]) == 0
    assert (home / "my-workshop/deeper/01_more.ipynb").is_file() and paths.notebooks()[
        -1
    ].name == "01_more.ipynb"


def test_unknown_chapter_is_answered_with_those_that_exist(home, capsys):
    assert commands.main(["start", "7"]) == 1
    assert capsys.readouterr().err == "There is no chapter 7. There are: 1, 2.\n"


# --- execute ---


def with_output(**fields) -> nbformat.NotebookNode:
    return notebook(new_code_cell("cell", outputs=[new_output(**fields)]))


def test_normalise_numbers_the_cells_and_drops_widget_views_and_their_state():
    data = {"text/plain": "Panel", "image/png": "iVBOR", execute.WIDGET: {"model_id": "1"}}
    raw = notebook(
        new_markdown_cell("# Title"),
        "",
        new_code_cell(
            "show",
            execution_count=9,
            outputs=[new_output("execute_result", data, execution_count=9)],
        ),
    )
    raw.metadata.widgets = {"state": {}}
    made = execute.normalise(raw, Path("chapter.ipynb"))
    assert (
        "widgets" not in made.metadata
        and made.cells[2].execution_count == made.cells[2].outputs[0].execution_count == 1
    )
    assert dict(made.cells[2].outputs[0].data) == {"text/plain": "Panel", "image/png": "iVBOR"}


@pytest.mark.parametrize("storable", (True, False))
def test_picture_that_may_not_be_passed_on_is_left_out_and_its_words_stay(storable):
    figure = plots.bars({"a": 1.0}, "x")
    figure.storable = storable
    picture, words = figure.bundles()
    outputs = [
        new_output("display_data", bundle, metadata=alt(bundle, figure))
        for bundle in (picture, words)
    ]
    made = execute.normalise(notebook(new_code_cell("cell", outputs=outputs)), Path("a.ipynb"))
    kept, said = (output.data for output in made.cells[0].outputs)
    assert ("image/png" in kept) == storable
    assert kept["text/plain"] == f"Figure: x{'' if storable else ' (seen where its cell is run)'}"
    assert dict(said) == words
    nbformat.validate(made)


def test_normalise_refuses_stderr_and_names_the_cell():
    with pytest.raises(RuntimeError, match="chapter.ipynb, code cell 1 wrote to stderr: careful"):
        execute.normalise(
            with_output(output_type="stream", name="stderr", text="careful\n"),
            Path("chapter.ipynb"),
        )


@pytest.mark.parametrize(
    "fields",
    [
        {"output_type": "stream", "text": f"reading {Path.home()}/pictures"},
        {"output_type": "display_data", "data": {"text/html": f"<b>{paths.HOME}/data</b>"}},
        {"output_type": "display_data", "data": {"text/plain": sys.prefix + "/lib"}},
    ],
    ids=["home in a stream", "course in html", "Python in text"],
)
def test_normalise_refuses_paths_of_this_computer(fields):
    with pytest.raises(RuntimeError, match="code cell 1 shows a path of this computer"):
        execute.normalise(with_output(**fields), Path("chapter.ipynb"))


def test_execute_stores_what_the_cells_print_and_names_the_one_that_fails(tmp_path):
    path = tmp_path / "chapter.ipynb"
    nbformat.write(notebook("answer = 6 * 7", "print(answer)"), path)
    assert commands.main(["execute", str(path)]) == 0
    assert nbformat.read(path, as_version=4).cells[1].outputs[0].text == "42\n"


def test_notebook_that_names_a_kernel_of_another_computer_is_run_in_this_one(tmp_path):
    path = tmp_path / "chapter.ipynb"
    made = notebook("print(1)")
    made.metadata["kernelspec"] = {"name": ".venv", "display_name": ".venv", "language": "python"}
    nbformat.write(made, path)
    assert commands.main(["execute", str(path)]) == 0
    assert nbformat.read(path, as_version=4).metadata["kernelspec"]["name"] == "python3"


def test_cell_that_ends_its_kernel_is_named(tmp_path, capsys):
    path = tmp_path / "chapter.ipynb"
    nbformat.write(notebook("print(1)", "import os; os._exit(1)"), path)
    assert commands.main(["execute", str(path)]) == 1
    assert "chapter.ipynb, cell 1: Kernel died" in capsys.readouterr().err


def test_notebook_with_a_failing_cell_is_not_written(tmp_path, capsys):
    path = tmp_path / "chapter.ipynb"
    nbformat.write(notebook("print(1)", "1 / 0"), path)
    before = path.read_bytes()
    assert commands.main(["execute", str(path)]) == 1
    assert path.read_bytes() == before and "chapter.ipynb, cell 1:" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"3",
        b'{"payload": {}}',
        b"<<<<<<< HEAD\n{}",
        b"<html></html>",
        b'{"cells": [1], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
)
def test_what_is_no_notebook_is_named_and_left_as_it_was(tmp_path, content, capsys):
    path = tmp_path / "page.ipynb"
    path.write_bytes(content)
    assert commands.main(["execute", str(path)]) == 1
    said = capsys.readouterr().err
    assert "page.ipynb' is no notebook that can be read" in said and len(said) < 700
    assert path.read_bytes() == content


def test_notebook_that_is_not_there_or_a_folder_is_named(tmp_path, capsys):
    for path in (tmp_path / "none.ipynb", tmp_path):
        assert commands.main(["execute", str(path)]) == 1
        assert f"'{path}' cannot be read (" in capsys.readouterr().err


# --- links ---


def test_badges_point_to_the_new_address_and_keep_their_notebook():
    text = f"# Title {PLACE} and [![mine](https://elsewhere.org/a.svg)](https://elsewhere.org)"
    made = links.with_badges(text, "us/course", "v1.2")
    here = "github.com/us/course/blob/v1.2/notebooks/01_first.ipynb)"
    assert f"https://colab.research.google.com/{here.replace('.com', '', 1)}" in made
    assert f"https://kaggle.com/kernels/welcome?src=https://{here}" in made
    assert made.count("us/course") == 2 and made.count("https://elsewhere.org") == 2
    assert links.with_badges(PLACE, "us/course", "v1").startswith("[![")  # so it is Markdown
    anew = links.with_badges(made, "them/course", "v2")
    assert "us/course" not in anew and anew.count("them/course") == 2
    assert links.with_badges(anew, *links.NOWHERE.values()) == text
    assert links.without_pictures(made).count("![") == 1  # the one that is no badge


@pytest.fixture
def unpublished(home, monkeypatch):
    """The course of two chapters, without an address."""
    monkeypatch.setattr(links, "ADDRESS", home / "address.json")
    monkeypatch.setattr(links, "REPOSITORY", "OWNER/NAME")
    monkeypatch.setattr(links, "TAG", "TAG")
    (home / "README.md").write_text(f"| one | {PLACE} |\n", "utf-8")
    assert commands.main(["links"]) == 0
    return home


def files_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_links_rewrites_address_badges_setup_cells_and_readme_together(unpublished, capsys):
    capsys.readouterr()
    assert commands.main(["links", "--repo", "us/course", "--ref", "v1"]) == 0
    chapter = nbformat.read(paths.chapter(2), as_version=4)
    address = json.loads((unpublished / "address.json").read_text("utf-8"))
    assert address == {"repository": "us/course", "tag": "v1"}
    assert chapter.cells[1].source == links.setup_cell("us/course", "v1")
    assert chapter.cells[1].metadata.jupyter.source_hidden  # folded, and in Colab a form
    assert chapter.cells[1].metadata.cellView == "form"
    assert chapter.metadata.colab.generative_ai_disabled
    assert all(
        "github/us/course/blob/v1/notebooks/01_first.ipynb" in text
        for text in (chapter.cells[0].source, (unpublished / "README.md").read_text("utf-8"))
    )
    said = capsys.readouterr().out
    for word in ("README.md", "02_second.ipynb", "commit these files", "--repo OWNER/NAME"):
        assert word in said


def test_links_with_the_former_address_brings_every_file_back(unpublished):
    before = files_of(unpublished)
    assert PLACE in before[unpublished / "README.md"].decode()
    assert not any(
        b"colab-badge" in content for content in before.values()
    )  # nobody could click it
    assert commands.main(["links", "--repo", "us/course", "--ref", "v1"]) == 0
    assert commands.main(["links", "--repo", "us/course", "--ref", "v2"]) == 0
    assert (unpublished / "README.md").read_bytes().count(b"colab-badge") == 1
    assert commands.main(["links", "--repo", "OWNER/NAME", "--ref", "TAG"]) == 0
    assert files_of(unpublished) == before


def test_links_leaves_peoples_own_notebooks_alone_and_writes_nothing_beside_a_damaged_one(
    unpublished, capsys
):
    home = unpublished
    own = home / "notebooks" / "Untitled.ipynb"
    nbformat.write(notebook("my own work"), own)
    before = own.read_bytes()
    assert commands.main(["links", "--repo", "us/course", "--ref", "v1"]) == 0
    assert own.read_bytes() == before
    (home / "notebooks" / "02_second.ipynb").write_text("<<<<<<< HEAD")
    before = files_of(home)
    assert commands.main(["links", "--repo", "them/course", "--ref", "v2"]) == 1
    assert "02_second.ipynb' is no notebook" in capsys.readouterr().err
    assert files_of(home) == before


@pytest.mark.parametrize(
    "wrong", [["--repo", "no-owner"], ["--repo", 'a/b"; import os'], ["--ref", "v1 v2"]]
)
def test_address_of_another_form_is_refused_and_nothing_is_written(home, wrong, capsys):
    assert commands.main(["links", *wrong]) == 1
    assert "is not of the form" in capsys.readouterr().err


# --- download and mirror ---


@pytest.fixture
def two_sets(monkeypatch):
    """MNIST and Fashion-MNIST with one small file each, on a host of this computer; the host."""
    contents = {"mnist.bin": bytes(1000), "fashion.bin": bytes(2000)}
    with servers.server(lambda handler: servers.serve(contents[handler.path[1:]])(handler)) as host:
        for name, file in (("mnist", "mnist.bin"), ("fashion-mnist", "fashion.bin")):
            files = (servers.published(file, contents[file], f"{host.url}/{file}"),)
            servers.change_card(monkeypatch, name, files=files)
        yield host


def test_download_fills_the_folder_and_fetches_nothing_twice(two_sets, tmp_path, capsys):
    for _ in range(2):
        assert commands.main(["download", "mnist", "fashion-mnist", "--to", str(tmp_path)]) == 0
    assert (tmp_path / "mnist/mnist.bin").read_bytes() == bytes(1000) and (
        tmp_path / "fashion-mnist/fashion.bin"
    ).read_bytes() == bytes(2000)
    assert len(two_sets.asked) == 2 and f"WORKSHOP_DATA={tmp_path}" in capsys.readouterr().out


def test_download_brings_the_others_when_one_fails_and_says_so_at_the_end(
    two_sets, tmp_path, monkeypatch, capsys
):
    gone = servers.published("gone.bin", b"x", "http://127.0.0.1:1/gone.bin")
    servers.change_card(monkeypatch, "mnist", files=(gone,))
    assert (
        commands.main(["download", "mnist", "imagenet", "fashion-mnist", "--to", str(tmp_path)])
        == 1
    )
    assert (tmp_path / "fashion-mnist/fashion.bin").exists()
    out, said = capsys.readouterr()
    assert "Use the folder with" in out
    assert (
        "full MNIST is not on this computer" in said
        and "ImageNet (ILSVRC 2012) cannot be downloaded" in said
    )


@pytest.mark.parametrize(
    "arguments, sentence",
    [(["mnits"], "Did you mean 'mnist'"), ([], "Say what to download: mnist, .*--all")],
)
def test_download_of_nothing_known_is_answered_before_the_first_byte(
    arguments, sentence, tmp_path, capsys
):
    assert commands.main(["download", *arguments, "--to", str(tmp_path / "new")]) == 1
    assert re.search(sentence, capsys.readouterr().err) and not (tmp_path / "new").exists()


def test_everything_but_imagenet_may_be_downloaded():
    assert set(download.downloadable()) == {card.name for card in data.catalog()} - {
        "imagenet",
        "clip-art",
        "photographs",
        "photos",
    }


@pytest.mark.parametrize(
    "cuda, lists",
    [(None, ["requirements-cpu.txt", "requirements.txt"]), ("13.0", ["requirements.txt"])],
)
def test_wheels_are_of_the_build_of_torch_that_is_here(tmp_path, monkeypatch, capsys, cuda, lists):
    import torch

    called = []
    plan = {
        "install": [
            {
                "metadata": {"name": "torch", "version": "2.14.1+cpu"},
                "download_info": {"archive_info": {"hashes": {"sha256": "ab12"}}},
            }
        ]
    }
    planned = SimpleNamespace(returncode=0, stdout=json.dumps(plan))
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: planned)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(
        subprocess, "call", lambda command: called.append(Path(command[-1]).name) or 0
    )
    assert commands.main(["download", "--wheels", "--to", str(tmp_path)]) == 0
    chosen = tmp_path / "wheels" / "hashes.txt"
    told = f"pip install --no-index --require-hashes --find-links {chosen.parent} -r {chosen}"
    assert called == lists and told in capsys.readouterr().out
    assert "torch==2.14.1+cpu --hash=sha256:ab12\n" in chosen.read_text("utf-8")


def wheel(folder: Path, name: str, text: str = "", version: str = "1.0", needs: str = "") -> Path:
    """The smallest package that pip installs: one module."""
    info = f"{name}-{version}.dist-info"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    facts = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    facts += [f"Requires-Dist: {needs}"] if needs else []
    files = {
        f"{name}.py": text,
        f"{info}/METADATA": "\n".join([*facts, ""]),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    sums = [
        f"{file},sha256={base64.urlsafe_b64encode(hashlib.sha256(raw.encode()).digest()).decode().rstrip('=')},{len(raw)}"
        for file, raw in files.items()
    ]
    with zipfile.ZipFile(path, "w") as archive:
        for file, raw in {**files, f"{info}/RECORD": "\n".join([*sums, ""])}.items():
            archive.writestr(file, raw)
    return path


@pytest.mark.slow
def test_package_that_was_changed_after_the_download_is_refused(tmp_path, monkeypatch, capfd):
    import torch

    (tmp_path / "shop").mkdir()
    monkeypatch.setattr(paths, "HOME", tmp_path)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    for name, text in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "shop")}.items():
        monkeypatch.setenv(name, text)
    (tmp_path / "constraints.txt").write_text("", "utf-8")
    (tmp_path / "requirements.txt").write_text("honest\n", "utf-8")
    wheel(tmp_path / "shop", "honest")
    assert commands.main(["download", "--wheels", "--to", str(tmp_path / "stick")]) == 0
    (told,) = re.findall("python -m (pip install .*)", capfd.readouterr().out)
    install = [sys.executable, "-m", *told.split(), "--target"]
    monkeypatch.delenv("PIP_FIND_LINKS")
    assert subprocess.call([*install, str(tmp_path / "one")]) == 0
    assert (tmp_path / "one/honest.py").is_file()
    wheel(tmp_path / "stick/wheels", "honest", "print('planted')")
    assert subprocess.call([*install, str(tmp_path / "two")]) == 1
    assert "DO NOT MATCH THE HASHES" in capfd.readouterr().err


def test_download_of_which_nothing_came_does_not_say_use_the_folder(tmp_path, capsys):
    assert commands.main(["download", "imagenet", "--to", str(tmp_path)]) == 1
    out, said = capsys.readouterr()
    assert not out and "ImageNet (ILSVRC 2012) cannot be downloaded" in said


@pytest.mark.parametrize("wrong", ["windows", "beos-3.12", "windows-3.9", "windows-3.12,", "3.12"])
def test_system_that_is_not_known_is_answered_with_those_that_are(wrong, capsys):
    with pytest.raises(SystemExit):
        commands.main(["download", "--wheels", "--for", wrong])
    assert "Systems: windows, macos, linux; Pythons: 3.11 to 3.14." in capsys.readouterr().err


def test_packages_for_another_system_without_uv_say_how_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(download.shutil, "which", lambda *_, **__: None)
    wanted = ["download", "--wheels", "--for", "macos-3.13", "--to", str(tmp_path)]
    assert commands.main(wanted) == 1
    out, said = capsys.readouterr()
    assert "need uv: python -m pip install uv" in said and not out


def shop(folder: Path, *wheels: Path) -> str:
    """The address of an index of packages on this disk."""
    for path in wheels:
        page = folder / path.name.partition("-")[0] / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(f'<a href="{path.as_uri()}">{path.name}</a>', "utf-8")
    return folder.as_uri()


@pytest.mark.slow
@pytest.mark.skipif(not download.resolver(), reason="without uv; .ci/weekly has it")
def test_packages_for_other_systems_are_those_that_they_need(tmp_path, monkeypatch, capfd):
    """--cpu as well, on two indexes of this disk: PyTorch's own is not asked."""
    nvidia = 'nvidia; sys_platform == "linux"'
    usual = [
        wheel(tmp_path, "torch", version="2.0", needs=nvidia),
        wheel(tmp_path, "nvidia"),
        wheel(tmp_path, "lab", needs='pywinpty; os_name == "nt"'),
        wheel(tmp_path, "pywinpty"),
    ]
    without = shop(tmp_path / "cpu", wheel(tmp_path, "torch", version="2.0+cpu"))
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"):
        monkeypatch.setenv(name, shop(tmp_path / "usual", *usual))
    for name in ("PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setattr(paths, "HOME", tmp_path)
    (tmp_path / "constraints.txt").write_text("torch==2.0\n", "utf-8")
    (tmp_path / "requirements.txt").write_text("torch\nlab\n", "utf-8")
    (tmp_path / "requirements-cpu.txt").write_text(f"--index-url {without}\ntorch==2.0\n")
    to = ["--to", str(tmp_path / "stick")]
    asked = ["download", "--wheels", "--cpu", "--for", "windows-3.12, linux-3.13", *to]
    assert commands.main(asked) == 0, capfd.readouterr().err
    found = {path.name.partition("-py3")[0] for path in (tmp_path / "stick/wheels").glob("*.whl")}
    assert found == {"torch-2.0", "torch-2.0+cpu", "lab-1.0", "pywinpty-1.0"}
    lists = {
        path.name: path.read_text("utf-8") for path in (tmp_path / "stick/wheels").glob("*.txt")
    }
    pinned = {name: re.findall(r"^\S+==\S+", text, re.M) for name, text in lists.items()}
    assert pinned == {
        "hashes-windows-3.12.txt": ["lab==1.0", "pywinpty==1.0", "torch==2.0"],
        "hashes-linux-3.13.txt": ["lab==1.0", "torch==2.0+cpu"],
    }
    told = re.findall("python -m (pip install .*linux-3.13.txt)", capfd.readouterr().out)
    install = [sys.executable, "-m", *told[0].split(), "--target", str(tmp_path / "one")]
    assert subprocess.call(install) == 0 and (tmp_path / "one/torch.py").is_file()


def test_cpu_builds_are_of_the_versions_that_the_tests_ran_with():
    asked, tested = (
        set((helpers.REPOSITORY / name).read_text("utf-8").splitlines())
        for name in ("requirements-cpu.txt", "constraints.txt")
    )
    assert {line for line in asked if line.startswith("torch")} == {
        line for line in tested if line.startswith(("torch==", "torchvision=="))
    }


@contextmanager
def mirror_of(folder):
    files = partial(mirror.Handler, mirror.served(folder))
    server = mirror.Server((mirror.ANYWHERE, 0), files)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def ask(url: str, **options):
    try:
        with urlopen(Request(url, **options), timeout=60) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


def test_attendee_fetches_from_the_instructors_computer_alone(two_sets, tmp_path, monkeypatch):
    commands.main(["download", "mnist", "fashion-mnist", "--to", str(tmp_path / "instructor")])
    two_sets.asked.clear()
    with mirror_of(tmp_path / "instructor") as url:
        monkeypatch.setenv("WORKSHOP_MIRROR", url)
        assert commands.main(["download", "mnist", "--to", str(tmp_path / "attendee")]) == 0
    assert (tmp_path / "attendee/mnist/mnist.bin").read_bytes() == bytes(
        1000
    ) and not two_sets.asked


def test_mirror_serves_whole_published_files_and_wheels_and_nothing_else(two_sets, tmp_path):
    commands.main(["download", "mnist", "fashion-mnist", "--to", str(tmp_path)])
    (tmp_path / "fashion-mnist/fashion.bin").write_bytes(b"damaged")
    (tmp_path / "mnist/secret.txt").write_text("mine")
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels/torch-1+cpu.whl").write_bytes(b"wheel")
    with mirror_of(tmp_path) as url:
        assert ask(f"{url}/mnist/mnist.bin") == (200, bytes(1000))
        assert ask(f"{url}/wheels/torch-1%2Bcpu.whl") == (200, b"wheel")
        status, page = ask(f"{url}/wheels/")
        assert status == 200 and b'href="/wheels/torch-1%2Bcpu.whl"' in page
        for path in (
            "/mnist/secret.txt",
            "/fashion-mnist/fashion.bin",
            "/mnist/../mnist/secret.txt",
            "/%2e%2e/%2e%2e/etc/passwd",
            "//etc/passwd",
            "/mnist",
            "/x/",
        ):
            assert ask(url + path)[0] == 404, path
        for method in ("PUT", "POST", "DELETE"):
            assert ask(f"{url}/mnist/mnist.bin", method=method)[0] == 501
    assert (tmp_path / "mnist/mnist.bin").read_bytes() == bytes(1000)


def test_mirror_says_how_many_sets_and_packages_it_serves(two_sets, tmp_path):
    assert mirror.contents({}) == f"0 of {len(download.downloadable())} data sets, 0 packages"
    (tmp_path / "wheels").mkdir()
    for name in ("one", "two"):
        wheel(tmp_path / "wheels", name)
    commands.main(["download", "mnist", "--to", str(tmp_path)])
    assert mirror.contents(mirror.served(tmp_path)).startswith("1 of ")
    assert mirror.contents(mirror.served(tmp_path)).endswith(" data sets, 2 packages")


def test_mirror_of_an_empty_folder_says_how_to_fill_it(tmp_path, capsys):
    assert commands.main(["mirror", str(tmp_path)]) == 1
    assert (
        "holds no published file. Fill it with: python -m workshop_utils download --all"
        in capsys.readouterr().err
    )


@pytest.fixture
def wheels(tmp_path):
    """A folder with one package of 1,000 bytes, and what must not be served beside it."""
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels/big.whl").write_bytes(bytes(range(250)) * 4)
    (tmp_path / "wheels/.secret.whl").write_bytes(b"mine")
    (tmp_path / "outside.whl").write_bytes(b"mine")
    (tmp_path / "wheels/link.whl").symlink_to(tmp_path / "outside.whl")
    return tmp_path


@pytest.mark.parametrize(
    "asked, status, piece",
    [
        ("bytes=10-19", 206, slice(10, 20)),
        ("bytes=990-", 206, slice(990, 1000)),
        ("bytes=0-", 206, slice(0, 1000)),
        ("bytes=900-5000", 206, slice(900, 1000)),
        ("bytes=1000-", 416, None),
        ("bytes=20-10", 416, None),
        ("bytes=-10", 200, slice(0, 1000)),
        ("bytes=1-2,5-6", 200, slice(0, 1000)),
        ("lines=1-2", 200, slice(0, 1000)),
    ],
)
def test_mirror_sends_the_piece_that_is_asked_for(wheels, asked, status, piece):
    with mirror_of(wheels) as url:
        found, sent = ask(f"{url}/wheels/big.whl", headers={"Range": asked})
    assert found == status and (piece is None or sent == (bytes(range(250)) * 4)[piece])


def test_mirror_tells_a_files_size_without_sending_it_and_nothing_of_itself(wheels):
    with mirror_of(wheels) as url, urlopen(Request(f"{url}/wheels/big.whl", method="HEAD")) as head:
        assert (head.headers["Content-Length"], head.read()) == ("1000", b"")
        assert "Python" not in str(head.headers) and "html" not in head.headers["Content-Type"]


def test_mirror_lists_and_serves_no_hidden_file_and_nothing_from_outside(wheels):
    with mirror_of(wheels) as url:
        assert re.findall(b"[.\\w]+whl(?=<)", ask(f"{url}/")[1]) == [b"big.whl"]
        for name in (".secret.whl", "link.whl", "../outside.whl", "%2e%2e/outside.whl"):
            assert ask(f"{url}/wheels/{name}")[0] == 404


def test_mirror_closes_a_line_whose_question_drips_or_has_no_end(wheels, monkeypatch):
    monkeypatch.setattr(mirror, "QUESTION_SECONDS", 0.3)
    with mirror_of(wheels) as url:
        port = int(url.rpartition(":")[2])
        for drop in (b"G", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000):
            with socket.create_connection(("127.0.0.1", port)) as line:
                line.settimeout(0.05)
                for _ in range(10_000):  # until the other side has had enough
                    try:
                        line.sendall(drop)
                        if not line.recv(100):
                            break
                    except TimeoutError:
                        continue
                    except ConnectionError:
                        break
                else:
                    pytest.fail("the mirror listens for ever")
        monkeypatch.setattr(mirror, "QUESTION_SECONDS", 60)  # for who asks as others do
        assert ask(f"{url}/wheels/big.whl")[0] == 200


def test_mirror_with_all_lines_taken_by_people_who_say_nothing_answers_who_asks(
    wheels, monkeypatch
):
    monkeypatch.setattr(mirror, "LINES", 2)
    monkeypatch.setattr(mirror.Server, "lines", threading.BoundedSemaphore(2))
    monkeypatch.setattr(mirror, "SECONDS_IN_A_CROWD", 0.3)
    with mirror_of(wheels) as url:
        port = int(url.rpartition(":")[2])
        idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
        with urlopen(f"{url}/wheels/big.whl") as answer:
            assert len(answer.read()) == 1000
        for line in idle:
            line.close()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this computer has no IPv6")
def test_mirror_answers_in_both_families(wheels):
    with mirror_of(wheels) as url:
        assert ask(f"http://[::1]:{url.rpartition(':')[2]}/wheels/big.whl")[0] == 200


def test_port_that_cannot_be_had_is_answered_with_another(wheels, capsys):
    with socket.create_server(("", 0)) as taken:
        for port in (taken.getsockname()[1], 70_000):
            assert commands.main(["mirror", str(wheels), "--port", str(port)]) == 1
            said = capsys.readouterr().err
            assert said.startswith(f"Port {port} cannot be used") and "--port 8001" in said


def test_interrupt_ends_the_mirror_and_every_other_command_in_a_sentence(
    wheels, monkeypatch, capsys
):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(mirror.Server, "serve_forever", interrupted)
    assert commands.main(["mirror", str(wheels), "--port", "0"]) == 0
    assert "The mirror has stopped." in capsys.readouterr().out
    monkeypatch.setattr(download, "run", interrupted)
    assert commands.main(["download", "--all"]) == 130
    assert "Stopped. What is whole stays" in capsys.readouterr().err


@pytest.mark.slow
def test_room_of_twenty_slow_computers_gets_every_byte(tmp_path):
    """Each reads 12 kB a second at first, with the small buffers of a bad Wi-Fi, for longer than a silent line is kept."""
    (tmp_path / "wheels").mkdir()
    content = random.Random(0).randbytes(3_000_000)
    (tmp_path / "wheels/big.whl").write_bytes(content)
    ends = []

    def throttled(port: int) -> None:
        with socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            line.connect(("127.0.0.1", port))
            line.sendall(b"GET /wheels/big.whl HTTP/1.0\r\n\r\n")
            got, began = b"", time.monotonic()
            while part := line.recv(6000):
                got += part
                if time.monotonic() - began < 1.5 * mirror.SILENT_SECONDS:
                    time.sleep(0.5)
            ends.append(got.partition(b"\r\n\r\n")[2] == content)

    with mirror_of(tmp_path) as url:
        port = int(url.rpartition(":")[2])
        room = [threading.Thread(target=throttled, args=(port,)) for _ in range(20)]
        for person in room:
            person.start()
        for person in room:
            person.join()
    assert ends == [True] * 20


# --- the setup cell ---


def run_setup(folder: Path, code: str, **environment) -> subprocess.CompletedProcess:
    """The cell in a fresh Python, as a kernel started in that folder runs it; git may read local folders only."""
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH",)}
    clean |= {
        "GIT_ALLOW_PROTOCOL": "file",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "PYTHONDONTWRITEBYTECODE": "1",
        **environment,
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=clean,
        capture_output=True,
        text=True,
        timeout=300,
    )


def package(folder: Path) -> Path:
    """The least that counts as the course."""
    (folder / "workshop_utils").mkdir(parents=True)
    (folder / "workshop_utils" / "__init__.py").write_text("", "utf-8")
    return folder


@pytest.fixture
def published(tmp_path):
    """Environment under which https://github.com/us/course.git is a bare repository of this computer, with the tag v1."""
    work, bare = package(tmp_path / "work"), tmp_path / "hub" / "us" / "course.git"
    git = [
        "git",
        "-c",
        "user.name=test",
        "-c",
        "user.email=test@example.org",
        "-c",
        "init.defaultBranch=main",
    ]
    for command in (
        ["init", "--quiet"],
        ["add", "."],
        ["commit", "--quiet", "-m", "Begin"],
        ["tag", "v1"],
    ):
        subprocess.run([*git, *command], cwd=work, check=True)
    subprocess.run(["git", "clone", "--quiet", "--bare", str(work), str(bare)], check=True)
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{tmp_path / 'hub'}/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
    }


READY = "The course is ready. With the bundled pictures nothing below needs a network.\nAfter a restart of the kernel run this cell again, then a section from its top.\n"


def test_setup_cell_without_a_published_address_says_so_and_does_not_clone(tmp_path):
    result = run_setup(tmp_path, links.setup_cell("OWNER/NAME", "TAG"))
    assert (
        result.returncode == 1
        and "The course is not here" in result.stderr
        and "Traceback" not in result.stderr
    )
    assert list(tmp_path.iterdir()) == []


def test_setup_cell_in_an_empty_folder_clones_the_tag(tmp_path, published):
    empty = tmp_path / "colab"
    empty.mkdir()
    result = run_setup(empty, links.setup_cell("us/course", "v1"), **published)
    assert (result.returncode, result.stdout) == (0, READY), result.stderr
    assert (empty / "course" / "workshop_utils" / "__init__.py").is_file()


def test_setup_cell_clones_without_a_word_on_stderr(tmp_path, published):
    assert run_setup(tmp_path, links.setup_cell("us/course", "v1"), **published).stderr == ""


def test_setup_cell_says_in_a_sentence_that_the_course_cannot_be_fetched(tmp_path):
    nowhere = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{tmp_path.as_uri()}/none/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
    }
    answer = run_setup(tmp_path, links.setup_cell("us/course", "v1"), **nowhere)
    assert "could not be fetched" in answer.stderr and "Traceback" not in answer.stderr


def test_setup_cell_run_again_and_in_a_new_kernel_clones_nothing_more(tmp_path, published):
    empty = tmp_path / "colab"
    empty.mkdir()
    code = links.setup_cell("us/course", "v1")
    twice = run_setup(
        empty,
        f"code = {code!r}\nexec(code)\nexec(code)\nprint(sys.path.count(str(home)))",
        **published,
    )
    assert twice.stdout == READY * 2 + "1\n", twice.stderr
    again = run_setup(empty, code)  # without the way to the hub
    assert (again.returncode, again.stdout) == (0, READY)


@pytest.mark.parametrize("below", [".", "notebooks", "notebooks/deeper", "my-workshop"])
def test_setup_cell_inside_the_course_finds_it_and_fetches_nothing(tmp_path, below):
    folder = package(tmp_path / "course") / below
    folder.mkdir(parents=True, exist_ok=True)
    result = run_setup(
        folder, links.setup_cell("us/course", "v1") + "\nprint(workshop_utils.__file__)"
    )
    assert result.stdout == f"{READY}{tmp_path / 'course' / 'workshop_utils' / '__init__.py'}\n", (
        result.stderr
    )
    assert not (folder / "course").exists()


def test_setup_cell_is_short_enough_to_read():
    assert len(links.setup_cell().splitlines()) <= 21


# --- tables ---


@dataclass
class Row:
    name: str
    count: int | None
    share: float


ROWS = Table(
    [Row("<cat>", 12345, 0.5), Row("dog", None, 1 / 3)],
    {"name": lambda row: row.name, "count": lambda row: row.count, "share": lambda row: row.share},
    "Two & more",
)


def test_table_lines_up_as_text():
    assert (
        repr(ROWS) == "Two & more\nname   count   share\n<cat>  12,345  0.500\ndog            0.333"
    )


def test_table_in_html_escapes_what_people_wrote():
    html = ROWS._repr_html_()
    assert (
        "&lt;cat&gt;" in html
        and "<cat>" not in html
        and "<caption>Two &amp; more</caption>" in html
        and html.count("<tr>") == 3
    )


def test_table_is_still_a_list():
    assert (
        len(ROWS) == 2 and ROWS[1].name == "dog" and [row.name for row in ROWS] == ["<cat>", "dog"]
    )
