"""What is printed for a room: all of it is read where it stands, and nothing comes from the web."""

import re
from html import unescape

import pytest

from slides import printables
from workshop_utils.exercises import kit

BLANK_LINES = printables.page()


def words(page: str) -> str:
    return unescape(re.sub("<[^>]+>", "", page))


@pytest.mark.parametrize("chapter", kit.CHAPTERS)
def test_helpers_read_of_each_exercise_what_its_record_says(chapter):
    text = words(BLANK_LINES)
    lacking = [
        one.number
        for one in kit.exercises(chapter)
        if one.mistake not in text or one.nudge not in text
    ]
    assert lacking == []


def test_the_six_questions_are_six_and_stand_on_both_cards():
    questions = printables.six_questions()
    assert [number for number, _ in questions] == list("123456")
    assert [words(BLANK_LINES).count(text) for _, text in questions] == [2] * 6


def test_what_is_not_known_is_a_line_to_write_on_and_what_is_known_stands_there():
    assert BLANK_LINES.count(printables.BLANK) == 3 and "<svg" not in BLANK_LINES
    given = printables.page(people="Amina & <Bilal>")
    assert given.count(printables.BLANK) == 2 and "Amina & <Bilal>" in words(given)


def test_address_gets_a_code_for_phones_and_nothing_is_fetched():
    pytest.importorskip("segno", reason="comes with tests/requirements-browser.txt")
    address = "http://192.168.1.7:8000"
    page = printables.page(room=address)
    assert page.count("<svg") == 1 and f"</svg> {address}" in page
    assert not re.search(r"src=|url\(|@import|<link|<script", page)
