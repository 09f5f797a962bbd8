"""The page to print: it says what was solved, and nothing else."""

import re

import pytest

from workshop_utils import exercises
from workshop_utils.exercises import kit, solved


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKSHOP_PROGRESS", str(tmp_path / "progress"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_certificate_lists_what_was_solved_and_nothing_else(folder):
    for _ in range(2):
        solved.miss("1.1")
    solved.miss("2.1")  # missed, never solved
    for number in ("1.1", "1.2", "2.2"):
        solved.remember(number)
    page = exercises.certificate(" Amina Diallo ").read_text("utf-8")
    cells = re.findall("<td.*?>(.*?)</td>", page)
    assert cells[::3] == ["1.1", "1.2", "2.2"]
    assert cells[2::3] == ["after 2 misses", "at first try", "at first try"]
    total = sum(len(kit.exercises(chapter)) for chapter in kit.CHAPTERS)
    assert f"solved 3 of {total} exercises" in page and ">Amina Diallo</h1>" in page
    assert f"Chapter 1: 2 of {len(kit.exercises(1))}" in page and "Chapter 3" not in page
    assert "://" not in page  # nothing from the web


def test_name_is_shown_as_it_was_typed(folder):
    solved.remember("1.1")
    page = exercises.certificate("<b>أمينة</b>", folder / "mine.html").read_text("utf-8")
    assert '<h1 dir="auto">&lt;b&gt;أمينة&lt;/b&gt;</h1>' in page


@pytest.mark.parametrize("name", ["", "  ", "n" * 61, None, 7])
def test_without_a_name_it_says_how_to_give_one(name, folder):
    solved.remember("1.1")
    with pytest.raises(ValueError, match="Put your name in quotes"):
        exercises.certificate(name)
    assert not list(folder.glob("*.html"))


def test_where_nothing_is_solved_there_is_none(folder):
    solved.miss("1.1")
    with pytest.raises(ValueError, match="Nothing is solved yet"):
        exercises.certificate("Amina")
    assert not list(folder.glob("*.html"))


def test_folder_that_cannot_be_written_is_named(folder):
    solved.remember("1.1")
    (folder / "file").touch()
    with pytest.raises(OSError, match="cannot be written"):
        exercises.certificate("Amina", folder / "file/mine.html")
