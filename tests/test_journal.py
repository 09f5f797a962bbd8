"""What a person did is kept: whole or not at all, by two notebooks at once, and as earlier versions kept it."""

import json
import os
import threading
import time

import pytest
from helpers import disk_with, loaded, started_python

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


def test_nothing_is_written_where_nothing_changes(folder):
    journal.change("a.txt", remove=["never there"])
    assert not (folder / "a.txt").exists()


WRITER = """
import sys, time
from workshop_utils import journal
for number in range(60):
    journal.change("a.txt", add=[f"{sys.argv[1]}{number}"])
    time.sleep(0.01)  # else the other, on a slow disk, could wait in vain until its ten seconds are over
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
    words = r"a.txt' cannot be written \(File too large\). Make room there"
    with disk_with(512), pytest.raises(OSError, match=words):
        journal.change("a.txt", add=[str(number) for number in range(999)])
    assert journal.load("a.txt") == ["one"]
    assert {path.name for path in folder.iterdir()} == {".lock", "a.txt"}


def test_disk_that_knows_no_locks_is_named(monkeypatch):
    def refuse(*_):
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    with pytest.raises(OSError, match="a.txt' cannot be written .*flock.* Make room there"):
        journal.change("a.txt", add=["one"])


def test_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("WORKSHOP_PROGRESS", str(tmp_path / "file"))
    assert journal.load("a.txt") == []
    with pytest.raises(OSError, match="a.txt' cannot be written .+ Make room there"):
        journal.change("a.txt", add=["one"])


def test_file_that_cannot_be_read_is_told_and_never_taken_for_empty(folder, capsys):
    (folder / "solved.txt").mkdir()  # as unreadable as a file of another user is, for root too
    with pytest.raises(OSError, match=r"solved.txt' cannot be read \("):
        journal.change("solved.txt", add=["1.1"])
    assert solved.remembered() == set()
    solved.remember("1.1")
    said = capsys.readouterr().out
    assert (
        "Which exercises are solved is not known" in said and "1.1 is solved could not be" in said
    )


def test_without_a_home_what_is_kept_says_which_variable_to_set(monkeypatch, capsys):
    monkeypatch.delenv("WORKSHOP_PROGRESS")
    monkeypatch.setenv("WORKSHOP_DATA", "~nobody-of-that-name/cache")
    with pytest.raises(OSError, match="no home folder. Set the environment variable HOME"):
        paths.folder()
    solved.remember("1.1")
    assert solved.remembered() == set() and "1.1 is solved could not" in capsys.readouterr().out
    clothes = loaded("fashion-mnist", "test").subset(range(2))
    panel = widgets.labelling(clothes)
    panel.controls["answer"].value = "9 Ankle boot"
    assert "Your answers hold until this kernel ends" in panel.sentence.value
    assert widgets.your_labels(clothes).predicted[0] == 9
    scoreboard.codes_here.clear()
    assert (
        "1 run, which took" in scoreboard.add(scoreboard.Run("anna", 88.5, 2, 9).code).description
    )
    assert "stays until this kernel ends" in capsys.readouterr().out
    scoreboard.codes_here.clear()


def test_lines_that_somebody_broke_cost_only_themselves(folder):
    good = json.dumps({"key": ["Coat", "sure"]})
    broken = ["[" * 100_000, '{"a":[["x"],"sure"]}', '{"a":["x",["sure"]]}', "3", good]
    (folder / "labels.json").write_text("\n".join(broken))
    assert widgets.labelling(loaded("fashion-mnist", "test").subset(range(2))).state["number"] == 1


# --- one way to write ---


STEPS = """
import os, signal, sys
from pathlib import Path
from workshop_utils import journal, paths

journal.change("a.txt", add=["old"])
for step in range(1, 100):
    child = os.fork()
    if not child:
        left = [step]
        def count(event, arguments):
            left[0] -= event == "open" or event.startswith("os.")
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
        sync = os.fsync
        os.fsync = lambda number: (count("os.fsync", ()), sync(number), count("os.fsync", ()))
        sys.addaudithook(count)
        journal.change("a.txt", add=["new"])
        os._exit(0)
    ended = os.waitpid(child, 0)[1]
    assert journal.load("a.txt") in (["old"], ["old", "new"]), journal.load("a.txt")
    if ended == 0:
        break
    journal.change("a.txt", remove=["new"])
print(step, sorted(os.listdir(paths.folder())))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills as Unix does")
def test_killed_at_any_step_the_old_lines_or_the_new_ones_are_there_and_nothing_else_stays(folder):
    said, complaints = started_python(STEPS).communicate()
    assert not complaints and int(said.split()[0]) > 5
    assert said.split(maxsplit=1)[1].strip() == "['.lock', 'a.txt']"


@pytest.mark.parametrize("name", ["kept.x", "kept[1].x"])
def test_what_a_killed_process_left_goes_with_the_next_writing_and_nothing_else(tmp_path, name):
    code = "import os, signal\nfrom pathlib import Path\nfrom workshop_utils import paths\n"
    code += "os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
    code += f"paths.write(Path({str(tmp_path / name)!r}), b'half')"
    started_python(code).communicate()
    (left,) = tmp_path.glob("kept*.part")
    dead = left.name.removeprefix(f"{name}.").partition("-")[0]  # here; there it may be at work
    foreign = tmp_path / f"{name}.1.elsewhere.part"
    young, old = (left.with_name(f"{name}.{dead}-1.{one}-computer.part") for one in ("my", "old"))
    for path, hours in ((foreign, 25), (young, 23), (old, 25)):
        path.touch()
        os.utime(path, (time.time() - 3600 * hours,) * 2)
    paths.write(tmp_path / name, b"whole")
    assert not left.exists() and not old.exists() and foreign.exists() and young.exists()


def test_content_is_safe_on_the_disk_before_it_takes_the_name(tmp_path, monkeypatch):
    done, sync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (done.append("safe"), sync(number)))
    monkeypatch.setattr(os, "replace", lambda *both: (done.append("named"), replace(*both)))
    paths.write(tmp_path / "a.txt", b"content")
    assert done == ["safe", "named"]


def test_two_threads_that_write_one_file_do_not_write_into_each_other(tmp_path, monkeypatch):
    asides, replace = set(), os.replace
    monkeypatch.setattr(os, "replace", lambda *both: (asides.add(both[0]), replace(*both)))
    other = threading.Thread(target=paths.write, args=(tmp_path / "a.txt", b"content"))
    other.start(), other.join()
    paths.write(tmp_path / "a.txt", b"content")
    assert len(asides) == 2


def test_file_keeps_its_rights_and_a_link_goes_on_leading_where_it_led(tmp_path):
    (file := tmp_path / "file").write_bytes(b"old")
    file.chmod(0o640)
    (link := tmp_path / "link").symlink_to(file)
    paths.write(link, b"new")
    assert link.is_symlink() and file.read_bytes() == b"new"
    assert file.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["x" * 250, "ط" * 120])
def test_long_names_are_written(tmp_path, name):
    paths.write(tmp_path / name, b"content")
    assert [path.name for path in tmp_path.glob(f"{name[:9]}*")] == [name]


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
    assert "2 runs, which took" in scoreboard.add(other).description
    assert paths.folder() == folder and journal.load("scoreboard.txt") == [code, other]
