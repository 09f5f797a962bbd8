"""What a person did is kept: whole or not at all, by two notebooks at once, and as earlier versions kept it."""

import json

import pytest
from helpers import full_disk, loaded, started_python

from workshop_utils import journal, paths, scoreboard, widgets
from workshop_utils.exercises import solved


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKSHOP_PROGRESS", str(tmp_path / "solved"))
    (tmp_path / "solved").mkdir()
    return tmp_path / "solved"


def test_lines_come_back_in_order_each_once_and_can_be_taken_away():
    assert journal.load("a.txt") == []
    journal.change("a.txt", add=["one", "two"])
    journal.change("a.txt", add=["three", "one"], remove=["never there"])
    assert journal.load("a.txt") == ["two", "three", "one"]
    journal.change("a.txt", remove=["two", "one"])
    assert journal.load("a.txt") == ["three"]


WRITER = """
import sys
from workshop_utils import journal
for number in range(60):
    journal.change("a.txt", add=[f"{sys.argv[1]}{number}"])
"""


def test_two_notebooks_at_once_lose_nothing_of_each_other(folder):
    writers = [started_python(WRITER, letter) for letter in "ab"]
    assert [writer.communicate()[1] for writer in writers] == ["", ""]
    assert set(journal.load("a.txt")) == {f"{letter}{n}" for letter in "ab" for n in range(60)}


def test_torn_last_line_does_not_swallow_the_next(folder):
    (folder / "a.txt").write_bytes(b"one\nto\xff")
    journal.change("a.txt", add=["three"])
    assert journal.load("a.txt") == ["one", "to\N{REPLACEMENT CHARACTER}", "three"]


def test_full_disk_leaves_all_as_it_was(folder):
    journal.change("a.txt", add=["one"])
    code = 'from workshop_utils import journal\njournal.change("a.txt", add=[str(n) for n in range(999)])'
    said = started_python(full_disk(512) + code).communicate()[1]
    assert "a.txt' cannot be written (File too large). Make room there" in said
    assert journal.load("a.txt") == ["one"]


def test_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("WORKSHOP_PROGRESS", str(tmp_path / "file"))
    assert journal.load("a.txt") == []
    with pytest.raises(OSError, match="a.txt' cannot be written .+ Make room there"):
        journal.change("a.txt", add=["one"])


# --- what earlier versions kept ---


def test_empty_files_of_solved_exercises_count_and_can_be_forgotten(folder):
    (folder / "1.1").touch(), (folder / "2.10").touch()
    solved.remember("2.2")
    assert solved.remembered() == {"1.1", "2.10", "2.2"}
    solved.forget(["1.1", "2.2"])
    assert solved.remembered() == {"2.10"} and not (folder / "1.1").exists()


def test_labels_that_were_one_object_are_read_and_added_to(folder, capsys):
    clothes = loaded("fashion-mnist", "test").subset(range(3))
    panel = widgets.labelling(clothes)
    panel.controls["answer"].value = "9 Ankle boot"
    old = {
        key: said for line in journal.load("labels.json") for key, said in json.loads(line).items()
    }
    elsewhere = folder.with_name("elsewhere")
    elsewhere.mkdir()
    (elsewhere / "labels.json").write_text(json.dumps({**old, "another": ["Coat", "not sure"]}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKSHOP_PROGRESS", str(elsewhere))
        panel = widgets.labelling(clothes)
        assert panel.state["number"] == 2
        panel.controls["answer"].value = "2 Pullover"
        lines = journal.load("labels.json")
    assert json.loads(lines[0])["another"] == ["Coat", "not sure"] and len(lines) == 2
    with pytest.MonkeyPatch.context() as patch:
        (copy := folder.with_name("copy")).mkdir()
        (copy / "labels.json").write_bytes((elsewhere / "labels.json").read_bytes())
        patch.setenv("WORKSHOP_PROGRESS", str(copy))  # as after a restart
        assert widgets.your_labels(clothes).predicted[:2].tolist() == [9, 2]


def test_scoreboard_of_an_earlier_version_is_read(folder):
    code = scoreboard.Run("anna", 88.5, 20_000, 9).code
    (folder / "scoreboard.txt").write_text(f"{code}\n")
    other = scoreboard.Run("bob", 80.0, 20_000, 9).code
    assert "2 best of 2 runs" in scoreboard.add(other).description
    assert paths.folder() == folder and journal.load("scoreboard.txt") == [code, other]
