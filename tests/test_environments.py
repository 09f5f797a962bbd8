"""Unusual users and places: no home, another folder, an isolated Python, a terminal that knows no accents."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import REPOSITORY, fresh_python

from workshop_utils.exercises import kit

COURSE = str(REPOSITORY / "workshop_utils")
# what a container's user without an entry in the list of users sees
HOMELESS = "import os, pwd\nos.environ.pop('HOME', None)\ndef nobody(uid): raise KeyError(uid)\npwd.getpwuid = nobody\n"
unix = pytest.mark.skipif(sys.platform == "win32", reason="homes are found as Unix does")


def plain(**more: str) -> dict[str, str]:
    """This environment without what moves the course's folders."""
    moving = ("WORKSHOP_DATA", "WORKSHOP_PROGRESS", "PYTHONPATH", "XDG_CACHE_HOME")
    return {name: value for name, value in os.environ.items() if name not in moving} | more


@pytest.mark.parametrize(
    "how, more",
    [(["-I"], {}), ([], {"PYTHONSAFEPATH": "1", "LC_ALL": "C", "PYTHONUTF8": "0"})],
    ids=["isolated", "safe path and C"],
)
def test_commands_run_by_their_folder_from_anywhere(tmp_path, how, more):
    here = tmp_path / "a folder, häßlich"
    here.mkdir()
    answer = subprocess.run(
        [sys.executable, *how, COURSE, "mirror", "größe"],
        cwd=here,
        env=plain(PYTHONIOENCODING="ascii", **more),
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 1 and "holds no published file" in answer.stderr, answer.stderr
    assert "Traceback" not in answer.stderr


@unix
def test_user_without_a_home_works_with_what_is_bundled_and_is_told_what_to_set_for_the_rest():
    code = f"""{HOMELESS}
from workshop_utils import data, exercises, plots
from workshop_utils.__main__ import main
print(len(data.load("mnist", "test")), len(plots.bars({{"a": 1}}, "x").png()) > 0)
exercises.check("2.2", 2416)
for command in (["mirror"], ["download", "mnist"], ["start", "--no-browser"]):
    print(main(command))
"""
    answer = fresh_python(code, env={"WORKSHOP_DATA": "", "WORKSHOP_PROGRESS": ""}, timeout=None)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("1000 True") and answer.stdout.endswith("1\n1\n1\n")
    assert "2.2. Right." in answer.stdout and "could not be noted" in answer.stdout
    assert answer.stderr.count("no home folder. Set the environment variable HOME to a folder") == 3


@unix
@pytest.mark.parametrize("kind", ["absent", "closed"])
def test_home_that_cannot_be_written_costs_no_verdict(tmp_path, monkeypatch, capsys, kind):
    (tmp_path / "file").touch()
    for name in ("WORKSHOP_DATA", "WORKSHOP_PROGRESS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "file" if kind == "closed" else Path("/proc/none")))
    kit.check("2.2", 2416)
    said = capsys.readouterr().out
    assert "2.2. Right." in said and "could not be noted" in said


def test_home_with_blanks_and_accents_keeps_what_was_solved(tmp_path, monkeypatch, capsys):
    for name in ("WORKSHOP_DATA", "WORKSHOP_PROGRESS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "Zoë Müller, 家"))
    kit.check("2.2", 2416)
    kit.progress(2)
    assert "1 of 14 solved" in capsys.readouterr().out
