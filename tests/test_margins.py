"""The script that measures how near a notebook's printed claims are to flipping."""

import ast

import pytest

from tests.benchmarks.margins import Watch, report


def watched(code: str) -> dict[str, list[float]]:
    watch = Watch()
    exec(compile(watch.visit(ast.parse(code)), "cell", "exec"), {"margin_of": watch})
    return watch.found


def test_printed_inequality_keeps_its_answer_and_leaves_its_distance(capsys):
    found = watched("a = 7\nprint('three:', a > 3, 9 <= a, 0 < a < 8)\na < 5")
    assert capsys.readouterr().out == "three: True False True\n"
    assert found == {"a > 3": [4], "9 <= a": [-2], "0 < a < 8": [1]}


def test_rounded_number_leaves_its_distance_unless_it_follows_a_tilde(capsys):
    found = watched("m = 6.5\nprint(f'{m:.0f}, ~{m:.0f}, {m:.2f}, {m / 8:.0%}, {m}')")
    assert capsys.readouterr().out == "6, ~6, 6.50, 81%, 6.5\n"
    assert found == {
        "{m:.0f}": [0],
        "{m:.2f}": [0.5],
        "{m / 8:.0%}": [pytest.approx(0.25)],
    }


def test_words_have_no_distance(capsys):
    assert watched("print('a' < 'b')") == {} and capsys.readouterr().out == "True\n"


def test_report_names_what_flipped_and_puts_the_nearest_claim_first():
    runs = {
        "as it is": (["x: True", "2"], {"far > 0": [5.0], "near > 0": [0.1]}),
        "seeds + 1": (["x: False", "2"], {"far > 0": [4.0], "near > 0": [-0.2]}),
    }
    told = report(runs)
    assert "FLIPPED under seeds + 1, code cell 0" in told and "code cell 1" not in told
    assert told.index("near > 0") < told.index("far > 0")
