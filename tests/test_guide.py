"""What the guides say is what there is: sections and their minutes, the doctor's words."""

import re

import pytest

from slides import values
from workshop_utils.exercises import kit
from workshop_utils.tools import doctor

MINUTES = re.compile(r"(\d) \((\d+)\)")


@pytest.mark.parametrize("chapter", "123")
def test_afternoon_names_each_section_once_and_takes_about_45_minutes(chapter):
    table = values.GUIDE.read_text("utf-8").split("## An afternoon")[1].split("\n## ")[0]
    run, show, home = re.search(rf"(?m)^\| {chapter} \| (.+) \| (.+) \| (.+) \|$", table).groups()
    taken = {int(number): int(minutes) for number, minutes in MINUTES.findall(run + show)}
    sections = values.sections(chapter)
    assert sorted([*taken, *map(int, home.split(", "))]) == sorted(sections)
    assert 43 <= sum(taken.values()) <= 47
    assert all(minutes <= sections[number][1] for number, minutes in taken.items())


def test_questions_for_a_dark_room_need_no_computer():
    guide = values.GUIDE.read_text("utf-8")
    told = re.search(r"the questions ([\d., and]+) by a show of hands", guide)[1]
    assert all(kit.find(number).options for number in re.findall(r"\d\.\d+", told))


def test_lines_of_the_doctor_name_what_it_looks_at():
    lines = re.findall(
        r"`red (\S+) / yellow (\S+) / \w+ [\d.]+`", values.HELPERS.read_text("utf-8")
    )
    told = {name for line in lines for part in line for name in part.split(",")} - {"-"}
    assert len(lines) == 4 and told and told <= {*doctor.CHECKS}
