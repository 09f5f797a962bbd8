"""The scoreboard: runs become codes, codes become a ranking."""

import pytest
from helpers import tiny_net
from torch import nn

from workshop_utils import evaluation, journal, models, paths, scoreboard
from workshop_utils.evaluation import Predictions
from workshop_utils.scoreboard import Run
from workshop_utils.training import History

EARLIER = "anna:88.50:20000:9:3c3"  # as the first version printed it


@pytest.fixture(autouse=True)
def empty_board(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKSHOP_PROGRESS", str(tmp_path))
    scoreboard.codes_here.clear()


def keep(name: str, right: int, net=None, history: History | None = None, *, of: int = 4):
    """A run of a net that has `right` pictures right of four, or of another number."""
    said = [[0.9, 0.1] if number < right else [0.1, 0.9] for number in range(of)]
    return scoreboard.keep(
        name,
        net or tiny_net(),
        evaluation.evaluate(Predictions(said, [0] * of, ("a", "b"))),
        history or History(1, seconds=3.4),
    )


def test_run_is_kept_beyond_the_kernel_and_its_code_is_printed(capsys):
    keep("Anna B.", 2, of=3)
    code = capsys.readouterr().out.split("run: ")[1].strip()
    assert code.startswith("Anna-B-:66.67:99:3:") and " " not in code
    scoreboard.codes_here.clear()  # as after a restart
    assert "1. Anna-B-: 66.67 %, 99 parameters, 3 s." in scoreboard.add().description


def test_name_may_be_a_number():
    assert "1. 7: 50.00 %" in keep(7, 2).description


def test_name_of_any_length_becomes_a_code_that_is_read():
    keep("Wolfeschlegelsteinhausenbergerdorff", 2)
    scoreboard.codes_here.clear()  # as after a restart
    assert "1. Wolfeschlegelsteinha: 50.00 %" in scoreboard.add().description


def test_codes_of_a_room_are_ranked_by_accuracy_then_by_size():
    room = " ".join(
        Run(*run).code
        for run in (
            ("big", 88.5, 40_000, 9),
            ("small", 88.5, 20_000, 9),
            ("best", 90.25, 49_000, 12),
        )
    )
    words = scoreboard.add(room).description
    assert (
        words.index("1. best") < words.index("2. small") < words.index("3. big")
        and "3 runs, which took 0.5 minutes" in words
    )


def test_equals_stay_in_the_order_in_which_they_came_whichever_notebook_kept_them():
    first, other, last = (Run(name, 88.5, 20_000, 9).code for name in ("ann", "bob", "cyd"))
    scoreboard.add(first)
    journal.change("scoreboard.txt", add=[other])
    scoreboard.add(last)
    words = scoreboard.add().description
    assert words.index("1. ann") < words.index("2. bob") < words.index("3. cyd")


def test_keep_gives_the_ranking_of_all_and_any_module_counts(capsys):
    keep("anna", 1)
    scoreboard.add(
        " ".join(Run(f"run-{number}", 80 + number / 10, 20_000, 9).code for number in range(60))
    )
    words = keep("own", 4, nn.TransformerEncoderLayer(8, 2, 16)).description
    assert words.startswith("62 runs, which took") and "1. own: 100.00 %" in words
    assert "62. anna: 25.00 %" in words and "46. run-15: 81.50 %" in words


def test_net_of_the_course_is_listed_without_a_place(capsys):
    words = keep("me", 4, models.ready("lenet-mnist")).description
    said = capsys.readouterr().out
    assert "without a place (begun from a net of the course)" in said and ":course:" in said
    assert "1. me" not in words and "me: 100.00 %" in words
    assert "1. anna: 25.00 %" in keep("anna", 1).description


def test_interrupted_training_is_no_result(capsys):
    history = History(4, loss=[1.0, 0.5], seconds=3.0, stopped="interrupted")
    words = keep("me", 4, history=history).description
    assert "(stopped by you after 2 of 4 epochs; not a result)" in words and "1. me" not in words
    code = capsys.readouterr().out.split("run: ")[1].strip()
    scoreboard.codes_here.clear()
    assert "after 2 of 4 epochs; not a result" in scoreboard.add(code).description


def test_code_of_an_earlier_version_is_read():
    assert "1. anna: 88.50 %, 20,000 parameters, 9 s." in scoreboard.add(EARLIER).description


def test_dots_stand_at_the_accuracies_and_those_without_a_place_look_otherwise():
    codes = [Run("a", 88.5, 4, 9).code, Run("b", 99.0, 50_001, 9).code]
    axes = scoreboard.add(" ".join(codes)).axes[0]
    assert [float(dot.get_xdata()[0]) for dot in axes.lines] == [88.5, 99.0]
    assert [dot.get_marker() for dot in axes.lines] == ["o", "D"]
    assert "does not begin at 0" in axes.get_xlabel() and axes.get_xlim()[0] > 80


def test_net_over_the_budget_is_listed_last_and_without_a_place():
    words = scoreboard.add(
        f"{Run('huge', 99.0, 50_001, 9).code}\n{Run('fair', 80.0, 50_000, 9).code}"
    ).description
    assert (
        words.index("1. fair") < words.index("huge: 99.00 %, 50,001 parameters, 9 s (too large)")
        and "2. huge" not in words
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda code: code.replace("88.50", "98.50"),
        lambda code: code[:-1],
        lambda code: "anna",
        lambda code: code.replace("anna", ""),
        lambda code: code.replace(":9:", ":9:course:"),
        lambda code: Run("anna", 100.5, 20_000, 9).code,
    ],
)
def test_misread_code_is_named_and_the_others_are_kept(capsys, change):
    good, other = Run("anna", 88.5, 20_000, 9).code, Run("bob", 80.0, 20_000, 9).code
    words = scoreboard.add(f"{change(good)} {other}").description
    assert "is no code, or one character of it is wrong" in capsys.readouterr().out
    assert "1. bob" in words and "anna" not in words


def test_same_code_twice_is_one_run_and_an_empty_board_says_what_to_do():
    assert "The scoreboard is empty" in scoreboard.add().description
    code = Run("anna", 88.5, 20_000, 9).code
    scoreboard.add(code)
    assert "1 run, which took" in scoreboard.add(f"{code}, {code}\n").description


def test_folder_that_cannot_be_written_keeps_runs_for_this_kernel(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("WORKSHOP_PROGRESS", str(tmp_path / "file"))
    keep("anna", 2)
    assert "1. anna: 50.00 %" in scoreboard.add().description


def test_damaged_file_costs_only_its_damaged_lines():
    keep("anna", 2)
    with open(paths.folder() / "scoreboard.txt", "ab") as file:
        file.write(b"\xff\xfe nonsense\n")
    scoreboard.codes_here.clear()  # as after a restart
    assert (
        "1. anna" in scoreboard.add().description
        and "1 run, which took" in scoreboard.add().description
    )
